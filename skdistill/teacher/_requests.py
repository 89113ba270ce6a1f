"""The arguments of a fit that teachers request, and those that reach each of them."""

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import (
    MetadataRequest,
    MetadataRouter,
    MethodMapping,
    process_routing,
)

from skdistill._utils._compat import num_samples, routing_enabled
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table
from skdistill._utils.warn import warn
from skdistill._utils.weights import check_weights
from skdistill.teacher._models import resamples, takes_weight

# Our own arguments, which a user may misspell.
KNOWN = ("X_transfer", "soft_targets", "sample_weight", "groups", "X_val", "y_val")


def check_routed(fit_params: Mapping[str, Any]) -> None:
    """Raise a TypeError for arguments of teachers' ``fit`` that nothing routes."""
    if fit_params and not routing_enabled():
        first = next(iter(fit_params))
        known = get_close_matches(first, KNOWN, n=1)
        meant = f" Did you mean `{known[0]}`?" if known else ""
        raise TypeError(
            f"`fit` got unexpected arguments {list(fit_params)}.{meant} Arguments of a teacher's "
            "`fit` reach it by metadata routing: sklearn.set_config(enable_metadata_routing=True), "
            f"and `teacher.set_fit_request({first}=True)`."
        )


def requests_of(part: Estimator) -> Any:
    """The requests of a teacher; if it cannot request, the parameters of its ``fit``."""
    if hasattr(part, "get_metadata_routing"):
        return part
    requests = MetadataRequest(owner=part)
    for name, parameter in list(inspect.signature(part.fit).parameters.items())[2:]:
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            requests.fit.add_request(param=name, alias=True)
    return requests


def router_of(owner: Estimator, parts: list[tuple[str, Estimator]]) -> MetadataRouter:
    """The requests of an estimator and of the teachers that it fits."""
    router = MetadataRouter(owner=owner).add_self_request(owner)
    for name, part in parts:
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router.add(method_mapping=mapping, **{name: requests_of(part)})
    return router


def routed_params(
    owner: Estimator,
    parts: list[tuple[str, Estimator]],
    X: Table,
    sample_weight: ArrayLike | None,
    metadata: Mapping[str, Any],
    fit_params: Mapping[str, dict[str, Any]] | None,
) -> dict[str, dict[str, Any]]:
    """The arguments of each teacher's ``fit``, by its name.

    Parameters
    ----------
    owner : TeacherPool
        The pool whose ``fit`` got them.
    parts : list of (str, object)
        The teachers that are fitted.
    X : array-like or DataFrame of shape (n_samples, n_features)
    sample_weight : array-like of shape (n_samples,) or None
    metadata : dict of str to object
    fit_params : dict of str to dict or None
        Arguments by the name of the teacher; they override the others.

    Returns
    -------
    dict of str to dict
    """
    check_routed(metadata)
    weight = check_weights(sample_weight, num_samples(X))
    given = metadata if weight is None else {**metadata, "sample_weight": weight}
    params = requested_params(owner, parts, given, weight)
    own = fit_params or {}
    return {name: params.get(name, {}) | own.get(name, {}) for name in {**params, **own}}


def requested_params(
    owner: Estimator,
    parts: list[tuple[str, Estimator]],
    given: Mapping[str, Any],
    weight: FloatArray | None,
) -> dict[str, dict[str, Any]]:
    """The given arguments that each teacher requests, by its name.

    Parameters
    ----------
    owner : TeacherPool or DistilledClassifier
        Its router knows what the teachers request.
    parts : list of (str, object)
        The teachers that are fitted.
    given : dict of str to object
        Metadata; used if metadata routing is on.
    weight : ndarray of shape (n_samples,) or None
        Of the rows, for teachers that cannot request it.

    Returns
    -------
    dict of str to dict
    """
    if not routing_enabled():
        return {name: weight_fit_params(name, part, weight) for name, part in parts}
    routed = process_routing(owner, "fit", **given)
    params = {name: dict(routed[name]["fit"]) for name, _ in parts}
    for name, part in parts:
        if not hasattr(part, "get_metadata_routing"):
            params[name] |= weight_fit_params(name, part, weight)
    return params


def weight_fit_params(
    name: str, estimator: Estimator, sample_weight: FloatArray | None
) -> dict[str, FloatArray]:
    """The ``fit`` arguments that carry `sample_weight` to a teacher, without metadata routing."""
    if sample_weight is None:
        return {}
    if takes_weight(estimator):
        return {"sample_weight": sample_weight}
    is_pipeline = isinstance(estimator, Pipeline) and not resamples(estimator)
    if is_pipeline and takes_weight(estimator[-1]):
        return {f"{estimator.steps[-1][0]}__sample_weight": sample_weight}
    warn(
        f"teacher `{name}` ({type(estimator).__name__}) takes no "
        "sample_weight and is fitted without it."
    )
    return {}


def check_row_wise(name: str, estimator: Estimator, fit_params: Mapping[str, Any]) -> None:
    """Raise a ValueError for weights if the teacher resamples their rows."""
    if resamples(estimator) and any(key.endswith("sample_weight") for key in fit_params):
        raise ValueError(
            f"teacher `{name}` draws other rows than it is given, which `sample_weight` cannot "
            "follow: do not request it, as in set_fit_request(sample_weight=False)."
        )
