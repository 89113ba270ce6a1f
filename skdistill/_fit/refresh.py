"""A fitted student, trained on new rows by the same teacher and compared with the old one."""

import copy
import warnings
from typing import Any

from skdistill._fit.churn import RefreshResult, check_tolerance, compare
from skdistill._fit.new_rows import NewRows, check_rows, split_rows
from skdistill._utils.types import ArrayLike, Estimator, Table
from skdistill._utils.warn import warn


def refreshed(
    estimator: Estimator,
    X: Table,
    y: Any,
    sample_weight: ArrayLike | None,
    groups: Any,
    test_size: float,
    tolerance: ArrayLike | None,
) -> tuple[RefreshResult, dict[str, Any]]:
    """Refresh a student, as :meth:`DistilledClassifier.refresh` documents it.

    Returns
    -------
    result : RefreshResult
    found : dict of str to object
        The attributes of the estimator that it changes.
    """
    check_tolerance(estimator, tolerance)
    rows = check_rows(estimator, X, y, sample_weight, groups)
    train, test = split_rows(estimator, rows, test_size)
    new = train_again(estimator, train)
    result = compare(estimator, new, train, test, tolerance)
    if result.is_kept:
        found = {name: value for name, value in vars(new).items() if name.endswith("_")}
        return result, found | {"decision_": f"{new.decision_}; refreshed: {result}"}
    warn(
        f"the refreshed student is clearly worse, so the old one is kept: {result}. Give more "
        "rows, or rows with y; or `fit` again on old and new rows."
    )
    decision = f"{estimator.decision_}; a refresh was worse and is not used: {result}"
    return result, {"decision_": decision}


def train_again(estimator: Estimator, rows: NewRows) -> Estimator:
    """A copy of a fitted estimator whose student was trained further on new rows.

    Parameters
    ----------
    estimator : BaseDistiller
        Left as it is.
    rows : NewRows

    Returns
    -------
    BaseDistiller
    """
    copied = copy.copy(estimator)
    copied.warm_start, copied._goes_on_by = True, "refresh"
    copied.checkpoint_dir = None  # it is short, and on other rows
    if rows.y is None and estimator.calibrate is True:
        copied.calibrate = "auto"  # no rows to calibrate on, see below
    with warnings.catch_warnings():
        if getattr(estimator, "quantile_offset_", None) is not None:  # it stays then
            warnings.filterwarnings("ignore", ".*the quantiles are not calibrated")
        copied.fit(rows.X, rows.y, sample_weight=rows.sample_weight, groups=rows.groups)
    _keep_calibration(estimator, copied)
    copied.leak_gap_ = estimator.leak_gap_  # of the teacher, on the rows that it was fitted on
    return copied


def _keep_calibration(old: Estimator, new: Estimator) -> None:
    """Keep the old calibration if no labelled row was held out."""
    if new._task.has_classes:
        if not new.trials_ and new.calibrate:
            new.calibration_temperature_ = old.calibration_temperature_
    elif new._task.levels is not None and new.quantile_offset_ is None:
        new.quantile_offset_ = old.quantile_offset_
