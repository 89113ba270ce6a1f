"""DistilledRegressor: any teacher of numbers, one small student."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.callback import with_callbacks

from skdistill._answers import QuantilesMixin
from skdistill._base import BaseDistiller
from skdistill._fit.inputs import Arguments
from skdistill._fit.kinds import OfNumbers
from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.named import sound_parts
from skdistill._utils.quantiles import interpolate
from skdistill._utils.types import ArrayLike, FloatArray, RandomState, Table
from skdistill.objectives import Response
from skdistill.task import Regression, read_levels
from skdistill.teacher import tells_several


class DistilledRegressor(QuantilesMixin, RegressorMixin, BaseDistiller):
    r"""Distil one or many regressors into one small neural student.

    The teachers' predictions are averaged. A neural student is trained to match them and the true
    targets, on the training rows and on a transfer set of unlabelled or synthetic rows:

    .. math:: \alpha \, (y - z)^2 + (1 - \alpha) \, (t - z)^2

    with the student's output z and the teacher's t, both on a scale on which y has a mean of 0 and
    a standard deviation of 1. Rows without a target have no first term.

    Parameters
    ----------
    teacher : estimator, list of estimators or list of (str, estimator), default=None
        Anything with ``predict`` that gives numbers. Unfitted ones are cloned and fitted on X and
        y. Wrap a fitted one in :class:`~sklearn.frozen.FrozenEstimator`, a function in
        :class:`FittedTeacher`; an object without ``fit`` is taken as fitted. None is legal only
        with `soft_targets`.
    student : None, MLPStudent, torch.nn.Module class or skorch net, default=None
        As in :class:`DistilledClassifier`; a net is a :class:`skorch.NeuralNetRegressor` whose
        module returns numbers of shape (n_rows, n_targets). A module class of your own is made
        with the number of targets, or levels, as `n_outputs`.
    encoder : "auto", "passthrough" or transformer, default="auto"
        Turns X into the student's input, as in :class:`DistilledClassifier`.
    response : Response, default=None
        Compares the student's numbers with the teacher's: :class:`SquaredError`, the
        default, or :class:`Huber`.
    objectives : Objective or list of them, named or not, default=None
        Added to the loss, as in :class:`DistilledClassifier`.
    teacher_features : column selector, default=None
        The columns that the teachers see. None is all.
    student_features : column selector, default=None
        The columns that the student sees. None is all.
    transfer : "auto", None, TransferSampler or list of them, named or not, default="auto"
        Synthetic rows, as in :class:`DistilledClassifier`.
    head : {"mean", "quantiles"}, default="mean"
        The student predicts the mean of each target, or quantiles of the only one. The teacher's
        quantiles are its own, if all teachers predict some (``predict_quantiles(X, quantiles)``,
        ``predict(X, quantiles=...)``, ``pred_dist``, losses of CatBoost and XGBoost for several:
        see :doc:`/user_guide/regression`). Otherwise they are the teachers' mean, plus quantiles
        of the errors of teachers that were fitted without the row, scaled for each row. This takes
        five more folds.
    quantiles : int or array-like of shape (n_levels,), default=19
        Levels of the quantiles, in ascending order. An int is their number, in equal steps: 19
        reach from 0.05 to 0.95, and 39 from 0.025 to 0.975.
    target_transform : {"auto", "identity", "log", "yeo-johnson"}, default="auto"
        Transform of y before it is scaled to mean 0 and standard deviation 1:
        none, :math:`\log(1 + y)`, or the power of :class:`TargetScaler`. "auto" uses none,
        unless y is skewed and a small net on some of the rows is clearly better with another.
        ``target_scaler_.kind`` says which. The teachers see y as it is.
    clip : bool, default=True
        Whether predictions, and ends of intervals, stay in the observed range of y.
    alpha : float or "auto", default="auto"
        Weight of the true targets, in [0, 1]; the teacher has the rest.

        ======  ===============================================================================
        0       The teacher alone.
        1       The true targets alone: the *control*.
        "auto"  0.7. A control is trained as well; if students are judged in five folds, also a
                student at 0.3. The one that is clearly better on the held-out rows is kept
                (:ref:`by these rules <clearly>`), with a warning if it is the control.
        ======  ===============================================================================

    label_tolerance : float, default=None
        For y with gross errors, for instance 10. The limit is this many times the median distance
        between y and the predictions of teachers that were fitted without the row. A number
        further away is moved to the limit. It needs `cv`; "auto" then means 5. None takes y as it
        is.
    teacher_weights : "auto", RowWeights or array-like of shape (n_teachers,), default=None
        Weights of the teachers in the mean; with None they are equal. "auto" takes the weights with
        the lowest squared error on the labelled validation rows. A prior worth one row for each
        teacher pulls them to equal weights. :class:`RowWeights` learns on these rows which teacher
        is good on which rows.
    cv : "auto", int, splitter or None, default="auto"
        Folds for out-of-fold soft targets, as in :class:`DistilledClassifier`. An int stands for
        :class:`~sklearn.model_selection.KFold`, with `groups` for GroupKFold.
    early_stopping : bool or "auto", default="auto"
        Whether the best epoch by validation loss is kept, as in
        :class:`DistilledClassifier`.
    validation_fraction : "auto", float, splitter or list of (train, test), default="auto"
        Share of the training rows held out, as in :class:`DistilledClassifier`.
    refit : bool, default=True
        Whether teachers and student are finally fitted on all rows.
    warm_start : bool, default=False
        Whether another ``fit`` continues from the student's weights.
    memory : str or object with the joblib.Memory interface, default=None
        Stores fitted teachers, their predictions and synthetic rows.
    checkpoint_dir : str or path-like, default=None
        A folder from which another ``fit`` continues if the process was killed
        (:ref:`checkpoints`), as in :class:`DistilledClassifier`.
    max_time : float, default=None
        Seconds after which training ends with the best epoch so far, and a warning.
    max_queries : int, default=None
        Rows that the teachers may be asked for in a fit, for teachers that cost money or seconds.
        No row is asked for twice, and answers in `memory` do not count. Frozen teachers are asked
        for the training rows first, then for those of `X_transfer`, then for new ones. Samplers
        draw only as many rows as are left in the budget. Rows that a teacher was fitted on are
        learned from their labels, and `refit` fits no teacher again. Not with `cv`, searches,
        `head="quantiles"` and objectives that ask teachers (:ref:`query-budget`).
    n_jobs : int, default=None
        Number of teachers and folds fitted, and of chunks labelled, at the same time.
    verbose : int, default=0
        1 prints the steps, 2 the epochs as well.
    random_state : int, RandomState instance or None, default=None
        Seeds the teachers whose `random_state` is None, splits, samplers and the student.

    Attributes
    ----------
    teacher_ : RegressorPool or None
        The fitted teachers, averaged.
    student_ : skorch.NeuralNetRegressor
        The trained net, trimmed for prediction; its numbers are on the scale of `target_scaler_`.
    encoder_ : TabularEncoder or transformer
    teacher_spread_ : Spread or None
        Only with ``head="quantiles"``: the model of the distances between y and the teachers'
        numbers. None if the teachers predict quantiles, or if there are no teachers.
    target_scaler_ : TargetScaler
        Converts between y and the student's numbers.
    quantiles_ : ndarray of shape (n_levels,)
        Only with ``head="quantiles"``: the levels.
    quantile_offset_ : ndarray of shape (n_levels,) or None
        Added to the student's quantiles on its scale, so that each covers its share of the
        held-out rows [3]_. None if no rows were held out.
    n_targets_ : int
    history_ : skorch.history.History
        One row for each epoch of the first training, with rows held out: ``train_loss``, ...
    alpha_ : float
    cv_ : int, splitter or None
        The folds of the labels that were used: `cv`, or the choice of "auto".
    leak_gap_ : float or None
        The teacher's mean loss, as in `trials_`, on rows that it was not fitted on, minus that on
        rows that it was fitted on. None if there are no such rows. It says little about quantiles,
        which are out of fold.
    objective_weights_ : dict of str to float
        The weight of each of the `objectives`, by its name; for "auto" the one that was found.
    decision_ : str
        Which student was kept, why, and with which losses, in one line.
    trials_ : list of dict
        As in :class:`DistilledClassifier`, with "squared_error" or "crps" as the loss, on the
        student's scale. The CRPS is twice the mean pinball loss of the levels.
    transfer_ : list of (str, TransferSampler)
        The samplers that drew transfer rows.
    n_transfer_rows_ : int
        Transfer rows the student was trained on.
    n_queries_ : int
        Rows that the teachers were asked for; only with `max_queries`.
    refresh_ : RefreshResult
        The changes of the last :meth:`refresh` since the fit, if there was one.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    See Also
    --------
    DistilledClassifier : The same for classes.
    RegressorPool : The teachers alone.

    References
    ----------
    .. [1] Bucila, Caruana and Niculescu-Mizil (2006). Model Compression.
       https://doi.org/10.1145/1150402.1150464
    .. [2] Fakoor et al. (2020). Fast, Accurate, and Simple Models for Tabular Data via Augmented
       Distillation. https://doi.org/10.48550/arXiv.2006.14284
    .. [3] Romano, Patterson and Candes (2019). Conformalized Quantile Regression.
       https://doi.org/10.48550/arXiv.1905.03222

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from skdistill import DistilledRegressor, MLPStudent
    >>> X, y = load_diabetes(return_X_y=True)
    >>> student = MLPStudent((32,), n_steps=200)
    >>> reg = DistilledRegressor(RandomForestRegressor(), student, random_state=0).fit(X, y)
    >>> reg.predict(X[:3]).shape
    (3,)
    >>> reg.set_params(head="quantiles").fit(X, y).predict_interval(X[:3], coverage=0.8).shape
    (3, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseDistiller._parameter_constraints,
        "alpha": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "head": [StrOptions({"mean", "quantiles"})],
        "quantiles": [Interval(Integral, 2, None, closed="left"), "array-like"],
        "target_transform": [StrOptions({"auto", "identity", "log", "yeo-johnson"})],
        "clip": ["boolean"],
        "label_tolerance": [Interval(Real, 0, None, closed="neither"), None],
    }
    _kind = OfNumbers()

    def __init__(
        self,
        teacher: Any = None,
        student: Any = None,
        *,
        encoder: Any = "auto",
        response: Response | None = None,
        objectives: Any = None,
        teacher_features: Any = None,
        student_features: Any = None,
        transfer: Any = "auto",
        head: str = "mean",
        quantiles: int | ArrayLike = 19,
        target_transform: str = "auto",
        clip: bool = True,
        alpha: float | str = "auto",
        label_tolerance: float | None = None,
        teacher_weights: Any = None,
        cv: Any = "auto",
        early_stopping: bool | str = "auto",
        validation_fraction: Any = "auto",
        refit: bool = True,
        warm_start: bool = False,
        memory: Any = None,
        checkpoint_dir: Any = None,
        max_time: float | None = None,
        max_queries: int | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: RandomState = None,
    ):
        self.teacher = teacher
        self.student = student
        self.encoder = encoder
        self.response = response
        self.objectives = objectives
        self.teacher_features = teacher_features
        self.student_features = student_features
        self.transfer = transfer
        self.head = head
        self.quantiles = quantiles
        self.target_transform = target_transform
        self.clip = clip
        self.alpha = alpha
        self.label_tolerance = label_tolerance
        self.teacher_weights = teacher_weights
        self.cv = cv
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.warm_start = warm_start
        self.memory = memory
        self.checkpoint_dir = checkpoint_dir
        self.max_time = max_time
        self.max_queries = max_queries
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    @with_callbacks
    def fit(
        self,
        X: Table,
        y: ArrayLike | None = None,
        *,
        X_transfer: Any = None,
        soft_targets: Any = None,
        soft_targets_transfer: Any = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        X_val: Table = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the teachers that are not frozen, label the rows, train the student.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features), or RowSource
            A :class:`~skdistill.scale.RowSource` is a folder of labelled rows, which need not fit
            into memory; it is given alone.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Numbers. None is legal with frozen teachers or `soft_targets`; `alpha` is then 0.
        X_transfer : array-like or DataFrame of shape (n_transfer, n_features) or a tuple of one, \
                default=None
            Rows without y. Pass ``(X_transfer,)`` inside cross-validation, which slices a bare
            array of exactly n_samples rows.
        soft_targets : array-like or DataFrame of shape (n_samples,) or (n_samples, n_targets), \
                default=None
            Numbers to use instead of the teacher's on X, on the scale of y.
        soft_targets_transfer : the same of shape (n_transfer, ...) or a tuple of one, default=None
            The same on `X_transfer`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for teachers and student: a row of weight k counts like k copies of it.
        groups : array-like of shape (n_samples,), default=None
            Labels of rows that belong together: no group is split, as in
            :class:`DistilledClassifier`.
        X_val, y_val, sample_weight_val : default=None
            Rows for early stopping and all choices, instead of a split.
        **fit_params : dict
            With metadata routing, other arguments for the teachers' ``fit``.

        Returns
        -------
        self : DistilledRegressor

        Raises
        ------
        ValueError
            If a parameter or an input is not valid, a teacher fails, or `checkpoint_dir` holds a
            fit with other inputs.
        TypeError
            If there are `fit_params` that no teacher requests, or no metadata routing.
        OSError
            If `checkpoint_dir` cannot be written.
        """
        rows = X, y, X_transfer, soft_targets, soft_targets_transfer
        held_out = X_val, y_val, sample_weight_val
        return self._distil(Arguments(*rows, sample_weight, groups, *held_out, fit_params))

    @property
    def _task(self) -> Regression:
        levels = getattr(self, "quantiles_", None)
        return Regression(self.target_scaler_, None if levels is None else tuple(levels))

    @property
    def _calibration(self) -> tuple[float, FloatArray | None]:
        return 1.0, getattr(self, "quantile_offset_", None)

    @property
    def _levels(self) -> tuple[float, ...] | None:
        """The levels that a fit learns; None if it learns the mean."""
        return None if self.head == "mean" else read_levels(self.quantiles)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = tells_several(sound_parts(self.teacher, "teacher"))
        return tags

    def predict(self, X: Table) -> FloatArray:
        """Predict numbers: the mean, or with ``head="quantiles"`` the median.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        if hasattr(self, "quantiles_"):
            return interpolate(self._quantiles_of(X), self.quantiles_, np.array([0.5]))[:, 0]
        outputs = self._outputs(X).astype(np.float64)
        values = self._clipped(self.target_scaler_.inverse_transform(outputs))
        return values[:, 0] if self.n_targets_ == 1 else values
