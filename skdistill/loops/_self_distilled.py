"""SelfDistilledClassifier: the student learns of copies of itself."""

from numbers import Integral
from typing import Any, ClassVar, Self

from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.types import RandomState, Table
from skdistill.loops._generations import Generations
from skdistill.loops._own_teacher import OwnTeacher
from skdistill.student import MLPStudent


class SelfDistilledClassifier(OwnTeacher):
    r"""Distil a student from copies of itself, without any other model.

    ===============  ===========================================================================
    `scheme`         what teaches
    ===============  ===========================================================================
    "ensemble"       the mean of `n_students` copies that are trained side by side on the labels,
                     a :class:`StudentEnsemble`. One student is distilled from it on synthetic
                     rows, as by :class:`DistilledClassifier`, and is all that is served
    "generations"    each student teaches the next one of its size [1]_. The first learns of the
                     labels alone. The weight of the labels of each generation is the best of
                     0, 0.3 and 0.7 on the rows held out; the generations end with the first one
                     that is no better there
    ===============  ===========================================================================

    Parameters without a text are as in :class:`DistilledClassifier`.

    Parameters
    ----------
    student : MLPStudent, default=None
        Recipe of the student and of its copies. None is :class:`MLPStudent` with its defaults.
    n_students : int, default=8
        Copies that teach; at least 2. Only of ``scheme="ensemble"``.
    scheme : {"ensemble", "generations"}, default="ensemble"
    n_generations : int, default=3
        Students at most that learn of the one before. Only of ``scheme="generations"``.
    encoder : "auto", "passthrough" or transformer, default="auto"
    transfer : "auto", sampler, list of them or None, default="auto"
    temperature : float or "auto", default=1.0
        "auto" is taken as 1 by ``scheme="generations"``.
    alpha : float or "auto", default="auto"
        A float is the weight of the labels of all generations.
    cv : "auto", int, splitter or None, default="auto"
        Not used by ``scheme="generations"``.
    calibrate : bool or "auto", default="auto"
    class_weight : dict, "balanced" or None, default=None
    early_stopping : bool or "auto", default="auto"
    validation_fraction : "auto", float, splitter or list of (train, test), default="auto"
        Of ``scheme="generations"``, "auto" holds out a fifth.
    refit : bool, default=True
        Generations do without: their last student has not seen the rows held out.
    memory : str or object with the joblib.Memory interface, default=None
    max_time : float, default=None
        Seconds. The copies that teach are not cut short; of generations it is that of each one.
    n_jobs : int, default=None
    verbose : int, default=0
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    student_ : skorch.NeuralNetClassifier
    generations_ : list of dict
        "generation", "alpha", "log_loss" on the rows held out, in nats, and "is_kept" of each
        student that was trained. Only of ``scheme="generations"``.
    decision_ : str
        What was kept, and by which losses, in one line.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    See Also
    --------
    StudentEnsemble : The copies, to answer or to teach.
    MutualClassifier : Students that learn from one another while they are trained.

    References
    ----------
    .. [1] Furlanello, Lipton, Tschannen, Itti and Anandkumar (2018). Born-Again Neural Networks.
       https://doi.org/10.48550/arXiv.1805.04770
    .. [2] Allen-Zhu and Li (2023). Towards Understanding Ensemble, Knowledge Distillation and
       Self-Distillation in Deep Learning. https://doi.org/10.48550/arXiv.2012.09816

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill import MLPStudent, SelfDistilledClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> student = MLPStudent((16,), n_steps=200)
    >>> clf = SelfDistilledClassifier(student, n_students=4, random_state=0).fit(X, y)
    >>> clf.predict(X[:2])
    array([0, 0])
    """

    _parameter_constraints: ClassVar[dict] = {
        **OwnTeacher._parameter_constraints,
        "scheme": [StrOptions({"ensemble", "generations"})],
        "n_generations": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        student: MLPStudent | None = None,
        n_students: int = 8,
        *,
        scheme: str = "ensemble",
        n_generations: int = 3,
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
        self.scheme = scheme
        self.n_generations = n_generations
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

    @property
    def _way(self) -> str:
        return f"scheme={self.scheme!r}"

    @property
    def _unused(self) -> tuple[str, ...]:
        return ("n_generations",) if self.scheme == "ensemble" else ("n_students", "cv")

    @property
    def _has_own_loop(self) -> bool:
        return self.scheme == "generations"

    def _fit_in_own_loop(self, X: Table, y: Any, X_transfer: Any, rows: dict[str, Any]) -> Self:
        """Train one generation after the other, and keep the best."""
        found = Generations(self).run(X, y, X_transfer, rows)
        return self._take_over(
            found.kept.fitted, generations_=found.table, decision_=found.decision
        )
