"""MutualClassifier: a cohort without a teacher, of which one student is kept."""

from typing import Any, ClassVar, Self

from skdistill._utils._compat import StrOptions
from skdistill._utils.types import RandomState, Table
from skdistill.loops._ensemble import StudentEnsemble
from skdistill.loops._own_teacher import OwnTeacher
from skdistill.student import MLPStudent, one_of

# What the cohort takes from the estimator, where its leader is kept.
PASSED_ON = (
    *("calibrate", "class_weight", "early_stopping", "validation_fraction"),
    *("refit", "verbose", "random_state", "max_time"),
)

UNUSED_BY_LEADER = ("transfer", "temperature", "alpha", "cv", "memory")


class MutualClassifier(OwnTeacher):
    r"""Train a cohort of students that learn from one another, and keep one student.

    There is no teacher at first. Several students of one architecture start from other weights. In
    each step each of them follows the labels, and what its peers say at that moment
    [1]_. All are trained in one pass. `keep` says which student is served:

    ============  ==============================================================================
    `keep`        the student
    ============  ==============================================================================
    "leader"      the one with the lowest log loss on the rows held out; there are no synthetic
                  rows, and `transfer`, `temperature`, `alpha`, `cv` and `memory` are not used: a
                  warning says so where they are set
    "distilled"   a new one, distilled from the mean of the cohort as by
                  :class:`DistilledClassifier`
    ============  ==============================================================================

    Parameters without a text are as in :class:`DistilledClassifier`.

    Parameters
    ----------
    student : MLPStudent, default=None
        Recipe of each student. None is :class:`MLPStudent` with its defaults.
    n_students : int, default=4
        At least 2.
    peers : {"each", "pooled", "attention"}, default="each"
        What a student follows beside the labels; see :class:`StudentEnsemble`.
    peer_weight : float, default=1.0
        Weight of that beside the labels, >= 0.
    keep : {"leader", "distilled"}, default="leader"
    encoder : "auto", "passthrough" or transformer, default="auto"
    transfer : "auto", sampler, list of them or None, default="auto"
        Rows on which the cohort teaches with ``keep="distilled"``.
    temperature : float or "auto", default=1.0
    alpha : float or "auto", default="auto"
    cv : "auto", int, splitter or None, default="auto"
    calibrate : bool or "auto", default="auto"
    class_weight : dict, "balanced" or None, default=None
    early_stopping : bool or "auto", default="auto"
    validation_fraction : "auto", float, splitter or list of (train, test), default="auto"
    refit : bool, default=True
    memory : str or object with the joblib.Memory interface, default=None
    max_time : float, default=None
        Seconds; see :class:`DistilledClassifier`. The cohort of ``keep="distilled"`` is not cut
        short.
    n_jobs : int, default=None
    verbose : int, default=0
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    losses_ : ndarray of shape (n_students,) or None
        Log loss of each student on the rows held out, in nats. Only with ``keep="leader"``.
    student_ : skorch.NeuralNetClassifier
        The one that is kept.
    decision_ : str
        What was kept, and by which losses, in one line.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    See Also
    --------
    StudentEnsemble : The whole cohort, to answer or to teach.
    SelfDistilledClassifier : One student of independent copies.

    Notes
    -----
    The honest rival is a student distilled from as many *independent* students [2]_, which is
    :class:`SelfDistilledClassifier`. The user guide shows both side by side.

    References
    ----------
    .. [1] Zhang, Xiang, Hospedales and Lu (2018). Deep Mutual Learning.
       https://doi.org/10.1109/CVPR.2018.00454
    .. [2] Anil et al. (2018). Large scale distributed neural network training through online
       distillation. https://doi.org/10.48550/arXiv.1804.03235

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill import MLPStudent, MutualClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MutualClassifier(MLPStudent((16,), n_steps=200), random_state=0).fit(X, y)
    >>> clf.predict(X[:2])
    array([0, 0])
    """

    _parameter_constraints: ClassVar[dict] = {
        **OwnTeacher._parameter_constraints,
        "peers": [StrOptions({"each", "pooled", "attention"})],
        "peer_weight": StudentEnsemble._parameter_constraints["peer_weight"],
        "keep": [StrOptions({"leader", "distilled"})],
    }

    def __init__(
        self,
        student: MLPStudent | None = None,
        n_students: int = 4,
        *,
        peers: str = "each",
        peer_weight: float = 1.0,
        keep: str = "leader",
        encoder: Any = "auto",
        transfer: Any = "auto",
        temperature: float | str = 1.0,
        alpha: float | str = "auto",
        cv: Any = "auto",
        calibrate: bool | str = "auto",
        class_weight: dict | str | None = None,
        early_stopping: bool | str = "auto",
        validation_fraction: Any = "auto",
        refit: bool = True,
        memory: Any = None,
        max_time: float | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: RandomState = None,
    ):
        self.student = student
        self.n_students = n_students
        self.peers = peers
        self.peer_weight = peer_weight
        self.keep = keep
        self.encoder = encoder
        self.transfer = transfer
        self.temperature = temperature
        self.alpha = alpha
        self.cv = cv
        self.calibrate = calibrate
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.memory = memory
        self.max_time = max_time
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def _new_ensemble(self, **params: Any) -> StudentEnsemble:
        peers = {"peers": self.peers, "peer_weight": self.peer_weight}
        return super()._new_ensemble(**peers, **params)

    @property
    def _way(self) -> str:
        return f"keep={self.keep!r}"

    @property
    def _unused(self) -> tuple[str, ...]:
        return UNUSED_BY_LEADER if self.keep == "leader" else ()

    @property
    def _has_own_loop(self) -> bool:
        return self.keep == "leader"

    def _fit_in_own_loop(self, X: Table, y: Any, X_transfer: Any, rows: dict[str, Any]) -> Self:
        """Train the cohort, and keep its leader."""
        if X_transfer is not None:
            raise ValueError(
                "`keep='leader'` learns from rows with labels, and `X_transfer` has none: give "
                "keep='distilled', or leave it out."
            )
        params = {name: getattr(self, name) for name in PASSED_ON}
        ensemble = self._new_ensemble(**params)._fit(X, y, self._callbacks, **rows)
        leader, cohort = ensemble.leader_, ensemble.cohort_
        return self._take_over(
            cohort,
            student_=one_of(cohort.student_, leader),
            calibration_temperature_=float(cohort.temperatures_[leader]),
            decision_=ensemble.decision_,
        )
