"""An exported file: whether it is whole, ours, and still answers as when it was written.

The seal is a checksum over all bytes. Another tool that reads the file and writes it again breaks
it; what is left to check then are our own metadata, by a checksum of their own, and the answers on
a few rows that are stored among them.
"""

import base64
import hashlib
import json
import re
from typing import Any

import numpy as np

from skdistill._stored.files import SEAL, current_features, length_told
from skdistill._utils.types import FloatArray
from skdistill.serving._answers import answers_of
from skdistill.serving._matrix import FEATURES, MATRIX
from skdistill.serving._rows import CATEGORIES, NUMBERS, Feed

# Of the exported file; raised when an older Scorer would misread it.
FILE_FORMAT = 1
_NO_CHECKSUM = "0" * 64
# What a file of ours starts with: the version of ONNX' format, then the producer.
_START = re.compile(rb"\x08.\x12\x09skdistill", re.DOTALL)
# What the graph of a model says of weights in another file: their place. What follows is the length
# of the name, as a varint, and the name.
_FILE_OF_WEIGHTS = re.compile(rb"\x0a\x08location\x12([\x80-\xff]*[\x00-\x7f])", re.DOTALL)
# The metadata that the Scorer reads, under a checksum of their own.
# Of the numbers in the rows that a file is checked by: half as many bytes as float64.
PROBE_TYPE = "<f4"
CHECKED = ("format_version", "classes", "features", "packages", "quantize", "probe")
# Only where the file has them.
CHECKED_IF_THERE = ("targets", "provenance", "self_check")
METADATA_CHECKSUM = "metadata_sha256"


def seal_text(n_bytes: int, checksum: str = _NO_CHECKSUM) -> str:
    return f"skdistill format {FILE_FORMAT} sha256 {checksum} of {n_bytes:020d} bytes"


UNSEALED = seal_text(0)


def seal(data: bytes) -> bytes:
    """Write the length of the data and their checksum, made without it, in their place."""
    before, unsealed, after = data.rpartition(UNSEALED.encode())
    assert unsealed
    checksum = hashlib.sha256(before + seal_text(len(data)).encode() + after).hexdigest()
    return before + seal_text(len(data), checksum).encode() + after


def is_as_written(data: bytes, name: str) -> bool:
    """Whether the bytes are those that were written, to the last bit.

    Parameters
    ----------
    data : bytes
    name : str
        What to call them in an error.

    Returns
    -------
    bool
        False for a file of ours that another tool has written again.

    Raises
    ------
    ValueError
        If they are none of ours, of a newer format, truncated or damaged.
    """
    if not data:
        raise ValueError(f"{name} is empty.")
    seals = list(SEAL.finditer(data))
    if not seals:
        if _START.match(data):
            raise ValueError(
                f"{name} is damaged or truncated, or another tool has dropped the metadata of "
                "skdistill: export it again."
            )
        raise ValueError(
            f"{name} is not one that skdistill.to_onnx wrote, and Scorer reads no other: for what "
            "skl2onnx converted, use ONNX Runtime itself."
        )
    version, checksum, _ = seals[-1].groups()
    if int(version) > FILE_FORMAT:
        raise ValueError(
            f"{name} is of format {int(version)}, by a newer skdistill; this one reads formats up "
            f"to {FILE_FORMAT}: upgrade it."
        )
    start, end = seals[-1].span(2)
    unsealed = b"".join([data[:start], _NO_CHECKSUM.encode(), data[end:]])
    if hashlib.sha256(unsealed).hexdigest() == checksum.decode():
        return True
    # A tool that writes a file again does not keep its length; a flipped bit does, or is in it.
    if len(data) == length_told(seals[-1], data) or _has_other_length(data, seals[-1]):
        raise ValueError(
            f"{name} is damaged, or was changed: its checksum is not that of its content. Export "
            "it again."
        )
    return False


def _has_other_length(data: bytes, found: re.Match[bytes]) -> bool:
    """Whether all is as it was written but the length that the seal tells."""
    start, end = found.span()
    whole = b"".join([data[:start], seal_text(len(data)).encode(), data[end:]])
    return hashlib.sha256(whole).hexdigest() == found[2].decode()


