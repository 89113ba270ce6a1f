"""Teachers: anything with ``predict_proba``, pooled into one array aligned to ``classes_``."""

from skdistill.teacher._checks import (
    FLOOR,
    check_teachers,
    is_frozen,
    taken_by_all,
    tells_several,
    unfrozen,
    union_of_classes,
)
from skdistill.teacher._clones import clone_of
from skdistill.teacher._combine import UNKNOWN_FLOOR, teach_unknown, warn_of_unknown
from skdistill.teacher._ensembles import check_bags
from skdistill.teacher._fitted import FittedTeacher
from skdistill.teacher._folds import (
    check_apart,
    check_groups,
    check_pairs,
    find_partition,
    find_splits,
    split_by,
)
from skdistill.teacher._jobs import take_rows
from skdistill.teacher._layers import NETS, is_net, read_layer
from skdistill.teacher._leaves import Trees, has_trees, trees_of
from skdistill.teacher._libraries import is_known_model, known_by
from skdistill.teacher._members import Member, chunks
from skdistill.teacher._net_structure import NetStructure, may_have_net, net_structure
from skdistill.teacher._number_adapters import adapt_numbers
from skdistill.teacher._number_checks import check_levels
from skdistill.teacher._numbers import NumberMember
from skdistill.teacher._patient import PatientTeacher
from skdistill.teacher._pool import TeacherPool
from skdistill.teacher._quantiles import quantile_function
from skdistill.teacher._queries import Queries, QueryBudgetError, counting
from skdistill.teacher._regressor_pool import RegressorPool
from skdistill.teacher._requests import check_routed, requested_params, requests_of, router_of
from skdistill.teacher._row_weights import RowWeights
from skdistill.teacher._torch import TorchTeacher
from skdistill.teacher._tree_readers import may_have_trees
from skdistill.teacher._tree_structure import Tree, TreeStructure, tree_structure

__all__ = [
    "FLOOR",
    "NETS",
    "UNKNOWN_FLOOR",
    "FittedTeacher",
    "Member",
    "NetStructure",
    "NumberMember",
    "PatientTeacher",
    "Queries",
    "QueryBudgetError",
    "RegressorPool",
    "RowWeights",
    "TeacherPool",
    "TorchTeacher",
    "Tree",
    "TreeStructure",
    "Trees",
    "adapt_numbers",
    "check_apart",
    "check_bags",
    "check_groups",
    "check_levels",
    "check_pairs",
    "check_routed",
    "check_teachers",
    "chunks",
    "clone_of",
    "counting",
    "find_partition",
    "find_splits",
    "has_trees",
    "is_frozen",
    "is_known_model",
    "is_net",
    "known_by",
    "may_have_net",
    "may_have_trees",
    "net_structure",
    "quantile_function",
    "read_layer",
    "requested_params",
    "requests_of",
    "router_of",
    "split_by",
    "take_rows",
    "taken_by_all",
    "teach_unknown",
    "tells_several",
    "tree_structure",
    "trees_of",
    "unfrozen",
    "union_of_classes",
    "warn_of_unknown",
]

# The public path, which stored models hold; the files may move.
for _public in (
    FittedTeacher,
    Member,
    NumberMember,
    PatientTeacher,
    RegressorPool,
    RowWeights,
    TeacherPool,
    TorchTeacher,
):
    _public.__module__ = __name__
