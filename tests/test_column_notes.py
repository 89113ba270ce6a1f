"""What a fit warns of in its columns, and what it does not."""

import uuid
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shared import objects
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from skdistill import ContinualClassifier, DistilledClassifier, MLPStudent, TabularEncoder

DATA = Path(__file__).parent.parent / "benchmarks" / "data"
N = 400
RNG = np.random.default_rng(0)
PRICES = RNG.uniform(18, 900, N).round(2)
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "again"]


def sometimes(values, other, every=20):
    """The values, with another in one cell of 20: in 20 of the 400."""
    cells = objects(values)
    cells[::every] = other
    return cells


def notes_on(values, **params):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)  # of what other tests have left open
        TabularEncoder(**params).fit(pd.DataFrame({"c": values}))
    assert all(issubclass(one.category, UserWarning) for one in caught)
    return [str(one.message) for one in caught]


TEXT = PRICES.astype(str)
NUMBERS_AS_TEXT = {
    "all": (TEXT, "text that reads as numbers, '[0-9.]+' for one, and each of its"),
    "blank": (sometimes(TEXT, " "), r"and 20 cell\(s\) that do not, as \[' '\]"),
    "empty": (sometimes(TEXT, ""), r"and 20 cell\(s\) that do not, as \[''\]"),
    "question mark": (sometimes(TEXT, "?"), r"and 20 cell\(s\) that do not, as \['\?'\]"),
    "NA": (sometimes(sometimes(TEXT, "NA"), "n/a", 40), r"and 20 cell\(s\) .*\['NA', 'n/a'\]"),
    "missing": (sometimes(sometimes(TEXT, None), "-", 40), r"and 10 cell\(s\) that do not, as"),
    "numbers": (sometimes(PRICES, "?"), r"holds numbers, [0-9.]+ for one, and 20 cell\(s\) that"),
    "whole": (sometimes(RNG.integers(0, 9, N), "?"), r"holds numbers, .* 20 cell\(s\)"),
    "few": (sometimes((PRICES.astype(int) % 9 / 2).astype(str), ""), r"'0.0' for .* 20 cell\(s\)"),
    "comma": ([text.replace(".", ",") for text in TEXT], "without its signs and separators"),
    "currency": (sometimes([f"${v:,.2f}" for v in PRICES * 99], "-"), r"\$.* for one, and 20 cell"),
    "code": ([f"{v} EUR" for v in PRICES], "without its signs and separators"),
    "percent": ([f"{v}%" for v in PRICES], "take them away and convert it, as by pd.to_numeric"),
    "exponent": ([f"{v:e}" for v in PRICES], "text that reads as numbers"),
}


@pytest.mark.parametrize("name", NUMBERS_AS_TEXT)
def test_numbers_as_text(name):
    values, message = NUMBERS_AS_TEXT[name]
    (note,) = notes_on(values)
    assert note.startswith("TabularEncoder: column 'c' holds ")
    assert "If it is a quantity" in note
    assert pd.Series([note]).str.contains(message)[0], note


IDENTIFIERS = {
    "uuid": [str(uuid.UUID(int=int(i))) for i in RNG.integers(0, 2**60, N)],
    "nearly": sometimes([f"C-{i:05}" for i in range(N)], "C-00001", 50),
    "codes": [f"{i:05}" for i in range(N)],
    "categorical": pd.Categorical(np.arange(N)),
}


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_identifiers(name):
    (note,) = notes_on(IDENTIFIERS[name])
    assert "column 'c' looks like an identifier: it has" in note
    assert "different values in 400 rows. As categories they cost" in note


