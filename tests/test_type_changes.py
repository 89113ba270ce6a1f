"""Categories that change their type between fit and predict: the same answer, or an error."""

import functools
from decimal import Decimal

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest
from shared import objects

from skdistill import DistilledClassifier, MLPStudent, Scorer, TabularEncoder, to_onnx

FITTED = {
    "text": ["a", "b", "c"],
    "int text": ["11", "22", "33"],
    "padded text": ["01", "02", "10"],
    "float text": ["1.0", "2.5", "3.0"],
    "ambiguous text": ["1", "1.0", "2"],
    "bool text": ["True", "False"],
    "lower bool text": ["true", "false"],
    "yes and no": ["yes", "no"],
    "ints": pd.Categorical([11, 22, 33]),
    "int8": pd.Categorical(np.array([11, 22, 33], dtype=np.int8)),
    "floats": pd.Categorical([1.0, 2.5, 3.0]),
    "zeros and ones": pd.Categorical([0, 1]),
    "bools": [True, False],
    "text and ints": ["x", 11, 22],
    "one bool": [True],
}

SAME = object()
# What was fitted, what is given, and what that means: None for unknown, SAME for each in its place.
PLAIN = [
    ("int text", [11, 22, 33], SAME),
    ("int text", [11.0, 22.0, 33.0], SAME),
    ("int text", [np.int8(11), np.float32(22), Decimal("33")], SAME),
    ("int text", [np.str_("11"), np.str_("22"), np.str_("33")], SAME),
    ("int text", [44, 11], [None, "11"]),
    ("int text", [44.5, 33], [None, "33"]),
    ("padded text", [1, 2, 10], SAME),
    ("padded text", ["1", "2", "10"], [None, None, "10"]),
    ("float text", [1, 2.5, 3], SAME),
    ("float text", [1.0, np.float32(2.5), Decimal("3.0")], SAME),
    ("ambiguous text", [2, 3], ["2", None]),
    ("bool text", [True, False], SAME),
    ("bool text", [np.True_, np.False_], SAME),
    ("lower bool text", [True, False], SAME),
    ("ints", ["11", "22", "33"], SAME),
    ("ints", ["11.0", "22.0", " 33"], SAME),
    ("ints", [11.0, 22.0, 33.0], SAME),
    ("ints", [np.int64(11), np.uint8(22), Decimal(33)], SAME),
    ("ints", ["44", 44, 11.5, "11"], [None, None, None, 11]),
    ("int8", [11, 22, 33], SAME),
    ("int8", ["11", 22.0, "33"], SAME),
    ("floats", [1, 2.5, 3], SAME),
    ("floats", ["1", "2.5", "3.0"], SAME),
    ("zeros and ones", [False, True], SAME),
    ("zeros and ones", ["0", "1"], SAME),
    ("bools", ["True", "False"], SAME),
    ("bools", ["TRUE", "false"], SAME),
    ("bools", [1, 0], SAME),
    ("bools", [1.0, np.int8(0)], SAME),
    ("text and ints", ["x", "11", "22"], SAME),
    ("text and ints", ["y", 12, "11", 22.0], [None, None, 11, 22]),
    ("one bool", [False, "False", 0, 1], [None, None, None, True]),
]
REFUSED = [
    ("text", 11, "held text, as 'a', when the model was fitted, but now numbers, as 11"),
    ("text", True, "but now bools, as True: convert it to strings"),
    ("text", np.float64(1.5), "but now numbers, as 1.5"),
    ("int text", True, "but now bools, as True"),
    ("ambiguous text", 1, "holds 1, which may stand for '1' or '1.0'"),
    ("bool text", 1, "but now numbers, as 1"),
    ("yes and no", True, "but now bools, as True"),
    ("yes and no", 1, "but now numbers, as 1"),
    ("ints", "a", "held numbers, as 11, when the model was fitted, but now text, as 'a'"),
    ("ints", "", "but now text, as ''"),
    ("ints", "1_1", "but now text, as '1_1'"),
    ("ints", True, "but now bools, as True: convert it to numbers"),
    ("bools", "yes", "held bools, as False, .* but now text, as 'yes': convert it to bools"),
    ("bools", "1", "but now text, as '1'"),
    ("bools", 2, "but now numbers, as 2"),
    ("text and ints", True, "but now bools, as True: convert it to numbers or strings"),
]


