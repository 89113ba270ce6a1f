"""A converter for skl2onnx of a TabularEncoder that is a step of its own."""

from collections.abc import Sequence
from types import ModuleType

from skdistill.export._encoder import EncodedTable, Texts
from skdistill.export._graph import DOUBLE, FLOAT, Graph
from skdistill.export._skl2onnx import (
    Container,
    Operator,
    Scope,
    Variable,
    by_name,
    gather,
    is_double,
    kind_of,
    width_of,
    write,
)
from skdistill.table import CATEGORY, NUMBER, TabularEncoder

ALIAS = "SkdistillTabularEncoder"


def register_encoder(skl2onnx: ModuleType) -> None:
    """Let skl2onnx convert a TabularEncoder.

    Parameters
    ----------
    skl2onnx : module
    """
    skl2onnx.update_registered_converter(TabularEncoder, ALIAS, _set_outputs, _convert)


def _set_outputs(operator: Operator) -> None:
    """Floats or doubles as the parser declared: the steps that follow take what it said."""
    n_rows = operator.inputs[0].get_first_dimension()
    declared = type(operator.outputs[0].type)
    operator.outputs[0].type = declared([n_rows, operator.raw_operator.n_outputs_])


def _convert(scope: Scope, operator: Operator, container: Container) -> None:
    encoder = operator.raw_operator
    columns = _in_order(operator.inputs, encoder)
    prefix = scope.get_unique_operator_name("skdistill") + "/"
    inputs, graph = Graph(prefix + "in/"), Graph(prefix)
    numbers = categories = ""  # where there are no such columns
    if NUMBER in encoder._kinds:
        numbers = inputs.add("Cast", gather(inputs, columns, NUMBER), to=DOUBLE)
    if CATEGORY in encoder._kinds:
        categories = gather(inputs, columns, CATEGORY)
    table = EncodedTable(graph, encoder, Texts.of(encoder.categories_), numbers, categories)
    output = operator.outputs[0]
    to = DOUBLE if is_double(output) else FLOAT
    graph.add("Cast", table.matrix(), output=output.full_name, to=to)
    for part in (inputs, graph):
        write(part, container)


def _in_order(variables: Sequence[Variable], encoder: TabularEncoder) -> Sequence[Variable]:
    """The inputs in the order of the encoder's columns, if they are the same numbers and texts."""
    variables = by_name(variables, getattr(encoder, "feature_names_in_", []))
    found = [_kind_of_cells(one) for one in variables for _ in range(width_of(one, encoder))]
    if found != list(encoder._kinds):
        raise ValueError(
            f"TabularEncoder was fitted on the columns {list(encoder._kinds)}, but its inputs in "
            f"the graph are {found}: give `initial_types` with one input for each column, strings "
            "for a category and numbers for a number. In a ColumnTransformer give categories and "
            "numbers encoders of their own."
        )
    return variables


def _kind_of_cells(variable: Variable) -> str:
    """Number or category; bools are neither, since the graph knows categories by their text."""
    name = type(variable.type).__name__
    return "bool" if name.startswith("Bool") else kind_of(variable)
