"""Tables of any container, and what the student sees of them."""

from skdistill._utils.public import publish
from skdistill.table._columns import CATEGORY, NUMBER, WIDE_INTEGERS
from skdistill.table._containers import (
    check_container,
    check_frame,
    check_names,
    holds_text,
    is_frame,
    n_dimensions,
    names_of,
    rows_as_tuples,
    stack_tables,
)
from skdistill.table._encoder import LARGEST_LOG, TabularEncoder, with_nominal
from skdistill.table._frame import (
    Columns,
    codes_of,
    is_matrix,
    mix_rows,
    read_table,
    with_missing_numbers,
    with_types,
)
from skdistill.table._probabilities import (
    check_single,
    is_shuffled,
    labels_of_names,
    read_probabilities,
    without_counts,
)
from skdistill.table._selection import ColumnSelection

__all__ = [
    "CATEGORY",
    "LARGEST_LOG",
    "NUMBER",
    "WIDE_INTEGERS",
    "ColumnSelection",
    "Columns",
    "TabularEncoder",
    "check_container",
    "check_frame",
    "check_names",
    "check_single",
    "codes_of",
    "holds_text",
    "is_frame",
    "is_matrix",
    "is_shuffled",
    "labels_of_names",
    "mix_rows",
    "n_dimensions",
    "names_of",
    "read_probabilities",
    "read_table",
    "rows_as_tuples",
    "stack_tables",
    "with_missing_numbers",
    "with_nominal",
    "with_types",
    "without_counts",
]

# The paths that stored models and users know.
publish(TabularEncoder, "skdistill.encoding")
ColumnSelection.__module__ = __name__
