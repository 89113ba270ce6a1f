"""A user's own transformer as the encoder, by skl2onnx."""

from collections import Counter

import numpy as np

from skdistill.export._graph import ML_DOMAIN, OPSET
from skdistill.export._optional import require
from skdistill.table import CATEGORY, NUMBER


class TransformedTable:
    """A table as a user's transformer encodes it.

    Parameters
    ----------
    graph : Graph
    transformer : estimator
        Fitted.
    schema : Schema
    numbers, categories : str
        Names of the float64 matrix and of the matrix of strings.
    """

    has_numbers, has_categories, n_codes = True, False, 0

    def __init__(self, graph, transformer, schema, numbers, categories):
        self._name = _include(graph, transformer, schema, numbers, categories)
        self.n_columns = schema.n_encoded

    def scaled_numbers(self):
        """Name of the matrix, and what it is still to be multiplied by."""
        return self._name, np.ones(self.n_columns, np.float32)

    def matrix(self):
        """Name of the matrix."""
        return self._name


def _include(graph, transformer, schema, numbers, categories):
    """Add the transformer's nodes; return the name of its float32 result."""
    if schema.names is None and not schema.n_categories:
        model = _convert(transformer, [(numbers, NUMBER, schema.n_numbers)])
        inputs = [numbers]
    else:
        names = schema.names or [f"column{i}" for i in range(len(schema.kinds))]
        columns = zip(names, schema.kinds, strict=True)
        model = _convert(transformer, [(name, kind, 1) for name, kind in columns])
        inputs = _split(graph, schema, numbers, categories)
    outputs = graph.include(model, inputs)
    return graph.add("Cast", outputs[0], to=1)


def _split(graph, schema, numbers, categories):
    """Names of the columns one by one, in the order of the table."""
    taken, columns = Counter(), []
    for kind in schema.kinds:
        source = numbers if kind == NUMBER else categories
        place = graph.constant(np.array([taken[kind]]))
        columns.append(graph.add("Gather", source, place, axis=1))
        taken[kind] += 1
    return columns


def _convert(transformer, columns):
    skl2onnx = require("skl2onnx")
    from skl2onnx.common.data_types import DoubleTensorType, StringTensorType

    tensors = {NUMBER: DoubleTensorType, CATEGORY: StringTensorType}
    types = [(name, tensors[kind]([None, width])) for name, kind, width in columns]
    try:
        return skl2onnx.convert_sklearn(
            transformer, initial_types=types, target_opset={"": OPSET, ML_DOMAIN: 3}
        )
    except Exception as error:  # skl2onnx raises many kinds
        raise ValueError(
            f"skl2onnx cannot convert `encoder={type(transformer).__name__}`: "
            f"{str(error).strip().splitlines()[0]}. Use encoder='auto', or a transformer that it "
            "supports."
        ) from error
