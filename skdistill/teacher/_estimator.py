"""What makes of TeacherPool an estimator as scikit-learn has them."""

from typing import ClassVar

import numpy as np
from sklearn.utils import indexable
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from skdistill._utils._compat import check_sample_weight, num_samples, routing_enabled
from skdistill._utils.named import named_parts, sound_parts
from skdistill.table import check_container
from skdistill.teacher._checks import tags_of, unfrozen
from skdistill.teacher._members import weight_fit_params
from skdistill.teacher._requests import check_routed, requests_of


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
        """Get the metadata routing: teachers are given what they request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        for name, part in unfrozen(named_parts(self.teachers, "teacher")):
            mapping = MethodMapping().add(caller="fit", callee="fit")
            router.add(method_mapping=mapping, **{name: requests_of(part)})
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
        if not num_samples(X):
            raise ValueError("Found array with 0 sample(s) in X while a minimum of 1 is required.")
        # A list of texts has no columns; of one row alone the teachers say what is wrong.
        has_columns = hasattr(self, "n_features_in_") and getattr(X, "ndim", 2) > 1
        if reset or has_columns:
            validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _routed_params(self, parts, X, sample_weight, metadata):
        """The arguments of each teacher's ``fit``, by its name."""
        check_routed(metadata)
        weight, parts = check_row_weights(sample_weight, X), dict(unfrozen(parts))
        given = metadata if weight is None else metadata | {"sample_weight": weight}
        params = {}
        if given and routing_enabled():
            routed = process_routing(self, "fit", **given)
            params = {name: dict(routed[name]["fit"]) for name in parts}
        for name, part in parts.items():
            if name not in params or not hasattr(part, "get_metadata_routing"):
                params[name] = params.get(name, {}) | weight_fit_params(name, part, weight)
        return params


def check_row_weights(sample_weight, X):
    """Return checked weights of the rows of X; None stays None."""
    if sample_weight is None:
        return None
    rows = np.empty((num_samples(X), 0))
    return check_sample_weight(sample_weight, rows, dtype=float, ensure_non_negative=True)
