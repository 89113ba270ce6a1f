"""Tables in all containers and of all types, through every door: the same answer, or an error."""

import datetime
import enum
import pickle
import uuid
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.validation import _num_samples

from skdistill import (
    DistillationReport,
    DistilledClassifier,
    Gibbs,
    Marginals,
    Mixup,
    MLPStudent,
    Munge,
    Near,
    Scorer,
    TabularEncoder,
    TeacherPool,
    to_onnx,
)

N = 60
A = np.linspace(-1, 1, N)
Y = (A > 0).astype(int)
DAY = datetime.date(2024, 1, 1)
WIDE = 2**63
SAMPLERS = [
    Munge(size=1),
    Gibbs(size=1),
    Mixup(size=1),
    Marginals(size=1),
    Near(Munge(size=1), quantile=1.0),
]


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Constant:
    """A teacher that takes anything, and remembers in what it came."""

    classes_ = np.array([0, 1])

    def __init__(self):
        self.seen = set()

    def predict_proba(self, X):
        self.seen.add(type(X))
        return np.tile([0.4, 0.6], (_num_samples(X), 1))


def small(teacher=None, **params):
    teacher = Constant() if teacher is None else teacher
    settings = {"transfer": None, "calibrate": False, "alpha": 0.5, "random_state": 0} | params
    return DistilledClassifier(teacher, MLPStudent((8,), n_steps=10), **settings)


def cells(make, gap=9):
    """One cell a row, every `gap`-th missing."""
    return [None if gap and i % gap == 0 else make(i) for i in range(N)]


def objects(make, gap=9, missing=None):
    found = [missing if one is None else one for one in cells(make, gap)]
    return pd.Series(found, dtype=object)


def frame(column, **options):
    return pd.DataFrame({"a": A, "k": pd.Series(column, **options)})


def arrow(column, kind=None):
    return pa.table({"a": A, "k": pa.array(column, kind)})


def polars(column, kind=None):
    return pl.DataFrame({"a": A, "k": pl.Series(column, dtype=kind)})


def quarter(i):
    return Decimal(i) / 4


def of_days(i):
    return DAY + datetime.timedelta(days=i % 3)


