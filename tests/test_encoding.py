"""TabularEncoder and the view of a table it works on."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from shared import make_frame
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier, MLPStudent, TabularEncoder


def by_hand(fitted_on, X, mode):
    """The encoder's arithmetic on pandas frames, in float64 and column by column."""
    numbers, fine, indicators, categories = [], [], [], []
    for name in fitted_on:
        seen, values = fitted_on[name], X[name]
        if pd.api.types.is_numeric_dtype(seen) and not pd.api.types.is_bool_dtype(seen):
            seen, values = (
                np.array([np.nan if pd.isna(v) else float(v) for v in c]) for c in (seen, values)
            )
            q25, median, q75 = np.percentile(seen[~np.isnan(seen)], [25, 50, 75])
            z = (values - median) / (q75 - q25)
            squashed = z / np.sqrt(1 + (z / 3) ** 2)
            numbers.append(np.where(np.isnan(squashed), 0, squashed))
            distance = np.abs(seen - median)
            logarithm = np.arcsinh(2 * (values - median) / np.median(distance[distance > 0]))
            fine.append(np.where(np.isnan(logarithm), 0, np.clip(logarithm, -10, 10)))
            if np.isnan(seen).any():
                indicators.append(np.isnan(values))
        else:
            known = sorted(set(seen.dropna()), key=str)
            code = {value: i + 2 for i, value in enumerate(known)}
            codes = np.array([1 if pd.isna(v) else code.get(v, 0) for v in values])
            if mode == "codes":
                categories.append(codes)
            else:
                categories += [codes == c for c in range(1, len(known) + 2)]
    return np.column_stack([*numbers, *fine, *indicators, *categories]).astype(float)


def column(values):
    return np.asarray(values, dtype=float)[:, None]


def encode_both(values):
    """The two columns of a number: the robust one, and the one like a logarithm."""
    both = TabularEncoder().fit_transform(column(values))
    assert both.shape == (len(values), 2)
    return both


def encode(values):
    return encode_both(values)[:, 0]


# --- numbers ---


def test_numbers_by_hand():
    # median 2, IQR 2; the distances that are not 0 are 2, 1, 1, 2: their median is 1.5
    out = TabularEncoder().fit(column([0, 1, 2, 3, 4])).transform(column([2, 4, 0, 8, 1002]))
    expected = [
        0,
        1 / np.sqrt(10 / 9),
        -1 / np.sqrt(10 / 9),
        3 / np.sqrt(2),
        500 / np.sqrt(1 + 500**2 / 9),
    ]
    assert_allclose(out[:, 0], expected, atol=1e-6)
    assert_allclose(out[:, 1], np.arcsinh(np.array([0, 2, -2, 6, 1000]) * 2 / 1.5), atol=1e-6)
    assert out.shape == (5, 2)
    assert out.dtype == np.float32


def test_center_and_scale_are_those_of_robust_scaler():
    X = np.random.RandomState(0).standard_t(2, size=(101, 4)) * [1, 100, 1e-5, 1] + [0, 5, 0, -1e6]
    X[::7, 1] = np.nan
    encoder, scaler = TabularEncoder().fit(X), RobustScaler().fit(X)
    assert_allclose(encoder.center_, scaler.center_, rtol=1e-12)
    assert_allclose(encoder.scale_, 1 / scaler.scale_, rtol=1e-9)


def test_fine_scale_is_2_over_the_median_distance_that_is_not_0():
    X = np.random.RandomState(0).standard_t(2, size=(101, 4)) * [1, 100, 1e-5, 1] + [0, 5, 0, -1e6]
    X[::7, 1] = np.nan
    X[:70, 2] = 3e-5
    distance = np.abs(X - np.nanmedian(X, axis=0))
    expected = [2 / np.median(one[one > 0]) for one in distance.T]
    assert_allclose(TabularEncoder().fit(X).fine_scale_, expected, rtol=1e-9)


@pytest.mark.parametrize("mode", ["onehot", "codes"])
def test_arithmetic_by_hand(mode):
    X = make_frame()
    fitted_on, new = X[:40].reset_index(drop=True), X.assign(colour=["violet", *X["colour"][1:]])
    encoder = TabularEncoder(categories=mode).fit(fitted_on)
    for frame in (fitted_on, new):
        out = encoder.transform(frame)
        assert out.dtype == np.float32
        assert out.shape == (len(frame), encoder.n_outputs_)
        assert_allclose(out, by_hand(fitted_on, frame, mode), atol=1e-6, rtol=0)


