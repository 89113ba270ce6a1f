"""A fitted model of any kind as a teacher."""

from typing import Any, Self

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.base import BaseEstimator

from skdistill._utils.types import ArrayLike, NDArray, Table
from skdistill.table import is_frame, names_of
from skdistill.teacher._adapters import adapt
from skdistill.teacher._libraries import known_by
from skdistill.teacher._number_adapters import adapt_numbers


class FittedTeacher(BaseEstimator):
    """A fitted model, or a function, as a teacher, with the labels of its columns.

    A model that knows its classes does not need this wrapper: give it in a
    :class:`~sklearn.frozen.FrozenEstimator`. Use this one for a model that knows other labels, or
    none, and for a function.

    Parameters
    ----------
    model : object with predict_proba, other fitted model or callable
        Used as it is. Other models are a Booster of xgboost or LightGBM, a ``catboost.CatBoost``,
        an ``onnxruntime.InferenceSession``, an mlflow pyfunc model and an AutoGluon predictor. A
        callable takes X and returns probabilities of shape (n_samples, n_classes). For
        :class:`DistilledRegressor` the model is one of numbers, or the callable returns numbers.
    classes : array-like of shape (n_classes,), default=None
        The label of each output column, instead of the model's own; a DataFrame whose
        columns have these names is read by name. None means those of the model, if it has any.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Only if `classes` was given, or if the model has them.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import FittedTeacher
    >>> def rule(X):
    ...     return np.where(np.asarray(X)[:, :1] > 0, [0.1, 0.9], [0.8, 0.2])
    >>> teacher = FittedTeacher(rule, classes=["no", "yes"])
    >>> teacher.predict_proba([[1.0], [-1.0]])
    array([[0.1, 0.9],
           [0.8, 0.2]])
    """

    def __init__(self, model: Any, classes: ArrayLike | None = None) -> None:
        self.model = model
        self.classes = classes

    def __sklearn_clone__(self) -> Self:
        return self  # it is fitted, as a FrozenEstimator is

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @property
    def classes_(self) -> NDArray[Any]:
        classes = self.classes
        if classes is None:
            classes = getattr(adapt(self.model), "classes_", None)
        if classes is None:
            raise AttributeError("`classes` of this FittedTeacher were not given.")
        return np.asarray(classes)

    def predict_proba(self, X: Table) -> Any:
        """Ask the model.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        array-like or DataFrame of shape (n_samples, n_classes)
            As the model returns them, without names that `classes` replaces.
        """
        model = adapt(self.model)
        ask = getattr(model, "predict_proba", model)
        if isinstance(model, type) or not callable(ask):
            raise TypeError(
                "`model` must be a fitted model with predict_proba, or a function of X that "
                f"returns probabilities, got {self.model!r}."
            )
        answer = ask(X)
        if self.classes is not None and is_frame(answer) and self._renames(answer):
            return nw.from_native(answer, eager_only=True).to_numpy()
        return answer

    def predict(self, X: Table) -> Any:
        """Ask a model of numbers.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        array-like of shape (n_samples,) or (n_samples, n_targets)
            As the model gives them.
        """
        model = adapt_numbers(self.model)
        ask = getattr(model, "predict", model)
        if isinstance(self.model, type) or not callable(ask):
            raise TypeError(
                "`model` must be a fitted model with predict, or a function of X that returns "
                f"numbers, got {self.model!r}."
            )
        return ask(X)

    def _renames(self, frame: Table) -> bool:
        """Whether the columns of the model's answer have none of the names in `classes`."""
        return not set(map(str, names_of(frame))) & set(map(str, self.classes_.tolist()))

    def key_parts(self) -> tuple[Any, ...]:
        """The key of the teacher in `memory`.

        Returns
        -------
        tuple
        """
        model = known_by(self.model)
        return model.key_parts() if hasattr(model, "key_parts") else model, self.classes
