"""Weights in few bits."""

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
    return add_integers(graph, np.rint(weight / scale), scale, bits=8)


def add_integers(graph: Graph, codes: np.ndarray, scale: np.ndarray, bits: int) -> str:
    """Add small integers times their scales, several of them in a byte; return the tensor's name.

    ONNX has types of 4 and 2 bits, from versions 21 and 25 on. ONNX Runtime unpacks these at each
    call, and not once; these nodes it folds as it does others, in any of its versions.

    Parameters
    ----------
    graph : Graph
    codes : ndarray of int
        From ``1 - 2 ** (bits - 1)`` to ``2 ** (bits - 1) - 1``.
    scale : ndarray
        Of a shape that goes with that of `codes`.
    bits : {8, 4, 2}
    """
    scales = graph.constant(scale.astype(np.float32), "scale")
    if bits == 8:
        whole = graph.constant(codes.astype(np.int8), "int8")
        return graph.add("Mul", graph.add("Cast", whole, to=FLOAT), scales)
    most, per_byte = 2 ** (bits - 1) - 1, 8 // bits
    places = np.arange(per_byte, dtype=np.uint8) * np.uint8(bits)
    flat = np.zeros(-(-codes.size // per_byte) * per_byte, np.uint8)
    flat[: codes.size] = (codes + most).ravel()
    in_bytes = np.bitwise_or.reduce(flat.reshape(-1, per_byte) << places, axis=1, keepdims=True)
    packed, by = graph.constant(in_bytes, f"uint{bits}"), graph.constant(places)
    shifted = graph.add("BitShift", packed, by, direction="RIGHT")
    whole = graph.add("BitwiseAnd", shifted, graph.constant(np.uint8(2**bits - 1)))
    if flat.size > codes.size:
        whole = graph.add("Reshape", whole, graph.constant(np.array([-1])))
        ends = (graph.constant(np.array([one])) for one in (0, codes.size))
        whole = graph.add("Slice", whole, *ends)
    whole = graph.add("Reshape", whole, graph.constant(np.array(codes.shape)))
    whole = graph.add("Cast", whole, to=FLOAT)
    return graph.add("Mul", graph.add("Sub", whole, graph.constant(np.float32(most))), scales)
