"""How this package deals with skl2onnx: its private names, its inputs, its containers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from skdistill._utils.types import Estimator
from skdistill.export._graph import DOUBLE, ML_DOMAIN, Graph
from skdistill.export._optional import require
from skdistill.table import CATEGORY, NUMBER, ColumnSelection

# Its classes, which are private: of a graph, of a model in it, of what models hand to each other.
Scope: TypeAlias = Any
Container: TypeAlias = Any
Operator: TypeAlias = Any
Variable: TypeAlias = Any


def names_of_converters() -> dict[type, str]:
    """The name under which skl2onnx knows the converter of each class; a change is kept."""
    from skl2onnx._supported_operators import sklearn_operator_name_map

    return sklearn_operator_name_map


def parse(
    scope: Scope, model: Estimator, inputs: list[Variable], parsers: dict[type, Callable] | None
) -> list[Variable]:
    """Give a model its place in a graph.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
    model : estimator
    inputs : list of skl2onnx.common._topology.Variable
    parsers : dict of type to callable or None
        Parsers of the user's own.

    Returns
    -------
    list of skl2onnx.common._topology.Variable
        Its outputs.
    """
    from skl2onnx._parse import _parse_sklearn

    return _parse_sklearn(scope, model, inputs, parsers)


def kind_of(variable: Variable) -> str:
    """Whether an input holds numbers or categories."""
    return CATEGORY if type(variable.type).__name__.startswith("String") else NUMBER


def is_double(variable: Variable) -> bool:
    """Whether an input or an output is of float64."""
    return type(variable.type).__name__ == "DoubleTensorType"


def width_of(variable: Variable, fitted: Estimator) -> int:
    """Columns of an input: all there are, where a Bagging that draws columns leaves them open."""
    shape = variable.type.shape
    return (shape[1] if len(shape) > 1 else None) or fitted.n_features_in_


def by_name(variables: Sequence[Variable], names: Sequence[str]) -> Sequence[Variable]:
    """The inputs in the order of these names of columns.

    Inputs of other names stay in their own order.
    """
    found = {variable.raw_name: variable for variable in variables}
    if len(found) < len(variables) or sorted(found) != sorted(names):
        return variables
    return [found[name] for name in names]


def gather(graph: Graph, variables: Sequence[Variable], kind: str) -> str:
    """Name of the matrix of the inputs of one kind."""
    names = [variable.full_name for variable in variables if kind_of(variable) == kind]
    if kind == NUMBER and len(names) > 1:
        names = [graph.add("Cast", name, to=DOUBLE) for name in names]
    return names[0] if len(names) == 1 else graph.add("Concat", *names, axis=1)


@dataclass(frozen=True)
class InputColumns:
    """The columns that a student is given in a graph, of which it may need some only.

    Attributes
    ----------
    variables : sequence of skl2onnx.common._topology.Variable
    kinds : list of {"number", "category"}
        Of all columns.
    own : list of int
        The places of those that it needs, in its order.
    """

    variables: Sequence[Variable]
    kinds: list[str]
    own: list[int]

    @classmethod
    def of(
        cls, variables: Sequence[Variable], fitted: Estimator, selection: ColumnSelection | None
    ) -> "InputColumns":
        """The columns of a fitted student; `selection` found them among those of its fit."""
        kinds = _kinds_of(variables, fitted)
        own = None if selection is None else selection.indices
        if selection is not None and own is not None and len(kinds) == len(selection.all_names):
            variables = by_name(variables, selection.all_names)
            return cls(variables, _kinds_of(variables, fitted), own.tolist())
        variables = by_name(variables, getattr(fitted, "feature_names_in_", []))
        return cls(variables, _kinds_of(variables, fitted), list(range(len(kinds))))

    @property
    def own_kinds(self) -> list[str]:
        return [self.kinds[place] for place in self.own]

    def matrix(self, graph: Graph, kind: str) -> str:
        """Name of the matrix of the columns of one kind that the student needs."""
        whole = gather(graph, self.variables, kind)
        if self.own == list(range(len(self.kinds))):
            return whole
        of_kind = [place for place, one in enumerate(self.kinds) if one == kind]
        places = [of_kind.index(place) for place in self.own if place in of_kind]
        return graph.add("Gather", whole, graph.constant(np.array(places, np.int64)), axis=1)


def _kinds_of(variables: Sequence[Variable], fitted: Estimator) -> list[str]:
    return [kind_of(one) for one in variables for _ in range(width_of(one, fitted))]


def write(graph: Graph, container: Container) -> None:
    """Hand nodes and constants over to skl2onnx."""
    onnx = require("onnx")
    for name, values in graph.constants.items():
        tensor = onnx.numpy_helper.from_array(values, name)
        content = values.ravel().tolist() if values.dtype == object else values.ravel()
        container.add_initializer(name, tensor.data_type, list(values.shape), content)
    for node in graph.nodes:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        container.add_node(
            node.op_type,
            list(node.input),
            list(node.output),
            op_domain=node.domain,
            op_version=_version(node, container.target_opset),
            name=node.output[0],
            **attributes,
        )


def _version(node: Any, target_opset: int) -> int:
    if node.domain == ML_DOMAIN:
        return 2  # LabelEncoder's own
    if node.op_type == "StringConcat" and target_opset < 20:
        raise ValueError(
            "the categories of the student need a `target_opset` of 20 or above, got "
            f"{target_opset}: pass target_opset=20 to convert_sklearn."
        )
    return target_opset
