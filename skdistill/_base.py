"""What every distiller of the package is: parameters, a fit, a fitted student."""

from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator, clone
from sklearn.callback import CallbackSupportMixin
from sklearn.utils.metadata_routing import MetadataRouter
from sklearn.utils.validation import check_is_fitted
from skorch.history import History

from skdistill._columns import SeenColumnsMixin
from skdistill._fit.checkpoints import Checkpoint, open_checkpoint
from skdistill._fit.distil import Outcome, distil
from skdistill._fit.identities import identities_of
from skdistill._fit.inputs import Arguments, Inputs, check_containers, check_inputs, find_columns
from skdistill._fit.kinds import Kind
from skdistill._fit.plan import Previous, make_plan
from skdistill._fit.refresh import refreshed
from skdistill._fit.routing import router_with_splitters
from skdistill._fit.run import Run
from skdistill._fit.shared import Shared
from skdistill._fit.source import SourceOutcome, check_followed, distil_source, open_source
from skdistill._fit.warm_start import check_settled
from skdistill._stored.formats import FORMAT, migrate
from skdistill._stored.parameters import OlderParametersMixin
from skdistill._utils._compat import HasMethods, Interval, StrOptions, VisualBlock
from skdistill._utils.named import NamedListsMixin, sound_parts
from skdistill._utils.process import safe_threads
from skdistill._utils.progress import Progress
from skdistill._utils.types import ArrayLike, FloatArray, Table
from skdistill._utils.warn import Remark, give, naming
from skdistill.scale import RowSource
from skdistill.student import FittedStudent, MLPStudent, pack_net, unpack_net
from skdistill.task import Task
from skdistill.teacher import Queries, counting, taken_by_all


