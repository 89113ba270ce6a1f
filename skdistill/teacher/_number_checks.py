"""Checks of teachers of numbers, before anything is fitted."""

from typing import Any

from skdistill._utils.types import ArrayLike, Estimator, Table
from skdistill.teacher._checks import check_instances, inner_of, kind_of, tags_of
from skdistill.teacher._fitted import FittedTeacher
from skdistill.teacher._number_adapters import AfterSteps, SomeLevels, adapt_numbers
from skdistill.teacher._numbers import ask_number, read_numbers
from skdistill.teacher._quantiles import quantile_function


def check_regressors(parts: list[tuple[str, Estimator]], y: ArrayLike | None) -> None:
    """Raise a ValueError for a teacher that cannot predict numbers, or that needs y."""
    check_instances(parts, y)
    for name, part in parts:
        try:
            answers, _ = adapt_numbers(part), adapt_numbers(_model_of(part))
        except ValueError as error:
            raise ValueError(f"teacher `{name}` ({kind_of(part)}): {error}.") from error
        if not hasattr(answers, "predict"):
            raise ValueError(
                f"teacher `{name}` ({kind_of(part)}) has no predict: give a regressor, or a "
                "function of X in FittedTeacher."
            )
        tags = tags_of(part)
        kind = None if tags is None else tags.estimator_type
        if kind not in (None, "regressor"):
            raise ValueError(
                f"teacher `{name}` ({kind_of(part)}) is a {kind}: give a regressor, or use "
                "DistilledClassifier for classes."
            )


def n_targets_of(parts: list[tuple[str, Estimator]], y: Any, first_row: Table) -> int:
    """The number of targets: of y, or of the first frozen teacher."""
    if y is not None:
        return 1 if y.ndim == 1 else y.shape[1]
    name, part = parts[0]
    return read_numbers(name, ask_number(name, part, first_row), 1, None).shape[1]


def check_levels(
    parts: list[tuple[str, Estimator]], y: ArrayLike | None, levels: tuple[float, ...] | None
) -> None:
    """Raise a ValueError for a teacher that is asked for quantiles of levels it does not know.

    Parameters
    ----------
    parts : list of (str, object)
    y : array-like of shape (n_samples,) or None
    levels : tuple of float or None
        None where no quantiles are asked for.
    """
    check_regressors(parts, y)
    # If one predicts only a number, no teacher is asked for quantiles.
    if levels is None or any(quantile_function(part) is None for _, part in parts):
        return
    for name, part in parts:
        own = adapt_numbers(_model_of(part))
        own = own.last if isinstance(own, AfterSteps) else own
        outside = own.outside(levels) if isinstance(own, SomeLevels) else ""
        if outside:
            raise ValueError(f"teacher `{name}` ({kind_of(part)}): {outside}.")


def _model_of(part: Estimator) -> Estimator:
    """The model inside a wrapper of a fitted one."""
    inner = inner_of(part)
    return inner.model if isinstance(inner, FittedTeacher) else inner
