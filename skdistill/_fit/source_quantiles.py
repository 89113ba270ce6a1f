"""Quantiles learned from a source, whose teacher told one number for each row."""

import numpy as np

from skdistill._fit.kinds import CALIBRATION_ROWS
from skdistill._fit.source_rows import Arrays, SourceEncoder
from skdistill._fit.spread import Spread
from skdistill._utils.types import Estimator, FloatArray
from skdistill.scale import LabelledFolder, SourceRows


def check_quantiles(estimator: Estimator, folder: LabelledFolder) -> None:
    """Raise a ValueError for a source from which no quantiles can be learned.

    Parameters
    ----------
    estimator : BaseDistiller
    folder : LabelledFolder
    """
    if getattr(estimator, "head", "mean") == "mean":
        return
    if folder.given.target is None:
        raise ValueError(
            "`head='quantiles'` needs labels to learn how far they lie from the teacher's numbers: "
            "name their column, as RowSource(..., target='y'), or set head='mean'."
        )
    if len(folder.manifest.names) != 1:
        raise ValueError(
            f"`head='quantiles'` predicts one target, but `labels` holds "
            f"{len(folder.manifest.names)} numbers for each row: label by a teacher of one target, "
            "or set head='mean'."
        )
    if not estimator.early_stopping:
        raise ValueError(
            f"`early_stopping={estimator.early_stopping!r}` holds no rows out, but "
            "`head='quantiles'` needs some to calibrate by: leave it at 'auto', or set head='mean'."
        )


def check_enough(estimator: Estimator, validation: SourceRows | None) -> None:
    """Raise a ValueError if too few rows are held out to calibrate quantiles by."""
    n_rows = 0 if validation is None else len(validation.soft)
    if getattr(estimator, "head", "mean") != "mean" and n_rows < CALIBRATION_ROWS:
        raise ValueError(
            f"`head='quantiles'` calibrates on {CALIBRATION_ROWS} rows or more, but {n_rows} are "
            "held out: write larger row groups, raise `validation_rows`, or set head='mean'."
        )


def as_quantiles(soft: FloatArray, levels: tuple[float, ...] | None) -> FloatArray:
    """The numbers of rows as quantiles without a spread; without levels as they are."""
    return soft if levels is None else np.repeat(soft, len(levels), axis=1)


def learn_spread(
    encoder: SourceEncoder, rows: SourceRows, arrays: Arrays, seed: int
) -> Spread | None:
    """Learn how labels lie around the teacher's numbers; None if the student tells no quantiles.

    Parameters
    ----------
    encoder : SourceEncoder
        Without a spread.
    rows : SourceRows
        Held out.
    arrays : dict of str to ndarray
        Their arrays.
    seed : int

    Returns
    -------
    Spread or None
    """
    plan, levels = encoder.plan, encoder.levels
    if levels is None:
        return None
    spread = Spread(encoder.setting.encoder, plan.columns, levels)
    means = arrays["soft"]
    apart = (arrays["label"] - means)[:, 0]
    spread.fit_quantiles(plan.check_rows(rows.X), means, apart, arrays["weight"], seed)
    return spread
