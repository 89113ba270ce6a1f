"""What older versions stored."""


class OlderParametersMixin:
    """Reads an estimator that was stored before some of its parameters were there."""

    def __setstate__(self, state):
        super().__setstate__(type(self)().get_params(deep=False) | state)
