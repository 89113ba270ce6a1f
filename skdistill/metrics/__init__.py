"""How good answers are, how near a student is to its teacher, what was gained, what changed.

Scores that scikit-learn has (accuracy, log loss, Brier score, AUC, RMSE) are not repeated here.
"""

from skdistill.metrics._churn import prediction_churn, total_variation
from skdistill.metrics._gain import _ScoreAndChoices, retained_gain, score_and_choices
from skdistill.metrics._probabilities import (
    agreement,
    expected_calibration_error,
    kl_divergence,
    largest_probability_gap,
    mutual_information,
)
from skdistill.metrics._quantiles import crps, interval_coverage

__all__ = [
    "agreement",
    "crps",
    "expected_calibration_error",
    "interval_coverage",
    "kl_divergence",
    "largest_probability_gap",
    "mutual_information",
    "prediction_churn",
    "retained_gain",
    "score_and_choices",
    "total_variation",
]
# The path that stored searches know.
_ScoreAndChoices.__module__ = __name__