@pytest.mark.parametrize("offset", [1e9, -1e9, 1e12])
def test_small_differences_at_a_large_offset_stay(offset):
    steps = np.arange(9.0)
    assert_allclose(encode_both(offset + steps), encode_both(steps), atol=1e-6)


def test_differences_of_a_thousandth_at_1e9_stay():
    thousandths = 1e9 + np.arange(5) / 1000
    assert_allclose(encode_both(thousandths), encode_both(np.arange(5)), atol=1e-3)


def test_scale_where_the_quartiles_are_equal():
    """Half the inverse of the median distance that is not 0, in place of 1 / IQR."""
    values = [0] * 18 + [1, 5]
    z = np.array(values) / (2 * 3)
    expected = np.column_stack([z / np.sqrt(1 + z**2 / 9), np.arcsinh(np.array(values) * 2 / 3)])
    assert_allclose(encode_both(values), expected, atol=1e-6)


def test_the_scales_where_the_quartiles_are_equal_do_not_depend_on_the_largest_value():
    small = [0] * 18 + [1, 2, 3]
    assert_array_equal(encode_both([*small, 1e12])[:-2], encode_both([*small, 4])[:-2])


@pytest.mark.parametrize("value", [0.0, -7.5, 0.1, 1e300, 3e9])
def test_constant_columns_become_0(value):
    encoder = TabularEncoder().fit(column([value] * 7))
    assert_array_equal(encoder.transform(column([value, 0, 1e12, -3])), np.zeros((4, 2)))


def test_rounding_errors_are_no_spread():
    assert_array_equal(encode_both([0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2]), np.zeros((4, 2)))


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("huge", [1e300, 1.7e308])
def test_huge_values_are_finite(huge):
    among = encode_both([huge, -huge, 1, 0, 2])
    assert np.isfinite(among).all()
    assert (among[0] > 1).all()
    assert (among[1] < -1).all()
    later = TabularEncoder().fit(column(np.arange(9) * 1e-9)).transform(column([huge, -huge]))
    assert_allclose(later, [[3, 10], [-3, -10]], atol=1e-5)
    assert np.isfinite(encode_both([1e-310, 2e-310, 0, 3e-310])).all()


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("huge", [1e300, 1.7e308])
def test_the_column_like_a_logarithm_is_at_most_10(huge):
    encoder = TabularEncoder().fit(column([0, 1, 2, 3, 4]))
    edge = 0.75 * np.sinh(10)
    later = encoder.transform(column([huge, -huge, 2 + edge * 1.01, 2 + edge * 0.99, np.nan]))[:, 1]
    assert_array_equal(later[[0, 1, 2, 4]], [10, -10, 10, 0])
    assert_allclose(later[3], np.arcsinh(np.sinh(10) * 0.99), atol=1e-5)
    assert later[3] < 10
    assert_array_equal(encode_both([0, 1, 2, 3, 4, huge, -huge])[5:, 1], [10, -10])


def test_order_is_kept_within_the_clip():
    values = np.concatenate([-np.logspace(3, -3, 30), np.logspace(-3, 3, 30)])
    both = encode_both(values)
    assert (np.diff(both.astype(float), axis=0) > 0).all()
    assert (np.abs(both).max(axis=0) < [3, 10]).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_order_is_not_reversed_beyond_the_clip():
    far = np.append(np.logspace(-300, 308, 400), 1.7e308)
    encoder = TabularEncoder().fit(column(np.arange(9) - 4))
    both = encoder.transform(column([*-far[::-1], 0, *far]))
    assert (np.diff(both.astype(float), axis=0) >= 0).all()
    assert (np.abs(both).max(axis=0) <= [3, 10]).all()


def test_far_values_stay_apart_in_the_column_like_a_logarithm():
    later = TabularEncoder().fit(column(np.arange(9))).transform(column([4e3, 8e3]))
    assert_allclose(np.diff(later, axis=0), [[0, np.log(2)]], atol=1e-3)


# --- missing numbers ---


