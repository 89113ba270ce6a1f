"""Weights in 8 bits."""

import numpy as np

from skdistill.export._graph import FLOAT, Graph

# Smaller tensors save less than the nodes that unpack them take.
FEWEST = 256
# The input that holds weights, and the axis that has a scale for each of its entries.
_AXES = {"Gemm": (1, 1), "MatMul": (1, 1), "Conv": (1, 0), "Gather": (0, 0)}


def quantize_weights(graph: Graph) -> None:
    """Store the weights of a graph as int8, with one scale for each output of a layer.

    The arithmetic stays float32. Of what ONNX Runtime can do in int8 this loses least: activations
    in int8 are faster on many rows, not on one, and double or treble the largest gap of a
    probability. A cast and a product unpack the weights, once, when a session is made: it folds
    constants, but not the node DequantizeLinear, which would cost each single row anew.

    Parameters
    ----------
    graph : Graph
        Changed in place.
    """
    nodes, graph.nodes = graph.nodes, []
    unpacked: dict[str, str] = {}
    for node in nodes:
        if node.op_type in _AXES:
            place, axis = _AXES[node.op_type]
            name = node.input[place]
            if name not in unpacked and _is_large(graph.constants.get(name)):
                by_rows = any(a.name == "transB" and a.i for a in node.attribute)
                unpacked[name] = _pack(graph, name, 0 if by_rows else axis)
            node.input[place] = unpacked.get(name, name)
        graph.nodes.append(node)
    used = {name for node in graph.nodes for name in node.input}
    for name in unpacked.keys() - used:
        del graph.constants[name]


def _is_large(values: np.ndarray | None) -> bool:
    if values is None or values.dtype != np.float32 or values.ndim < 2:
        return False
    return values.size >= FEWEST


def _pack(graph: Graph, name: str, axis: int) -> str:
    """Add the int8 tensor and its scales; return the name of the unpacked tensor."""
    weight = graph.constants[name]
    axis = weight.ndim - 1 if axis == 1 else axis
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.abs(weight).max(axis=others, keepdims=True) / np.float32(127)
    scale[scale == 0] = 1
    packed = graph.constant(np.rint(weight / scale).astype(np.int8), "int8")
    return graph.add("Mul", graph.add("Cast", packed, to=FLOAT), graph.constant(scale, "scale"))