WORKS = {
    "arrow, numbers": lambda: arrow(A**2),
    "arrow, integers": lambda: arrow(cells(int)),
    "arrow, wide integers": lambda: arrow(cells(lambda i: WIDE + i), pa.uint64()),
    "arrow, text": lambda: arrow(cells(lambda i: "uv"[i % 2])),
    "arrow, dictionary": lambda: pa.table(
        {"a": A, "k": pa.array(cells(lambda i: "uv"[i % 2])).dictionary_encode()}
    ),
    "arrow, bools": lambda: arrow(cells(lambda i: i % 2 == 0)),
    "arrow, decimals": lambda: arrow(cells(quarter)),
    "arrow, nulls": lambda: arrow(cells(int, gap=1)),
    "arrow, in chunks": lambda: pa.concat_tables([arrow(A**2)[:20], arrow(A**2)[20:]]),
    "arrow, not nullable": lambda: arrow(A).cast(
        pa.schema([pa.field("a", pa.float64(), False), pa.field("k", pa.float64(), False)])
    ),
    "polars, nulls": lambda: polars([None] * N),
    "polars, NaN and null": lambda: polars(cells(lambda i: [float("nan"), 1.0][i % 2])),
    "polars, Int128": lambda: polars(cells(lambda i: 2**100 + i), pl.Int128),
    "polars, UInt128": lambda: polars(cells(int), pl.UInt128),
    "polars, wide integers": lambda: polars(cells(lambda i: WIDE + i), pl.UInt64),
    "polars, Decimal": lambda: polars(cells(quarter)),
    "polars, Object": lambda: polars(cells(quarter, gap=0), pl.Object),
    "polars, Enum": lambda: polars(cells(lambda i: "uv"[i % 2]), pl.Enum(["u", "v", "w"])),
    "null[pyarrow]": lambda: frame([None] * N, dtype=pd.ArrowDtype(pa.null())),
    "UInt64": lambda: frame(cells(lambda i: WIDE + i), dtype="UInt64"),
    "uint64[pyarrow]": lambda: frame(cells(lambda i: WIDE + i), dtype="uint64[pyarrow]"),
    "Int64": lambda: frame(cells(int), dtype="Int64"),
    "int64, limits": lambda: frame(np.where(Y, 2**63 - 1, -(2**63))),
    "boolean": lambda: frame(cells(lambda i: i % 2 == 0), dtype="boolean"),
    "Float64": lambda: frame(cells(float), dtype="Float64"),
    "decimal128": lambda: frame(cells(quarter), dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    "decimal256": lambda: frame(cells(quarter), dtype=pd.ArrowDtype(pa.decimal256(50, 2))),
    "sparse floats": lambda: frame(pd.arrays.SparseArray(np.where(Y, 0.0, A))),
    "sparse integers": lambda: frame(pd.arrays.SparseArray(Y)),
    "Decimal": lambda: frame(objects(quarter)),
    "Decimal, NaN": lambda: frame(objects(quarter, missing=Decimal("NaN"))),
    "Decimal, int, float": lambda: frame(objects(lambda i: [Decimal(i), i, float(i)][i % 3])),
    "Fraction": lambda: frame(objects(lambda i: Fraction(i, 3))),
    "NaT among numbers": lambda: frame(objects(float, missing=pd.NaT)),
    "NaT among text": lambda: frame(objects(lambda i: "uv"[i % 2], missing=pd.NaT)),
    "nothing but NaT": lambda: frame(objects(int, gap=1, missing=pd.NaT)),
    "nothing but None": lambda: frame(objects(int, gap=1)),
    "wide int objects": lambda: frame(objects(lambda i: 2**100 + i)),
    "Enum members": lambda: frame(objects(lambda i: Colour(i % 2 + 1))),
    "cut": lambda: frame(pd.cut(np.where(np.arange(N) % 9, A, np.nan), 3)),
    "Interval": lambda: frame(pd.cut(A, 3).astype("interval[float64]")),
    "categories, Period": lambda: frame(
        pd.Categorical(cells(lambda i: pd.Period("2024-01", "M") + i % 3))
    ),
    "categories, Timestamp": lambda: frame(
        pd.Categorical(cells(lambda i: pd.Timestamp(of_days(i))))
    ),
    "categories, date": lambda: frame(pd.Categorical(cells(of_days))),
    "categories, Timedelta": lambda: frame(
        pd.Categorical(cells(lambda i: pd.Timedelta(i % 3, "D")))
    ),
    "categories, Decimal": lambda: frame(pd.Categorical(cells(lambda i: quarter(i % 3)))),
    "categories, int": lambda: frame(pd.Categorical(cells(lambda i: i % 3))),
    "MultiIndex": lambda: pd.DataFrame(
        np.column_stack([A, A]), columns=pd.MultiIndex.from_tuples([("x", "p"), ("y", "q")])
    ),
    "array of objects": lambda: frame(objects(quarter, missing=pd.NaT)).to_numpy(),
    "list of lists": lambda: [[v, "uv"[i % 2]] for i, v in enumerate(A)],
}


def columns_of(X):
    names = X.column_names if isinstance(X, pa.Table) else getattr(X, "columns", [0, 1])
    return list(names)


@pytest.mark.parametrize("name", WORKS)
def test_a_table_goes_in_everywhere(name, tmp_path):
    X = WORKS[name]()
    clf = small(transfer=Munge(size=1))
    clf.fit(X, Y, X_transfer=(X,), X_val=(X,), y_val=(Y,))
    assert clf.n_transfer_rows_ == 2 * N
    p = clf.predict_proba(X)
    for rows in (None, X):
        to_onnx(clf, tmp_path / "a.onnx", X=rows, overwrite=True)
    np.testing.assert_allclose(Scorer(tmp_path / "a.onnx").predict_proba(X), p, atol=1e-5)
    report = DistillationReport.from_estimator(
        clf, X, Y, X_train=X, y_train=Y, control="fit", segments=columns_of(X), speed=False,
        n_bootstrap=100,
    )  # fmt: skip
    assert report.to_frame()["part"].eq("segments").any()


@pytest.mark.parametrize("name", WORKS)
def test_new_rows_are_of_the_container_and_types_of_X(name):
    X = WORKS[name]()
    for sampler in SAMPLERS:
        drawn = sampler.sample(X, 7, random_state=0)
        assert _num_samples(drawn) == 7
        if isinstance(X, pd.DataFrame):
            assert (drawn.dtypes == X.dtypes).all()
        elif isinstance(X, (pl.DataFrame, pa.Table)):
            assert type(drawn) is type(X)
            assert drawn.schema == X.schema


REFUSED = {
    "lazy": (lambda: polars(A).lazy(), TypeError, r"`X` is a .*LazyFrame.*collect\(\)"),
    "record batch": (lambda: arrow(A).to_batches()[0], TypeError, r"pyarrow\.table\("),
    "dicts": (lambda: [{"a": v} for v in A], TypeError, r"holds dicts: give pandas\.DataFrame"),
    "structured": (
        lambda: np.array([(v, v) for v in A], dtype=[("a", float), ("b", float)]),
        TypeError,
        r"named fields: give pandas\.DataFrame",
    ),
    "masked": (
        lambda: np.ma.array(np.column_stack([A, A]), mask=np.column_stack([Y, Y])),
        TypeError,
        r"mask would be lost.*filled\(numpy\.nan\)",
    ),
    "a name twice": (
        lambda: pd.DataFrame(np.column_stack([A, A, A]), columns=["x", "b", "x"]),
        ValueError,
        r"more than one column of the name\(s\) \['x'\]: rename",
    ),
    "a number twice": (
        lambda: pd.DataFrame(np.column_stack([A, A]), columns=[3, 3]),
        ValueError,
        r"name\(s\) \[3\]",
    ),
    "a name twice, arrow": (
        lambda: pa.Table.from_arrays([pa.array(A)] * 2, names=["x", "x"]),
        ValueError,
        r"name\(s\) \['x'\]",
    ),
    "string views": (
        lambda: arrow(["u", "v"] * 30, pa.string_view()),
        ValueError,
        r"\['k'\].*string_view: cast",
    ),
    "dates": (lambda: frame(objects(of_days)), TypeError, r"'k' holds .*date\(2024.*'category'"),
    "periods": (
        lambda: frame(pd.period_range("2024-01", periods=N, freq="M")),
        TypeError,
        "'k' holds Period.*days since",
    ),
    "timestamps": (
        lambda: frame(pd.date_range("2024-01-01", periods=N)),
        ValueError,
        r"'k' has dtype datetime64\[.*days since",
    ),
    "spans of time": (
        lambda: frame(objects(lambda i: np.timedelta64(i, "D"))),
        TypeError,
        "'k' holds .*timedelta64.*days since",
    ),
    "bytes": (lambda: frame(objects(lambda i: b"u")), TypeError, "'k' holds b'u'.*decode"),
    "bytes as categories": (
        lambda: frame(pd.Categorical([b"u", b"v"] * 30)),
        TypeError,
        "'k' holds b'u': a category is.*strings",
    ),
    "complex": (lambda: frame(A * 1j), TypeError, "'k' holds .*Complex data not supported"),
    "tuples": (lambda: frame(objects(lambda i: (i, 1))), TypeError, "'k' holds .*a column for"),
    "arrow lists": (lambda: arrow([[1.0]] * N), ValueError, "'k' has dtype list<"),
    "Decimal, infinity": (
        lambda: frame(objects(quarter, missing=Decimal("Infinity"))),
        ValueError,
        r"infinity in column\(s\) \['k'\]",
    ),
    "too large": (lambda: frame(objects(lambda i: 10**400)), ValueError, "'k'.* too large"),
    "no rows": (lambda: arrow(A)[:0], ValueError, r"0 sample\(s\) and 2 feature"),
    "no columns": (lambda: pl.DataFrame(height=N), ValueError, "0 sample|0 feature"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_what_is_wrong_and_what_to_do(name):
    make, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        small().fit(make(), Y)
    fitted = small().fit(frame(A), Y)
    with pytest.raises((TypeError, ValueError)):
        fitted.predict(make())


@pytest.mark.parametrize("name", ["lazy", "record batch", "a name twice", "string views"])
def test_a_refusal_names_the_argument(name):
    make, error, message = REFUSED[name]
    other = make()
    for argument in ({"X_transfer": (other,)}, {"X_val": (other,), "y_val": (Y,)}):
        with pytest.raises(error, match=f"`{next(iter(argument))}`"):
            small().fit(frame(A), Y, **argument)
    if name != "string views":
        with pytest.raises(error, match=message):
            TabularEncoder().fit(other)


# --- the same answer from every container ---


def alike():
    table = pd.DataFrame({"a": A, "g": np.where(A > 0.5, "u", "v")})
    return {
        "pandas": table,
        "arrow": pa.table(table),
        "polars": pl.from_pandas(table),
        "array": table.to_numpy(object),
        "list": table.to_numpy(object).tolist(),
    }


@pytest.mark.parametrize("fitted", ["pandas", "arrow", "list"])
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
def test_a_container_changes_nothing(fitted):
    tables = alike()
    clf = small().fit(tables[fitted], Y)
    expected = clf.predict_proba(tables[fitted])
    for X in tables.values():
        np.testing.assert_array_equal(clf.predict_proba(X), expected)
        mixed = small().fit(tables[fitted], Y, X_transfer=(X,), X_val=(X,), y_val=(Y,))
        assert mixed.n_transfer_rows_ == N


def test_names_are_missed_in_another_container():
    tables = alike()
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        small().fit(tables["arrow"], Y, X_transfer=(tables["array"],))


def test_a_teacher_gets_the_table_as_it_comes():
    x = np.random.default_rng(0).normal(size=600)
    X, y = pa.table({"a": x, "b": x**2}), pa.chunked_array([(x > 0).astype(int)])
    teacher = Constant()
    small(teacher, transfer=Munge(size=1)).fit(X, y)
    assert teacher.seen == {pa.Table}
    clf = small(RandomForestClassifier(10), transfer="auto", cv=2).fit(X, y)
    assert clf.n_transfer_rows_
    assert TeacherPool(RandomForestClassifier(10)).fit(X, y).predict_proba(X).shape == (600, 2)


# --- numbers ---


OF_IDENTIFIERS = (
    "UInt64",
    "uint64[pyarrow]",
    "wide int objects",
    "polars, Int128",
    "arrow, wide integers",
)


@pytest.mark.parametrize("name", OF_IDENTIFIERS)
def test_identifiers_are_copied_exactly(name):
    X = WORKS[name]()
    before = set(X["k"].to_pylist() if isinstance(X, pa.Table) else X["k"].to_list())
    for sampler in SAMPLERS:
        drawn = sampler.sample(X, N, random_state=0)["k"]
        drawn = drawn.to_pylist() if isinstance(X, pa.Table) else drawn.to_list()
        assert set(drawn) <= before


def test_wide_decimals_are_copied_exactly():
    X = frame(objects(lambda i: Decimal(10**20 + i), gap=0))
    assert set(Munge().sample(X, N, random_state=0)["k"]) <= set(X["k"])


def test_decimals_stay_decimals():
    drawn = Munge().sample(frame(objects(quarter)), N, random_state=0)["k"]
    assert {type(value) for value in drawn.dropna()} == {Decimal}


@pytest.mark.parametrize("missing", [None, pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN")])
@pytest.mark.parametrize("make", [float, quarter])
def test_marks_of_missing_numbers_are_one(missing, make):
    expected = TabularEncoder().fit_transform(frame(pd.Series(cells(float), dtype=float)))
    found = TabularEncoder().fit_transform(frame(objects(float, missing=missing)))
    np.testing.assert_array_equal(found, expected)
    decimals = TabularEncoder().fit_transform(frame(objects(make, missing=missing)))
    np.testing.assert_array_equal(decimals[:, -1], expected[:, -1])


def test_missing_objects_are_refused_where_the_teacher_refuses_them():
    X = frame(objects(quarter, gap=0))
    clf = small(LogisticRegression()).fit(X, Y)
    with pytest.raises(ValueError, match=r"contains NaN in column\(s\) \['k'\]"):
        clf.predict(frame(objects(quarter)))


@pytest.mark.parametrize("name", ["null[pyarrow]", "nothing but None", "polars, nulls"])
def test_a_column_that_was_empty_may_hold_anything_later(name, tmp_path):
    X = WORKS[name]()
    clf = small().fit(X, Y)
    to_onnx(clf, tmp_path / "a.onnx")
    for later in (frame(["u"] * N), frame([1.5] * N)):
        p = clf.predict_proba(later)
        np.testing.assert_allclose(Scorer(tmp_path / "a.onnx").predict_proba(later), p, atol=1e-5)


def test_a_column_that_is_empty_later_is_missing():
    clf = small().fit(frame(cells(float)), Y)
    expected = clf.predict_proba(frame(np.full(N, np.nan)))
    for empty in (arrow([None] * N), polars([None] * N), frame(objects(int, gap=1))):
        np.testing.assert_array_equal(clf.predict_proba(empty), expected)


# --- dates, intervals and others as categories ---


def test_a_date_is_its_text():
    clf = small().fit(frame(pd.Categorical(cells(of_days))), Y)
    expected = clf.predict_proba(frame(pd.Categorical(cells(of_days))))
    texts = pd.Series(cells(of_days), dtype=object).map(str, na_action="ignore")
    for column in (texts, objects(of_days), pd.to_datetime(pd.Series(cells(of_days)))):
        np.testing.assert_array_equal(clf.predict_proba(frame(column)), expected)


@pytest.mark.parametrize("name", ["cut", "categories, Period", "categories, Timestamp"])
def test_a_scorer_takes_single_rows_of_such_categories(name, tmp_path):
    X = WORKS[name]()
    clf = small().fit(X, Y)
    to_onnx(clf, tmp_path / "a.onnx")
    rows = X.astype({"k": object}).to_dict("records")
    p = Scorer(tmp_path / "a.onnx").predict_proba(rows)
    np.testing.assert_allclose(p, clf.predict_proba(X), atol=1e-5)
    one = Scorer(tmp_path / "a.onnx").predict_proba(rows[5])
    np.testing.assert_allclose(one, p[5:6], atol=1e-6)


def test_an_encoder_stored_with_other_categories_still_knows_them():
    X = frame(pd.cut(A, 3))
    encoder = TabularEncoder().fit(X)
    expected = encoder.transform(X)
    intervals = sorted(pd.cut(A, 3).categories, key=str)  # format 4 held them as they were
    encoder.categories_ = [np.array(intervals, dtype=object)]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(X), expected)


def test_texts_of_all_classes_are_alike():
    class Text(str):
        __slots__ = ()

    class Level(str, enum.Enum):  # noqa: UP042
        U = "u"
        V = "v"

    clf = small().fit(frame(objects(lambda i: Level("uv"[i % 2]))), Y)
    plain = clf.predict_proba(frame(objects(lambda i: "uv"[i % 2])))
    for kind in (Text, np.str_, Level):
        X = frame(objects(lambda i, kind=kind: kind("uv"[i % 2])))
        np.testing.assert_array_equal(clf.predict_proba(X), plain)


# --- names ---


def test_a_name_twice_among_soft_targets():
    soft = np.column_stack([1 - Y, Y]).astype(float)
    twice = pd.DataFrame(soft, columns=[0, 0])
    for y in (Y, None):
        with pytest.raises(ValueError, match=r"`soft_targets` has more than one column .*\[0\]"):
            small().set_params(teacher=None).fit(frame(A), y, soft_targets=twice)
    three = pd.DataFrame(np.column_stack([soft, Y * 0.0]), columns=[0, 1, "1"])
    with pytest.raises(ValueError, match="`soft_targets` has two columns for one class"):
        small().fit(frame(A), Y, soft_targets=three)


def test_a_name_twice_in_a_scorer(tmp_path):
    to_onnx(small().fit(frame(A), Y), tmp_path / "a.onnx")
    X = frame(A)
    with pytest.raises(ValueError, match=r"several columns of one name, \['k'\]"):
        Scorer(tmp_path / "a.onnx").predict(pd.concat([X, X[["k"]]], axis=1))
    with pytest.raises(TypeError, match=r"LazyFrame, which holds no rows yet"):
        Scorer(tmp_path / "a.onnx").predict(pl.from_pandas(X).lazy())


# --- sparse X ---


def sparse_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 12)) * (rng.random((600, 12)) < 0.3)
    return scipy.sparse.csr_array(X), (X[:, :3].sum(axis=1) > 0).astype(int)


@pytest.mark.parametrize("make", [scipy.sparse.coo_array, scipy.sparse.dok_array], ids=str)
@pytest.mark.parametrize("encoder", [TruncatedSVD(5), "passthrough"], ids=str)
def test_sparse_rows_reach_teacher_and_encoder(make, encoder, tmp_path):
    X, y = sparse_data()
    clf = small(LogisticRegression(), encoder=encoder, transfer="auto")
    assert get_tags(clf).input_tags.sparse
    clf.fit(make(X), y, X_transfer=(make(X[:50]),), X_val=(make(X[:50]),), y_val=(y[:50],))
    assert clf.n_transfer_rows_ == 50
    np.testing.assert_allclose(clf.predict_proba(make(X)), clf.predict_proba(X.toarray()))
    clf.fit(make(X), y)  # some are held out
    to_onnx(clf, tmp_path / "a.onnx", X=make(X))
    p = Scorer(tmp_path / "a.onnx").predict_proba(X.toarray())
    np.testing.assert_allclose(p, clf.predict_proba(X), atol=1e-5)
    DistillationReport.from_estimator(clf, X, y, X_train=X, y_train=y, control="fit", speed=False,
                                      n_bootstrap=100)  # fmt: skip


@pytest.mark.parametrize("encoder", ["auto", StandardScaler(), TabularEncoder()], ids=str)
def test_sparse_rows_are_refused_with_a_remedy(encoder):
    X, y = sparse_data()
    clf = small(LogisticRegression(), encoder=encoder)
    assert not get_tags(clf).input_tags.sparse
    with pytest.raises(TypeError, match=r"Sparse data .*`encoder=.* TruncatedSVD.*toarray\(\)"):
        clf.fit(X, y)
    with pytest.raises(TypeError, match="`X_transfer`: Sparse data"):
        clf.fit(X.toarray(), y, X_transfer=(X,))


def test_samplers_do_not_read_sparse_rows():
    X, y = sparse_data()
    clf = small(LogisticRegression(), encoder=TruncatedSVD(5), transfer=Munge())
    with pytest.raises(ValueError, match="`transfer` draws rows.*X is sparse"):
        clf.fit(X, y)
    with pytest.raises(TypeError, match=r"Sparse data .*samplers.*toarray"):
        Munge().sample(X, 5)


def test_nothing_is_warned_of_a_plain_arrow_table():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X = arrow(A**2)
        make_pipeline(small()).fit(X, Y).predict(X)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        (uuid.UUID(int=7), "turn it into strings or numbers"),
        (Path("a"), "turn it into strings or numbers"),
        ([1, 2], "what holds several values needs a column for each"),
        (b"a", "decode them into strings"),
    ],
)
def test_cells_of_other_types_have_a_remedy(cell, remedy):
    X = pd.DataFrame({"a": [cell] * 3, "b": [1.0, 2.0, 3.0]})
    with pytest.raises(TypeError, match=rf"column 'a' holds .* \(.*{remedy}"):
        TabularEncoder().fit(X)


@pytest.mark.filterwarnings("error")
def test_numbers_that_overflow_when_added_are_no_warning():
    X = np.array([[1e308, 1.0], [1.5e308, 2.0], [1.7e308, 3.0]])
    assert np.isfinite(TabularEncoder().fit(X).transform(X)).all()
    X[0], X[1] = np.inf, -np.inf
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \['0', '1'\]"):
        TabularEncoder().fit(X)