class BaseDistiller(
    SeenColumnsMixin,
    NamedListsMixin,
    CallbackSupportMixin,
    OlderParametersMixin,
    BaseEstimator,
):
    """A fit by :mod:`skdistill._fit`, and the student that it leaves."""

    _named_lists: tuple[str, ...] = ("teacher", "objectives", "transfer")
    _parameter_constraints: ClassVar[dict] = {
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [
            Interval(Real, 0, 1, closed="neither"),
            StrOptions({"auto"}),
            HasMethods("split"),
            list,
            tuple,
        ],
        "refit": ["boolean"],
        "warm_start": ["boolean"],
        "memory": [str, PathLike, HasMethods("cache"), None],
        "checkpoint_dir": [str, PathLike, None],
        "max_queries": [Interval(Integral, 2, None, closed="left"), None],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    _kind: ClassVar[Kind]
    # Values for the kinds that have no such parameter.
    temperature: float | str = 1.0
    pooling: str = "arithmetic"
    calibrate: bool | str = "auto"
    class_weight: Any = None
    class_prior: Any = None
    label_tolerance: float | None = None
    # State of the last fit, for one that continues it; a fit by an older version left none.
    _settled: dict[str, str] | None = None
    _rows: str | None = None
    _split_seed: int | None = None
    # What a ladder says of this student, if it keeps it.
    _remark: Remark | None = None
    # State from which another fit may continue.
    _goes_on_by: str = "warm_start"

    @safe_threads()
    def _distil(self, arguments: Arguments) -> Self:
        """Fit. If it fails, nothing is left, or the student that `warm_start` continues from."""
        with naming(type(self).__name__):
            return self._distil_named(arguments)

    def _distil_named(self, arguments: Arguments) -> Self:
        if isinstance(arguments.X, RowSource):
            return self._distil_source(arguments)
        with open_checkpoint(self.checkpoint_dir) as checkpoint:
            queries = None if self.max_queries is None else Queries(self.max_queries)
            with counting(queries):
                given, run = self._begin(arguments, checkpoint=checkpoint, queries=queries)
                outcome = distil(given, run)
                if outcome.remark is not None:
                    give(outcome.remark)
                self._finish(outcome, run)
        return self

    def _distil_source(self, arguments: Arguments) -> Self:
        """Fit on a folder of labelled rows, which does not fit into memory."""
        check_followed(self, arguments)
        with open_checkpoint(self.checkpoint_dir) as checkpoint:
            self._forget()
            source = open_source(self, arguments.X, checkpoint)
            told = source.told_apart
            given, run = self._begin(source.arguments, checkpoint=checkpoint, told_apart=told)
            self._finish(distil_source(source, given, run), run)
        return self

    def _begin(
        self,
        arguments: Arguments,
        shared: Shared | None = None,
        checkpoint: Checkpoint | None = None,
        queries: Queries | None = None,
        told_apart: Arguments | None = None,
    ) -> tuple[Inputs, Run]:
        """Check all that can be wrong, and tell callbacks that the fit begins.

        A checkpoint compares `told_apart`, or else the arguments.
        """
        previous = self._previous()
        if previous is None:
            self._forget()
        seen = self._as_in_the_fit()
        plan = make_plan(self, seen._check_X, previous, shared, checkpoint, queries)
        arguments = check_containers(arguments)
        check_settled(plan)
        seen._check_X(arguments.X, reset=previous is None)
        if checkpoint is not None:
            checkpoint.compare(identities_of(self, told_apart or arguments, previous))
        plan = find_columns(plan, arguments.X)
        given = check_inputs(plan, arguments)
        context = self._init_callback_context(max_subtasks=None)
        data = arguments.shown_to_callbacks
        context.call_on_fit_task_begin(estimator=self, **data)
        progress = Progress(self, context, data)
        plan = plan.for_task(given.task)
        return given, Run(plan, given.task, progress, seen._columns_seen(plan.columns))

    def _finish(self, outcome: Outcome | SourceOutcome, run: Run) -> None:
        """Set the results of a fit, and tell callbacks that it is over."""
        self._keep(outcome, run)
        context, data = run.progress.context, run.progress.data
        context.call_on_fit_task_end(estimator=self, **data, reconstruction_attributes={})

    def _keep(self, outcome: Outcome | SourceOutcome, run: Run) -> None:
        """Set the results of a fit: only this and `refresh` set attributes that end in ``_``."""
        self.__dict__.pop("refresh_", None)
        for name, value in (outcome.attributes | run.columns).items():
            setattr(self, name, value)
        self._probabilities = outcome.student.gives_probabilities
        self._settled, self._rows = outcome.settled, outcome.rows
        self._split_seed = outcome.split_seed

    def _forget(self) -> None:
        """Drop all that the last fit has found."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        for name in ("_columns", "_row_shape"):
            self.__dict__.pop(name, None)

    def _previous(self) -> Previous | None:
        """The state that this fit continues from."""
        if not self.warm_start or not hasattr(self, "student_"):
            return None
        return Previous(
            self._student,
            self.teacher_,
            self._task,
            self.alpha_,
            getattr(self, "temperature_", 1.0),
            self._settled,
            self._rows,
            self._split_seed,
            self._columns,
            self._goes_on_by,
            getattr(self, "teacher_spread_", None),
        )

    @property
    def _task(self) -> Task:
        """What a fitted estimator predicts."""
        raise NotImplementedError

    @property
    def _calibration(self) -> tuple[float, FloatArray | None]:
        """The divisor of the student's outputs, and the offset that is added after that."""
        raise NotImplementedError

    @property
    def _student(self) -> FittedStudent:
        """The trained student."""
        return FittedStudent(
            self.student_,
            self.encoder_,
            self._probabilities,
            *self._calibration,
        )

    def _outputs(self, X: Table) -> FloatArray:
        """The student's outputs for rows; for classes, calibrated logits."""
        if not self.__sklearn_is_fitted__():  # check_is_fitted alone is slow for a row
            check_is_fitted(self)
        return self._student.outputs(self._check_X(X))

    def refresh(
        self,
        X: Table,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        test_size: float = 0.2,
        tolerance: ArrayLike | None = None,
    ) -> Self:
        """Train the fitted student on new rows, labelled by the teacher that is there.

        The teacher, the encoder and the classes stay as they are. The student starts from its
        weights. Some of the new rows are held out. Neither the old nor the new student learns from
        them. The changes are measured on them, such as the churn [1]_. If the refreshed student is
        clearly worse there, the old one is kept, and a UserWarning says so. The old rows are not
        needed: `transfer` draws from the new ones.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            New rows, which the teacher has not seen either, with the columns of the fit. New
            categories are handled as in ``predict``.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Their labels, or numbers. With None the student learns from the teacher alone, and both
            students are compared with the teacher.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        groups : array-like of shape (n_samples,), default=None
            Labels of rows that belong together: no group is split.
        test_size : float, default=0.2
            Share of the new rows, or of their groups, on which both students are compared.
        tolerance : float or array-like of shape (n_targets,), default=None
            For numbers: a larger move, in the unit of y, counts as a change. None is
            a tenth of the standard deviation of the old student's numbers.

        Returns
        -------
        self : object
            With ``refresh_``, a :class:`RefreshResult`. If the old student was kept, only
            ``refresh_`` and ``decision_`` are new.

        Raises
        ------
        ValueError
            If there is no teacher, a parameter that the teacher, the encoder or the layers depend
            on has changed since the fit, y has other classes, or X has other columns.
        sklearn.exceptions.NotFittedError
            If it is not fitted.

        See Also
        --------
        DistillationReport.from_estimator : Old and new student on rows of your own, by `previous`.
        skdistill.metrics.prediction_churn : Share of predictions that changed.

        References
        ----------
        .. [1] Milani Fard, Cormier, Canini and Gupta (2016). Launch and Iterate: Reducing
           Prediction Churn. Advances in Neural Information Processing Systems 29.
           https://nips.cc/virtual/2016/poster/7242
        """
        with naming(type(self).__name__):
            check_is_fitted(self)
            result, found = refreshed(self, X, y, sample_weight, groups, test_size, tolerance)
        self.__dict__.update(found)
        self.refresh_ = result
        return self

    def without_teacher(self) -> Self:
        """Return a copy for storing and serving: it predicts the same but holds no teacher.

        Returns
        -------
        self : object
            With `teacher` and `teacher_` None; it cannot be fitted again without `soft_targets`.
        """
        check_is_fitted(self)
        state = self.__getstate__()
        state |= dict.fromkeys(set(state) & {"teacher", "teacher_", "teacher_spread_"})
        state.pop("_skl_callbacks", None)  # they watch a fit, and are not ours to store
        light = type(self).__new__(type(self))
        light.__setstate__(state)
        return light

    def _unfitted_plain(self) -> "BaseDistiller":
        """An unfitted copy without a teacher, whose ``fit`` takes soft targets.

        Returns
        -------
        BaseDistiller
        """
        return clone(self.without_teacher())

    # --- scikit-learn's API ---

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "student_")

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing: teachers and splitters are given what they request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return router_with_splitters(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        takes_all = isinstance(self.encoder, str) and self.encoder == "auto"
        refuses = getattr(getattr(self, "encoder_", None), "unseen_missing", "encode") == "error"
        teachers = taken_by_all(sound_parts(self.teacher, "teacher"))
        tags.input_tags.allow_nan = takes_all and teachers["allow_nan"] and not refuses
        tags.input_tags.categorical = takes_all and teachers["categorical"]
        tags.input_tags.string = takes_all and teachers["string"]
        tags.input_tags.sparse = self._takes_sparse() and teachers["sparse"]
        tags.non_deterministic = self.random_state is None
        return tags

    def _sk_visual_block_(self) -> Any:
        parts = sound_parts(self.teacher, "teacher")
        parts = [(f"teacher: {name}", part) for name, part in parts]
        parts.append(("student", MLPStudent() if self.student is None else self.student))
        names = [name for name, part in parts if not isinstance(part, type)]
        shown = [part for _, part in parts if not isinstance(part, type)]
        return VisualBlock("parallel", shown, names=names, name_details=None)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().copy()
        if "student_" in state:
            state["student_"] = pack_net(self.student_)
            state["history_"] = list(self.history_)
            state["_format"] = FORMAT
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = state.copy()
        state = migrate(state, state.pop("_format", FORMAT))
        if "student_" in state:
            state["student_"] = unpack_net(state["student_"])
            state["history_"] = History(state["history_"])
        super().__setstate__(state)
