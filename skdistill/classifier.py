"""DistilledClassifier: any teacher, soft targets, one small student."""

from numbers import Real
from typing import Any, ClassVar, Self

from sklearn.base import ClassifierMixin
from sklearn.callback import with_callbacks

from skdistill._answers import ProbabilitiesMixin
from skdistill._base import BaseDistiller
from skdistill._fit.inputs import Arguments
from skdistill._fit.kinds import OfClasses
from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.types import ArrayLike, FloatArray, RandomState, Table
from skdistill.objectives import Response
from skdistill.task import Classification


class DistilledClassifier(ProbabilitiesMixin, ClassifierMixin, BaseDistiller):
    r"""Distil one or many teachers into one small neural student.

    The teachers' probabilities are pooled and softened by a temperature. A neural student is
    trained by skorch to match them, on the training rows and on a transfer set of unlabelled or
    synthetic rows, beside the labels:

    .. math:: \alpha \, \mathrm{CE}(y, \mathrm{softmax}(z))
       + (1 - \alpha) \, T^2 \, \mathrm{CE}(q_T, \mathrm{softmax}(z / T))

    with the student's logits z, the temperature T and the softened targets q. Rows without a
    label have no first term.

    Parameters
    ----------
    teacher : estimator, list of estimators or list of (str, estimator), default=None
        Anything with ``predict_proba``. Unfitted ones are cloned and fitted on X and y as they
        come (xgboost and skorch models on the codes 0, ..., K - 1 of the labels). Wrap a fitted
        one in :class:`~sklearn.frozen.FrozenEstimator`, and a torch module in
        :class:`TorchTeacher`. A function, or a model that knows other labels than y, goes into
        :class:`FittedTeacher`. An object without ``fit`` is taken as fitted, and so are a Booster,
        a session of ONNX Runtime and other models of :ref:`models-of-other-libraries`. Inside
        cross-validation a fitted teacher has seen the held-out rows. None is legal only with
        `soft_targets`.
    student : None, MLPStudent, torch.nn.Module class or skorch.NeuralNetClassifier, default=None
        None is :class:`MLPStudent` with its defaults. A module class must return logits. A net is
        cloned; its criterion declares what its module returns (CrossEntropyLoss: logits, NLLLoss:
        probabilities). The distillation loss replaces the criterion; train split and iterators
        are replaced, too. The module's constructor gets `n_inputs`, `n_outputs` and
        `cardinalities` if it has these parameters.
    encoder : "auto", "passthrough" or transformer, default="auto"
        Turns X into the student's input. Rows keep the shape of the fit.

        =============  ========================================================================
        "auto"         :class:`TabularEncoder`: indicator columns for categories, or codes for a
                       module that takes `cardinalities`. If numbers may be codes, a control
                       is trained with ``nominal="auto"``, too. This encoder is kept if it is
                       clearly better on the held-out rows (not with `max_time`).
        "passthrough"  X itself as float32, of any rank.
        a transformer  It is fitted on all of X and y, and may take any rank. If it uses y, the
                       validation loss is too low without `X_val`.
        =============  ========================================================================

    response : Response, default=None
        The term of the loss that compares student and teacher. None is :class:`Hinton`.
    objectives : Objective, list of them or list of (str, Objective), default=None
        Terms added to the loss.
    teacher_features : column selector, default=None
        The columns of X that the teachers see, as in :class:`~sklearn.compose.ColumnTransformer`:
        names, positions, a slice, a mask or a callable. None is all.
    student_features : column selector, default=None
        The columns that the student sees. ``predict`` then takes these, or all columns of the fit.
    transfer : "auto", None, TransferSampler or list of them, named or not, default="auto"
        Synthetic rows, for instance :class:`Munge`, added to the training rows. A
        :class:`GivenRows` sets the weight of the rows of `X_transfer`, otherwise 1. "auto" draws
        half of the rows by :class:`Munge` and half by :class:`Gibbs`: 50,000 rows, or 25,000 from
        10,000 training rows on, but 2 to 16 for each training row, and 100,000 at most. Rows of
        `X_transfer` count towards these numbers. Nothing is drawn if no teacher can label it, none
        knows a class of y, or X is no table.
    temperature : float or "auto", default=1.0
        T > 0. "auto" trains students at 1, 2 and 4 and keeps the first, unless another is clearly
        better on the held-out rows. If students cannot be compared (see `alpha`), it is 1, with
        a warning.
    alpha : float or "auto", default="auto"
        Weight of the labels, in [0, 1]; the teacher has the rest.

        ======  ===============================================================================
        0       The teacher alone.
        1       The labels alone: the *control*. Unlabelled rows are left out.
        "auto"  0.3. A control is trained as well; if students are judged in five folds, also a
                student at 0.7. The one that is clearly better on the held-out rows is kept
                (:ref:`by these rules <clearly>`), with a warning if it is the control.
        ======  ===============================================================================

    pooling : {"arithmetic", "geometric"}, default="arithmetic"
        How several teachers are averaged.
    teacher_weights : "auto", RowWeights or array-like of shape (n_teachers,), default=None
        Weights of the teachers in the pool; with None they are equal. "auto" takes the weights
        with the lowest log loss of the pool on the labelled validation rows. A prior worth one row
        for each teacher pulls them to equal weights. :class:`RowWeights` learns on these rows
        which teacher is good on which rows. Without such rows the weights are equal, and a warning
        says so. Frozen teachers may have seen these rows, and then get too much weight: give
        `X_val`.
    cv : "auto", int, splitter or None, default="auto"
        Which teachers label the training rows, and the synthetic rows drawn from them.

        ================  =====================================================================
        None              Teachers that were fitted on these rows.
        int or splitter   Teachers that have not seen the row's fold (out-of-fold soft targets).
        "auto"            As None. Five folds are tried as well if the student soon overfits
                          what the teachers have learned by heart (:ref:`see when <leak>`). They
                          are kept if they are clearly better.
        ================  =====================================================================

    calibrate : bool or "auto", default="auto"
        Whether a calibration temperature is fitted on labelled validation rows. "auto" does so if
        there are any.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes: they multiply `sample_weight`, for teachers and student. With
        metadata routing, teachers get them only if `sample_weight` is given and requested.
    class_prior : dict, Series or array-like of shape (n_classes,), default=None
        Shares of the classes in production, by label or in the order of ``classes_``, if they
        differ from those that the student learns from. They are divided by their sum. The
        student's logits are corrected by the ratio. So it can predict a class that is rare or
        missing among its rows, if a teacher predicts it. The teachers are taken to have learned
        from such rows. None corrects nothing.
    early_stopping : bool or "auto", default="auto"
        Whether the best epoch by validation loss is kept, and training ends when this loss
        stalls. "auto" does so with `X_val`, a splitter as `validation_fraction`, in folds, or
        from 500 training rows on. With fewer than 250 it does not.
    validation_fraction : "auto", float, splitter or list of (train, test), default="auto"
        Share of the training rows held out, for early stopping, calibration and `leak_gap_`, and
        for all choices of "auto". "auto" holds out 1,000 rows, but a tenth at
        least and a quarter at most; of 250 to 2,000 rows each once, in five folds
        (:ref:`with exceptions <what-is-held-out>`). With `groups` they are whole groups. A
        splitter, such as TimeSeriesSplit, PredefinedSplit or GroupShuffleSplit, is used by its
        last split: the test part is held out, and rows in neither part are left out of the fit.
        Neither teachers nor student are fitted on held-out rows. Otherwise the student would learn
        their labels from the teacher, and the loss on them would be too low. Frozen teachers may
        have seen them: give `X_val` then.
    refit : bool, default=True
        Whether teachers and student are finally fitted on all rows, held-out ones included, with
        the choices made on the held-out rows and for the best share of the epochs. The teachers
        are then fitted at least twice. Not with `warm_start`, :class:`Rounds` or a skorch net as
        `student`.
    warm_start : bool, default=False
        Whether another ``fit`` continues from the student's weights, with the same fitted teacher
        and encoder. A change of `teacher`, for example, is then an error.
    memory : str or object with the joblib.Memory interface, default=None
        Stores fitted teachers, their probabilities, the data that objectives take from them, and
        synthetic rows, for the next fit on the same rows. A search over the student's parameters,
        `temperature`, `alpha`, `pooling` or `objectives` then fits and asks the teachers once. With
        `random_state=None`, stored results are used even if they come from another seed.
    checkpoint_dir : str or path-like, default=None
        A folder where teachers, labels, synthetic rows and epochs are stored as soon as they are
        finished. If the process was killed, another ``fit`` with the same inputs continues from
        there. Other inputs are an error (:ref:`checkpoints`). At its end, a fit deletes what it
        has stored.
    max_time : float, default=None
        Seconds after which training ends with the best epoch so far, and a warning. Fits of
        teachers and labelling are not cut short; the student has one epoch at least.
    max_queries : int, default=None
        Rows that the teachers may be asked for in a fit, for teachers that cost money or seconds.
        No row is asked for twice, and answers in `memory` do not count. Frozen teachers are asked
        for the training rows first, then for those of `X_transfer`, then for new ones. Samplers
        draw only as many rows as are left in the budget; "auto" takes rounds of
        :class:`Disagreement`. A sampler in :class:`Rounds` then has a student trained for each
        round. Rows that a teacher was fitted on are learned from their labels, and `refit` fits no
        teacher again. Not with `cv`, searches and objectives that ask teachers
        (:ref:`query-budget`).
    n_jobs : int, default=None
        Number of teachers and folds fitted, and of chunks labelled, at the same time.
    verbose : int, default=0
        1 prints the steps, 2 the epochs as well.
    random_state : int, RandomState instance or None, default=None
        Seeds the teachers whose `random_state` is None, splits, samplers and the student.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Union of the labels of y and of frozen teachers.
    teacher_ : TeacherPool or None
        The fitted teachers, pooled with the weights in its ``weights_``; see `refit`.
    student_ : skorch.NeuralNetClassifier
    encoder_ : TabularEncoder or transformer
    history_ : skorch.history.History
        One row for each epoch of the first training, with rows held out: ``train_loss``, ...
    temperature_, alpha_ : float
    cv_ : int, splitter or None
        The folds of the labels that were used: `cv`, or the choice of "auto".
    leak_gap_ : float or None
        The teacher's mean probability of the true class on rows that it was fitted on, minus the
        same mean on other rows (out of fold, or held out). None if there are no other rows.
    calibration_temperature_ : float
        The student's logits are divided by it; 1.0 if it was not fitted.
    class_offset_ : ndarray of shape (n_classes,) or None
        Added to the logits after that, for `class_prior`.
    objective_weights_ : dict of str to float
        The weight of each of the `objectives`, by its name; for "auto" the one that was found.
    decision_ : str
        Which student was kept, why, and with which losses, in one line.
    trials_ : list of dict
        The trainings in their order, and the teacher if it was judged: "who" ("student",
        "control", "teacher"), "log_loss" on the labelled held-out rows (calibrated if `calibrate`
        is on), "is_kept", and its settings ("alpha", "temperature", "cv", "nominal").
        A frozen teacher "may_have_seen_the_rows". Empty without such rows. If fewer than 50
        `groups` are held out, the last entry is the student that was kept, judged on all groups
        ("n_groups"): each is held out once, in five folds.
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
    TeacherPool : The teachers alone.
    Munge : Synthetic transfer rows.

    References
    ----------
    .. [1] Hinton, Vinyals and Dean (2015). Distilling the Knowledge in a Neural Network.
       https://doi.org/10.48550/arXiv.1503.02531
    .. [2] Bucila, Caruana and Niculescu-Mizil (2006). Model Compression.
       https://doi.org/10.1145/1150402.1150464

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, Munge
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(RandomForestClassifier(), transfer=Munge(), random_state=0)
    >>> clf.fit(X, y).predict(X[:3])
    array([0, 0, 0])
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseDistiller._parameter_constraints,
        "pooling": [StrOptions({"arithmetic", "geometric"})],
        "calibrate": ["boolean", StrOptions({"auto"})],
        "temperature": [Interval(Real, 1e-3, 1e3, closed="both"), StrOptions({"auto"})],
        "alpha": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _kind = OfClasses()

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
        temperature: float | str = 1.0,
        alpha: float | str = "auto",
        pooling: str = "arithmetic",
        teacher_weights: Any = None,
        cv: Any = "auto",
        calibrate: bool | str = "auto",
        class_weight: dict | str | None = None,
        class_prior: Any = None,
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
        self.temperature = temperature
        self.alpha = alpha
        self.pooling = pooling
        self.teacher_weights = teacher_weights
        self.cv = cv
        self.calibrate = calibrate
        self.class_weight = class_weight
        self.class_prior = class_prior
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
        y : array-like of shape (n_samples,), default=None
            Labels. None is legal with frozen teachers or `soft_targets`; `alpha` is then 0.
        X_transfer : array-like or DataFrame of shape (n_transfer, n_features) or a tuple of one, \
                default=None
            Unlabelled rows. Pass ``(X_transfer,)`` inside cross-validation, which slices a bare
            array of exactly n_samples rows.
        soft_targets : array-like of shape (n_samples, n_classes) or DataFrame, default=None
            Probabilities to use instead of the teacher's on X, in the order of ``classes_``, or
            with one column for each class.
        soft_targets_transfer : array-like of shape (n_transfer, n_classes) or DataFrame, or a \
                tuple of one, default=None
            The same on `X_transfer`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for teachers and student: a row of weight k counts like k copies of it. A weight
            of less than a millionth of the mean weight counts as 0.
        groups : array-like of shape (n_samples,), default=None
            Labels of rows that belong together, such as those of one patient. No group is split,
            neither by the held-out rows nor by `cv` nor by the folds of ``cv="auto"``. An int as
            `cv` then means :class:`~sklearn.model_selection.StratifiedGroupKFold`. With metadata
            routing, teachers that request `groups` get them; without it, those whose ``fit`` names
            them. If fewer than 50 groups are held out, five more teachers and students are trained,
            to judge the student on all groups. A splitter as `validation_fraction` skips this step.
        X_val, y_val, sample_weight_val : default=None
            Rows for early stopping and calibration instead of a split. If rows belong together,
            choose rows of other groups than those of X.
        **fit_params : dict
            With metadata routing, other arguments for the teachers' ``fit``, such as `eval_set`.
            Each goes to the teachers that request it (``teacher.set_fit_request(eval_set=True)``).
            A teacher that cannot request gets it if its ``fit`` has a parameter of this name. An
            argument with one value for each row of X is reduced to the rows that the teacher is
            fitted on.

        Returns
        -------
        self : DistilledClassifier

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
    def _task(self) -> Classification:
        return Classification(self.classes_)

    @property
    def _calibration(self) -> tuple[float, FloatArray | None]:
        return self.calibration_temperature_, self.class_offset_
