"""Cascade: the student answers where it may, the teacher the rest."""

import copy
import math
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy.stats import beta
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils import get_tags, indexable
from sklearn.utils.validation import check_is_fitted

from skdistill._fit.holdout import rows_to_hold_out
from skdistill._utils._compat import Interval, is_fitted, num_samples, safe_indexing, take_params
from skdistill._utils.named import named_parts
from skdistill._utils.types import ArrayLike, BoolArray, FloatArray, IntArray, RandomState, Table
from skdistill._utils.warn import naming, warn
from skdistill._utils.weights import check_weights
from skdistill.task import check_target
from skdistill.teacher import TeacherPool, unfrozen


class Cascade(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    r"""Answer by the student where it is sure, and ask the teacher for the other rows.

    The student is sure of a row if its largest probability is at least ``threshold_``. The
    threshold keeps a promise, which is tested on held-out rows:

    ============  ==============================================================================
    `coverage`    what is promised, with probability `confidence`
    ============  ==============================================================================
    None          at least a share `agreement` of all answers is the teacher's label: rows that
                  the teacher answers itself count as agreeing. It is the lowest such threshold
    a share       at least that share of the rows is answered by the student; `agreement` is not
                  used. It is the highest such threshold
    ============  ==============================================================================

    The bound is that of Clopper and Pearson for the number of rows that break the promise. It holds
    for the share in all rows like those held out, whatever student and teacher are [1]_. Among few
    new rows more may break it by chance: a higher `confidence` leaves room for that.

    Parameters
    ----------
    student : classifier
        A :class:`DistilledClassifier`, a :class:`Scorer` or any other with ``predict_proba``. An
        unfitted one is cloned and fitted on the rows that are not held out; a fitted one belongs in
        a :class:`~sklearn.frozen.FrozenEstimator`. One without ``fit`` is taken as fitted.
    teacher : classifier or list of them, default=None
        As `teacher` of :class:`DistilledClassifier`: an unfitted one is fitted on the rows of the
        student. None is the ``teacher_`` of the student.
    agreement : float, default=0.99
        Between 0 and 1.
    coverage : float, default=None
        Between 0 and 1. If each answer of the teacher has a price, this share of the rows is free.
    confidence : float, default=0.95
        Between 0 and 1.
    test_size : float, default=0.2
        Share of the rows that is held out, if the student is fitted here. A fitted student needs
        rows that it has not seen: all rows of ``fit`` are used.
    random_state : int, RandomState instance or None, default=None
        Draws the rows held out.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    student_ : classifier
        The fitted student.
    teacher_ : TeacherPool
        The fitted teachers.
    threshold_ : float
        The largest probability from which on the student answers; above 1 if it never does.
    coverage_ : float
        Share of the rows held out that the student answers.
    agreement_ : float
        Share of the rows held out on which the answer is the teacher's label.
    n_calibration_rows_ : int
        Rows held out.
    decision_ : str
        The threshold, and what it gave on the rows held out, in one line.

    References
    ----------
    .. [1] Bates, Angelopoulos, Lei, Malik and Jordan (2021). Distribution-Free, Risk-Controlling
       Prediction Sets. https://doi.org/10.1145/3478535
    .. [2] Geifman and El-Yaniv (2017). Selective Classification for Deep Neural Networks.
       https://doi.org/10.48550/arXiv.1705.08500

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import Cascade, DistilledClassifier, MLPStudent
    >>> X, y = load_digits(return_X_y=True)
    >>> student = DistilledClassifier(RandomForestClassifier(50), MLPStudent((64,), n_steps=300))
    >>> cascade = Cascade(student, agreement=0.95, random_state=0).fit(X, y)
    >>> 0.5 < cascade.coverage_ <= 1
    True
    """

    _share = Interval(Real, 0, 1, closed="neither")
    _parameter_constraints: ClassVar[dict] = {
        "agreement": [_share],
        "coverage": [_share, None],
        "confidence": [_share],
        "test_size": [_share],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        student: Any,
        teacher: Any = None,
        *,
        agreement: float = 0.99,
        coverage: float | None = None,
        confidence: float = 0.95,
        test_size: float = 0.2,
        random_state: RandomState = None,
    ):
        self.student = student
        self.teacher = teacher
        self.agreement = agreement
        self.coverage = coverage
        self.confidence = confidence
        self.test_size = test_size
        self.random_state = random_state

    def fit(
        self,
        X: Table,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the student, if it is not fitted, and find the threshold on rows held out.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
            Labels. None is legal with a fitted student.
        sample_weight : array-like of shape (n_samples,), default=None
            For all that is fitted here, student and teachers. Rows of weight 0 are left out.
            The promise counts rows, whatever they weigh.
        **fit_params : dict
            For the ``fit`` of the student; those with one value for each row are reduced to its
            rows. No group of `groups` is split. The bound still counts rows, and is too low if rows
            of a group are alike.

        Returns
        -------
        self : Cascade

        Raises
        ------
        ValueError
            If a parameter is not valid, there is no teacher, or there are `fit_params` or
            unfitted teachers beside a fitted student.
        """
        self._validate_params()
        X, y = indexable(X, y)
        y = None if y is None else check_target(y, X)
        if sample_weight is not None:
            fit_params["sample_weight"] = sample_weight
        held_out = self._fit_parts(X, y, fit_params)
        self.classes_ = np.union1d(self.student_.classes_, self.teacher_.classes_)
        told = self.student_.predict_proba(held_out)
        sure = told.max(axis=1)
        labels = self.student_.classes_[told.argmax(axis=1)]
        differs = labels != self.teacher_.predict(held_out)
        self.threshold_ = self._find_threshold(sure, differs)
        answers = sure >= self.threshold_
        self.n_calibration_rows_ = len(sure)
        self.coverage_ = float(answers.mean())
        self.agreement_ = float(1 - (differs & answers).mean())
        self.decision_ = self._decision()
        return self

    def _decision(self) -> str:
        """The threshold, and what it gave on the rows that chose it."""
        if self.threshold_ == np.inf:
            return "the teacher answers all rows"
        return (
            f"the student answers where its probability is at least {self.threshold_:.4f}: "
            f"{self.coverage_:.1%} of the {self.n_calibration_rows_} rows that chose this; "
            f"{self.agreement_:.2%} of all answers are the teacher's"
        )

    def _fit_parts(self, X: Table, y: Any, fit_params: dict[str, Any]) -> Table:
        """Fit the student and the teachers, if they are not fitted; the rows held out."""
        if not unfrozen([("student", self.student)]):
            if fit_params:
                raise ValueError(
                    f"{sorted(fit_params)} are for the `fit` of the student, but `student` is "
                    "fitted: leave them out."
                )
            self.student_ = self.student
            self.teacher_ = self._find_teacher(X, None)
            return X
        if is_fitted(self.student):
            with naming(type(self).__name__):
                warn(
                    "`student` is fitted but not frozen, so a clone of it is fitted again. Wrap it "
                    "in sklearn.frozen.FrozenEstimator to use it as it is, and give rows that it "
                    "has not seen."
                )
        weight = check_weights(fit_params.get("sample_weight"), num_samples(X))
        used = np.arange(num_samples(X)) if weight is None else np.flatnonzero(weight)
        test = used[self._rows_held_out(*_take(used, X, y, fit_params.get("groups")))]
        train = np.setdiff1d(used, test)
        own, own_y, own_weight = _take(train, X, y, weight)
        self.student_ = clone(self.student).fit(own, own_y, **take_params(X, fit_params, train))
        self.teacher_ = self._find_teacher(own, own_y, own_weight)
        return safe_indexing(X, test)

    def _rows_held_out(self, X: Table, y: Any, groups: Any) -> IntArray:
        """Rows of all classes that have two, or whole groups."""
        if groups is not None:
            splitter = GroupShuffleSplit(
                1, test_size=self.test_size, random_state=self.random_state
            )
            return next(splitter.split(X, y, groups))[1]
        labels = np.zeros(num_samples(X)) if y is None else np.unique(y, return_inverse=True)[1]
        return rows_to_hold_out(labels, self.test_size, self.random_state)

    def _find_teacher(self, X: Table, y: Any, weight: FloatArray | None = None) -> TeacherPool:
        """The teachers as one pool; those that are not frozen learn from these rows."""
        if self.teacher is not None:
            others = unfrozen(named_parts(self.teacher, "teacher"))
            if self.student_ is self.student and others:
                raise ValueError(
                    f"`student` is fitted, and all rows choose the threshold, but the teachers "
                    f"{[name for name, _ in others]} are not fitted: wrap fitted ones in "
                    "FrozenEstimator."
                )
            return TeacherPool(self.teacher, random_state=self.random_state).fit(X, y, weight)
        student = getattr(self.student_, "estimator", self.student_)
        teacher = getattr(student, "teacher_", None)
        if teacher is None:
            raise ValueError(
                f"`teacher` is None, and the student {self.student!r} holds no teacher of its own: "
                "give `teacher`."
            )
        return teacher

    def _find_threshold(self, sure: FloatArray, differs: BoolArray) -> float:
        """The threshold whose promise holds; see the class."""
        levels = np.unique(sure)
        if self.coverage is not None:
            # Each row that goes to the teacher breaks it: the higher the threshold, the more do.
            n_asked = np.searchsorted(np.sort(sure), levels)
            kept = self._bound(n_asked, len(sure)) <= 1 - self.coverage
            if kept.any():
                return float(levels[kept].max())
            return 0.0  # then it answers all rows
        order = np.argsort(sure)
        wrong_above = np.cumsum(differs[order][::-1].astype(int))[::-1]
        n_wrong = wrong_above[np.searchsorted(sure[order], levels)]
        kept = self._bound(n_wrong, len(sure)) <= 1 - self.agreement
        # From the top down to the first that breaks it: the bound does not hold for lower ones.
        broken = np.flatnonzero(~kept)
        first = 0 if not len(broken) else broken[-1] + 1
        if first < len(levels):
            return float(levels[first])
        least = math.ceil(math.log(1 - self.confidence) / math.log(self.agreement))
        with naming(type(self).__name__):
            warn(
                f"{len(sure)} rows held out cannot show that the student agrees with the teacher "
                f"on {self.agreement:.1%} of the rows, so the teacher answers all: give more "
                f"rows, or a lower `agreement`. Even without a difference that takes {least} rows "
                "held out."
            )
        return float("inf")

    def _bound(self, n_broken: IntArray, n_rows: int) -> FloatArray:
        """Upper bound of the share of rows that break the promise, of Clopper and Pearson."""
        bound = beta.ppf(self.confidence, n_broken + 1, n_rows - n_broken)
        return np.where(n_broken >= n_rows, 1.0, bound)

    # --- answers ---

    def is_answered(self, X: Table) -> BoolArray:
        """Whether the student answers a row itself.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of bool of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.student_.predict_proba(X).max(axis=1) >= self.threshold_

    def predict_proba(self, X: Table) -> FloatArray:
        """Probabilities of the classes, of the student or, where it is not sure, of the teacher.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        (X,) = indexable(X)
        told = self.student_.predict_proba(X)
        found = np.zeros((len(told), len(self.classes_)))
        found[:, np.searchsorted(self.classes_, self.student_.classes_)] = told
        asked = np.flatnonzero(told.max(axis=1) < self.threshold_)
        if len(asked):  # a teacher may charge for an empty call
            answer = self.teacher_.predict_proba(safe_indexing(X, asked))
            found[asked] = 0.0
            columns = np.searchsorted(self.classes_, self.teacher_.classes_)
            found[np.ix_(asked, columns)] = answer
        return found

    def predict(self, X: Table) -> np.ndarray:
        """The most probable label.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""
        return self._of_student("n_features_in_")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns, where X had some."""
        return self._of_student("feature_names_in_")

    def _of_student(self, name: str) -> Any:
        if "student_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r} before `fit`.")
        return getattr(self.student_, name)

    # --- scikit-learn's API ---

    def __sklearn_is_fitted__(self) -> bool:
        return "threshold_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if hasattr(self.student, "__sklearn_tags__"):  # else nothing is known of it
            tags.input_tags = copy.deepcopy(get_tags(self.student).input_tags)
        return tags


def _take(rows: IntArray, *parts: Any) -> list[Any]:
    """These rows of each part; None stays None."""
    return [None if part is None else safe_indexing(part, rows) for part in parts]
