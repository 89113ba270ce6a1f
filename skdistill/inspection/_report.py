"""DistillationReport: what the student kept, on rows that nobody has seen."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from skdistill._base import BaseDistiller
from skdistill._utils.files import check_target, write_whole
from skdistill._utils.types import ArrayLike, Estimator, RandomState, Table
from skdistill.inspection._about import about
from skdistill.inspection._answers import Answers
from skdistill.inspection._ask import answers_of
from skdistill.inspection._bootstrap import Resampling
from skdistill.inspection._checks import (
    check_parameters,
    check_rows,
    check_without_labels,
    scorer_of,
)
from skdistill.inspection._choices import choices, other_attributes
from skdistill.inspection._comparison import Comparison
from skdistill.inspection._costs import Costs, measure_costs
from skdistill.inspection._display import check_matplotlib, has_matplotlib
from skdistill.inspection._html import as_fragment, as_page
from skdistill.inspection._models import (
    COMPILED,
    CONTROL,
    PREVIOUS,
    STUDENT,
    TEACHER,
    check_compiled,
    find_models,
    subject_of,
)
from skdistill.inspection._segments import Segments, find_columns
from skdistill.inspection._shared_rows import warn_of_shared_rows
from skdistill.inspection._summary import summary_of, summary_without_labels
from skdistill.inspection._text import as_text
from skdistill.inspection._verdict import NEEDS_LABELS, NO_LABELS, Verdict, verdict
from skdistill.serving import Scorer
from skdistill.table import check_container

WHY_MISSING = {
    TEACHER: ": the student was fitted on soft targets, or holds its teacher no longer",
    CONTROL: ", so that the report cannot say what the teacher was good for",
}


@dataclass(repr=False)
class DistillationReport:
    """What a student kept of its teacher, and what the same student learns without one.

    Make one by :meth:`from_estimator`. ``print`` shows it as text. What is measured depends on what
    the student tells:

    ============= ============================================= =======================
    it tells      scores                                        the verdict goes by
    ============= ============================================= =======================
    probabilities log loss, accuracy, Brier, calibration, AUC   log loss, errors
    numbers       RMSE, MAE, R2                                 RMSE
    quantiles     CRPS, MAE of the median, coverage and width   CRPS
    ============= ============================================= =======================

    Of several targets each is divided by its standard deviation before they are put together.

    Parameters
    ----------
    verdict : Verdict
        ``verdict.answer``, and ``verdict.reasons``, the numbers it rests on.
    table : DataFrame
        All numbers, a row each; :meth:`to_frame` returns a copy.
    answers : Answers
        ``by_model``: the models' probabilities, numbers or quantiles by name; and ``weight``. For
        classes also ``labels``, as positions in ``classes``; for numbers ``y``.
    choices : list of str
        What the fit chose, in words.
    attributes : dict of str to (bool, int, float or str)
        Other fitted attributes of the student.
    history : list of dict
        The training's epochs.
    missing : dict of str to str
        Models that could not be compared, and why.
    confidence_level : float
        Of the intervals.
    machine : str
        Where speed was measured; empty where it was not.
    about : list of str
        The models, the columns, the versions and the day, in words.

    See Also
    --------
    ReliabilityDisplay : Calibration of one model.
    FidelityDisplay : Student against teacher.
    QuantileDisplay : Calibration of quantiles.
    SegmentDisplay : Loss by segment.
    sklearn.metrics.PredictionErrorDisplay : Residuals of numbers.
    HistoryDisplay : The training.

    Notes
    -----
    Intervals come from a bootstrap over the rows [1]_ that draws the same rows for all models, so
    that differences have intervals too. They say how sure the numbers are for *these* models, not
    what another seed of the training would give. Those of the AUC are of its part that is linear in
    the rows [2]_; those of the calibration error are moved by what resampling adds to it.

    References
    ----------
    .. [1] Efron and Tibshirani (1986). Bootstrap Methods for Standard Errors, Confidence Intervals,
       and Other Measures of Statistical Accuracy. https://doi.org/10.1214/ss/1177013815
    .. [2] DeLong, DeLong and Clarke-Pearson (1988). Comparing the Areas under Two or More
       Correlated Receiver Operating Characteristic Curves. https://doi.org/10.2307/2531595

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistillationReport, DistilledClassifier, MLPStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> small = MLPStudent((8,), n_steps=50)
    >>> clf = DistilledClassifier(RandomForestClassifier(10), small, random_state=0)
    >>> report = DistillationReport.from_estimator(
    ...     clf.fit(X[::2], y[::2]), X[1::2], y[1::2],
    ...     control="fit", X_train=X[::2], y_train=y[::2], speed=False, random_state=0)
    >>> report.to_frame()["part"].unique().tolist()
    ['scores', 'differences', 'fidelity', 'retained gain', 'classes', 'size']
    """

    verdict: Verdict
    table: pd.DataFrame
    answers: Answers
    choices: list[str] = field(default_factory=list)
    attributes: dict[str, bool | int | float | str] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    confidence_level: float = 0.95
    machine: str = ""
    about: list[str] = field(default_factory=list)

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Table,
        y: ArrayLike | None,
        *,
        control: Estimator | Literal["fit"] | None = None,
        X_train: Table | None = None,
        y_train: ArrayLike | None = None,
        groups_train: ArrayLike | None = None,
        sample_weight_train: ArrayLike | None = None,
        compiled_teacher: Estimator | None = None,
        previous: Estimator | None = None,
        exported: Scorer | str | PathLike | None = None,
        sample_weight: ArrayLike | None = None,
        segments: Segments = None,
        n_bootstrap: int = 1000,
        confidence_level: float = 0.95,
        speed: bool = True,
        random_state: RandomState = None,
    ) -> "DistillationReport":
        """Compare teacher, control and student on rows that none of them has seen.

        Nothing is fitted but, with ``control="fit"``, the control.

        Parameters
        ----------
        estimator : DistilledClassifier or DistilledRegressor, or a Pipeline that ends in one
            Fitted. In a Pipeline, the steps before it transform X for teacher and student, and
            are not timed.
        X : array-like or DataFrame of shape (n_samples, n_features)
            Held out; 20 rows at least.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), or None
            Labels, or numbers. Without them the report tells fidelity, speed and size alone, and
            takes neither `control` nor `previous` nor `segments`.
        control : None, "fit" or fitted model, default=None
            The same student, trained without the teacher. "fit" trains it: a clone with
            ``alpha=1``, ``transfer=None`` and ``objectives=None``, on `X_train` and `y_train`,
            without the validation rows of a student that had any; fit one of your own then. Of
            `class_prior` it keeps the classes that `y_train` has. A model of yours gets X as
            `estimator` does; it must tell quantiles where the student does.
        X_train, y_train, groups_train, sample_weight_train : default=None
            The rows the student was trained on, their `groups` and their weights, for
            ``control="fit"``. A UserWarning tells if more than half of the rows of `X` are among
            them, unless they have as many twins themselves.
        compiled_teacher : object with predict_proba or predict, or callable, default=None
            The teacher compiled for speed, for instance into ONNX. It gets what the teacher gets,
            and returns probabilities in the order of ``classes_``, or numbers.
        previous : fitted distiller or Pipeline that ends in one, default=None
            An older student, such as a copy from before :meth:`DistilledClassifier.refresh`. The
            part "changes" then says how many predictions changed, how far answers moved, and how
            the loss did: of all rows, and of each class and segment.
        exported : Scorer, str or path-like, default=None
            The file that :func:`to_onnx` wrote of the student: its scores, speed and size then
            stand beside those of the student in Python. It gets what the student gets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        segments : str, list of str or int, or dict of str to array-like, default=None
            Columns of X, or arrays of n_samples values: numbers are cut in quartiles, categories by
            level, levels of fewer than 30 rows joined.
        n_bootstrap : int, default=1000
            Resamples of the rows, 100 at least.
        confidence_level : float, default=0.95
            Of the intervals, in (0, 1).
        speed : bool, default=True
            Whether to time the models on this machine: single rows, and 10,000 rows at a time. A
            slow teacher takes a while.
        random_state : int, RandomState instance or None, default=None
            Draws the resamples.

        Returns
        -------
        DistillationReport

        Raises
        ------
        ValueError
            If rows, labels or parameters are not valid, or do not go together.
        TypeError
            If `estimator` is no distiller of this package, or a model cannot be asked.
        """
        clf, steps = subject_of(estimator)
        check_parameters(n_bootstrap, confidence_level, speed)
        check_compiled(compiled_teacher, clf)
        truth, weight = check_rows(X, y, sample_weight, clf)
        if y is None:
            check_without_labels(clf, control=control, previous=previous, segments=segments)
        columns = find_columns(segments, X)
        if X_train is not None:
            check_container(X_train, "X_train")
            warn_of_shared_rows(X, X_train)
        train = (X_train, y_train, groups_train, sample_weight_train)
        served = scorer_of(exported, clf)
        models = find_models(clf, steps, X, control, *train, compiled_teacher, previous, served)
        answers = answers_of(models, clf, truth, weight)
        resampling = Resampling.drawn_by(random_state, n_bootstrap)
        comparison = Comparison(answers, resampling, float(confidence_level), y is not None)
        comparison.add_all(columns)
        new = {name: one for name, one in models.items() if name != PREVIOUS}
        costs = measure_costs(new, speed)
        comparison.add_costs(costs)
        return cls._of(clf, comparison, costs)

    @classmethod
    def _of(cls, clf: BaseDistiller, comparison: Comparison, costs: Costs) -> "DistillationReport":
        return cls(
            _decide(comparison, costs),
            comparison.to_frame(),
            comparison.answers,
            choices(clf),
            other_attributes(clf),
            [{k: v for k, v in epoch.items() if k != "batches"} for epoch in clf.history_],
            _missing(comparison),
            comparison.level,
            costs.machine,
            about(clf),
        )

    def to_frame(self) -> pd.DataFrame:
        """All numbers as a table, a row each.

        Returns
        -------
        DataFrame
            With the columns part, model, versus (the model that `model` is held against), column
            and level (of a class or segment), metric, value, low and high (the interval's ends),
            standard_error, n_rows and note (what to know of a value, or why it is missing).
        """
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """All of the report as plain values, for JSON.

        Returns
        -------
        dict
            NaN is None.
        """
        records = self.table.astype(object).where(self.table.notna(), None).to_dict("records")
        return {
            "verdict": {
                "answer": self.verdict.answer,
                "summary": list(self.verdict.summary),
                "reasons": list(self.verdict.reasons),
            },
            "n_rows": len(self.answers),
            **self.answers.as_dict(),
            "confidence_level": self.confidence_level,
            "machine": self.machine,
            "about": list(self.about),
            "missing": dict(self.missing),
            "choices": list(self.choices),
            "attributes": dict(self.attributes),
            "numbers": records,
        }

    def digest(self) -> str:
        """A hash of all that the report says, by which an exported file knows it.

        Returns
        -------
        str
            SHA-256 of :meth:`to_dict` as JSON, 64 hexadecimal digits.
        """
        text = json.dumps(self.to_dict(), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_html(self, path: str | PathLike, *, overwrite: bool = False) -> Path:
        """Write the report as one HTML file with its plots; it needs no other file and no network.

        Parameters
        ----------
        path : str or path-like
        overwrite : bool, default=False
            Whether a file that is there is replaced.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        FileExistsError
            If the file is there and `overwrite` is False.
        FileNotFoundError, IsADirectoryError
            If there is no folder to write to, or `path` is one.
        ImportError
            If matplotlib is not installed.
        """
        target = check_target(path, overwrite)
        check_matplotlib("DistillationReport.to_html")
        write_whole(as_page(self).encode(), target)
        return target

    def _repr_html_(self) -> str:
        return as_fragment(self, with_plots=has_matplotlib())

    def __repr__(self) -> str:
        return f"DistillationReport({self.verdict.answer!r}, {len(self.answers):,} rows)"

    def __str__(self) -> str:
        return as_text(self)


def _missing(comparison: Comparison) -> dict[str, str]:
    """Models that are not compared, and why; without labels none is missed."""
    if not comparison.is_labelled:
        return {}
    return {name: why for name, why in WHY_MISSING.items() if name not in comparison.measured}


def _decide(comparison: Comparison, costs: Costs) -> Verdict:
    slowness = costs.slowness(STUDENT, TEACHER)
    relative_size = costs.relative_size(STUDENT, TEACHER)
    if not comparison.is_labelled:
        told = summary_without_labels(slowness, relative_size)
        return Verdict(NO_LABELS, [NEEDS_LABELS], told)
    compiled_slowness = costs.slowness(COMPILED, TEACHER)
    against_teacher = comparison.gaps(STUDENT, TEACHER)
    against_control = comparison.gaps(STUDENT, CONTROL)
    decided = verdict(
        against_teacher,
        against_control,
        comparison.gaps(CONTROL, TEACHER),
        comparison.gaps(STUDENT, COMPILED),
        costs.slowness(COMPILED, STUDENT),
        None if compiled_slowness is None else max(compiled_slowness.values()) < 1,
        slowness,
        relative_size,
    )
    told = summary_of(against_teacher, against_control, slowness, relative_size)
    return replace(decided, summary=told)
