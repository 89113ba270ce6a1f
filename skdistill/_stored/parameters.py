"""What older versions stored."""

import inspect


class OlderParametersMixin:
    """Reads an estimator that was stored before some of its parameters were there."""

    def __setstate__(self, state):
        super().__setstate__(_defaults(type(self)) | state)


def _defaults(kind):
    """The default of each parameter that has one, of a class and of those it is derived from."""
    found = {}
    for one in reversed(kind.__mro__):
        if "__init__" in vars(one) and one is not object:
            parameters = inspect.signature(one.__init__).parameters.values()
            found |= {p.name: p.default for p in parameters if p.default is not p.empty}
    return found
