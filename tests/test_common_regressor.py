"""scikit-learn's own checks for regressors, on the configurations that differ."""

import pytest
import torch
from shared import FrozenTeacherMixin, Net
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch import NeuralNetRegressor

from skdistill import DistilledRegressor, Huber, MLPStudent, Munge, RegressorPool

QUICK = MLPStudent(hidden_layer_sizes=(32,))


class WithFrozenTeacher(FrozenTeacherMixin, DistilledRegressor):
    pass


def own_net():
    return NeuralNetRegressor(
        Net, optimizer=torch.optim.Adam, lr=0.02, max_epochs=60, batch_size=64
    )


CONFIGURATIONS = [
    DistilledRegressor(LinearRegression(), random_state=0),
    DistilledRegressor(
        [("ridge", Ridge()), ("rf", RandomForestRegressor(10, random_state=0))],
        QUICK,
        random_state=0,
    ),
    WithFrozenTeacher(Ridge(), QUICK, transfer=None, random_state=0),
    DistilledRegressor(Ridge(), own_net(), transfer=Munge(size=1), random_state=0),
    RegressorPool([("ridge", Ridge()), ("linear", LinearRegression())]),
]

# They differ less from those above: `make test-all` runs them.
MORE_CONFIGURATIONS = [
    DistilledRegressor(
        make_pipeline(StandardScaler(), Ridge()),
        QUICK,
        response=Huber(),
        target_transform="yeo-johnson",
        transfer=None,
        random_state=0,
    ),
    DistilledRegressor(Ridge(), QUICK, cv=2, random_state=0),
    DistilledRegressor(
        KNeighborsRegressor(3), QUICK, encoder=StandardScaler(), transfer=None, random_state=0
    ),
]

REASON = "equal over seeds alone: see tests/test_weights.py"


def expected(estimator):
    if isinstance(estimator, RegressorPool):
        return {}
    return {"check_sample_weight_equivalence_on_dense_data": REASON}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(CONFIGURATIONS, expected_failed_checks=expected)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(MORE_CONFIGURATIONS, expected_failed_checks=expected)
def test_scikit_learns_checks_of_more_configurations(estimator, check):
    check(estimator)
