"""A student that learns from new rows, and new classes, when the old rows are gone."""

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.utils import check_random_state

from skdistill._best import BestEstimator
from skdistill._fit.checks import check_known
from skdistill._fit.holdout import rows_to_hold_out
from skdistill._fit.weights import counting_weights
from skdistill._utils._compat import Interval, safe_indexing
from skdistill._utils.named import named_parts
from skdistill._utils.types import ArrayLike, FloatArray, IntArray, RandomState, Table
from skdistill._utils.warn import naming, warn
from skdistill.classifier import DistilledClassifier
from skdistill.loops._own_teacher import OwnTeacher
from skdistill.loops._pool import ReplayPool
from skdistill.loops._replay import Replay, SyntheticReplay
from skdistill.loops._step_rows import StepRows, mixed
from skdistill.loops._teacher import fit_teacher, routes_weights
from skdistill.loops._wider import wider_net
from skdistill.metrics import prediction_churn

NAN = float("nan")
# Kinds of dtypes.
NUMBERS = "biuf"


class ContinualClassifier(ClassifierMixin, BestEstimator):
    r"""Learn from new rows and new classes, step by step, without the rows of the steps before.

    The first step is a fit of `estimator`. Each step leaves a pool of rows that stand for those it
    has seen, with what the student told of them. The next step mixes this pool with the new rows: a
    teacher is fitted on both, and the student goes on from its weights, with an output more for
    each new class. What it learns of a row of the pool is the old answer, and of a new row the
    answer of the new teacher. The pool weighs as much as the rows that it stands for, and each
    class in it as much as it had.

    Parameters
    ----------
    estimator : DistilledClassifier
        Cloned for each step. It needs a `teacher`, which is fitted anew on the pool and the new
        rows. Later steps do without its `cv`, `refit`, `checkpoint_dir`
        and `max_queries`.
    replay : SyntheticReplay, StoredRows, DarkExperience or LearningWithoutForgetting, default=None
        What stands for the rows that are gone. None is :class:`SyntheticReplay`.
    old_weight : float, default=1.0
        What a row of the steps before weighs beside a new one. It is applied at each step, so that
        below 1 older rows fade. With 1 all rows count alike, as in one fit on all.
    class_prior : dict, default=None
        Shares of the classes where the student is used, by label; classes that are yet to come may
        be among them. None takes the shares of all rows so far, by `old_weight`.
    test_size : float, default=0.1
        Share of the rows of a later step, those replayed among them, that choose the epoch and
        tell what has changed: neither teacher nor student learn from them.
    random_state : int, RandomState instance or None, default=None
        Draws the rows that stand for others, and those held out. The rest is drawn by that of
        `estimator`.

    Attributes
    ----------
    best_estimator_ : DistilledClassifier
        The student of the last step, without a teacher; for :func:`to_onnx`. Its ``encoder_`` is
        that of the first step: a category that was not there then is an unknown one.
    classes_ : ndarray of shape (n_classes,)
        All classes so far, in ascending order.
    pool_ : ReplayPool
        The rows that stand for those that are gone: ``X``; ``proba``, what the student told of them
        in the step in which they were drawn; ``labels``, the likeliest class, or of stored rows
        their label; and ``count``, the weight of each class of ``classes`` so far, by `old_weight`.
    steps_ : list of dict
        A dict a step. "n_rows" and "n_replayed" count rows to learn from, "new_classes" are
        labels. On rows held out, "flip_rate" is the share of new rows of known classes whose
        predicted class has changed by the step, and "flip_rate_pool" that of rows of the pool; NaN
        where there are none.
    decision_ : str
        What the last step did, in one line.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    See Also
    --------
    DistilledClassifier.refresh : New rows of the same classes for the teacher that is there.

    Notes
    -----
    Synthetic rows tell what the old student knew, and no more: what it had wrong stays wrong. A
    class that most synthetic rows of it are not recognised as is replayed by few rows.

    References
    ----------
    .. [1] Shin, Lee, Kim and Kim (2017). Continual Learning with Deep Generative Replay.
       https://doi.org/10.48550/arXiv.1705.08690
    .. [2] Li and Hoiem (2016). Learning without Forgetting.
       https://doi.org/10.48550/arXiv.1606.09282
    .. [3] Buzzega, Boschini, Porrello, Abati and Calderara (2020). Dark Experience for General
       Continual Learning: a Strong, Simple Baseline. https://doi.org/10.48550/arXiv.2004.07211

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import ContinualClassifier, DistilledClassifier, MLPStudent
    >>> X, y = load_digits(return_X_y=True)
    >>> student = DistilledClassifier(
    ...     RandomForestClassifier(50), MLPStudent(n_steps=300), transfer=None, alpha=0.3
    ... )
    >>> clf = ContinualClassifier(student, random_state=0)
    >>> clf = clf.partial_fit(X[y < 5], y[y < 5])
    >>> clf = clf.partial_fit(X[y >= 5], y[y >= 5])
    >>> bool(clf.score(X, y) > 0.8)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [DistilledClassifier],
        "replay": [Replay, None],
        "old_weight": [Interval(Real, 0, None, closed="neither")],
        "class_prior": [dict, None],
        "test_size": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        replay: Any = None,
        *,
        old_weight: float = 1.0,
        class_prior: dict | None = None,
        test_size: float = 0.1,
        random_state: RandomState = None,
    ):
        self.estimator = estimator
        self.replay = replay
        self.old_weight = old_weight
        self.class_prior = class_prior
        self.test_size = test_size
        self.random_state = random_state

    # --- steps ---

    def fit(self, X: Table, y: ArrayLike, **fit_params: Any) -> Self:
        """Forget all steps, and take the first.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        **fit_params : dict
            Arguments of the estimator's ``fit``, such as `sample_weight` or `X_val`; with metadata
            routing, those that it requests.

        Returns
        -------
        self : ContinualClassifier

        Raises
        ------
        ValueError
            If a parameter or an input is not valid, or `estimator` has no teacher.
        """
        self._forget()
        self._check_parameters()
        return self._first_step(X, y, self._routed(fit_params))

    def _first_step(self, X: Table, y: Any, params: dict[str, Any]) -> Self:
        """A fit of the estimator, with arguments of its ``fit``."""
        with naming(type(self).__name__):
            X, y = self._labelled(X, y)
        step = clone(self.estimator)
        if self.class_prior is not None:
            step.set_params(class_prior=self._prior(np.unique(y)))
        step.fit(X, y, **params)
        weight = counting_weights(params.get("sample_weight"), X)
        weight = np.ones(len(y)) if weight is None else weight
        used = np.flatnonzero(weight)
        self.steps_: list[dict[str, Any]] = []
        rng = check_random_state(self.random_state)
        with naming(type(self).__name__):
            rows = safe_indexing(X, used), y[used], weight[used]
            self._keep(step.without_teacher(), ReplayPool.empty(step.classes_), *rows, rng)
        self._report(len(y), 0, step.classes_.tolist(), {}, step.decision_)
        return self

    def partial_fit(
        self,
        X: Table,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from new rows; the first call is a ``fit``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels, of known classes or new ones.
        classes : array-like of shape (n_classes,), default=None
            Labels that y may hold: others are an error. It is not needed, and no class is known
            before it has a row.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for teachers and student. Rows of weight 0 are left out.

        Returns
        -------
        self : ContinualClassifier

        Raises
        ------
        ValueError
            If a parameter or an input is not valid, X has other columns than before, or the module
            of the student cannot be made for more classes.
        """
        if classes is not None:
            check_known(np.asarray(y), np.unique(classes), "y")
        if "pool_" not in vars(self):  # no step has come to its end
            self._forget()
            self._check_parameters()
            given = {} if sample_weight is None else {"sample_weight": sample_weight}
            return self._first_step(X, y, given)
        self._check_parameters()
        routes = routes_weights(self.estimator, sample_weight is not None)
        with naming(type(self).__name__):
            self._step(*self._new_rows(X, y, sample_weight), routes)
        return self

    def _check_parameters(self) -> None:
        self._validate_params()
        if self.estimator.teacher is None:
            raise ValueError(
                "`estimator` has no `teacher` to label new rows: give DistilledClassifier(teacher)."
            )
        if isinstance(self.estimator, OwnTeacher):
            raise ValueError(
                f"`estimator={type(self.estimator).__name__}(...)` makes its teacher of its own "
                "student, and a later step cannot: give DistilledClassifier(StudentEnsemble())."
            )
        if self.estimator.class_prior is not None:
            raise ValueError(
                "`class_prior` of the estimator does not know the classes that are yet to come: "
                f"give `class_prior` of {type(self).__name__}."
            )
        self._replay.check_parameters()

    @property
    def _replay(self) -> Replay:
        return SyntheticReplay() if self.replay is None else self.replay

    def _labelled(self, X: Table, y: Any) -> tuple[Table, np.ndarray]:
        """X and y by the checks of the estimator; there has to be a y."""
        X, y = self._checked(X, y)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        self._replay.check_rows(X)
        return X, y

    def _new_rows(self, X: Table, y: Any, sample_weight: Any) -> tuple[Table, Any, FloatArray]:
        """The rows of a later step that weigh anything, checked."""
        X, y = self._labelled(X, y)
        known = self.best_estimator_.classes_
        if (y.dtype.kind in NUMBERS) != (known.dtype.kind in NUMBERS):
            raise ValueError(
                f"y has labels such as {y[0]!r}, and the classes so far are {known[:5].tolist()}: "
                "give labels of one type."
            )
        # The columns have to be those of the first step.
        self.best_estimator_._as_in_the_fit()._check_X(X)
        weight = counting_weights(sample_weight, X)
        if weight is None:
            return X, y, np.ones(len(y))
        used = np.flatnonzero(weight)
        return safe_indexing(X, used), y[used], weight[used]

    def _step(self, X: Table, y: np.ndarray, weight: FloatArray, routes: bool) -> None:
        """Learn from new rows and the pool, and then let the pool stand for both."""
        old, rng = self.best_estimator_, check_random_state(self.random_state)
        classes = np.union1d(old.classes_, y)
        pool = self.pool_.for_classes(classes, self.old_weight)
        rows = mixed(pool, X, y, weight)
        test = rows_to_hold_out(np.searchsorted(classes, rows.y), self.test_size, rng)
        train = np.setdiff1d(np.arange(len(rows.y)), test)
        start, keeps = self._start(old, classes, pool)
        told, held_out = rows.take(train), rows.take(test)
        start.teacher_ = fit_teacher(self.estimator, told, held_out, classes, routes)
        soft = start.teacher_.predict_proba(told["X"])
        soft[train < len(pool)] = pool.proba[train[train < len(pool)]]
        judges = {f"{name}_val": part for name, part in held_out.items()} if len(test) else {}
        start.fit(**told, soft_targets=soft, **judges)
        start.objectives = self.estimator.objectives
        self._keep(start.without_teacher(), pool, X, y, weight, rng)
        changed = self._changed(old, rows, test)
        how = start.decision_ if keeps else f"{start.decision_}; its weights began anew"
        new = np.setdiff1d(classes, old.classes_).tolist()
        self._report(len(y), len(pool), new, changed, how)

    def _start(
        self, old: DistilledClassifier, classes: np.ndarray, pool: ReplayPool
    ) -> tuple[Any, bool]:
        """What the step goes on from: the student, with an output for each class."""
        start = clone(self.estimator)
        found = set(vars(old)) - set(old.get_params(deep=False))
        vars(start).update({name: vars(old)[name] for name in found})
        places = np.searchsorted(classes, old.classes_)
        start.student_, keeps = wider_net(old.student_, places, len(classes))
        start.classes_, start.class_offset_ = classes, None
        start.warm_start, start._goes_on_by, start._settled = True, "refresh", None
        start.cv = start.checkpoint_dir = start.max_queries = None
        if self.class_prior is not None:
            start.class_prior = self._prior(classes)
        terms = self._replay.objectives(old, classes, pool)
        if terms:
            start.objectives = [*named_parts(self.estimator.objectives, "objectives"), *terms]
        return start, keeps

    def _prior(self, classes: np.ndarray) -> dict[Any, float]:
        """`class_prior` for the classes so far."""
        prior: dict = self.class_prior or {}
        absent = [label for label in classes.tolist() if label not in prior]
        if absent:
            raise ValueError(
                f"`class_prior` must have a share for each class of y, but lacks {absent[:10]}: "
                "add them."
            )
        return {label: prior[label] for label in classes.tolist()}

    def _changed(
        self, old: DistilledClassifier, rows: StepRows, test: IntArray
    ) -> dict[str, float]:
        """Share of the answers on rows held out that are others now."""
        is_old = test < rows.n_replayed
        is_known = np.isin(rows.y[test], old.classes_)
        parts = {"flip_rate": test[is_known & ~is_old], "flip_rate_pool": test[is_old]}
        return {name: self._flip_rate(old, rows.X, part) for name, part in parts.items()}

    def _flip_rate(self, old: DistilledClassifier, X: Table, rows: IntArray) -> float:
        if not len(rows):
            return NAN
        X = safe_indexing(X, rows)
        return prediction_churn(old.predict(X), self.best_estimator_.predict(X))

    def _keep(
        self,
        student: DistilledClassifier,
        pool: ReplayPool,
        X: Table,
        y: np.ndarray,
        weight: FloatArray,
        rng: np.random.RandomState,
    ) -> None:
        """Take a student and the pool of its rows: both, or none of them."""
        replay = self._replay
        pool = pool.remember(X, y, weight, student, replay, rng)
        self.best_estimator_, self.pool_ = student, pool
        if replay.n_rows and not len(self.pool_):
            warn(
                "no row was drawn that is not a row of X, so that none can be replayed: give "
                "`SyntheticReplay` another `sampler`."
            )
        elif replay.n_rows and self.pool_.forgotten:
            warn(
                f"no row of the pool stands for the classes {self.pool_.forgotten[:10]}, which the "
                "next step will forget: raise `n_rows` of `replay`."
            )

    def _report(
        self,
        n_rows: int,
        n_replayed: int,
        new_classes: list[Any],
        changed: dict[str, float],
        how: str,
    ) -> None:
        """Say what a step did."""
        counts = {"n_rows": n_rows, "n_replayed": n_replayed, "new_classes": new_classes}
        self.steps_.append(counts | {"flip_rate": NAN, "flip_rate_pool": NAN} | changed)
        self.decision_ = (
            f"step {len(self.steps_)}: {n_rows} new rows and {n_replayed} of the pool, "
            f"{len(new_classes)} new classes; {how}"
        )

    # --- scikit-learn's API ---

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = tags.non_deterministic or self.random_state is None
        return tags