def test_missing_number_is_0_with_an_indicator_only_where_fitted_with_one():
    X = np.array([[1.0, np.nan, 5.0], [2.0, 3.0, np.nan], [3.0, 4.0, 6.0], [4.0, 7.0, 8.0]])
    encoder = TabularEncoder().fit(X)
    assert encoder.n_outputs_ == 8
    out = encoder.transform(np.full((1, 3), np.nan))
    assert_array_equal(out, [[0, 0, 0, 0, 0, 0, 1, 1]])
    assert_array_equal(encoder.transform(X)[:, 6:], np.isnan(X[:, 1:]))
    assert_array_equal(encoder.transform(X)[:, :6][np.isnan(np.hstack([X, X]))], np.zeros(4))


def test_missing_values_do_not_move_center_and_scale():
    with_nan = TabularEncoder().fit(column([0, 1, np.nan, 2, 3, 4, np.nan]))
    without = TabularEncoder().fit(column([0, 1, 2, 3, 4]))
    assert_array_equal(with_nan.center_, without.center_)
    assert_array_equal(with_nan.scale_, without.scale_)
    assert_array_equal(with_nan.fine_scale_, without.fine_scale_)


def test_unseen_missing_error_names_the_columns():
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 3.0], "c": ["x", "y"]})
    encoder = TabularEncoder(unseen_missing="error").fit(X)
    with pytest.raises(ValueError, match=r"NaN in column\(s\) \['b'\].*impute"):
        encoder.transform(X.assign(b=[np.nan, 1.0]))
    # A missing category has a code of its own.
    assert_array_equal(encoder.transform(X.assign(c=[None, "x"]))[:, 4:], [[1, 0, 0], [0, 1, 0]])
    out = TabularEncoder().fit(X).transform(X.assign(b=[np.nan, 1.0]))
    assert_array_equal(out[0, [1, 3]], [0, 0])


def test_a_column_of_missing_values_only():
    X = pd.DataFrame({"a": [np.nan] * 3, "b": [1.0, 2.0, 3.0], "c": pd.array([None] * 3, "string")})
    encoder = TabularEncoder().fit(X)
    assert_allclose(encoder.transform(X)[:, [0, 2, 4, 5]], np.tile([0, 0, 1, 1], (3, 1)))
    new = encoder.transform(X.assign(a=[5.0, 1e9, np.nan], c=["x", None, "y"]))
    assert_array_equal(new[:, [0, 2, 4, 5]], [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])


@pytest.mark.parametrize(
    "nothing",
    [
        pd.Series([None] * 3, dtype=object),
        pd.Series([None] * 3, dtype="string"),
        pd.Series([None] * 3, dtype="str"),
        pd.Series([np.nan] * 3),
        pd.array([None] * 3, dtype="Int64"),
    ],
)
def test_a_number_column_of_none_at_predict(nothing):
    X = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [1, 2, 3]})
    out = TabularEncoder().fit(X).transform(X.assign(a=nothing))
    assert_array_equal(out[:, [0, 2]], 0)
    assert_array_equal(out[:, [1, 3]], TabularEncoder().fit_transform(X)[:, [1, 3]])
    assert_array_equal(
        TabularEncoder().fit(X).transform(pl.DataFrame({"a": [None], "b": [2]})), [[0, 0, 0, 0]]
    )


# --- categories ---


CATEGORY_COLUMNS = {
    "str": pd.Series(["b", "a", None, "b"], dtype="str"),
    "string": pd.Series(["b", "a", None, "b"], dtype="string"),
    "object": pd.Series(["b", "a", None, "b"], dtype=object),
    "category": pd.Series(["b", "a", None, "b"], dtype="category"),
    "unused": pd.Series(pd.Categorical(["b", "a", None, "b"], categories=["z", "b", "a"])),
    "boolean": pd.Series([True, False, None, True], dtype="boolean"),
    "objectbool": pd.Series([True, False, None, True], dtype=object),
    "intcat": pd.Series(pd.Categorical([30, 4, None, 30])),
    "mixed": pd.Series(["x", 1, None, "x"], dtype=object),
}


@pytest.mark.parametrize("kind", CATEGORY_COLUMNS)
def test_category_codes(kind):
    X = pd.DataFrame({"c": CATEGORY_COLUMNS[kind]})
    codes = TabularEncoder(categories="codes").fit(X)
    onehot = TabularEncoder().fit(X)
    assert codes.cardinalities_ == (4,)
    assert onehot.cardinalities_ == ()
    expected = codes.transform(X).ravel()
    assert expected[2] == 1
    assert expected[0] == expected[3]
    assert set(expected) == {1, 2, 3}
    known = codes.categories_[0]
    assert [known[int(c) - 2] for c in expected[[0, 1]]] == X["c"][[0, 1]].tolist()
    assert_array_equal(onehot.transform(X), expected[:, None] == [1, 2, 3])


