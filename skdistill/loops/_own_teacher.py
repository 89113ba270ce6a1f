"""What classifiers that make their own teacher have in common."""

import inspect
from typing import Any, ClassVar, Self

from sklearn.base import clone
from sklearn.callback import with_callbacks

from skdistill._fit.inputs import Arguments
from skdistill._utils._compat import routing_enabled
from skdistill._utils.types import ArrayLike, Table
from skdistill._utils.warn import naming, warn
from skdistill.classifier import DistilledClassifier
from skdistill.loops._ensemble import StudentEnsemble
from skdistill.student import MLPStudent

# One split: the five folds of "auto", in each of the folds of the fit, would cost three times it.
TEACHER_FRACTION = 0.2
# Of values that can be told from a default.
PLAIN = (str, int, float, type(None))
# What a fit leaves beside its public attributes.
_PRIVATE = ("_probabilities", "_settled", "_rows", "_split_seed", "_columns", "_row_shape")


class OwnTeacher(DistilledClassifier):
    """A distilled classifier whose teacher is made of its own student."""

    _named_lists = ("transfer",)
    _parameter_constraints: ClassVar[dict] = {
        **{
            name: value
            for name, value in DistilledClassifier._parameter_constraints.items()
            if name not in ("pooling", "warm_start", "checkpoint_dir", "max_queries")
        },
        "student": [MLPStudent, None],
        "n_students": StudentEnsemble._parameter_constraints["n_students"],
    }

    # Parameters of its parent that are none here.
    response = objectives = teacher_features = student_features = teacher_weights = None
    class_prior = checkpoint_dir = max_queries = None
    pooling, warm_start = "arithmetic", False

    student: Any
    n_students: int

    @property
    def teacher(self) -> Any:
        """The teacher that it makes, not fitted: of plain copies, also of a special recipe."""
        ensemble = self._new_ensemble(validation_fraction=TEACHER_FRACTION)
        if isinstance(self.student, MLPStudent):
            names = MLPStudent().get_params()
            ensemble.student = MLPStudent(**{name: getattr(self.student, name) for name in names})
        if routing_enabled():  # it is ours: nobody else can say what it is to be given
            ensemble.set_fit_request(sample_weight=True, groups=True)
        return ensemble

    def _new_ensemble(self, **params: Any) -> StudentEnsemble:
        return StudentEnsemble(self.student, self.n_students, encoder=self.encoder, **params)

    @with_callbacks
    def fit(
        self,
        X: Table,
        y: ArrayLike,
        *,
        X_transfer: Any = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        X_val: Table = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Make the teacher, and distil it.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        X_transfer : array-like or DataFrame of shape (n_transfer, n_features) or a tuple of one, \
                default=None
            Rows without a label. Pass ``(X_transfer,)`` inside cross-validation.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight is worth that many copies of the row.
        groups : array-like of shape (n_samples,), default=None
            Labels of rows that belong together: none is split when rows are held out.
        X_val, y_val, sample_weight_val : default=None
            Rows to choose by, in place of rows held out.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter or an input is not valid.
        """
        self._validate_params()
        self._warn_of_unused()
        rows: dict[str, Any] = {
            "sample_weight": sample_weight,
            "groups": groups,
            "X_val": X_val,
            "y_val": y_val,
            "sample_weight_val": sample_weight_val,
        }
        if self._has_own_loop:
            if self.warm_start:
                raise ValueError(
                    f"{type(self).__name__} has no `refresh` for a student that came of a loop of "
                    "its own: fit it again on all rows."
                )
            return self._fit_in_own_loop(X, y, X_transfer, rows)
        return self._distil(Arguments.of(X, y, rows | {"X_transfer": X_transfer}))

    def _unfitted_plain(self) -> DistilledClassifier:
        """An unfitted :class:`DistilledClassifier` with the same student; see the base."""
        names = set(self.get_params(deep=False)) & set(DistilledClassifier().get_params(deep=False))
        return clone(DistilledClassifier(**{name: getattr(self, name) for name in names}))

    @property
    def _way(self) -> str:
        """The parameter that says how the student is made, such as "keep='leader'"."""
        raise NotImplementedError

    @property
    def _unused(self) -> tuple[str, ...]:
        """Parameters that this way has no use for."""
        raise NotImplementedError

    def _warn_of_unused(self) -> None:
        """Say which parameters were set for nothing."""
        usual = inspect.signature(type(self)).parameters
        given = {name: getattr(self, name) for name in self._unused}
        set_for_nothing = [
            f"`{name}={value!r}`"
            for name, value in given.items()
            if not isinstance(value, PLAIN) or value != usual[name].default
        ]
        if set_for_nothing:
            with naming(type(self).__name__):
                warn(f"`{self._way}` does not use {', '.join(set_for_nothing)}: leave it out.")

    @property
    def _callbacks(self) -> list[Any]:
        """Those that were set; each fit of a loop of its own gets them."""
        return list(getattr(self, "_skl_callbacks", []))

    @property
    def _has_own_loop(self) -> bool:
        """Whether the student comes of another loop than teacher and student."""
        raise NotImplementedError

    def _fit_in_own_loop(self, X: Table, y: Any, X_transfer: Any, rows: dict[str, Any]) -> Self:
        raise NotImplementedError

    def _take_over(self, fitted: DistilledClassifier, **changed: Any) -> Self:
        """Become what another classifier is, but for some attributes."""
        self._forget()
        state = {
            name: value
            for name, value in vars(fitted).items()
            if name in _PRIVATE or (name.endswith("_") and not name.startswith("_"))
        }
        self.__dict__.update(state | changed)
        return self
