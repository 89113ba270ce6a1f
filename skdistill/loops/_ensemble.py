"""StudentEnsemble: several students on the labels, side by side, averaged."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.types import ArrayLike, FloatArray, RandomState, Table
from skdistill.loops._cohort import CohortFit, fit_on_labels
from skdistill.loops._peers import CohortLoss
from skdistill.student import CohortStudent, MLPStudent

_PEERS = StrOptions({"each", "pooled", "attention"})


class StudentEnsemble(ClassifierMixin, BaseEstimator):
    r"""Several copies of the student, trained on the labels, that answer with their mean.

    They have one architecture and differ by their first weights. All are trained in one pass, with
    one product of stacked matrices a layer. Without `peers` they learn nothing of one another: the
    mean of independent nets, which is a teacher that needs no other model [1]_. With `peers`, each
    student also follows the others while all of them learn:

    ============  ==============================================================================
    `peers`       what student k follows beside the labels
    ============  ==============================================================================
    None          nothing
    "each"        the mean of :math:`\mathrm{KL}(p_l \| p_k)` over its peers l, as in deep mutual
                  learning [2]_
    "pooled"      one target for all: for each class the lowest of the students' logits, less that
                  of the label [3]_
    "attention"   a mean of all students that attention weighs for each row and student [4]_;
                  the first level of that paper
    ============  ==============================================================================

    Gradients go through the student that follows, not through those it follows.

    Parameters
    ----------
    student : MLPStudent, default=None
        Recipe of each, and no subclass of it. None is :class:`MLPStudent` with its defaults.
    n_students : int, default=8
        At least 2.
    peers : {"each", "pooled", "attention"} or None, default=None
    peer_weight : float, default=1.0
        Weight of the peers beside the labels, >= 0.
    encoder : "auto", "passthrough" or transformer, default="auto"
        This and those below are as in :class:`DistilledClassifier`.
    calibrate : bool or "auto", default="auto"
    class_weight : dict, "balanced" or None, default=None
    early_stopping : bool or "auto", default="auto"
        The epoch is that at which the mean of the students is best.
    validation_fraction : "auto", float, splitter or list of (train, test), default="auto"
    refit : bool, default=True
    max_time : float, default=None
        Seconds after which the training ends, with a warning.
    verbose : int, default=0
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    losses_ : ndarray of shape (n_students,) or None
        Log loss of each student on the rows held out, in nats. None where none were held out.
    leader_ : int
        The student with the lowest loss there; the first where none were held out.
    decision_ : str
        Who leads, and by which losses, in one line.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    See Also
    --------
    SelfDistilledClassifier : One student, distilled from such an ensemble.
    MutualClassifier : The leader of a cohort that has learned from one another.

    References
    ----------
    .. [1] Lakshminarayanan, Pritzel and Blundell (2017). Simple and Scalable Predictive Uncertainty
       Estimation using Deep Ensembles. https://doi.org/10.48550/arXiv.1612.01474
    .. [2] Zhang, Xiang, Hospedales and Lu (2018). Deep Mutual Learning.
       https://doi.org/10.1109/CVPR.2018.00454
    .. [3] Guo et al. (2020). Online Knowledge Distillation via Collaborative Learning.
       https://doi.org/10.1109/CVPR42600.2020.01103
    .. [4] Chen, Mei, Wang, Feng and Chen (2020). Online Knowledge Distillation with Diverse Peers.
       https://doi.org/10.1609/aaai.v34i04.5746

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill import DistilledClassifier, MLPStudent, StudentEnsemble
    >>> X, y = load_iris(return_X_y=True)
    >>> ensemble = StudentEnsemble(MLPStudent((16,), n_steps=200), n_students=4, random_state=0)
    >>> ensemble.fit(X, y).predict(X[:2])
    array([0, 0])
    >>> clf = DistilledClassifier(ensemble, MLPStudent((16,), n_steps=200)).fit(X, y)
    """

    _parameter_constraints: ClassVar[dict] = {
        "student": [MLPStudent, None],
        "n_students": [Interval(Integral, 2, None, closed="left")],
        "peers": [_PEERS, None],
        "peer_weight": [Interval(Real, 0, None, closed="left")],
        "refit": ["boolean"],
    }

    def __init__(
        self,
        student: MLPStudent | None = None,
        n_students: int = 8,
        *,
        peers: str | None = None,
        peer_weight: float = 1.0,
        encoder: Any = "auto",
        calibrate: bool | str = "auto",
        class_weight: dict | str | None = None,
        early_stopping: bool | str = "auto",
        validation_fraction: Any = "auto",
        refit: bool = True,
        max_time: float | None = None,
        verbose: int = 0,
        random_state: RandomState = None,
    ):
        self.student = student
        self.n_students = n_students
        self.peers = peers
        self.peer_weight = peer_weight
        self.encoder = encoder
        self.calibrate = calibrate
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.max_time = max_time
        self.verbose = verbose
        self.random_state = random_state

    def fit(
        self,
        X: Table,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train all students.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight is worth that many copies of the row.
        groups : array-like of shape (n_samples,), default=None
            Labels of rows that belong together: none is split when rows are held out.

        Returns
        -------
        self : StudentEnsemble

        Raises
        ------
        ValueError
            If a parameter or an input is not valid.
        """
        return self._fit(X, y, sample_weight=sample_weight, groups=groups)

    def _fit(self, X: Table, y: Any, callbacks: Sequence[Any] = (), **rows: Any) -> Self:
        """Train all students; `rows` are other arguments of the fit of a student."""
        self._validate_params()
        cohort = self._new_cohort().set_callbacks(*callbacks)
        self.cohort_ = fit_on_labels(cohort, X, y, type(self).__name__, **rows)
        self.cohort_.set_callbacks()  # they watch a fit, and are not ours to store
        self.losses_ = self.cohort_.losses_
        self.leader_ = 0 if self.losses_ is None else int(self.losses_.argmin())
        self.decision_ = self._decision()
        return self

    def _new_cohort(self) -> CohortFit:
        recipe = MLPStudent() if self.student is None else self.student
        if type(recipe) is not MLPStudent:
            raise ValueError(
                f"`student={recipe!r}` is no plain MLPStudent, and students are trained side by "
                "side as such alone: give MLPStudent(...)."
            )
        own = {name: getattr(recipe, name) for name in MLPStudent().get_params()}
        return CohortFit(
            None,
            CohortStudent(**own, n_students=self.n_students),
            objectives=CohortLoss(self.peers, self.peer_weight),
            encoder=self.encoder,
            transfer=None,
            alpha=1.0,
            cv=None,
            calibrate=self.calibrate,
            class_weight=self.class_weight,
            early_stopping=self.early_stopping,
            validation_fraction=self.validation_fraction,
            refit=self.refit,
            max_time=self.max_time,
            verbose=self.verbose,
            random_state=self.random_state,
        )

    def _decision(self) -> str:
        if self.losses_ is None:
            return f"{self.n_students} students; no rows were held out: the first leads"
        found = self.losses_
        return (
            f"student {self.leader_} of {len(found)} leads: log loss {found.min():.4f} on the rows "
            f"held out, {found.mean():.4f} on the mean of the students"
        )

    # --- answers ---

    def predict_proba(self, X: Table) -> FloatArray:
        """Mean of the students' probabilities.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self.cohort_.predict_proba(X)

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
        return self.cohort_.predict(X)

    def predict_each(self, X: Table) -> FloatArray:
        """Probabilities of each student, each at its own temperature where it is calibrated.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_students, n_classes)
        """
        check_is_fitted(self)
        return softmax(self.cohort_.each(X) / self.cohort_.temperatures_[:, None], axis=2)

    @property
    def classes_(self) -> np.ndarray:
        """The classes, in the order of the probabilities."""
        return self._of_cohort("classes_")

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""
        return self._of_cohort("n_features_in_")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns, where X had some."""
        return self._of_cohort("feature_names_in_")

    def _of_cohort(self, name: str) -> Any:
        if "cohort_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r} before `fit`.")
        return getattr(self.cohort_, name)

    # --- scikit-learn's API ---

    def __sklearn_is_fitted__(self) -> bool:
        return "cohort_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(CohortFit(encoder=self.encoder)).input_tags
        tags.non_deterministic = self.random_state is None
        return tags
