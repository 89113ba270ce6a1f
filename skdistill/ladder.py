"""A ladder of student sizes, and the smallest that meets a budget."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

from skdistill._best import BestEstimator
from skdistill._ladder.choice import Budget, BudgetNotMetError
from skdistill._ladder.climb import Climb
from skdistill._ladder.rungs import Data
from skdistill._ladder.sizes import candidates_of, check_distiller
from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.types import ArrayLike, Table
from skdistill._utils.warn import naming
from skdistill.export._optional import require

__all__ = ["BudgetNotMetError", "StudentLadder"]

# The path that users know.
BudgetNotMetError.__module__ = __name__


class StudentLadder(BestEstimator):
    r"""Train students of several sizes, and keep the smallest that meets a budget.

    Teachers and labels are computed once. A student of each size is trained and exported to ONNX,
    as float32 and as int8. Each *file* is judged by its loss on the same held-out rows, by its
    bytes, and by the time it takes on one thread of this machine. A ladder needs the extra
    ``onnx``.

    Parameters
    ----------
    estimator : DistilledClassifier or DistilledRegressor
        What is trained at each size. It is cloned, and its `student` replaced.
    sizes : "auto" or list of (tuple of int or MLPStudent), default="auto"
        The rungs. A tuple is the `hidden_layer_sizes` of the `student`; a recipe replaces the
        `student`. "auto" takes eight, from (16,) to the default of :class:`MLPStudent`.
    max_latency_us : float, default=None
        Microseconds that a call with **one row** may take. A file meets it if three calls of four
        do. "us_per_row" in `ladder_` is the time for each row of a call with 10,000 rows.
    max_bytes : int, default=None
        Bytes that the file may have.
    max_loss : float, default=None
        Loss on the rows held out, as in `ladder_`.
    quantize : bool or "auto", default="auto"
        Whether there is a file with weights in 8 bits for each size, beside the one in float32.
        "auto" adds it where it has fewer bytes.
    search : {"all", "halving"}, default="all"
        Which sizes are trained in full. "all" are. "halving" trains them for a share of their
        steps, keeps the better half, and trains these anew for twice as many, until one or two are
        left; sizes that `max_bytes` or `max_latency_us` rule out do not begin. See the notes.
    encoders : list of transformer, default=None
        Each size is tried with each of these as `encoder`. None leaves that of the `estimator`.

    Attributes
    ----------
    best_estimator_ : DistilledClassifier or DistilledRegressor
        The student that is kept. Where the `estimator` has ``refit=True`` it is trained on all
        rows. It answers in float32, even if the file that is kept is in int8. Its `decision_` says
        who chose its size, and its `alpha` where that was "auto".
    best_file_ : bytes
        Content of the file that is kept, for :class:`Scorer` or to be written to the disk.
    best_costs_ : dict of str to float
        Of that file: "bytes", "us_one_row" and "us_per_row", with quartiles as in `ladder_`.
    best_params_ : dict of str to object
        Parameters to set on a clone of the `estimator` for the same student. Below 500 rows its own
        fit holds no rows out, and may differ.
    best_quantize_ : None or "int8"
        For :func:`to_onnx`.
    best_index_ : int
        Row of `ladder_`.
    best_loss_ : float
        Its loss on the rows held out.
    ladder_ : DataFrame
        One row for each file, the smallest first. "size", "quantize", and "encoder" if there are
        `encoders`; "loss" on the held-out rows, "loss_gap" to the best file that is small and fast
        enough, and its standard error "loss_gap_se"; for a classifier "accuracy", "agreement" with
        the teacher and "ece", the expected calibration error; for a regressor "r2" and
        "r2_to_teacher"; "us_one_row", microseconds of a call with one row, and "us_per_row",
        microseconds for each row of a call with 10,000, each a median with the quartiles "_q25" and
        "_q75"; "bytes"; "meets", whether the file meets the budget; "n_steps" that its student was
        trained for, in the "round" of halving that it reached; "params", the parameters to set on
        the `estimator`.
    rounds_ : DataFrame
        Only with ``search="halving"``: one row for each training. "round", from 1 on; in round 0
        sizes are measured, and the largest settles what is "auto". "size" and "params"; "share" of
        the steps of the `student`; "n_steps" done for it, controls not counted, and 0 for a student
        that was there already; "loss" on the held-out rows, as in `ladder_`; "goes_on", whether it
        reached the next round.
    teacher_loss_ : float
        Of the teacher on the rows held out; NaN if there is none. A frozen teacher may have seen
        them.
    n_judges_ : int
        Rows held out.
    decision_ : str
        What was kept, why, and what "auto" decided, in one line.
    classes_ : ndarray of shape (n_classes,)
        Only of a classifier.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    See Also
    --------
    ParetoDisplay : Loss against bytes or latency.
    to_onnx : What writes the files.

    Notes
    -----
    With `max_loss`, the file with fewest bytes that meets all budgets is kept. Without it, the
    best file is the one with the lowest loss that is small and fast enough. The file with fewest
    bytes whose loss is not clearly above that of the best file is kept. This is the
    one-standard-error rule [1]_, with the standard error of the differences on the same rows. A
    file is also not clearly worse if its total loss over all rows is higher by less than one hard
    row may cost: 5 nats, or five times the mean loss of a number. If files have equally many
    bytes, the faster one is kept.

    The loss is the one of `trials_`: log loss in nats, or squared error or CRPS on the scale of
    `target_scaler_`, where predicting the mean has a loss of about 1. Without labels it is the
    distance from the teacher: Kullback-Leibler divergence in nats, or the mean squared distance on
    that scale. It is measured before the last training on all rows. Early stopping and calibration
    use the same rows.

    The `validation_fraction` of the `estimator` decides which rows are held out: "auto" holds out
    1,000 rows, but a tenth at least and a quarter at most, even of few rows. `X_val` replaces them;
    there is then no training on all rows. The largest size settles parameters that are "auto"
    (`alpha`, `temperature`, `cv`, `target_transform` and the codes of `encoder`) for all sizes.

    ``search="halving"`` is successive halving [2]_, with the rounds of
    :class:`~sklearn.model_selection.HalvingGridSearchCV` and `factor` 2: eight sizes are trained
    for 1/8 of their steps, four for 1/4, two for 1/2 and one in full, so that sixteen or more can
    be tried for the steps of a few. The `loss` of `ladder_` ranks them: without labels the distance
    from the teacher, as in the guided search of networks [3]_. With labels that distance is no
    guide, as a student that is surer than its teacher, and right, is far from it. A student is
    trained anew in each round, since its rate falls, or its weights are averaged, by the steps of
    the whole training.
    What is kept is chosen among the last round alone. So "halving" looks for the best size within
    a budget; the smallest size that is as good is found by "all". A `n_steps` that is "auto" or a
    share leaves the steps that :class:`MLPStudent` needs at least.

    References
    ----------
    .. [1] Breiman, Friedman, Olshen and Stone (1984). Classification and Regression Trees.
       https://doi.org/10.1201/9781315139470
    .. [2] Jamieson and Talwalkar (2016). Non-stochastic Best Arm Identification and Hyperparameter
       Optimization. https://doi.org/10.48550/arXiv.1502.07943
    .. [3] Li et al. (2020). Block-Wisely Supervised Neural Architecture Search with Knowledge
       Distillation. https://doi.org/10.1109/CVPR42600.2020.00206

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier, Scorer, StudentLadder
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(LogisticRegression(max_iter=500), random_state=0)
    >>> ladder = StudentLadder(clf, sizes=[(8,), (32,)], max_bytes=20_000).fit(X, y)
    >>> len(ladder.best_file_) <= 20_000
    True
    >>> Scorer(ladder.best_file_).predict(X[:2])
    array([0, 0])
    """

    _parameter_constraints: ClassVar[dict] = {
        "max_latency_us": [Interval(Real, 0, None, closed="neither"), None],
        "max_bytes": [Interval(Integral, 1, None, closed="left"), None],
        "max_loss": [Interval(Real, 0, None, closed="left"), None],
        "quantize": ["boolean", StrOptions({"auto"})],
        "search": [StrOptions({"all", "halving"})],
    }

    def __init__(
        self,
        estimator: Any,
        sizes: Any = "auto",
        max_latency_us: float | None = None,
        max_bytes: int | None = None,
        max_loss: float | None = None,
        quantize: bool | str = "auto",
        search: str = "all",
        encoders: list[Any] | None = None,
    ):
        self.estimator = estimator
        self.sizes = sizes
        self.max_latency_us = max_latency_us
        self.max_bytes = max_bytes
        self.max_loss = max_loss
        self.quantize = quantize
        self.search = search
        self.encoders = encoders

    def fit(self, X: Table, y: ArrayLike | None = None, **fit_params: Any) -> Self:
        """Train the sizes, measure their files, and keep one.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            None is legal where the `estimator` takes it.
        **fit_params : dict
            Arguments of the estimator's ``fit``, such as `sample_weight`, `groups`, `X_transfer`
            or `X_val`; with metadata routing, those that it requests.

        Returns
        -------
        self : StudentLadder

        Raises
        ------
        BudgetNotMetError
            If no file meets the budget: the message shows the ladder. It is a ValueError.
        ValueError
            If a parameter or an input is not valid, or no row can be held out.
        TypeError
            If `estimator` is no DistilledClassifier or DistilledRegressor.
        ImportError
            If a package of the extra `onnx` is missing.
        """
        self._forget()
        self._validate_params()
        check_distiller(self.estimator)
        candidates = candidates_of(self.sizes, self.encoders, self.estimator)
        for package in ("onnx", "onnxruntime"):
            require(package)
        params = self._routed(fit_params)
        X, truth = self._checked(X, y)
        budget = Budget(self.max_latency_us, self.max_bytes, self.max_loss)
        halves = self.search == "halving"
        climb = Climb(self.estimator, candidates, budget, self.quantize, halves)
        with naming(type(self).__name__):
            outcome = climb.run(Data(X, y, truth, params))
        for name, value in outcome.items():
            setattr(self, name, value)
        if self.estimator.verbose:
            print(f"[{type(self).__name__}] {self.decision_}", flush=True)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.max_latency_us is not None:  # another day, another time: the choice may differ
            tags.non_deterministic = True
        return tags