def test_bools_without_missing_values_are_a_category():
    out = TabularEncoder(categories="codes").fit_transform(pd.DataFrame({"b": [True, False, True]}))
    assert_array_equal(out.ravel(), [3, 2, 3])


def test_unknown_categories():
    X = pd.DataFrame({"n": [1.0, 2.0, 3.0], "c": ["a", "b", None], "d": [2, 3, 2]})
    X["d"] = X["d"].astype("category")
    new = pd.DataFrame({"n": [2.0, 2.0], "c": ["zebra", "a"], "d": [9, 3]})
    codes = TabularEncoder(categories="codes").fit(X).transform(new)
    assert_array_equal(codes, [[0, 0, 0, 0], [0, 0, 2, 3]])
    onehot = TabularEncoder().fit(X).transform(new)
    assert_array_equal(onehot, [[0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 1]])


def test_all_unknown():
    X = pd.DataFrame({"c": ["a", "b"], "d": pd.Categorical([1, 2])})
    new = pd.DataFrame({"c": ["x", "y"], "d": [7, 8]})
    assert_array_equal(TabularEncoder(categories="codes").fit(X).transform(new), np.zeros((2, 2)))
    assert_array_equal(TabularEncoder().fit(X).transform(new), np.zeros((2, 6)))


def test_int_categories_are_matched_by_value():
    X = pd.DataFrame({"c": pd.Categorical([10, 2, 33, 2])})
    encoder = TabularEncoder(categories="codes").fit(X)
    expected = encoder.transform(X)
    assert len(set(expected.ravel())) == 3
    reordered = pd.DataFrame({"c": pd.Categorical([10, 2, 33, 2], categories=[33, 10, 2, 5])})
    assert_array_equal(encoder.transform(reordered), expected)
    assert_array_equal(encoder.transform(pd.DataFrame({"c": [10, 2, 33, 2]})), expected)


def test_codes_do_not_depend_on_the_order_of_rows():
    X = make_frame()
    shuffled = X.sample(frac=1, random_state=0)
    first, second = (TabularEncoder(categories="codes").fit(part) for part in (X, shuffled))
    assert_array_equal(first.transform(X), second.transform(X))


def test_both_category_modes_carry_the_same():
    X = make_frame()
    X["more"] = np.random.RandomState(1).choice(list("abcdefg"), len(X))
    fitted_on, new = X[:30], X.assign(flag=None, more=["?", "a", None] * 20)
    codes, onehot = (TabularEncoder(categories=m).fit(fitted_on) for m in ("codes", "onehot"))
    n_categories = len(codes.cardinalities_)
    n_plain = codes.n_outputs_ - n_categories
    for frame in (X, new):
        with_codes, with_onehot = codes.transform(frame), onehot.transform(frame)
        assert_array_equal(with_codes[:, :n_plain], with_onehot[:, :n_plain])
        end = n_plain
        for i, size in enumerate(codes.cardinalities_):
            block = with_onehot[:, end : end + size - 1]
            end += size - 1
            back = np.where(block.any(axis=1), block.argmax(axis=1) + 1, 0)
            assert_array_equal(back, with_codes[:, n_plain + i])
            assert (block.sum(axis=1) <= 1).all()
        assert end == onehot.n_outputs_


def test_dummy_columns_are_those_of_one_hot_encoder():
    X = make_frame(missing=False)[["colour", "flag"]]
    theirs = OneHotEncoder(sparse_output=False).fit_transform(X)
    # Ours has a slot for missing values before those of each column's categories.
    assert_array_equal(np.delete(TabularEncoder().fit_transform(X), [0, 4], axis=1), theirs)


# --- containers ---


@pytest.mark.parametrize("mode", ["onehot", "codes"])
def test_containers_agree(mode):
    X = make_frame()
    as_objects = np.array(X.astype(object).values.tolist(), dtype=object)
    as_objects[pd.isna(as_objects)] = None
    forms = [X, pl.from_pandas(X), as_objects]
    encoders = [TabularEncoder(categories=mode).fit(form) for form in forms]
    expected = encoders[0].transform(X)
    for encoder in encoders:
        for form in forms:
            assert_allclose(encoder.transform(form), expected, atol=1e-7)


