"""A user's own transformer as the encoder, by skl2onnx."""

from collections import Counter
from typing import Any

import numpy as np

from skdistill._utils.types import Estimator
from skdistill.export._encoder import PlainTable
from skdistill.export._encoder_converter import register_encoder
from skdistill.export._graph import FLOAT, ML_DOMAIN, OPSET, Graph
from skdistill.export._optional import require
from skdistill.export._schema import Schema
from skdistill.table import CATEGORY, NUMBER


def transformed_table(
    graph: Graph, transformer: Estimator, schema: Schema, numbers: str, categories: str
) -> PlainTable:
    """Add the nodes of a user's transformer.

    Parameters
    ----------
    graph : Graph
    transformer : estimator
        Fitted.
    schema : Schema
    numbers, categories : str
        Names of the float64 matrix and of the matrix of strings.

    Returns
    -------
    PlainTable
        Its float32 result.
    """
    if schema.names is None and not schema.n_categories:
        model = _convert(transformer, [(numbers, NUMBER, schema.n_numbers)])
        inputs = [numbers]
    else:
        names = schema.names or [f"column{i}" for i in range(len(schema.kinds))]
        columns = zip(names, schema.kinds, strict=True)
        model = _convert(transformer, [(name, kind, 1) for name, kind in columns])
        inputs = _split(graph, schema, numbers, categories)
    outputs = graph.include(model, inputs)
    return PlainTable(graph.add("Cast", outputs[0], to=FLOAT), schema.n_encoded)


def _split(graph: Graph, schema: Schema, numbers: str, categories: str) -> list[str]:
    """Names of the columns one by one, in the order of the table."""
    taken: Counter[str] = Counter()
    columns = []
    for kind in schema.kinds:
        source = numbers if kind == NUMBER else categories
        place = graph.constant(np.array([taken[kind]]))
        columns.append(graph.add("Gather", source, place, axis=1))
        taken[kind] += 1
    return columns


def _convert(transformer: Estimator, columns: list[tuple[str, str, int]]) -> Any:
    """The transformer as a model, from the names, kinds and widths of its inputs."""
    skl2onnx = require("skl2onnx")
    register_encoder(skl2onnx)  # a TabularEncoder may be a part of it
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
            f"{str(error).strip().splitlines()[0].rstrip('.')}. Use encoder='auto', or a "
            "transformer that it supports."
        ) from error
