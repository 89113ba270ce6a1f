"""DistillationReport: what the student kept, on rows that nobody has seen."""

import os
import platform
from dataclasses import dataclass, field
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state, column_or_1d, indexable

from skdistill._fit.checks import check_known, check_weights
from skdistill._utils.files import check_target, write_whole
from skdistill.inspection._bootstrap import LEAST_ROWS, Resampling
from skdistill.inspection._choices import choices, other_attributes
from skdistill.inspection._comparison import (
    COMPILED,
    CONTROL,
    STUDENT,
    TEACHER,
    Answers,
    Comparison,
)
from skdistill.inspection._display import check_matplotlib, has_matplotlib
from skdistill.inspection._html import as_fragment, as_page
from skdistill.inspection._models import (
    check_compiled,
    find_control,
    probabilities,
    subject_of,
    transformed,
)
from skdistill.inspection._segments import find_columns
from skdistill.inspection._shared_rows import warn_of_shared_rows
from skdistill.inspection._speed import BATCH_ROWS, measure_speed, parameter_bytes, stored_bytes
from skdistill.inspection._text import as_text
from skdistill.inspection._verdict import Verdict, verdict
from skdistill.table import check_container
from skdistill.task import check_labels

LEAST_RESAMPLES = 100


@dataclass(repr=False)
class DistillationReport:
    """What a student kept of its teacher, and what it would have learned without.

    Make one by :meth:`from_estimator`. ``print`` shows it as text.

    Parameters
    ----------
    verdict : Verdict
        ``verdict.answer``, and ``verdict.reasons``, the numbers it rests on.
    table : DataFrame
        All numbers, a row each; :meth:`to_frame` returns a copy.
    answers : Answers
        The models' ``probabilities`` by name, ``labels`` as positions in ``classes``, ``weight``.
    choices : list of str
        What the fit chose, in words.
    attributes : dict of str to (bool, int, float or str)
        Other fitted attributes of the classifier.
    history : list of dict
        The training's epochs.
    missing : dict of str to str
        Models that could not be compared, and why.
    confidence_level : float
        Of the intervals.
    machine : str
        Where speed was measured; empty where it was not.

    See Also
    --------
    ReliabilityDisplay : Calibration of one model.
    FidelityDisplay : Student against teacher.
    SegmentDisplay : Log loss by segment.
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
    choices: list = field(default_factory=list)
    attributes: dict = field(default_factory=dict)
    history: list = field(default_factory=list)
    missing: dict = field(default_factory=dict)
    confidence_level: float = 0.95
    machine: str = ""

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        control=None,
        X_train=None,
        y_train=None,
        groups_train=None,
        compiled_teacher=None,
        sample_weight=None,
        segments=None,
        n_bootstrap=1000,
        confidence_level=0.95,
        speed=True,
        random_state=None,
    ):
        """Compare teacher, control and student on rows that none of them has seen.

        Nothing is fitted but, with ``control="fit"``, the control.

        Parameters
        ----------
        estimator : DistilledClassifier, or a Pipeline that ends in one
            Fitted. In a Pipeline, the steps before it transform X for teacher and student, and
            are not timed.
        X : array-like or DataFrame of shape (n_samples, n_features)
            Held out; 20 rows at least.
        y : array-like of shape (n_samples,)
            Labels.
        control : None, "fit" or fitted classifier, default=None
            The same student, trained without the teacher. "fit" trains it: a clone with
            ``alpha=1``, ``transfer=None`` and ``objectives=None``, on `X_train` and `y_train`, with
            neither the weights nor the validation rows of a student that had any; fit one of your
            own then. Of `class_prior` it keeps the classes that `y_train` has. A classifier gets X
            as `estimator` does.
        X_train, y_train, groups_train : default=None
            The rows the student was trained on, and their `groups`, for ``control="fit"``. A
            UserWarning tells if more than half of the rows of `X` are among them, unless they have
            as many twins themselves.
        compiled_teacher : object with predict_proba or callable, default=None
            The teacher compiled for speed, for instance into ONNX. It gets what the teacher gets,
            and returns probabilities in the order of ``classes_``.
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
            If `estimator` is no DistilledClassifier, or a model cannot be asked.
        """
        clf, steps = subject_of(estimator)
        _check_parameters(n_bootstrap, confidence_level, speed)
        if compiled_teacher is not None:
            check_compiled(compiled_teacher)
        labels, weight = _check_rows(X, y, sample_weight, clf.classes_)
        columns = find_columns(segments, X)
        if X_train is not None:
            check_container(X_train, "X_train")
            warn_of_shared_rows(X, X_train)
        control, is_ours = find_control(control, clf, steps, X_train, y_train, groups_train)
        seen = transformed(steps, X)

        # What each model is asked by, and on.
        asked = {
            TEACHER: (clf.teacher_, seen, "teacher_"),
            CONTROL: (control, seen if is_ours else X, "control"),
            STUDENT: (clf, seen, "estimator"),
            COMPILED: (compiled_teacher, seen, "compiled_teacher"),
        }
        asked = {name: one for name, one in asked.items() if one[0] is not None}
        answers = Answers(
            clf.classes_,
            np.searchsorted(clf.classes_, labels),
            weight,
            {
                name: probabilities(model, rows, clf.classes_, argument)
                for name, (model, rows, argument) in asked.items()
            },
        )
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        comparison = Comparison(answers, Resampling(int(n_bootstrap), seed), confidence_level)
        comparison.add_scores()
        comparison.add_fidelity()
        comparison.add_retained_gain()
        comparison.add_classes()
        comparison.add_segments(columns)
        speeds = _add_speed(comparison, asked) if speed else {}
        sizes = _add_sizes(comparison, asked)
        return cls(
            _decide(comparison, speeds, sizes),
            comparison.to_frame(),
            answers,
            choices(clf),
            other_attributes(clf),
            [{k: v for k, v in epoch.items() if k != "batches"} for epoch in clf.history_],
            _missing(asked),
            float(confidence_level),
            _machine() if speed else "",
        )

    def to_frame(self):
        """All numbers as a table, a row each.

        Returns
        -------
        DataFrame
            With the columns part, model, versus (the model that `model` is held against), column
            and level (of a class or segment), metric, value, low and high (the interval's ends),
            standard_error, n_rows and note (what to know of a value, or why it is missing).
        """
        return self.table.copy()

    def to_dict(self):
        """All of the report as plain values, for JSON.

        Returns
        -------
        dict
            NaN is None.
        """
        records = self.table.astype(object).where(self.table.notna(), None).to_dict("records")
        return {
            "verdict": {"answer": self.verdict.answer, "reasons": list(self.verdict.reasons)},
            "n_rows": len(self.answers.labels),
            "classes": self.answers.classes.tolist(),
            "confidence_level": self.confidence_level,
            "machine": self.machine,
            "missing": dict(self.missing),
            "choices": list(self.choices),
            "attributes": dict(self.attributes),
            "numbers": records,
        }

    def to_html(self, path, *, overwrite=False):
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
        path = check_target(path, overwrite)
        check_matplotlib("DistillationReport.to_html")
        write_whole(as_page(self).encode(), path)
        return path

    def _repr_html_(self):
        return as_fragment(self, with_plots=has_matplotlib())

    def __repr__(self):
        return f"DistillationReport({self.verdict.answer!r}, {len(self.answers.labels):,} rows)"

    def __str__(self):
        return as_text(self)


def _check_parameters(n_bootstrap, confidence_level, speed):
    is_integer = isinstance(n_bootstrap, Integral) and not isinstance(n_bootstrap, bool)
    if not is_integer or n_bootstrap < LEAST_RESAMPLES:
        raise ValueError(
            f"`n_bootstrap` must be an integer >= {LEAST_RESAMPLES}, got {n_bootstrap!r}: fewer "
            "resamples do not give an interval."
        )
    if not isinstance(confidence_level, Real) or not 0 < confidence_level < 1:
        raise ValueError(f"`confidence_level` must be in (0, 1), got {confidence_level!r}.")
    if not isinstance(speed, (bool, np.bool_)):
        raise ValueError(f"`speed` must be True or False, got {speed!r}.")


def _check_rows(X, y, sample_weight, classes):
    check_container(X)
    (X,) = indexable(X)
    if y is None:
        raise ValueError("`y` is None: a report compares answers with the truth, give labels.")
    n_missing = int(np.sum(pd.isna(column_or_1d(y))))
    if n_missing:
        raise ValueError(
            f"`y` lacks {n_missing} of {len(y)} labels: a report compares answers with the truth, "
            "leave those rows out of X and y."
        )
    labels = check_labels(y, X)
    check_known(labels, classes, "y")
    if len(labels) < LEAST_ROWS:
        raise ValueError(f"X has {len(labels)} rows; a report needs {LEAST_ROWS} at least.")
    weight = check_weights(sample_weight, X)
    return labels, np.ones(len(labels)) if weight is None else weight


def _missing(asked):
    why = {
        TEACHER: ": the classifier was fitted on soft targets, or holds its teacher no longer",
        CONTROL: ", so that the report cannot say what the teacher was good for",
    }
    return {name: text for name, text in why.items() if name not in asked}


def _add_speed(comparison, asked):
    """Time what would be served: the control is as fast as the student."""
    speeds = {}
    for name, (model, rows, _) in asked.items():
        if name != CONTROL:
            speeds[name] = measure_speed(getattr(model, "predict_proba", model), rows)
            comparison.add_measurements("speed", name, speeds[name])
    return speeds


def _add_sizes(comparison, asked):
    """Add the sizes; return the pickled bytes by model, None where it cannot be pickled."""
    clf = asked[STUDENT][0]
    sizes = {"parameter_bytes": parameter_bytes(clf)}
    sizes["pickled_bytes"] = stored_bytes(clf.without_teacher())
    comparison.add_measurements("size", STUDENT, sizes)
    pickled = {STUDENT: sizes["pickled_bytes"]}
    for name in (TEACHER, COMPILED):
        if name in asked:
            n_bytes = pickled[name] = stored_bytes(asked[name][0])
            note = "" if n_bytes is not None else "it cannot be pickled"
            value = np.nan if n_bytes is None else n_bytes
            comparison.add_measurements("size", name, {"pickled_bytes": value}, note)
    return pickled


def _decide(comparison, speeds, sizes):
    slowness = is_faster = student_slowness = relative_size = None
    if COMPILED in speeds:
        slowness = _slowness(speeds[COMPILED], speeds[STUDENT])
    if COMPILED in speeds and TEACHER in speeds:
        is_faster = max(_slowness(speeds[COMPILED], speeds[TEACHER]).values()) < 1
    if TEACHER in speeds:
        student_slowness = _slowness(speeds[STUDENT], speeds[TEACHER])
    if sizes[STUDENT] and sizes.get(TEACHER):
        relative_size = sizes[STUDENT] / sizes[TEACHER]
    return verdict(
        comparison.gaps(STUDENT, TEACHER),
        comparison.gaps(STUDENT, CONTROL),
        comparison.gaps(CONTROL, TEACHER),
        comparison.gaps(STUDENT, COMPILED),
        slowness,
        is_faster,
        student_slowness,
        relative_size,
    )


def _slowness(one, other):
    """How many times as long one takes, by the number of rows it is asked about."""
    return {
        "single rows": one["p50_ms"] / other["p50_ms"],
        f"{BATCH_ROWS:,} rows": other["rows_per_second"] / one["rows_per_second"],
    }


def _machine():
    import torch

    processor = platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, torch threads: {torch.get_num_threads()}"