def test_nullable_and_plain_columns_agree():
    plain = pd.DataFrame(
        {"a": [1, np.nan, 3.0, 9.0], "b": [True, None, False, True], "c": ["x", None, "y", "x"]}
    )
    plain = plain.astype({"b": object})
    nullable = plain.astype({"a": "Int64", "b": "boolean", "c": "string"})
    arrow = plain.astype({"a": "int64[pyarrow]", "b": "bool[pyarrow]", "c": "string[pyarrow]"})
    expected = TabularEncoder().fit_transform(plain)
    for frame in (nullable, arrow):
        assert_array_equal(TabularEncoder().fit_transform(frame), expected)
        assert_array_equal(TabularEncoder().fit(plain).transform(frame), expected)


def test_polars_categories():
    values = ["b", None, "a", "b"]
    expected = TabularEncoder().fit_transform(pl.DataFrame({"c": values}))
    assert_array_equal(expected, [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    for dtype in (pl.Categorical, pl.Enum(["b", "a"])):
        frame = pl.DataFrame({"c": pl.Series(values, dtype=dtype)})
        assert_array_equal(TabularEncoder().fit_transform(frame), expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, bool])
def test_arrays_and_frames_of_numbers_agree(dtype):
    X = np.random.RandomState(0).randint(0, 200, (30, 3)).astype(dtype)
    expected = TabularEncoder().fit_transform(X.astype(float))
    assert_array_equal(TabularEncoder().fit_transform(X), expected)
    assert_array_equal(TabularEncoder().fit_transform(X.tolist()), expected)
    assert_array_equal(TabularEncoder().fit(X).transform(np.asfortranarray(X)), expected)
    if dtype is not bool:
        assert_array_equal(TabularEncoder().fit_transform(pd.DataFrame(X)), expected)


def test_one_row_as_in_a_batch():
    X = make_frame()
    encoder = TabularEncoder().fit(X)
    together = encoder.transform(X)
    for i in (0, 4, 7):
        assert_array_equal(encoder.transform(X.iloc[[i]]), together[[i]])


def test_input_is_not_changed():
    X, array = make_frame(), np.array([[1.0, np.nan], [2.0, 3.0]])
    TabularEncoder().fit(X).transform(X)
    pd.testing.assert_frame_equal(X, make_frame())
    TabularEncoder().fit(array).transform(array)
    assert_array_equal(array, [[1.0, np.nan], [2.0, 3.0]])


def test_no_columns_and_no_rows():
    for empty in (pd.DataFrame(index=range(3)), make_frame()[:0]):
        with pytest.raises(ValueError, match=r"Found array with \d sample\(s\) and \d feature"):
            TabularEncoder().fit(empty)
        with pytest.raises(ValueError, match=r"Found array with \d sample\(s\) and \d feature"):
            TabularEncoder().fit(make_frame()).transform(empty)


@pytest.mark.parametrize("mode", ["onehot", "codes"])
def test_only_numbers_or_only_categories(mode):
    X = make_frame()
    for part in (X[["int", "float"]], X[["colour", "flag"]], X[["flag"]], X[["int"]]):
        out = TabularEncoder(categories=mode).fit_transform(part)
        assert_allclose(out, by_hand(part, part, mode), atol=1e-6)


def test_clone_and_refit():
    encoder = TabularEncoder(categories="codes").fit(make_frame())
    X = np.arange(6.0).reshape(3, 2)
    params = {"categories": "codes", "unseen_missing": "encode", "nominal": None}
    assert clone(encoder).get_params() == params
    assert_array_equal(encoder.fit(X).transform(X), TabularEncoder().fit_transform(X))
    assert encoder.cardinalities_ == ()


# --- errors ---


def test_not_fitted():
    with pytest.raises(NotFittedError, match="not fitted"):
        TabularEncoder().transform([[1.0]])


def test_wrong_parameters():
    with pytest.raises(ValueError, match="'categories' parameter .* must be .* Got 'x'"):
        TabularEncoder(categories="x").fit([[1]])
    with pytest.raises(ValueError, match="'unseen_missing' parameter .* must be .* Got None"):
        TabularEncoder(unseen_missing=None).fit([[1]])


@pytest.mark.parametrize(
    "values", [["1", "2"], [True, False], pd.Categorical(["u", "v"]), ["x", None], ["x", 3]]
)
def test_numbers_that_turn_into_categories(values):
    X = pd.DataFrame({"fine": [1.0, 2.0], "price": [1.0, 2.0]})
    with pytest.raises(ValueError, match="column 'price' was numeric .* Convert it to numbers"):
        TabularEncoder().fit(X).transform(X.assign(price=values))


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinity_names_the_columns(infinity):
    X = make_frame()
    bad = X.assign(float=infinity)
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \['float'\]: replace"):
        TabularEncoder().fit(bad)
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \['float'\]: replace"):
        TabularEncoder().fit(X).transform(bad)
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \['1'\]"):
        TabularEncoder().fit([[1.0, infinity], [2.0, np.nan]])


def test_sums_that_overflow_are_no_infinity():
    X = np.full((3, 2), 1.7e308)
    with np.errstate(over="ignore"):
        assert_array_equal(TabularEncoder().fit_transform(X), np.zeros((3, 4)))


DAYS = [datetime.date(2020, 1, 1), datetime.date(2020, 5, 1)]


@pytest.mark.parametrize(
    "dates",
    [
        pd.DataFrame({"when": pd.to_datetime(DAYS)}),
        pd.DataFrame({"when": pd.to_datetime(DAYS).tz_localize("UTC")}),
        pd.DataFrame({"when": pd.to_datetime(DAYS) - pd.Timestamp("2019")}),
        pl.DataFrame({"when": DAYS}),
        pl.DataFrame({"when": [datetime.datetime(2020, 1, 1)]}),
    ],
)
def test_dates_are_refused_with_a_remedy(dates):
    with pytest.raises(ValueError, match="column 'when' has dtype .* turn it into numbers"):
        TabularEncoder().fit(dates)


def test_cells_of_other_types_are_named():
    with pytest.raises(TypeError, match=r"column 'when' holds datetime\.date\(2020, 1, 1\)"):
        TabularEncoder().fit(pd.DataFrame({"when": DAYS}))
    with pytest.raises(TypeError, match=r"column 'b' holds \[1\]"):
        TabularEncoder().fit(pd.DataFrame({"a": [1], "b": [[1]]}))


def test_date_objects_are_refused_with_a_remedy():
    with pytest.raises((TypeError, ValueError), match="column 'when' .*turn it into numbers"):
        TabularEncoder().fit(pd.DataFrame({"when": DAYS}))


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="Complex data not supported"):
        TabularEncoder().fit(np.array([[1 + 2j]]))