@functools.cache
def fitted(kind, folder):
    """A classifier whose answer tells the categories apart, its encoder, its file."""
    values = np.asarray(FITTED[kind], dtype=object)
    rng = np.random.default_rng(0)
    codes = np.arange(60) % len(values)
    X = pd.DataFrame({"n": rng.normal(size=60), "c": values[codes]})
    X["c"] = X["c"].astype("category") if "text" not in kind else X["c"].astype(object)
    soft = rng.dirichlet(np.ones(3), len(values))[codes]
    student = MLPStudent((8,), n_steps=40, batch_size=30)
    clf = DistilledClassifier(student=student, transfer=None, random_state=0)
    clf.fit(X, soft_targets=soft)
    path = folder / f"{kind}.onnx"
    to_onnx(clf, path)
    return clf, TabularEncoder().fit(X), path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("types")


def frame(values):
    return pd.DataFrame({"n": np.linspace(-1, 1, len(values)), "c": objects(values)})


def all_ways(clf, encoder, path):
    """What each way in makes of a frame."""
    scorer = Scorer(path)
    return {
        "encoder": encoder.transform,
        "classifier": clf.predict_proba,
        "row by row": lambda X: np.concatenate(
            [clf.predict_proba(X.iloc[[i]]) for i in range(len(X))]
        ),
        "scorer, frame": scorer.predict_proba,
        "scorer, array": lambda X: scorer.predict_proba(X.to_numpy(dtype=object)),
        "scorer, dicts": lambda X: scorer.predict_proba(X.to_dict("records")),
        "scorer, dict": lambda X: np.concatenate(
            [scorer.predict_proba(row) for row in X.to_dict("records")]
        ),
    }


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize(("kind", "given", "meant"), PLAIN)
def test_the_same_answer_where_the_meaning_is_plain(kind, given, meant, folder):
    clf, encoder, path = fitted(kind, folder)
    known = list(FITTED[kind])
    meant = known if meant is SAME else meant
    # Any value of a known type that is no category stands for the unknown ones.
    stranger = {str: "never seen", bool: None, np.bool_: None}.get(type(known[0]), -5)
    if stranger is None:
        encoder_codes = TabularEncoder("codes").fit(frame(known)).transform(frame(given))[:, -1]
        assert [bool(code) for code in encoder_codes] == [one is not None for one in meant]
        given = [value for value, one in zip(given, meant, strict=True) if one is not None]
        meant = [one for one in meant if one is not None]
    plain = frame([stranger if one is None else one for one in meant])
    expected = clf.predict_proba(plain)
    for name, way in all_ways(clf, encoder, path).items():
        wanted = encoder.transform(plain) if name == "encoder" else expected
        np.testing.assert_allclose(way(frame(given)), wanted, atol=1e-5, err_msg=name)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize(("kind", "value", "message"), REFUSED)
