"""An ONNX graph under construction."""

from typing import Any

import numpy as np

from skdistill._utils.types import ArrayLike, FloatArray
from skdistill.export._optional import require

# StringConcat is of 20; the version of the file's format goes with it.
OPSET = 20
# Of a graph without strings; more runtimes know it.
CORE_OPSET, CORE_IR_VERSION = 18, 8
ML_DOMAIN, ML_OPSET = "ai.onnx.ml", 4
IR_VERSION = 10
# What ONNX calls the types of floats.
FLOAT, DOUBLE = 1, 11
INT64 = 7


class Graph:
    """Nodes and constants, each under a name of its own.

    Parameters
    ----------
    prefix : str, default=""
        Of all names, for a graph that becomes part of another.
    core : bool, default=False
        Whether it has none but ONNX' core operators.

    Attributes
    ----------
    nodes : list of onnx.NodeProto
    constants : dict of str to ndarray
    opsets : dict of str to int
    """

    def __init__(self, prefix: str = "", core: bool = False) -> None:
        self._onnx = require("onnx")
        self._prefix = prefix
        self._n_names = 0
        self._linear: dict[str, Any] = {}
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.opsets = {"": CORE_OPSET} if core else {"": OPSET, ML_DOMAIN: ML_OPSET}

    def name(self, stem: str) -> str:
        """A name that is not used yet."""
        self._n_names += 1
        return f"{self._prefix}{stem}_{self._n_names}"

    def constant(self, values: ArrayLike, stem: str = "constant") -> str:
        """Add a constant tensor and return its name."""
        name = self.name(stem)
        self.constants[name] = np.asarray(values)
        return name

    def add(
        self,
        op: str,
        *inputs: str,
        output: str | None = None,
        domain: str = "",
        n_outputs: int = 1,
        **attributes: Any,
    ) -> str:
        """Add a node and return the name of its output, the first of several."""
        output = output or self.name(op)
        outputs = [output, *(self.name(op) for _ in range(1, n_outputs))]
        make = self._onnx.helper.make_node
        self.nodes.append(make(op, list(inputs), outputs, domain=domain, **attributes))
        return output

    def linear(self, X: str, weight: FloatArray, bias: FloatArray | None) -> str:
        """Add ``X @ weight.T + bias``, as :class:`torch.nn.Linear` stores them."""
        weights = self.constant(np.ascontiguousarray(weight.T), "weight")
        bias = np.zeros(len(weight), np.float32) if bias is None else bias
        output = self.add("Gemm", X, weights, self.constant(bias, "bias"))
        self._linear[output] = self.nodes[-1]
        return output

    def divide(self, X: str, divisor: float) -> str:
        """Add ``X / divisor``: in the weights of the layer before, where that is linear."""
        if divisor == 1:
            return X
        layer = self._linear.get(X)
        if layer is None or any(X in node.input for node in self.nodes):
            return self.add("Div", X, self.constant(np.float32(divisor)))
        for name in layer.input[1:]:
            self.constants[name] = (self.constants[name] / np.float64(divisor)).astype(np.float32)
        return X

    def include(self, model: Any, inputs: list[str]) -> list[str]:
        """Add the nodes of a model; `inputs` are the names here of its inputs.

        Parameters
        ----------
        model : onnx.ModelProto
        inputs : list of str

        Returns
        -------
        list of str
            Names of its outputs.
        """
        prefix = self.name("part") + "/"
        _rename(model.graph, prefix)
        names = [value.name for value in model.graph.input]
        constants = {tensor.name for tensor in model.graph.initializer}
        names = [name for name in names if name not in constants]
        for given, name in zip(inputs, names, strict=True):
            self.add("Identity", given, output=name)
        self.nodes.extend(model.graph.node)
        for tensor in model.graph.initializer:
            self.constants[tensor.name] = self._onnx.numpy_helper.to_array(tensor)
        if model.functions:
            raise ValueError("the part of the graph has functions of its own")
        for opset in model.opset_import:
            known = self.opsets.setdefault(opset.domain, opset.version)
            self.opsets[opset.domain] = max(known, opset.version)
        return [value.name for value in model.graph.output]

    def tensors(self) -> list[Any]:
        """The constants as tensors."""
        make = self._onnx.numpy_helper.from_array
        return [make(values, name) for name, values in self.constants.items()]


def _rename(graph: Any, prefix: str) -> None:
    """Put a prefix before all names of a graph and of the graphs in its nodes."""
    for node in graph.node:
        node.name = prefix + node.name
        for names in (node.input, node.output):
            names[:] = [name and prefix + name for name in names]  # "" stands for none
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _rename(inner, prefix)
    for named in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        named.name = prefix + named.name
