"""Serve an exported student: NumPy and ONNX Runtime, nothing else.

Importing this module loads neither torch nor scikit-learn nor pandas.
"""

import hashlib
import json
import math
import re
from pathlib import Path

import numpy as np

from skdistill._rows import RowReader

# Of the exported file; raised when an older Scorer would misread it.
FILE_FORMAT = 1
_NO_CHECKSUM = "0" * 64
# What a file of ours starts with: the version of ONNX' format, then the producer.
_START = re.compile(rb"\x08.\x12\x09skdistill", re.DOTALL)
_SEAL = re.compile(rb"skdistill format (\d+) sha256 ([0-9a-f]{64})")
# Rows scored at a time: their activations stay in the processor's cache.
ROWS_AT_ONCE = 4096


def seal_text(version, checksum):
    return f"skdistill format {version} sha256 {checksum}"


UNSEALED = seal_text(FILE_FORMAT, _NO_CHECKSUM)


class Scorer:
    """Answers of an exported student, from its file alone.

    It may be shared by threads, but not be pickled: each process opens the file. Nothing in the
    file is run as code.

    Parameters
    ----------
    path : str or Path
        What :func:`skdistill.to_onnx` wrote.
    n_threads : int, default=1
        Threads of ONNX Runtime within a call. One is best for single rows, and where several
        threads or processes ask.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only where the student was fitted with names.
    n_features_in_ : int

    Raises
    ------
    ValueError
        If the file is empty, truncated, damaged, of a newer format, or not one of
        :func:`skdistill.to_onnx`, or `n_threads` is not an integer of 1 or above.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier, MLPStudent, Scorer, to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(LogisticRegression(max_iter=500), MLPStudent((8,))).fit(X, y)
    >>> folder = TemporaryDirectory()
    >>> path = Path(folder.name) / "student.onnx"
    >>> report = to_onnx(clf, path)
    >>> Scorer(path).predict(X[:2])
    array([0, 0])
    >>> folder.cleanup()
    """

    def __init__(self, path, n_threads=1):
        is_integer = isinstance(n_threads, (int, np.integer)) and not isinstance(n_threads, bool)
        if not is_integer or n_threads < 1:
            raise ValueError(f"`n_threads` must be an integer of 1 or above, got {n_threads!r}.")
        data = _read(path)
        self._session = _session(data, path, int(n_threads))
        metadata = self._session.get_modelmeta().custom_metadata_map
        features, classes = json.loads(metadata["features"]), json.loads(metadata["classes"])
        self._reader = RowReader(features)
        self.classes_ = np.array(classes["values"], dtype=classes["dtype"])
        self.n_features_in_ = self._reader.n_columns
        if self._reader.names is not None:
            self.feature_names_in_ = np.array(self._reader.names, dtype=object)

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array, DataFrame, dict, list of dicts or list of lists
            Rows as the student was fitted with, raw. Columns of a DataFrame (pandas, polars,
            pyarrow) and keys of a dict, which is one row, are taken by name; those of an array by
            position.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            float32, columns in the order of ``classes_``.

        Raises
        ------
        ValueError
            If there are no rows, a column is missing, unknown or of another type, a number is
            infinite, or an `encoder` of your own does not take the value of a cell.
        """
        return self._ask(["probabilities"], X)[0]

    def predict(self, X):
        """The most probable label.

        Parameters
        ----------
        X : array, DataFrame, dict, list of dicts or list of lists
            As for :meth:`predict_proba`.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return np.asarray(self._ask(["probabilities", "label"], X)[1]).astype(self.classes_.dtype)

    def __reduce__(self):
        raise TypeError("a Scorer cannot be pickled: open it from its file in each process.")

    def _ask(self, outputs, X):
        """The outputs, of which the first must be the probabilities."""
        feed, n_rows = self._reader.read(X)
        if n_rows <= ROWS_AT_ONCE:
            answers = self._session.run(outputs, feed)
        else:
            parts = []
            for start in range(0, n_rows, ROWS_AT_ONCE):
                part = {name: rows[start : start + ROWS_AT_ONCE] for name, rows in feed.items()}
                parts.append(self._session.run(outputs, part))
            answers = [np.concatenate(part) for part in zip(*parts, strict=True)]
        # The label of a row without finite probabilities would be made up.
        if not math.isfinite(answers[0].sum()):
            _refuse_row(answers[0])
        return answers


def _refuse_row(probabilities):
    row = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))[0]
    raise ValueError(
        f"row {row} of X has no finite probabilities: a number in it is missing or too large for "
        "the student. Impute it, or leave the row out."
    )


def _read(path):
    """The bytes of a file, if it is whole and one of ours."""
    data = Path(path).read_bytes()
    if not data:
        raise ValueError(f"the file {str(path)!r} is empty.")
    seals = list(_SEAL.finditer(data))
    if not seals:
        if _START.match(data):
            raise ValueError(f"the file {str(path)!r} is damaged or truncated: export it again.")
        raise ValueError(
            f"the file {str(path)!r} is not one that skdistill.to_onnx wrote, and Scorer reads no "
            "other: for what skl2onnx converted, use ONNX Runtime itself."
        )
    version, checksum = int(seals[-1][1]), seals[-1][2].decode()
    if version > FILE_FORMAT:
        raise ValueError(
            f"the file {str(path)!r} is of format {version}, by a newer skdistill; this one reads "
            f"formats up to {FILE_FORMAT}: upgrade it."
        )
    start, end = seals[-1].span()
    unsealed = b"".join([data[:start], seal_text(version, _NO_CHECKSUM).encode(), data[end:]])
    if hashlib.sha256(unsealed).hexdigest() != checksum:
        raise ValueError(
            f"the file {str(path)!r} is damaged, or was changed: its checksum is not that of its "
            "content. Export it again."
        )
    return data


def _session(data, path, n_threads):
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            'Scorer needs the package onnxruntime: pip install "skdistill[onnx]"', name=error.name
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own kinds
        raise ValueError(f"ONNX Runtime cannot load the file {str(path)!r}: {error}") from error