def test_whole_numbers_that_are_identifiers():
    rows = np.random.default_rng(0).permutation(N)
    sample = np.random.default_rng(0).choice(4000, N, replace=False)
    for values in (np.arange(N), rows, 10_000 + rows, sample.astype(float)):
        (note,) = notes_on(values)
        assert "column 'c' looks like an identifier, or the number of the row" in note
    (note,) = notes_on(np.where(rows == 7, np.nan, rows))  # but one, which is missing
    assert "column 'c' looks like an identifier, or the number of the row" in note
    assert not notes_on(np.where(rows % 2, np.nan, rows))
    large = np.random.default_rng(0).choice(10**9, N, replace=False)
    assert not notes_on(large)  # as amounts are all different
    for name in ("id", "customer_id", "customerID", "PassengerId", "Unnamed: 0", "row-ID"):
        with pytest.warns(UserWarning, match="looks like an identifier, or the number of"):
            TabularEncoder().fit(pd.DataFrame({name: large}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TabularEncoder().fit(pd.DataFrame({"paid": large, "humid": large, "id": large % 7}))


def test_free_text():
    rng = np.random.default_rng(0)
    (note,) = notes_on([" ".join(rng.choice(WORDS, 6)) for _ in range(N)])
    assert "column 'c' looks like free text: it has" in note
    assert "leave it out, or turn it into numbers" in note


def test_columns_of_nothing():
    X = pd.DataFrame(
        {"x": [np.nan] * 9, "y": np.arange(9) % 2, "z": pd.array([None] * 9, "string")}
    )
    with pytest.warns(UserWarning, match=r"column\(s\) \['x', 'z'\] hold no value .* 4 columns"):
        TabularEncoder().fit(X)


def test_values_that_came_after_the_first_fit():
    """The encoder goes on as it is: they would be dropped without a word."""
    X = pd.DataFrame({"x": RNG.normal(size=60), "late": np.nan, "one": 3.0})
    y = (X["x"] > 0).astype(int)
    later = X.assign(late=RNG.normal(size=60), one=3.0)
    student = MLPStudent((4,), n_steps=20)
    teacher = DecisionTreeClassifier(max_depth=2, random_state=0)
    clf = DistilledClassifier(teacher, student, transfer=None, random_state=0)
    with pytest.warns(UserWarning, match=r"\['late'\] hold no value"):
        continual = ContinualClassifier(clf, random_state=0).partial_fit(X, y)
    with pytest.warns(UserWarning, match=r"column\(s\) \['late'\] had one value or none"):
        continual.partial_fit(later, y)


QUIET = {
    "floats": PRICES,
    "levels": RNG.choice(["a", "b c", "d"], N),
    "few codes": RNG.integers(1, 13, N).astype(str),
    "months": [f"{i % 12 + 1:02}" for i in range(N)],
    "few codes with blanks": sometimes(RNG.integers(1, 13, N).astype(str), ""),
    "postcodes": [f"0{i % 90 + 1000}" for i in range(N)],
    "grades": sometimes(RNG.choice(list("ABCDE"), N), "1"),
    "bools": RNG.random(N) < 0.5,
    "some hundred levels": [f"shop {i % 150}" for i in range(N)],
    "ages": RNG.integers(18, 90, N),
    "amounts": np.exp(RNG.normal(10, 2, N)).astype(int),
    "sentences of a form": [WORDS[i % 7] + " and some more words here" for i in range(N)],
    "addresses of machines": [f"192.168.{i % 3}.{i % 40}" for i in range(N)],
}


@pytest.mark.parametrize("name", QUIET)
def test_ordinary_columns_are_not_warned_of(name):
    assert notes_on(QUIET[name]) == []


def test_few_rows_are_not_warned_of():
    assert notes_on([f"C-{i}" for i in range(20)]) == []
    assert notes_on(np.arange(20)) == []


def test_real_tables_are_not_warned_of():
    for path in sorted(DATA.glob("*.parquet")):
        X = pd.read_parquet(path).drop(columns="target")
        X = X.sample(min(len(X), 2000), random_state=0)  # storms are in order of time
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            TabularEncoder().fit(X)
    for load in (load_iris, load_wine, load_digits, load_breast_cancer):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            TabularEncoder().fit(load(return_X_y=True, as_frame=True)[0])


def to_numbers(X):
    return X.assign(c=pd.to_numeric(X["c"], errors="coerce").fillna(0))


def test_a_fit_warns_once_and_tells_the_bytes():
    X = pd.DataFrame({"c": NUMBERS_AS_TEXT["blank"][0], "d": np.arange(N) % 7, "e": [None] * N})
    y = (PRICES > 300).astype(int)
    tree = DecisionTreeClassifier(max_depth=3)
    teacher = make_pipeline(FunctionTransformer(lambda X: to_numbers(X)[["c", "d"]]), tree)
    student = MLPStudent((8,), n_steps=20)
    clf = DistilledClassifier(teacher, student, transfer=None, cv=2, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)
        clf.fit(X, y)
    notes = [str(one.message) for one in caught]
    assert len(notes) == 2, notes
    n_known = len(clf.encoder_.categories_[0])
    assert notes[0].startswith("DistilledClassifier: the column(s) ['e'] hold no value at all.")
    assert notes[1].startswith("DistilledClassifier: column 'c' holds text that reads as numbers")
    assert f"they cost {n_known:,} columns, about {n_known * 8 * 4:,} bytes of the" in notes[1]


def test_an_encoder_of_ones_own_warns_in_the_name_of_the_fit():
    X = pd.DataFrame({"c": IDENTIFIERS["uuid"], "d": np.arange(N) % 7})
    soft = np.random.default_rng(0).dirichlet(np.ones(2), N)
    encoder, student = TabularEncoder("codes"), MLPStudent((8,), n_steps=20)
    clf = DistilledClassifier(student=student, encoder=encoder, transfer=None)
    with pytest.warns(UserWarning, match="^DistilledClassifier: column 'c' looks like an ident"):
        clf.fit(X, soft_targets=soft)
