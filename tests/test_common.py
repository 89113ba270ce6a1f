"""scikit-learn's own checks."""

import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdistill import DistilledClassifier, MLPStudent, TabularEncoder

REASON = "mini-batches and the split depend on the number of rows: weight 2 is not two rows"


def expected_failures(estimator):
    if isinstance(estimator, DistilledClassifier):
        return {"check_sample_weight_equivalence_on_dense_data": REASON}
    return {}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        DistilledClassifier(LogisticRegression(), random_state=0),
        DistilledClassifier(
            [("lr", LogisticRegression()), ("rf", RandomForestClassifier(10, random_state=0))],
            MLPStudent(hidden_layer_sizes=(32,)),
            cv=2,
            random_state=0,
        ),
        TabularEncoder(),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
