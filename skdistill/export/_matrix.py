"""The layout of one float32 matrix: codes for categories, and core operators alone."""

import numpy as np

from skdistill._utils.types import Estimator
from skdistill.export._encoder import EncodedTable
from skdistill.export._graph import DOUBLE, INT64, Graph
from skdistill.export._schema import Schema
from skdistill.serving import FEATURES
from skdistill.table import TabularEncoder

# Largest step of float32, in spreads of a column, that the layout takes.
LARGEST_STEP = 0.01


class CodedTable(EncodedTable):
    """A table whose categories are codes, beside numbers with the digits of float32.

    A code is the place of the category, from 0. NaN is missing; any other number is unknown.
    """

    def _look_up(self, dtype: str, offsets: list[int]) -> str:
        add, constant, codes = self._graph.add, self._graph.constant, self._raw_categories
        n_levels = np.array([len(levels) for levels in self._texts.levels], np.float32)
        is_whole = add("Equal", codes, add("Floor", codes))
        is_above = add("GreaterOrEqual", codes, constant(np.float32(0)))
        is_below = add("Less", codes, constant(n_levels))
        is_known = add("And", is_whole, add("And", is_above, is_below))
        # As the encoder counts: 0 unknown, 1 missing, then the categories.
        own = add("Where", is_known, codes, constant(np.float32(-2)))
        own = add("Where", add("IsNaN", codes), constant(np.float32(-1)), own)
        if dtype == "float":
            return add("Add", own, constant(np.float32(2)))
        is_unknown = add("Equal", own, constant(np.float32(-2)))
        rows = add("Add", add("Cast", own, to=INT64), constant(np.array(offsets, np.int64) + 2))
        return add("Where", is_unknown, constant(np.int64(0)), rows)  # all columns share that one


def coded_table(graph: Graph, encoder: TabularEncoder, schema: Schema) -> CodedTable:
    """Add the nodes that part the matrix into numbers and codes.

    Parameters
    ----------
    graph : Graph
    encoder : TabularEncoder
        Fitted.
    schema : Schema

    Returns
    -------
    CodedTable
    """
    numbers = _columns(graph, schema, schema.number_places)
    numbers = graph.add("Cast", numbers, to=DOUBLE) if numbers else ""
    codes = _columns(graph, schema, schema.category_places)
    return CodedTable(graph, encoder, schema.texts, numbers, codes)


def _columns(graph: Graph, schema: Schema, places: list[int]) -> str:
    """Name of some columns of the matrix; empty where there are none."""
    if len(places) == len(schema.kinds):
        return FEATURES
    if not places:
        return ""
    return graph.add("Gather", FEATURES, graph.constant(np.array(places, np.int64)), axis=1)


def whole_matrix(graph: Graph, encoder: Estimator, schema: Schema) -> str:
    """Name of the matrix, as an encoder of the user's own, or none, takes it."""
    if schema.n_categories:
        names = schema.names or list(map(str, range(len(schema.kinds))))
        text = [names[place] for place in schema.category_places]
        raise ValueError(
            f"`layout='matrix'` has no text, but `encoder={type(encoder).__name__}` takes that of "
            f"the column(s) {text}: fit with encoder='auto', whose categories have codes, or use "
            "`layout='columns'`."
        )
    return FEATURES if encoder is None else graph.add("Cast", FEATURES, to=DOUBLE)


def check_core(graph: Graph) -> None:
    """Refuse what is no operator of ONNX' core, and declare nothing but that."""
    others = {f"{node.domain}.{node.op_type}" for node in graph.nodes if node.domain}
    if others:
        raise ValueError(
            f"`layout='matrix'` has ONNX' core operators alone, but the student needs "
            f"{sorted(others)}: fit with encoder='auto', or use `layout='columns'`."
        )
    graph.opsets = {"": graph.opsets[""]}


def check_digits(encoder: Estimator, schema: Schema) -> None:
    """Refuse numbers that float32 does not tell apart, such as times in seconds.

    Parameters
    ----------
    encoder : transformer or None
        Of the student.
    schema : Schema

    Raises
    ------
    ValueError
        If the step of float32 at the median of a column is large beside its spread.
    """
    if type(encoder) is not TabularEncoder:
        return
    scale, names = (
        np.array(encoder.scale_),
        schema.names or list(map(str, range(len(schema.kinds)))),
    )
    steps = np.spacing(np.abs(encoder.center_).astype(np.float32)) * scale
    bad = [
        names[place]
        for place, step in zip(schema.number_places, steps, strict=True)
        if step > LARGEST_STEP
    ]
    if bad:
        raise ValueError(
            f"`layout='matrix'` is float32, which does not tell the numbers in column(s) {bad} "
            "apart: they are large beside their spread. Subtract an offset from them before the "
            "fit, or use `layout='columns'`."
        )
