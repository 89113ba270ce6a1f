"""Transfer sets: where the rows that the student learns from come from."""

from skdistill.transfer._base import TransferSampler
from skdistill.transfer._given import GivenRows
from skdistill.transfer._munge import Munge

__all__ = ["GivenRows", "Munge", "TransferSampler"]

# The path that stored models and users know; the files may move.
for _public in (GivenRows, Munge, TransferSampler):
    _public.__module__ = __name__
