"""The file: the graph, what it must be known by, and a seal over all of it."""

import contextlib
import importlib.metadata
import json
from typing import Any

import numpy as np

from skdistill import __version__
from skdistill._utils.levels import readable_texts
from skdistill._utils.types import Estimator
from skdistill.export._drawn import draw_feed
from skdistill.export._graph import (
    CORE_IR_VERSION,
    CORE_OPSET,
    DOUBLE,
    FLOAT,
    IR_VERSION,
    Graph,
)
from skdistill.export._optional import require
from skdistill.export._sample_rows import write_self_check
from skdistill.export._schema import Schema
from skdistill.export._target import Target
from skdistill.serving import (
    CATEGORIES,
    FEATURES,
    FILE_FORMAT,
    MATRIX,
    METADATA_CHECKSUM,
    NUMBERS,
    UNSEALED,
    RowReader,
    checksum_of,
    open_session,
    seal,
    write_probe,
)

RECORDED = ("numpy", "onnx", "onnxruntime", "scikit-learn", "skorch", "torch")
# Size of what is stored to know a file by: 32 rows, fewer of a wide table.
PROBE_ROWS, PROBE_CELLS = 32, 512
FAULT = (
    "cannot be loaded by ONNX Runtime. A step of an `encoder` of your own may have no kernel for "
    "float64 (a TabularEncoder imputes in the place of a SimpleImputer), or need a locale that is "
    "not installed (TfidfVectorizer: lowercase=False). It says"
)
MOST = float(np.finfo(np.float32).max)


def to_bytes(
    graph: Graph,
    encoder: Estimator,
    target: Target,
    schema: Schema,
    quantize: str | None,
    provenance: str,
) -> bytes:
    """Serialize a graph with its metadata and seal.

    Parameters
    ----------
    graph : Graph
    encoder : transformer or None
        Of the student.
    target : Target
    schema : Schema
    quantize : None or "int8"
    provenance : str
        Where the student comes from.

    Returns
    -------
    bytes
    """
    onnx = require("onnx")
    helper = onnx.helper
    proto = helper.make_graph(
        graph.nodes, "skdistill", inputs(schema), target.outputs(), graph.tensors()
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in graph.opsets.items()]
    model = helper.make_model(
        proto,
        opset_imports=opsets,
        ir_version=CORE_IR_VERSION if graph.opsets[""] <= CORE_OPSET else IR_VERSION,
        producer_name="skdistill",
        producer_version=__version__,
    )
    onnx.checker.check_model(model)
    features = features_of(schema)
    metadata = plain_metadata(target, features, quantize, provenance)
    session = open_session(model.SerializeToString(), "the graph", n_threads=1, fault=FAULT)
    reader = RowReader(features)
    metadata["probe"] = _probe(encoder, target, schema, session, reader)
    metadata["self_check"] = write_self_check(encoder, schema, reader, session, target.main)
    metadata[METADATA_CHECKSUM] = checksum_of(metadata)
    helper.set_model_props(model, {**metadata, "seal": UNSEALED})
    return seal(model.SerializeToString())


def inputs(schema: Schema) -> list[Any]:
    """The inputs of the graph: one matrix of numbers, one of strings, or both."""
    helper = require("onnx").helper
    if schema.layout == MATRIX:
        return [helper.make_tensor_value_info(FEATURES, FLOAT, ["n_rows", len(schema.kinds)])]
    found = []
    if schema.n_numbers:
        element = DOUBLE if schema.number_type == "float64" else FLOAT
        shape = ["n_rows", schema.n_numbers]
        found.append(helper.make_tensor_value_info(NUMBERS, element, shape))
    if schema.n_categories:
        element = require("onnx").TensorProto.STRING
        shape = ["n_rows", schema.n_categories]
        found.append(helper.make_tensor_value_info(CATEGORIES, element, shape))
    return found


def plain_metadata(
    target: Target, features: dict[str, Any], quantize: str | None, provenance: str
) -> dict[str, str]:
    """The metadata that no graph is needed for.

    Parameters
    ----------
    target : Target
    features : dict
        What :func:`features_of` gives.
    quantize : None or "int8"
    provenance : str

    Returns
    -------
    dict of str to str
    """
    return {
        **target.metadata(),
        "format_version": str(FILE_FORMAT),
        "features": json.dumps(features),
        "packages": json.dumps({"skdistill": __version__, **_versions()}),
        "quantize": str(quantize),
        "provenance": provenance,
    }


def _versions() -> dict[str, str]:
    """Of the libraries that are installed."""
    found = {}
    for name in RECORDED:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def features_of(schema: Schema) -> dict[str, Any]:
    """What the table must be like.

    Parameters
    ----------
    schema : Schema

    Returns
    -------
    dict
        Plain values, for JSON.
    """
    texts = schema.texts
    # Text needs no table of what stands for what; other categories do.
    levels = [None if c and all(isinstance(v, str) for v in c) else c for c in texts.levels]
    return {
        "names": schema.names,
        "kinds": list(schema.kinds),
        "allow_missing": schema.allow_missing,
        "missing": texts.missing,
        "unknown": texts.unknown,
        "levels": levels,
        "text_levels": [
            c if one is None else None for c, one in zip(texts.levels, levels, strict=True)
        ],
        "readable_texts": [
            readable_texts(column) if one is None else []
            for column, one in zip(texts.levels, levels, strict=True)
        ],
        "number_type": schema.number_type,
        "own_encoder": schema.own_encoder,
        "layout": schema.layout,
    }


def _probe(
    encoder: Estimator, target: Target, schema: Schema, session: Any, reader: RowReader
) -> str:
    """A few drawn rows and their answers, by which a file is known after a tool changed its bytes.

    No row is one of the user's.
    """
    n_rows = min(max(PROBE_CELLS // len(schema.kinds), 4), PROBE_ROWS)
    feed = draw_feed(encoder, schema, n_rows)
    if NUMBERS in feed:  # they are stored as float32
        rounded = np.clip(feed[NUMBERS], -MOST, MOST).astype(np.float32)
        feed[NUMBERS] = rounded.astype(schema.number_type)
    feed = reader.laid_out(feed)
    answers = session.run([target.main], feed)[0]
    # An encoder of the user's own may not take each of the rows.
    answered = np.isfinite(answers).all(axis=1)
    feed = {name: values[answered] for name, values in feed.items()}
    return write_probe(feed, answers[answered])