@pytest.mark.parametrize("width", [1, 2, 4])
def test_another_number_of_columns_is_refused(width):
    X = np.random.RandomState(0).normal(size=(9, 4))
    for form in (np.asarray, pd.DataFrame):
        encoder = TabularEncoder().fit(form(X[:, :3]))
        with pytest.raises(ValueError, match=f"(?i){width} (features|columns).*3"):
            encoder.transform(form(X[:, :width]))


@pytest.mark.filterwarnings("error")
def test_rounding_errors_where_the_quartiles_are_equal():
    values = [0.3] * 60 + [0.1 + 0.2] * 10 + [1.0] * 5
    out = TabularEncoder().fit(column(values)).transform(column(values))
    assert np.abs(out[:70]).max() < 1e-6
    assert_allclose(out[70:], [[0.5 / np.sqrt(1 + 0.25 / 9), np.arcsinh(2)]] * 5, atol=1e-6)
    few = [0.3] * 10 + [0.1 + 0.2] * 10 + [5.0]
    assert np.abs(encode(few)[:20]).max() < 1e-6


@pytest.mark.filterwarnings("error")
def test_flat_columns_warn_of_nothing():
    encode([0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2])
    encode(1e15 + np.arange(9.0))


# --- any table ---

CELLS = {
    "float": st.floats(allow_nan=True, allow_infinity=False),
    "Int64": st.none() | st.integers(-(2**53), 2**53),
    "int64": st.integers(-(2**53), 2**53),
    "str": st.none() | st.text(max_size=3),
    "bool": st.booleans(),
    "boolean": st.none() | st.booleans(),
    "category": st.none() | st.sampled_from(["a", "b", "c"]),
    "object": st.none() | st.sampled_from(["a", "b", "", "1"]),
    "mixed": st.none() | st.sampled_from(["a", "b", "1"]) | st.booleans() | st.integers(0, 3),
}


