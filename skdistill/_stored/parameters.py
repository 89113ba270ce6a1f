"""Parameters that a class had not when an estimator of it was stored."""

import inspect
from typing import Any


class OlderParametersMixin:
    """Gives an estimator that was stored before it had a parameter the default of that parameter.

    It stands before the classes whose ``__setstate__`` takes the state.
    """

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(_defaults(type(self)) | state)  # type: ignore[misc]  # BaseEstimator's


def _defaults(kind: type) -> dict[str, Any]:
    """The default of each parameter that has one, of a class and of those it is derived from."""
    found: dict[str, Any] = {}
    for one in reversed(kind.__mro__):
        if "__init__" in vars(one) and one is not object:
            parameters = inspect.signature(vars(one)["__init__"]).parameters.values()
            found |= {p.name: p.default for p in parameters if p.default is not p.empty}
    return found
