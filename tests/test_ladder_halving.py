"""A ladder by successive halving: who begins, who goes on, and what it costs."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

import skdistill._ladder.files as files
import skdistill._ladder.halving as halving
from skdistill import (
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    ParetoDisplay,
    Scorer,
    StudentLadder,
    TabularEncoder,
)
from skdistill.metrics import kl_divergence

X, Y = make_classification(300, 6, n_informative=4, random_state=0)
TEACHER = FrozenEstimator(LogisticRegression().fit(X, Y))
SPLIT = np.arange(225), np.arange(225, 300)
SIZES = [(2,), (3,), (8,), (16,), (16, 16), (32, 32)]


def distiller(**params):
    usual = {"student": MLPStudent(n_steps=160), "transfer": None, "random_state": 0}
    fixed = {"alpha": 0.3, "cv": None, "encoder": TabularEncoder(), "calibrate": False}
    return DistilledClassifier(TEACHER, **(usual | fixed | params))


def race(estimator=None, sizes=SIZES, **params):
    params = {"quantize": False, "search": "halving"} | params
    return StudentLadder(estimator or distiller(refit=False), sizes, **params).fit(X, Y)


@pytest.fixture(scope="module", autouse=True)
def _few_calls():
    """How long files take is nothing to these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "TURNS", 1)
        patch.setattr("skdistill.inspection._costs.SINGLE_CALLS", 5)
        patch.setattr("skdistill.inspection._costs.BATCH_CALLS", 1)
        yield


@pytest.fixture(scope="module")
def fitted(_few_calls):
    return race()


