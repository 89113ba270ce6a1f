"""Rows that a file carries to be checked by: made of medians and categories, no one's record."""

import json
from typing import Any

import numpy as np

from skdistill._utils.types import Estimator, FloatArray
from skdistill.export._drawn import never_seen
from skdistill.export._schema import Schema
from skdistill.serving import RowReader
from skdistill.table import NUMBER, TabularEncoder

# Spreads by which the numbers of a row are off their medians, and the place of its categories.
STEPS = ((0.0, 0), (1.0, 1), (-1.0, -1))


def sample_rows(encoder: Estimator, schema: Schema) -> list[list[Any]]:
    """Make a few rows in the order of the table.

    Medians with the first categories; numbers a spread above and below, with other categories; all
    values missing; a number that is far away, with categories that are unknown.

    Parameters
    ----------
    encoder : transformer or None
        Of the student.
    schema : Schema

    Returns
    -------
    list of list
        A missing value is None.
    """
    center, spread = center_and_spread(encoder, schema)
    levels = schema.texts.levels
    rows = [
        _row(schema, center + step * spread, [c[place % len(c)] if c else None for c in levels])
        for step, place in STEPS
    ]
    if schema.allow_missing:
        rows.append([None] * len(schema.kinds))
    far = center.copy()
    far[:1] += 10 * spread[:1]
    unknown = [next(iter(never_seen(column)), None) for column in levels]
    return [*rows, _row(schema, far, unknown)]


def center_and_spread(encoder: Estimator, schema: Schema) -> tuple[FloatArray, FloatArray]:
    """Median and spread of each number, as the encoder knows them; else 0 and 1."""
    if type(encoder) is not TabularEncoder:
        return np.zeros(schema.n_numbers), np.ones(schema.n_numbers)
    scale = np.array(encoder.scale_)
    spread = np.divide(1, scale, where=scale > 0, out=np.ones(len(scale)))
    return np.array(encoder.center_, dtype=np.float64), spread


def _row(schema: Schema, numbers: FloatArray, categories: list[Any]) -> list[Any]:
    left, cells = iter(numbers.tolist()), iter(categories)
    return [next(left) if kind == NUMBER else next(cells) for kind in schema.kinds]


def write_self_check(
    encoder: Estimator, schema: Schema, reader: RowReader, session: Any, output: str
) -> str:
    """The rows and what the graph answers to them, as text.

    Parameters
    ----------
    encoder : transformer or None
        Of the student.
    schema : Schema
    reader : RowReader
        Of the table.
    session : onnxruntime.InferenceSession
    output : str

    Returns
    -------
    str
        Without the rows that an encoder of the user's own does not take.
    """
    rows, answers = [], []
    for row in sample_rows(encoder, schema):
        try:
            feed = reader.read(np.array([row], dtype=object))[0]
        except ValueError:
            if not schema.own_encoder:
                raise
            continue
        answer = session.run([output], feed)[0][0]
        if np.isfinite(answer).all():
            rows.append(row)
            answers.append([_short(value) for value in answer])
    return json.dumps({"rows": rows, "answers": answers})


def _short(value: np.floating) -> float:
    """A number with no more digits than it has."""
    return float(str(value))
