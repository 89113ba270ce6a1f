"""Estimators that find the best of several students, and then answer by it."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdistill._base import BaseDistiller
from skdistill._fit.inputs import Arguments, check_containers
from skdistill._utils._compat import routing_enabled
from skdistill._utils.types import ArrayLike, FloatArray, Table
from skdistill._utils.warn import naming


def _best_has(name: str) -> Callable[["BestEstimator"], bool]:
    """Whether the best estimator has a method; before a fit, whether the given one has it."""

    def check(search: "BestEstimator") -> bool:
        getattr(getattr(search, "best_estimator_", search.estimator), name)
        return True

    return check


class BestEstimator(MetaEstimatorMixin, BaseEstimator):
    """Answers by its `best_estimator_`, a clone of `estimator` with other parameters."""

    estimator: Any
    best_estimator_: Any

    def _forget(self) -> None:
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    def _routed(self, fit_params: dict[str, Any]) -> dict[str, Any]:
        """The arguments of the estimator's ``fit``."""
        if not routing_enabled():
            return fit_params
        if not fit_params:
            return {}
        return dict(process_routing(self, "fit", **fit_params).estimator.fit)

    def _checked(self, X: Table, y: Any) -> tuple[Table, Any]:
        """X and y by the checks of the estimator, before rows are held out of them."""
        seen = copy.copy(self.estimator)
        given = check_containers(Arguments.of(X, y, {}))
        with naming(type(self.estimator).__name__):
            seen._check_X(given.X, reset=True)
            return given.X, seen._kind.check_target(y, given.X)

    # --- answers of the best estimator ---

    @available_if(_best_has("predict"))
    def predict(self, X: Table) -> np.ndarray:
        """Predict by the best estimator.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        return self._best.predict(X)

    @available_if(_best_has("predict_proba"))
    def predict_proba(self, X: Table) -> FloatArray:
        """Probabilities of the classes, by the best estimator.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._best.predict_proba(X)

    @available_if(_best_has("predict_log_proba"))
    def predict_log_proba(self, X: Table) -> FloatArray:
        """Logarithms of the probabilities, by the best estimator.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._best.predict_log_proba(X)

    @available_if(_best_has("decision_function"))
    def decision_function(self, X: Table) -> FloatArray:
        """Log-odds or centred logits, by the best estimator.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self._best.decision_function(X)

    @available_if(_best_has("predict_quantiles"))
    def predict_quantiles(self, X: Table, quantiles: ArrayLike | None = None) -> FloatArray:
        """Predict quantiles by the best estimator.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        quantiles : array-like of shape (n_levels,), default=None
            Levels; None takes those that were learned.

        Returns
        -------
        ndarray of shape (n_samples, n_levels)
        """
        return self._best.predict_quantiles(X, quantiles)

    @available_if(_best_has("predict_interval"))
    def predict_interval(self, X: Table, coverage: float = 0.8) -> FloatArray:
        """Predict intervals by the best estimator.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        coverage : float, default=0.8

        Returns
        -------
        ndarray of shape (n_samples, 2)
        """
        return self._best.predict_interval(X, coverage)

    @available_if(_best_has("score"))
    def score(self, X: Table, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy, or the coefficient of determination, of the best estimator.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        return self._best.score(X, y, sample_weight=sample_weight)

    @property
    def _best(self) -> Any:
        check_is_fitted(self)
        return self.best_estimator_

    @property
    def classes_(self) -> np.ndarray:
        """The classes, in the order of the probabilities."""
        return self._of_best("classes_")

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""
        return self._of_best("n_features_in_")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns, where X had some."""
        return self._of_best("feature_names_in_")

    @property
    def quantiles_(self) -> FloatArray:
        """The levels of a student of quantiles."""
        return self._of_best("quantiles_")

    def _of_best(self, name: str) -> Any:
        if "best_estimator_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r} before `fit`.")
        return getattr(self.best_estimator_, name)

    # --- scikit-learn's API ---

    def __sklearn_is_fitted__(self) -> bool:
        return "best_estimator_" in vars(self)

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing: the `estimator` is given what it requests.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        mapping = mapping.add(caller="score", callee="score")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if not isinstance(self.estimator, BaseDistiller):  # `fit` will say so
            return tags
        own = get_tags(self.estimator)
        tags.estimator_type = own.estimator_type
        tags.classifier_tags = copy.deepcopy(own.classifier_tags)
        tags.regressor_tags = copy.deepcopy(own.regressor_tags)
        tags.target_tags = copy.deepcopy(own.target_tags)
        tags.input_tags = copy.deepcopy(own.input_tags)
        tags.non_deterministic = own.non_deterministic
        return tags
