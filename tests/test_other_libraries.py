"""Teachers of xgboost, lightgbm, catboost, skorch and imbalanced-learn, as people have them."""

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch import NeuralNetClassifier
from xgboost import XGBClassifier

from skdistill import DistillationReport, DistilledClassifier, MLPStudent, TeacherPool

SMALL = MLPStudent(hidden_layer_sizes=(8,), n_steps=50)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 4)).astype(np.float32)
CODES = (X[:, 0] > -0.5).astype(int) + (X[:, 0] > 0.5)
FRAME = pd.DataFrame({"a": X[:, 0], "g": np.where(X[:, 1] > 0, "u", "v")})


class MyXGB(XGBClassifier):
    pass


class MyNet(NeuralNetClassifier):
    pass


def boosted(kind=MyXGB, **params):
    return kind(n_estimators=5, n_jobs=1, **params)


def net(n_classes, kind=MyNet):
    return kind(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=n_classes,
        criterion=torch.nn.CrossEntropyLoss,
        lr=0.3,
        max_epochs=20,
        train_split=None,
        verbose=0,
    )


def catboost(**params):
    return CatBoostClassifier(
        iterations=10, verbose=0, thread_count=1, allow_writing_files=False, **params
    )


TEACHERS = {
    "forest": lambda n: RandomForestClassifier(10, random_state=0),
    "hist": lambda n: HistGradientBoostingClassifier(max_iter=5),
    "xgboost": lambda n: boosted(XGBClassifier),
    "lightgbm": lambda n: LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1),
    "catboost": lambda n: catboost(),
    "net": lambda n: net(n, NeuralNetClassifier),
    "own xgboost": lambda n: boosted(),
    "own net": net,
    "in a pipeline": lambda n: make_pipeline(StandardScaler(), boosted()),
    "in a vote": lambda n: VotingClassifier([("x", boosted())], voting="soft"),
    "in a bagging": lambda n: BaggingClassifier(boosted(), 2, random_state=0),
    "in a calibration": lambda n: CalibratedClassifierCV(boosted(), cv=2),
    "in a search": lambda n: GridSearchCV(boosted(), {"max_depth": [2]}, cv=2),
    "in a pool": lambda n: TeacherPool([boosted(), LogisticRegression()]),
}
LABELS = {
    "bool": CODES > 0,
    "text": np.array(["c", "b", "a"])[CODES],
    "from 1": CODES + 1,
    "not in order": np.array([7, 2, 5])[CODES],
    "text of numbers": np.array(["10", "9", "8"])[CODES],  # catboost sorts them as numbers
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("kind", TEACHERS)
def test_labels_of_every_kind_keep_their_columns(kind, labels):
    y = LABELS[labels]
    pool = TeacherPool(TEACHERS[kind](len(np.unique(y))), random_state=0).fit(X, y)
    np.testing.assert_array_equal(pool.classes_, np.unique(y))
    assert (pool.predict(X) == y).mean() > 0.85


def test_own_net_follows_random_state_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    p = [TeacherPool(net(3), random_state=0).fit(X, CODES).predict_proba(X) for _ in range(2)]
    np.testing.assert_array_equal(*p)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("around", [make_pipeline, CalibratedClassifierCV])
@pytest.mark.parametrize("frozen", [boosted(), make_pipeline(StandardScaler(), boosted())])
def test_codes_of_a_frozen_part_are_not_taken_for_places(around, frozen):
    """Which label a code stands for is the user's to say."""
    teacher = around(FrozenEstimator(clone(frozen).fit(X, CODES)))
    for y in (CODES + 1, LABELS["text"], LABELS["not in order"]):
        with pytest.raises(ValueError, match="give y in"):
            TeacherPool(teacher).fit(X, y)
    pool = TeacherPool(teacher).fit(X, CODES)
    assert (pool.predict(X) == CODES).mean() > 0.9


# --- catboost ---


@pytest.mark.parametrize("cat_features", [["g"], [1], ("g",)])
@pytest.mark.parametrize("around", [lambda part: part, make_pipeline])
def test_catboost_with_cat_features(cat_features, around):
    y = np.where(FRAME.g == "u", "yes", "no")
    teacher = around(catboost(cat_features=cat_features))
    clf = DistilledClassifier(teacher, SMALL, cv=2, class_weight="balanced", random_state=0)
    clf.fit(FRAME, y)
    assert clf.teacher_.score(FRAME, y) == 1
    assert clf.score(FRAME, y) > 0.85
    assert not catboost(cat_features=cat_features).is_fitted()


def test_a_tuple_of_cat_features_can_be_cross_validated():
    y = (FRAME.g == "u").to_numpy()
    clf = DistilledClassifier(catboost(cat_features=("g",)), SMALL, transfer=None, random_state=0)
    assert np.isfinite(cross_val_score(clf, FRAME, y, cv=2)).all()


def test_a_control_needs_no_clone_of_the_teacher():
    y = (FRAME.g == "u").to_numpy()
    clf = DistilledClassifier(catboost(cat_features=["g"]), SMALL, transfer=None, random_state=0)
    report = DistillationReport.from_estimator(
        clf.fit(FRAME[::2], y[::2]),
        FRAME[1::2],
        y[1::2],
        control="fit",
        X_train=FRAME[::2],
        y_train=y[::2],
        speed=False,
    )
    assert "control" in str(report)


def test_what_cannot_be_cloned_otherwise_is_still_refused():
    class Changes(LogisticRegression):
        def __init__(self, names=()):
            super().__init__()
            self.names = list(names)

    with pytest.raises(RuntimeError, match="Cannot clone"):
        TeacherPool(Changes(["a"])).fit(X, CODES)


# --- what a message should say ---


@pytest.mark.parametrize(
    "teacher",
    [
        boosted(XGBClassifier, early_stopping_rounds=3),
        LGBMClassifier(early_stopping_rounds=3, verbose=-1),
    ],
)
def test_early_stopping_without_rows_names_the_remedies(teacher):
    with pytest.raises(ValueError, match=r"`eval_set`.*`early_stopping_rounds=None`"):
        TeacherPool(teacher).fit(X, CODES)


def test_a_net_on_float64_names_the_remedy():
    with pytest.raises(ValueError, match="float32"):
        TeacherPool(net(3)).fit(X.astype(float), CODES)


# --- imbalanced-learn ---

RARE = X[:, 0] > 0.8
WEIGHT = np.arange(1.0, len(X) + 1)


def resampled(sampler):
    """A pipeline of imbalanced-learn with one of its samplers; with None it draws no rows."""
    pytest.importorskip("imblearn")
    from imblearn import over_sampling, pipeline, under_sampling

    drawn = {
        "over": over_sampling.RandomOverSampler(random_state=0),
        "under": under_sampling.RandomUnderSampler(random_state=0),
        None: FunctionTransformer(),
    }
    return pipeline.make_pipeline(StandardScaler(), drawn[sampler], LogisticRegression())


@pytest.mark.parametrize("sampler", ["over", "under"])
@pytest.mark.parametrize("y", [RARE, np.arange(len(X)) % 2], ids=["rare", "even"])
def test_weights_do_not_follow_rows_that_are_drawn(sampler, y):
    """Not even where the sampler gives as many rows, in another order."""
    teacher = resampled(sampler)
    clf = DistilledClassifier(
        teacher, SMALL, transfer=None, class_weight="balanced", random_state=0
    )
    with pytest.warns(UserWarning, match="teacher `pipeline` .* takes no sample_weight"):
        clf.fit(X, y, sample_weight=WEIGHT)
    expected = clone(teacher).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(clf.teacher_.predict_proba(X), expected)


def test_weights_of_a_pipeline_that_draws_no_rows():
    teacher = resampled(None)
    pool = TeacherPool(teacher).fit(X, RARE, sample_weight=WEIGHT)
    expected = clone(teacher).fit(X, RARE, logisticregression__sample_weight=WEIGHT)
    np.testing.assert_allclose(pool.predict_proba(X), expected.predict_proba(X))


def test_weights_requested_behind_a_sampler_are_refused():
    with sklearn.config_context(enable_metadata_routing=True):
        teacher = resampled("under")
        teacher[-1].set_fit_request(sample_weight=True)
        with pytest.raises(ValueError, match="draws other rows .* do not request it"):
            TeacherPool(teacher).fit(X, RARE, sample_weight=WEIGHT)
