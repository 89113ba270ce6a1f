"""Answers for the rows of files: formats, columns, missing values, and files that stay whole."""

import io
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pyarrow import feather
from sklearn.dummy import DummyRegressor

from skdistill import DistilledClassifier, DistilledRegressor, MLPStudent, Scorer, to_onnx
from skdistill.scale import score_parquet
from skdistill.scale._score import rows_of_batch

FORMATS = ("parquet", "csv", "arrow")
READERS = {"parquet": pd.read_parquet, "csv": pd.read_csv, "arrow": pd.read_feather}


def rows(n_rows=500, seed=0):
    """Numbers, text, whole numbers and bools, with missing values among them."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows),
            "colour": rng.choice(["red", "blue, light", 'the "best"'], n_rows),
            "rooms": rng.integers(1, 9, n_rows),
            "is_new": rng.random(n_rows) < 0.4,
        }
    )
    X.loc[::7, "size"] = np.nan
    X.loc[::5, "colour"] = None
    return X


def write(X, path):
    table = pa.Table.from_pandas(X, preserve_index=False)
    if path.suffix == ".csv":
        X.to_csv(path, index=False)
    elif path.suffix == ".arrow":
        feather.write_feather(table, path, chunksize=37)
    else:
        pq.write_table(table, path, row_group_size=53)
    return path


def export(distiller, path, X, **fit):
    small = MLPStudent((8,), n_steps=30)
    to_onnx(distiller(student=small, transfer=None, random_state=0).fit(X, **fit), path)
    return path


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """The file of a classifier of three classes."""
    X = rows()
    soft = np.random.default_rng(1).dirichlet(np.ones(3), len(X))
    path = tmp_path_factory.mktemp("student") / "student.onnx"
    return export(
        DistilledClassifier, path, X, y=np.resize(["a", "b", "c"], 500), soft_targets=soft
    )


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("out", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_answers_are_those_of_the_scorer(student, tmp_path, source, out):
    X, target = rows(seed=2), tmp_path / f"out.{out}"
    result = score_parquet(student, write(X, tmp_path / f"in.{source}"), target, batch_size=128)
    found, scorer = READERS[out](target), Scorer(student)
    assert result.n_rows == 500
    assert found.columns.tolist() == result.columns
    assert_array_equal(found["prediction"], scorer.predict(X))
    assert_allclose(found.filter(like="probability_"), scorer.predict_proba(X), atol=1e-7)
    assert result.columns == ["prediction", "probability_a", "probability_b", "probability_c"]
    if out == "parquet":
        groups = pq.ParquetFile(target).metadata
        assert [groups.row_group(i).num_rows for i in range(4)] == [128, 128, 128, 116]
    assert names_in(tmp_path) == sorted([f"in.{source}", f"out.{out}"])


def test_a_folder_is_read_in_the_order_of_its_files(student, tmp_path):
    X, folder = rows(seed=3).assign(place=range(500)), tmp_path / "rows"
    for number, place in enumerate(("is_new=false", "is_new=true")):
        (folder / place).mkdir(parents=True)
        part = X[X["is_new"] == bool(number)].drop(columns="is_new")
        write(part[:100], folder / place / "b.parquet")
        write(part[100:], folder / place / "a.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "_delta_log").mkdir()
    (folder / "_delta_log" / "0.json").write_text("{}")
    score_parquet(student, folder, tmp_path / "out.parquet", keep=["place"])
    found = pd.read_parquet(tmp_path / "out.parquet")
    expected = pd.concat(
        part[cut] for _, part in X.groupby("is_new") for cut in (slice(100, None), slice(100))
    )
    assert_array_equal(found["place"], expected["place"])
    assert_array_equal(found["prediction"], Scorer(student).predict(expected.drop(columns="place")))
    write(X.drop(columns="rooms"), folder / "other.parquet")
    with pytest.raises(ValueError, match="different columns: .*other.parquet"):
        score_parquet(student, folder, tmp_path / "other.parquet", drop=["place"])
    write(X, folder / "one.csv")
    with pytest.raises(ValueError, match=r"files of \['csv', 'parquet'\]"):
        score_parquet(student, folder, tmp_path / "other.parquet")


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_files_of_a_folder_may_have_types_of_their_own(student, tmp_path, kind):
    """Of a column, one has whole numbers or nothing at all, one fractions or text."""
    folder, X = tmp_path / "rows", rows(seed=5)
    folder.mkdir()
    parts = [X[:100].assign(size=1, colour=None), X[100:].astype({"colour": "category"})]
    for number, part in enumerate(parts):
        write(part, folder / f"{number}.{kind}")
    score_parquet(student, folder, tmp_path / "out.parquet", keep=["size"])
    found = pd.read_parquet(tmp_path / "out.parquet")
    whole = pd.concat([part.astype({"colour": object}) for part in parts])
    assert_array_equal(found["size"], whole["size"])
    assert_allclose(
        found.filter(like="probability_"), Scorer(student).predict_proba(whole), atol=1e-7
    )
    write(X.assign(size="large"), folder / f"2.{kind}")
    with pytest.raises(ValueError, match="'size' is of the types"):
        score_parquet(student, folder, tmp_path / "other.parquet")


def test_a_text_of_a_csv_file_may_have_several_lines(student, tmp_path):
    """In files of more than the megabyte that is parsed at a time, too."""
    X = rows(seed=6).assign(note='a\nlong, "note"\n' * 200)
    source = write(X, tmp_path / "in.csv")
    score_parquet(student, source, tmp_path / "out.csv", keep=["note"])
    assert pd.read_csv(tmp_path / "out.csv")["note"].equals(X["note"])


def test_columns_are_taken_by_name_and_none_is_dropped_unsaid(student, tmp_path):
    X = rows(seed=4).assign(id=[f"{i:03}" for i in range(500)], note="n")[::-1]
    X.loc[3, "note"], X.loc[4, "note"] = "NA", None
    X = X[["note", "rooms", "id", "size", "is_new", "colour"]]
    source, out = write(X, tmp_path / "in.csv"), tmp_path / "out.parquet"
    lacking = write(X.drop(columns=["rooms"]), tmp_path / "lacking.csv")
    with pytest.raises(
        ValueError, match=r"lacks the column\(s\) \['rooms'\] and has .*'note', 'id'"
    ):
        score_parquet(student, lacking, out)
    with pytest.raises(ValueError, match=r"\['note'\]"):
        score_parquet(student, source, out, keep=["id"])
    assert not out.exists()
    scorer = Scorer(student)
    expected = scorer.predict(X[scorer.feature_names_in_])
    for choice in ({"keep": ["id"], "drop": ["note"]}, {"keep": ["id"], "drop": "rest"}):
        score_parquet(student, source, out, overwrite=True, **choice)
        found = pd.read_parquet(out)
        assert found.columns[:2].tolist() == ["id", "prediction"]
        assert_array_equal(found["id"], X["id"])  # of a CSV file as text: no zero is lost
        assert_array_equal(found["prediction"], expected)
    score_parquet(student, source, out, keep="rest", overwrite=True)
    found = pd.read_parquet(out)
    assert found.columns[:2].tolist() == ["note", "id"]
    assert_array_equal(found["note"].isna(), X["note"].isna())  # NA is Namibia, not a missing one
    score_parquet(student, source, out, keep=["id", "colour"], drop="rest", overwrite=True)
    assert_array_equal(pd.read_parquet(out)["prediction"], expected)


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        ({"keep": "rest", "drop": "rest"}, "'rest' is taken by one"),
        ({"keep": "id"}, "`keep` must be a list"),
        ({"drop": "id"}, "`drop` must be a list"),
        ({"keep": ["none"]}, "`keep` or `drop` has .*none"),
        ({"drop": ["none"]}, "`keep` or `drop` has .*none"),
        ({"drop": ["size"]}, "`drop` has .*size.*read"),
        ({"keep": ["prediction"], "drop": "rest"}, "rename"),
        ({"batch_size": 0, "keep": "rest"}, "`batch_size`"),
    ],
)
def test_choices_that_have_no_meaning(student, tmp_path, choice, error):
    source = write(rows(9).assign(id=1, prediction=2), tmp_path / "in.parquet")
    with pytest.raises((ValueError, TypeError), match=error):
        score_parquet(student, source, tmp_path / "out.parquet", **choice)
    assert names_in(tmp_path) == ["in.parquet"]


@pytest.mark.parametrize("source", FORMATS)
def test_an_empty_table_has_an_empty_answer(student, tmp_path, source):
    X = pa.Table.from_pandas(rows(3), preserve_index=False).slice(0, 0).to_pandas()
    out = tmp_path / "out.parquet"
    assert score_parquet(student, write(X, tmp_path / f"in.{source}"), out).n_rows == 0
    found = pq.read_table(out)
    assert (found.num_rows, found.schema.field("prediction").type) == (0, pa.string())


def test_a_row_that_cannot_be_answered_leaves_no_file(student, tmp_path):
    X = rows(300)
    X.loc[257, "size"] = np.inf
    source, out = write(X, tmp_path / "in.parquet"), tmp_path / "out.parquet"
    with pytest.raises(ValueError, match=r"in the rows 200 to 299 of the source, .*infinity"):
        score_parquet(student, source, out, batch_size=100)
    assert names_in(tmp_path) == ["in.parquet"]


def test_files_are_not_replaced_unasked(student, tmp_path):
    source, out = write(rows(9), tmp_path / "in.parquet"), tmp_path / "out.csv"
    out.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        score_parquet(student, source, out)
    assert out.read_text() == "mine"
    with pytest.raises(ValueError, match="is the source"):
        score_parquet(student, source, source, overwrite=True)
    score_parquet(student, source, out, overwrite=True)
    assert len(pd.read_csv(out)) == 9


@pytest.mark.parametrize(
    ("name", "error"),
    [("none.parquet", FileNotFoundError), ("in.xlsx", ValueError), ("empty", FileNotFoundError)],
)
def test_sources_that_are_none(student, tmp_path, name, error):
    (tmp_path / "empty").mkdir()
    (tmp_path / "in.xlsx").touch()
    with pytest.raises(error, match="`source`"):
        score_parquet(student, tmp_path / name, tmp_path / "out.parquet")


def test_an_open_file_gets_csv_and_batches_are_told(student, tmp_path):
    out, seen = io.BytesIO(), []
    source = write(rows(300), tmp_path / "in.parquet")
    score_parquet(student, source, out, batch_size=128, progress=seen.append)
    assert len(pd.read_csv(io.BytesIO(out.getvalue()))) == 300
    assert seen == [128, 128, 44]


def test_nested_columns_go_into_no_csv(student, tmp_path):
    source = write(rows(9).assign(tags=[["a", "b"]] * 9), tmp_path / "in.parquet")
    with pytest.raises(ValueError, match=r"\['tags'\] hold lists"):
        score_parquet(student, source, tmp_path / "out.csv", keep=["tags"])
    score_parquet(student, source, tmp_path / "out.parquet", keep=["tags"])
    assert pd.read_parquet(tmp_path / "out.parquet")["tags"][0].tolist() == ["a", "b"]


def test_several_numbers(tmp_path):
    X = rows().drop(columns="colour")
    soft = np.c_[X["rooms"], -X["rooms"]].astype(float)
    file = export(DistilledRegressor, tmp_path / "two.onnx", X, soft_targets=soft)
    score_parquet(file, write(X, tmp_path / "in.csv"), tmp_path / "two.parquet")
    found = pd.read_parquet(tmp_path / "two.parquet")
    assert_allclose(found, Scorer(file).predict(X))
    assert found.columns.tolist() == ["prediction_0", "prediction_1"]


def test_quantiles(tmp_path):
    X = rows().drop(columns="colour")
    reg = DistilledRegressor(
        DummyRegressor(), MLPStudent((8,), n_steps=30), head="quantiles", quantiles=[0.1, 0.5, 0.9]
    ).fit(X, X["rooms"])
    to_onnx(reg, tmp_path / "q.onnx")
    score_parquet(tmp_path / "q.onnx", write(X, tmp_path / "in.csv"), tmp_path / "q.parquet")
    found, scorer = pd.read_parquet(tmp_path / "q.parquet"), Scorer(tmp_path / "q.onnx")
    assert found.columns.tolist() == ["prediction", "quantile_0.1", "quantile_0.5", "quantile_0.9"]
    assert_allclose(found["prediction"], scorer.predict(X))
    assert_allclose(found.iloc[:, 1:], scorer.predict_quantiles(X))


def test_columns_by_their_order(tmp_path):
    X = np.random.default_rng(0).normal(size=(200, 2))
    soft = np.random.default_rng(1).dirichlet(np.ones(2), 200)
    file = export(DistilledClassifier, tmp_path / "a.onnx", X, soft_targets=soft)
    table = pd.DataFrame(X, columns=["p", "q"]).assign(id=range(200))
    source = write(table, tmp_path / "in.csv")
    with pytest.raises(ValueError, match="by their order"):
        score_parquet(file, source, tmp_path / "out.parquet")
    with pytest.raises(ValueError, match="name the columns"):
        score_parquet(file, source, tmp_path / "out.parquet", keep="rest")
    score_parquet(file, source, tmp_path / "out.parquet", keep=["id"])
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert_allclose(found.filter(like="prob"), Scorer(file).predict_proba(X), atol=1e-7)


def test_nulls_among_numbers_are_missing_numbers(student, tmp_path):
    """In Arrow's tables, whose ints may be missing as well."""
    X = rows(100)
    table = pa.Table.from_pandas(X, preserve_index=False)
    some = [None if i % 3 == 0 else int(v) for i, v in enumerate(X["rooms"])]
    table = table.set_column(2, "rooms", pa.array(some))
    assert table["rooms"].null_count
    expected = X.assign(rooms=[np.nan if v is None else v for v in some])
    scorer = Scorer(student)
    assert_array_equal(scorer.predict_proba(table), scorer.predict_proba(expected))


def test_files_are_read_no_faster_than_they_are_scored(student, tmp_path):
    X, numbers = rows(200_000), np.random.default_rng(0).normal(size=(200_000, 10))
    wide = X.assign(**{f"x{i}": column for i, column in enumerate(numbers.T)})
    source = tmp_path / "in.parquet"
    table = pa.Table.from_pandas(wide, preserve_index=False)
    pq.write_table(table, source, row_group_size=10_000)
    del table, wide
    before, seen = pa.total_allocated_bytes(), []

    def slowly(n_rows):
        time.sleep(0.01)
        seen.append(pa.total_allocated_bytes() - before)

    score_parquet(
        student, source, tmp_path / "o.arrow", keep="rest", batch_size=5000, progress=slowly
    )
    assert len(seen) == 40
    assert max(seen) < 6e6 < numbers.nbytes


@pytest.mark.parametrize(("n_columns", "n_rows"), [(1, 65_536), (61, 65_536), (1_000, 4_181)])
def test_wide_tables_come_in_fewer_rows(n_columns, n_rows):
    table = SimpleNamespace(needed=range(n_columns), answers=range(3))
    assert rows_of_batch(table) == n_rows