def names_of_external_files(data: bytes) -> set[str]:
    """The names, relative to the file of a model, of files that hold weights of it.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    set of str
    """
    names = set()
    for found in _FILE_OF_WEIGHTS.finditer(data):
        length = sum((byte & 0x7F) << 7 * i for i, byte in enumerate(found[1]))
        names.add(data[found.end() : found.end() + length].decode(errors="replace"))
    return names


def checksum_of(metadata: dict[str, str]) -> str:
    """The checksum of the metadata that the Scorer reads."""
    read = [metadata.get(key) for key in CHECKED]
    read += [metadata[key] for key in CHECKED_IF_THERE if key in metadata]
    return hashlib.sha256(json.dumps(read).encode()).hexdigest()


def check_rewritten(session: Any, metadata: dict[str, str], name: str) -> None:
    """Check a file of ours that another tool has written again.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
    metadata : dict of str to str
    name : str
        What to call it in an error.

    Raises
    ------
    ValueError
        If the metadata are not as they were, or the answers on the rows stored among them.
    """
    if metadata.get(METADATA_CHECKSUM) != checksum_of(metadata):
        raise ValueError(
            f"{name} was written again by another tool, which lost or changed some of the metadata "
            "of skdistill. Export it again."
        )
    answers = answers_of(metadata)
    feed, expected = read_probe(metadata)
    if not len(expected):
        raise ValueError(
            f"{name} was written again by another tool, and holds no rows to check it by: use it "
            "as skdistill.to_onnx wrote it."
        )
    try:
        found = session.run(list(answers.outputs), feed)
    except Exception as error:  # ONNX Runtime's own kinds
        raise ValueError(
            f"{name} was written again by another tool, and no longer answers ({error}). Export it "
            "again."
        ) from error
    if not answers.are_alike(found, expected):
        gap = answers.gap(found[0], expected)
        raise ValueError(
            f"{name} is damaged, or was changed by another tool: on the rows stored with it, its "
            f"{answers.main} are off by up to {gap:.1e} or its labels are others. Export it again."
        )


def write_probe(feed: Feed, answers: FloatArray) -> str:
    """Rows and what the graph answers to them, as text.

    Parameters
    ----------
    feed : dict of str to ndarray
    answers : ndarray of shape (n_rows, n_columns)

    Returns
    -------
    str
    """
    return json.dumps(
        {
            "numbers": _as_text(feed.get(FEATURES, feed.get(NUMBERS))),
            "categories": feed[CATEGORIES].tolist() if CATEGORIES in feed else None,
            "probabilities": _as_text(answers),
            "dtype": PROBE_TYPE,
        }
    )


def read_probe(metadata: dict[str, str]) -> tuple[Feed, FloatArray]:
    """The rows and the answers that :func:`write_probe` wrote.

    Parameters
    ----------
    metadata : dict of str to str

    Returns
    -------
    feed : dict of str to ndarray
    answers : ndarray of shape (n_rows, n_columns)
    """
    probe = json.loads(metadata["probe"])
    kind = probe.get("dtype", "<f8")  # of older files
    answers = _as_array(probe["probabilities"], kind).reshape(-1, answers_of(metadata).n_columns)
    feed = {}
    if probe["numbers"] is not None:
        features = current_features(json.loads(metadata["features"]))
        numbers = _as_array(probe["numbers"], kind).reshape(len(answers), -1)
        if features["layout"] == MATRIX:
            return {FEATURES: numbers.astype(np.float32)}, answers
        feed[NUMBERS] = numbers.astype(features["number_type"])
    if probe["categories"] is not None:
        feed[CATEGORIES] = np.array(probe["categories"], dtype=object)
    return feed, answers


def _as_text(values: FloatArray | None) -> str | None:
    if values is None:
        return None
    return base64.b64encode(np.asarray(values, dtype=PROBE_TYPE).tobytes()).decode()


def _as_array(text: str, kind: str) -> FloatArray:
    return np.frombuffer(base64.b64decode(text), dtype=kind).astype(np.float64)