def test_rounds_are_those_of_halving_grid_search():
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    for n_candidates in (1, 2, 3, 6, 8, 9):
        search = HalvingGridSearchCV(
            LogisticRegression(),
            {"C": np.logspace(-2, 2, n_candidates)},
            resource="max_iter",
            max_resources=1600,
            factor=2,
            cv=2,
        ).fit(X, Y)
        n_sizes, shares = n_candidates, halving.shares_of(n_candidates)
        assert len(shares) == search.n_iterations_
        assert np.divide(search.n_resources_, 1600) == pytest.approx(shares, abs=0.01)
        for number in search.n_candidates_:
            assert n_sizes == number
            n_sizes = -(-n_sizes // 2)


def test_the_better_half_goes_on(fitted):
    rounds = fitted.rounds_
    assert rounds["round"].value_counts(sort=False).to_dict() == {1: 6, 2: 3, 3: 2}
    assert rounds.groupby("round")["share"].unique().explode().tolist() == [0.25, 0.5, 1.0]
    for number in (1, 2):
        here = rounds[rounds["round"] == number]
        left = here.loc[~here["goes_on"], "loss"]
        assert here.loc[here["goes_on"], "loss"].max() <= left.min()
        following = rounds.loc[rounds["round"] == number + 1, "size"]
        assert here.loc[here["goes_on"], "size"].tolist() == following.tolist()


def test_each_training_is_that_of_a_student_with_its_steps(fitted):
    """Trained by hand for as many steps, the same student loses as much."""
    split = [SPLIT]
    ladder = race(distiller(refit=False, validation_fraction=split))
    for row in ladder.rounds_.itertuples():
        steps = round(160 * row.share)
        student = clone(row.params["student"]).set_params(n_steps=steps)
        alone = distiller(refit=False, validation_fraction=split, student=student).fit(X, Y)
        n_batches = alone.history_[0, "train_batch_count"]
        assert row.n_steps == n_batches * -(-steps // n_batches)  # whole epochs
        expected = log_loss(Y[225:], alone.predict_proba(X[225:]))
        assert row.loss == pytest.approx(expected, abs=1e-5)
    kept = ladder.ladder_.loc[ladder.best_index_]
    assert kept["round"] == 3
    assert ladder.best_params_["student"].n_steps == 160


def test_what_left_earlier_is_shown_and_never_kept(fitted):
    ladder = fitted.ladder_
    assert sorted(ladder["size"]) == sorted(SIZES)
    assert not ladder.loc[ladder["round"] < 3, "meets"].any()
    assert ladder["round"].tolist().count(3) == 2
    last = fitted.rounds_.groupby("size")["n_steps"].last()
    assert ladder.set_index("size")["n_steps"].to_dict() == last.to_dict()
    assert "why: of 2 files" in fitted.decision_
    total = fitted.rounds_["n_steps"].sum()
    assert f"halving: rounds of 6, 3, 2 sizes, {total:,} steps in all" in fitted.decision_
    np.testing.assert_allclose(
        Scorer(fitted.best_file_).predict_proba(X), fitted.predict_proba(X), atol=1e-5
    )


@pytest.mark.filterwarnings("error")
def test_sizes_over_the_budget_do_not_begin(fitted):
    """None of those that were trained a little is told to be far behind its teacher."""
    bound = int(fitted.ladder_["bytes"].median())
    ladder = race(max_bytes=bound)
    begun = set(ladder.rounds_.loc[ladder.rounds_["round"] > 0, "size"])
    small = set(fitted.ladder_.loc[fitted.ladder_["bytes"] <= bound, "size"])
    assert begun == small == set(ladder.ladder_["size"])
    first = ladder.rounds_[ladder.rounds_["round"] == 0]
    assert (first["n_steps"] < 160 / 4).all()
    assert set(first.loc[first["goes_on"], "size"]) == small
    assert "3 over the budget did not begin" in ladder.decision_
    with pytest.raises(ValueError, match=r"(?s)no rung .* meets `max_bytes=100`.*\(32, 32\)"):
        race(max_bytes=100)


@pytest.mark.filterwarnings("ignore:.*the labels alone")
def test_the_largest_settles_what_is_auto_and_is_trained_in_full_once():
    ladder = race(distiller(alpha="auto", refit=True), [(8,), (32, 32)])
    rounds = ladder.rounds_
    assert rounds.loc[0, ["round", "size", "share"]].tolist() == [0, (32, 32), 1.0]
    assert {one["alpha"] for one in ladder.ladder_["params"]} == {ladder.best_estimator_.alpha_}
    last = rounds[rounds["round"] == rounds["round"].max()]
    assert (last["n_steps"] == 0).tolist() == (last["size"] == (32, 32)).tolist()
    assert "trained again on all rows" in ladder.decision_


def test_without_labels_the_teacher_ranks():
    clf = distiller(alpha=0.0, refit=False, validation_fraction=[SPLIT])
    ladder = StudentLadder(clf, SIZES[2:5], quantize=False, search="halving").fit(X)
    for row in ladder.rounds_.itertuples():
        student = clone(row.params["student"]).set_params(n_steps=round(160 * row.share))
        own = clone(clf).set_params(student=student).fit(X).predict_proba(X[225:])
        told = TEACHER.predict_proba(X[225:])
        assert row.loss == pytest.approx(kl_divergence(told, own), abs=1e-5)


def test_numbers_are_ranked_by_their_distance_from_the_teacher():
    data, y = load_diabetes(return_X_y=True)
    teacher = FrozenEstimator(LinearRegression().fit(data, y))
    reg = DistilledRegressor(
        teacher, MLPStudent(n_steps=100), transfer=None, refit=False, random_state=0
    )
    ladder = StudentLadder(reg, [(2,), (8,), (16,)], search="halving", quantize=False).fit(data)
    raced = ladder.rounds_[ladder.rounds_["round"] > 0]
    last = raced[raced["round"] == 2].set_index("size")["loss"].to_dict()
    shown = ladder.ladder_.set_index("size")["loss"].to_dict()
    assert {size: shown[size] for size in last} == pytest.approx(last, rel=1e-4)


@pytest.mark.parametrize("search", ["all", "halving"])
def test_encoders_are_tried_with_each_size(search):
    encoders = [TabularEncoder(), StandardScaler()]
    clf = distiller(refit=False, validation_fraction=[SPLIT])
    ladder = race(clf, [(4,), (16,)], encoders=encoders, search=search)
    found = ladder.ladder_
    assert set(zip(found["size"], found["encoder"], strict=True)) == {
        (size, repr(one)) for size in [(4,), (16,)] for one in encoders
    }
    kept = ladder.best_params_["encoder"]
    assert type(ladder.best_estimator_.encoder_) is type(kept)
    assert f"{found.loc[ladder.best_index_, 'size']} by {kept!r} in float32" in ladder.decision_
    alone = clone(clf).set_params(**ladder.best_params_).fit(X, Y)
    np.testing.assert_allclose(alone.predict_proba(X), ladder.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"search": "random"}, "'search'"),
        ({"encoders": []}, "`encoders` must be None or a list"),
        ({"encoders": ["auto"]}, "`encoders` holds 'auto'"),
        ({"encoders": [TabularEncoder(), TabularEncoder()]}, "give each encoder once"),
    ],
    ids=str,
)
def test_parameters_that_are_not_valid(params, words):
    with pytest.raises(ValueError, match=words):
        race(**params)


def test_two_races_are_alike_and_the_display_shows_all_sizes(fitted, ax):
    again = race()
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    assert again.rounds_.drop(columns="params").equals(fitted.rounds_.drop(columns="params"))
    display = ParetoDisplay.from_estimator(fitted, ax=ax)
    assert sum(len(points.get_offsets()) for points in display.points_) == len(SIZES)