@st.composite
def two_tables(draw):
    """Frames of the same columns, with values drawn apart: the second has unknown categories."""
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5))
    frames = []
    for n_rows in (draw(st.integers(3, 8)), draw(st.integers(1, 8))):
        cells = {
            f"{i}{kind}": pd.Series(
                draw(st.lists(CELLS[kind], min_size=n_rows, max_size=n_rows)),
                dtype="object" if kind == "mixed" else kind,
            )
            for i, kind in enumerate(kinds)
        }
        frames.append(pd.DataFrame(cells))
    # Objects that happen to be all numbers are a number column, and a type that the first table
    # has not may be refused in the second.
    for name in frames[0]:
        if name.endswith("object"):
            frames[0].loc[0, name] = "a"
        if name.endswith("mixed"):
            frames[0].loc[:2, name] = pd.Series(["a", True, 7], dtype=object)
    return frames


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@settings(max_examples=120, deadline=None)
@given(two_tables())
def test_any_table_gives_finite_numbers_of_the_declared_width(tables):
    fitted_on, new = tables
    onehot, codes = TabularEncoder().fit(fitted_on), TabularEncoder("codes").fit(fitted_on)
    for X in (fitted_on, new):
        for encoder in (onehot, codes):
            out = encoder.transform(X)
            assert out.dtype == np.float32
            assert out.shape == (len(X), encoder.n_outputs_)
            assert np.isfinite(out).all()
            n_numbers = len(encoder.center_)
            assert np.abs(out[:, :n_numbers]).max(initial=0) <= 3
            assert np.abs(out[:, n_numbers : 2 * n_numbers]).max(initial=0) <= 10
        n_codes = len(codes.cardinalities_)
        found = codes.transform(X)[:, codes.n_outputs_ - n_codes :]
        assert_array_equal(found, np.rint(found))
        assert (found >= 0).all()
        assert (found < codes.cardinalities_).all()
        # Rows without a known value in a column have nothing in its block, others one 1.
        blocks = onehot.transform(X)[:, codes.n_outputs_ - n_codes :]
        assert_array_equal(blocks.sum(axis=1), (found > 0).sum(axis=1))
    known = codes.transform(fitted_on)[:, codes.n_outputs_ - n_codes :]
    assert (known > 0).all()


# --- through DistilledClassifier ---


def distil(teacher, X, y):
    student = MLPStudent(hidden_layer_sizes=(8,), n_steps=30)
    return DistilledClassifier(teacher, student, random_state=0).fit(X, y)


def frame_teacher():
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["colour", "flag"]), ("passthrough", ["int"])
    )
    return make_pipeline(columns, DecisionTreeClassifier(max_depth=3, random_state=0))


def test_unknown_categories_at_predict():
    X = make_frame(missing=False)
    clf = distil(frame_teacher(), X, X["int"] > 500)
    new = X.assign(colour="ultraviolet")
    assert_allclose(clf.predict_proba(new).sum(axis=1), 1)
    # The default student takes codes; they come after two columns for each of the four numbers.
    codes = clf.encoder_.transform(new)[:, 8:]
    assert_array_equal(codes, np.column_stack([np.zeros(len(X)), X["flag"] + 2]))


def test_numbers_that_turn_into_strings_at_predict():
    X = make_frame(missing=False)
    clf = distil(frame_teacher(), X, X["int"] > 500)
    with pytest.raises(ValueError, match="column 'int' was numeric when the model was fitted"):
        clf.predict(X.astype({"int": str}))


def test_missing_numbers_at_predict_are_as_the_teacher_takes_them():
    X, y = np.random.RandomState(0).normal(size=(60, 3)), np.arange(60) % 2
    new = X.copy()
    new[0, 2] = np.nan
    with pytest.raises(ValueError, match=r"NaN in column\(s\) \['2'\].*impute"):
        distil(LogisticRegression(), X, y).predict(new)
    clf = distil(DecisionTreeClassifier(max_depth=2, random_state=0), X, y)
    filled = new.copy()
    filled[0, 2] = np.median(X[:, 2])
    assert_array_equal(clf.predict_proba(new), clf.predict_proba(filled))


def test_frames_give_the_same_student():
    X = make_frame(missing=False)
    y = (X["int"] > 500).to_numpy()
    expected = distil(frame_teacher(), X, y).predict_proba(X)
    assert_array_equal(
        distil(frame_teacher(), X.set_index(X.index[::-1]), y).predict_proba(X), expected
    )
