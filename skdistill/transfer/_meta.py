"""The base of the samplers that draw by another sampler."""

from operator import attrgetter
from typing import Any

from skdistill.transfer._base import TransferSampler, takes
from skdistill.transfer._given import GivenRows


class MetaSampler(TransferSampler):
    """Base of the samplers that draw by another sampler, and have its `size` and `weight`.

    Parameters
    ----------
    sampler : TransferSampler
        Draws the rows; its `size` and `weight` hold.
    """

    # Any: mypy accepts no property for an attribute that the base assigns.
    size: Any = property(
        attrgetter("sampler.size"), doc="New rows for each training row, as the sampler says."
    )
    weight: Any = property(
        attrgetter("sampler.weight"), doc="Weight of a row, as the sampler says."
    )

    def __init__(self, sampler: TransferSampler) -> None:
        self.sampler = sampler

    def check_parameters(self) -> None:
        """Raise a ValueError or TypeError for a parameter that is not valid."""
        if not isinstance(self.sampler, TransferSampler) or isinstance(self.sampler, GivenRows):
            raise TypeError(
                f"`sampler` must be a TransferSampler that draws rows, got {self.sampler!r}: give "
                "for instance Munge()."
            )
        self.sampler.check_parameters()
        if self.sampler.n_rounds > 1:
            raise ValueError(
                f"`sampler` of {type(self).__name__} must not draw in rounds itself, got "
                f"{self.sampler!r}: let Rounds be the outermost, as in Rounds(Near(Munge()))."
            )
        self._validate_params()

    def check_teacher(self, parts: list[tuple[str, Any]]) -> None:
        """As the sampler does; see :meth:`TransferSampler.check_teacher`."""
        self.sampler.check_teacher(parts)


def chain_of(sampler: TransferSampler) -> list[TransferSampler]:
    """The sampler, and those that it draws by, the one that draws at the end."""
    chain = [sampler]
    while isinstance(chain[-1], MetaSampler):
        chain.append(chain[-1].sampler)
    return chain


def asks_context(sampler: TransferSampler) -> bool:
    """Whether a sampler, or one that it draws by, may ask teacher or student."""
    return any(_asks(one) for one in chain_of(sampler))


def _asks(sampler: TransferSampler) -> bool:
    is_ours = type(sampler).__module__.startswith("skdistill.")
    return sampler.asks if is_ours else takes(sampler, "context")
