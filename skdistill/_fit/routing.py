"""Metadata on its way to the teachers' ``fit``, as scikit-learn routes it."""

from typing import Any

from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    get_routing_for_object,
)
from sklearn.utils.validation import has_fit_parameter

from skdistill._utils._compat import routing_enabled
from skdistill._utils.named import named_parts
from skdistill._utils.types import Estimator, FloatArray
from skdistill._utils.warn import warn
from skdistill.teacher import requested_params, requests_of, router_of, unfrozen


def router_with_splitters(estimator: Estimator) -> MetadataRouter:
    """The requests of `estimator`, its teachers and its splitters.

    Parameters
    ----------
    estimator : DistilledClassifier

    Returns
    -------
    MetadataRouter
    """
    router = router_of(estimator, unfrozen(named_parts(estimator.teacher, "teacher")))
    mapping = MethodMapping().add(caller="fit", callee="split")
    for name in ("cv", "validation_fraction"):
        splitter = getattr(estimator, name)
        if hasattr(splitter, "get_metadata_routing"):
            router.add(method_mapping=mapping, **{f"`{name}`": splitter})
    return router


def teacher_fit_params(
    estimator: Estimator,
    teachers: list[tuple[str, Any]],
    weight: FloatArray | None,
    class_weighted: FloatArray | None,
    metadata: dict[str, Any],
    fit_params: dict[str, Any],
) -> dict[str, dict]:
    """The arguments of each teacher's ``fit``, by its name.

    Parameters
    ----------
    estimator : DistilledClassifier
    teachers : list of (str, object)
    weight : ndarray of shape (n_samples,) or None
        Of the rows, where `sample_weight` was given.
    class_weighted : ndarray of shape (n_samples,) or None
        The same, times the weight of the class.
    metadata : dict of str to object
        Arguments of the estimator's own ``fit``: a teacher is given those it requests. Without
        metadata routing, "groups" go to each teacher whose ``fit`` takes them.
    fit_params : dict of str to object
        Arguments that only teachers take.

    Returns
    -------
    dict of str to dict

    Raises
    ------
    TypeError
        If an argument is not requested.
    """
    parts = unfrozen(teachers)
    given = fit_params
    if routing_enabled():
        requests = [get_routing_for_object(requests_of(part)) for _, part in parts]
        asked = {name for one in requests for name in one.consumes("fit", metadata)}
        given = {name: metadata[name] for name in asked} | fit_params
    if weight is not None:
        given = given | {"sample_weight": class_weighted}
    params = requested_params(estimator, parts, given, class_weighted)
    if not routing_enabled() and "groups" in metadata:
        for name, part in parts:
            if has_fit_parameter(part, "groups"):  # it holds rows out by itself
                params[name]["groups"] = metadata["groups"]
    return params


def warn_of_kept_teacher(fit_params: dict[str, Any]) -> None:
    """Warn of arguments of teachers' ``fit`` that come too late."""
    if fit_params:
        warn(
            f"`fit` got {list(fit_params)}, which change nothing: with "
            "`warm_start=True` the teacher is kept as it is."
        )