def test_an_error_where_it_is_not_plain(kind, value, message, folder):
    clf, encoder, path = fitted(kind, folder)
    for way in all_ways(clf, encoder, path).values():
        with pytest.raises(ValueError, match=rf"column 'c' .*{message}"):
            way(frame([value]))
        # A column that is half as it was is refused as well.
        with pytest.raises(ValueError, match=rf"column 'c' .*{message}"):
            way(frame([FITTED[kind][0], value]))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("int text", ["11", "22", "33"]),
        ("ints", ["11", "22", "33"]),
        ("ints", ["11.0", "22.0", "33.0"]),
        ("floats", ["1.0", "2.5", "3.0"]),
        ("floats", ["1", "2.5", "3"]),
        ("bools", ["True", "False"]),
        ("bools", ["true", "FALSE"]),
        ("bool text", ["True", "False"]),
        ("zeros and ones", ["0", "1"]),
    ],
)
def test_the_graph_itself_knows_a_category_by_its_spellings(kind, given, folder):
    clf, _, path = fitted(kind, folder)
    X = frame(FITTED[kind])
    session = onnxruntime.InferenceSession(path)
    feed = {"numbers": X[["n"]].to_numpy(), "categories": objects(given)[:, None]}
    found = session.run(["probabilities"], feed)[0]
    np.testing.assert_allclose(found, clf.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize(
    "container",
    [
        lambda c: c.astype(int).astype("category"),
        lambda c: c.astype("Int64"),
        lambda c: c.astype("float32"),
        lambda c: c.astype("string"),
        lambda c: pd.Series(pd.Categorical(c)),
    ],
)
@pytest.mark.parametrize("kind", ["int text", "ints", "int8"])
def test_columns_of_other_dtypes(kind, container, folder):
    clf, encoder, path = fitted(kind, folder)
    X = frame(FITTED[kind])
    given = X.assign(c=container(pd.Series(["11", "22", "33"])))
    np.testing.assert_array_equal(encoder.transform(given), encoder.transform(X))
    np.testing.assert_array_equal(clf.predict_proba(given), clf.predict_proba(X))
    np.testing.assert_allclose(
        Scorer(path).predict_proba(given), clf.predict_proba(X), rtol=0, atol=1e-5
    )
    given = pl.DataFrame({"n": X["n"].to_numpy(), "c": pl.Series([11, 22, 33], dtype=pl.Int16)})
    np.testing.assert_array_equal(clf.predict_proba(given), clf.predict_proba(X))


@pytest.mark.parametrize("kind", ["ints", "bools", "text", "bool text", "int text"])
def test_a_round_trip_through_csv(kind, folder, tmp_path):
    clf, encoder, path = fitted(kind, folder)
    X = frame(FITTED[kind])
    X.to_csv(tmp_path / "rows.csv", index=False)
    for again in (
        pd.read_csv(tmp_path / "rows.csv"),
        pd.read_csv(tmp_path / "rows.csv", dtype=str),
    ):
        again = again.astype({"n": float})
        np.testing.assert_allclose(encoder.transform(again), encoder.transform(X), atol=1e-6)
        np.testing.assert_allclose(clf.predict_proba(again), clf.predict_proba(X), atol=1e-6)
        scored = Scorer(path).predict_proba(again)
        np.testing.assert_allclose(scored, clf.predict_proba(X), rtol=0, atol=1e-5)


@pytest.mark.parametrize("value", ["3.5", True, "x"])
def test_a_column_of_numbers_takes_numbers_only(value, folder):
    clf, encoder, path = fitted("text", folder)
    X = frame(["a", "b"])
    X["n"] = objects([0.5, value])
    for name, way in all_ways(clf, encoder, path).items():
        if "array" not in name:
            with pytest.raises(ValueError, match="column 'n' (was numeric|must hold numbers)"):
                way(X)


def test_true_is_not_1_among_other_numbers():
    """Though Python, and so an index of pandas, takes them for the same."""
    X = pd.DataFrame({"c": objects([True, 1, 2, "x", 1.0])})
    encoder = TabularEncoder("codes").fit(X)
    assert encoder.cardinalities_ == (6,)
    codes = encoder.transform(X).ravel()
    assert len(set(codes)) == 4
    assert codes[1] == codes[4]
    shuffled = TabularEncoder("codes").fit(X.iloc[::-1])
    np.testing.assert_array_equal(shuffled.transform(X).ravel(), codes)


def test_rows_to_transfer_and_to_validate_may_be_of_another_type():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"n": rng.normal(size=80), "c": pd.Categorical(rng.integers(0, 3, 80))})
    y = (X["c"].astype(int) + rng.integers(0, 2, 80) > 1).astype(int)
    text = X.astype({"c": str})
    soft = np.where(y.to_numpy()[:, None] == [0, 1], 0.9, 0.1)
    answers = []
    for other in (X, text):
        clf = DistilledClassifier(student=MLPStudent((8,), n_steps=40), random_state=0)
        clf.fit(
            X,
            y,
            soft_targets=soft,
            X_transfer=(other[:50],),
            soft_targets_transfer=(soft[:50],),
            X_val=other[50:],
            y_val=y[50:],
        )
        answers.append(clf.predict_proba(X))
    np.testing.assert_array_equal(*answers)
    with pytest.raises(ValueError, match="`X_val`: column 'c' held numbers, .* as 'x'"):
        clf.fit(X, y, soft_targets=soft, X_val=text.assign(c="x"), y_val=y)
