"""Transfer sets: the sources of the student's rows."""

from skdistill.transfer._across_splits import AcrossSplits
from skdistill.transfer._base import TransferSampler, draw_rows, rows_by_weight, takes
from skdistill.transfer._context import TransferContext
from skdistill.transfer._data_free import DataFreeSampler
from skdistill.transfer._disagreement import Disagreement
from skdistill.transfer._from_net import FromNet
from skdistill.transfer._from_schema import FromSchema
from skdistill.transfer._from_trees import FromTrees
from skdistill.transfer._gibbs import Gibbs
from skdistill.transfer._given import GivenRows
from skdistill.transfer._meta import asks_context, chain_of
from skdistill.transfer._munge import Munge
from skdistill.transfer._near import Near
from skdistill.transfer._rounds import Rounds
from skdistill.transfer._schema import TableSchema
from skdistill.transfer._simple import Marginals, Mixup

__all__ = [
    "AcrossSplits",
    "DataFreeSampler",
    "Disagreement",
    "FromNet",
    "FromSchema",
    "FromTrees",
    "Gibbs",
    "GivenRows",
    "Marginals",
    "Mixup",
    "Munge",
    "Near",
    "Rounds",
    "TableSchema",
    "TransferContext",
    "TransferSampler",
    "asks_context",
    "chain_of",
    "draw_rows",
    "rows_by_weight",
    "takes",
]

# The public path, which stored models hold; the files may move.
for _public in (
    *(Disagreement, Gibbs, GivenRows, Marginals, Mixup, Munge, Near, Rounds),
    *(AcrossSplits, FromNet, FromSchema, FromTrees, TableSchema),
    *(TransferContext, TransferSampler),
):
    _public.__module__ = __name__
