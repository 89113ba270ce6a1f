"""What makes of TeacherPool an estimator as scikit-learn has them."""

from typing import ClassVar

import numpy as np
from sklearn.utils import indexable
from sklearn.utils._metadata_requests import _routing_enabled
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_samples,
    check_is_fitted,
    validate_data,
)

from skdistill._containers import check_container
from skdistill._named import named_parts, sound_parts
from skdistill.teacher._checks import tags_of, unfrozen
from skdistill.teacher._members import weight_fit_params


class PoolEstimatorMixin:
    """Checks of X and y, ``predict*``, metadata routing and tags of a :class:`TeacherPool`."""

    # They are for DistilledClassifier, and no metadata.
    __metadata_request__fit: ClassVar[dict] = {"fit_params": UNUSED, "step": UNUSED}

    def predict(self, X):
        """The label of the highest pooled probability.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_log_proba(self, X):
        """Logarithms of the pooled probabilities: -inf where a probability is 0.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def get_metadata_routing(self):
        """Get the metadata routing: `sample_weight` goes to the teachers that request it.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        for name, part in unfrozen(named_parts(self.teachers, "teacher")):
            mapping = MethodMapping().add(caller="fit", callee="fit")
            router.add(method_mapping=mapping, **{name: part})
        return router

    def __sklearn_tags__(self):
        tags, parts = super().__sklearn_tags__(), sound_parts(self.teachers, "teacher")
        # An object that declares no tags is taken to take anything.
        own = [own for own in (tags_of(part) for _, part in parts) if own is not None]
        for name in ("allow_nan", "categorical", "sparse", "string"):
            setattr(tags.input_tags, name, all(getattr(one.input_tags, name) for one in own))
        tags.input_tags.positive_only = any(one.input_tags.positive_only for one in own)
        of_classifiers = [one.classifier_tags for one in own if one.classifier_tags is not None]
        tags.classifier_tags.multi_class = all(one.multi_class for one in of_classifiers)
        tags.classifier_tags.poor_score = any(one.poor_score for one in of_classifiers)
        tags.non_deterministic = any(one.non_deterministic for one in own)
        tags.target_tags.required = bool(unfrozen(parts))
        return tags

    def _check_columns(self, X, reset=False):
        """Return X as the teachers get it, with the number and names of its columns checked."""
        check_container(X)
        (X,) = indexable(X)
        # A list of texts has no columns; of one row alone the teachers say what is wrong.
        has_columns = hasattr(self, "n_features_in_") and getattr(X, "ndim", 2) > 1
        if reset or has_columns:
            validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _weight_params(self, parts, X, sample_weight):
        """The arguments that carry `sample_weight` to each teacher's ``fit``, by its name."""
        if sample_weight is None:
            return {}
        weight = check_row_weights(sample_weight, X)
        parts = dict(unfrozen(parts))
        params = {}
        if _routing_enabled():
            routed = process_routing(self, "fit", sample_weight=weight)
            routers = [name for name in parts if hasattr(parts[name], "get_metadata_routing")]
            params = {name: dict(routed[name]["fit"]) for name in routers}
        for name in parts.keys() - params.keys():
            params[name] = weight_fit_params(name, parts[name], weight)
        return params


def check_row_weights(sample_weight, X):
    """Return checked weights of the rows of X; None stays None."""
    if sample_weight is None:
        return None
    rows = np.empty((_num_samples(X), 0))
    return _check_sample_weight(sample_weight, rows, dtype=float, ensure_non_negative=True)
