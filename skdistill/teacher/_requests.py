"""What teachers request of the arguments of a fit."""

import inspect
from difflib import get_close_matches

from sklearn.utils.metadata_routing import MetadataRequest

from skdistill._utils._compat import routing_enabled

# Arguments of our own, which another may be misspelt for.
KNOWN = ("X_transfer", "soft_targets", "sample_weight", "groups", "X_val", "y_val")


def check_routed(fit_params):
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


def requests_of(part):
    """What a teacher requests; one that cannot say, all that its ``fit`` names."""
    if hasattr(part, "get_metadata_routing"):
        return part
    requests = MetadataRequest(owner=part)
    for name, parameter in list(inspect.signature(part.fit).parameters.items())[2:]:
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            requests.fit.add_request(param=name, alias=True)
    return requests
