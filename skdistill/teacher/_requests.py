"""What teachers request of the arguments of a fit."""

import inspect

from sklearn.utils._metadata_requests import _routing_enabled
from sklearn.utils.metadata_routing import MetadataRequest


def check_routed(fit_params):
    """Raise a TypeError for arguments of teachers' ``fit`` that nothing routes."""
    if fit_params and not _routing_enabled():
        first = next(iter(fit_params))
        raise TypeError(
            f"`fit` got unexpected arguments {list(fit_params)}. Arguments of a teacher's `fit` "
            "reach it by metadata routing: sklearn.set_config(enable_metadata_routing=True), and "
            f"`teacher.set_fit_request({first}=True)`."
        )


def requests_of(part):
    """What a teacher requests; one that cannot say, all that its ``fit`` names."""
    if hasattr(part, "get_metadata_routing"):
        return part
    requests = MetadataRequest(owner=part)
    for name, parameter in list(inspect.signature(part.fit).parameters.items())[2:]:
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            requests.fit.add_request(param=name, alias=True)
    return requests
