"""Serve an exported student: NumPy and ONNX Runtime, nothing else.

Importing this module loads neither torch nor scikit-learn nor pandas.
"""

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._utils.counts import check_counts
from skdistill._utils.levels import TEXT, kinds_of
from skdistill._utils.quantiles import interpolate, levels_of, tails_of
from skdistill._utils.types import ArrayLike, FloatArray, Table
from skdistill._utils.values import is_missing
from skdistill.serving._answers import ClassAnswers, NumberAnswers, answers_of, r2, row_weights
from skdistill.serving._matrix import FEATURES
from skdistill.serving._metadata import ModelMetadata, metadata_of
from skdistill.serving._model_file import check_rewritten, is_as_written, names_of_external_files
from skdistill.serving._opening import Source, open_session, read_source
from skdistill.serving._rows import RowReader

if TYPE_CHECKING:  # not imported before it is asked for
    from sklearn.utils import Tags

# Rows scored at a time: their activations stay in the processor's cache.
ROWS_AT_ONCE = 4096


class Scorer:
    """Answers of an exported student, from its file alone.

    It may be shared by threads, and is copied and pickled with the content of its file. Nothing in
    the file is run as code. Scikit-learn takes it as a fitted classifier or regressor: its
    displays, scorers, :func:`~sklearn.inspection.permutation_importance`, and
    :class:`DistilledClassifier` as a teacher.

    A file that another tool has read and written again (with more metadata, with external data, by
    the optimizer of ONNX Runtime) is read as well, if it still gives the probabilities that
    :func:`to_onnx` stored in it, for a few drawn rows, within 1e-5. A file whose bytes are damaged
    is refused.

    Parameters
    ----------
    path : str, Path, bytes, bytearray, memoryview or binary file
        What :func:`skdistill.to_onnx` wrote: the file, or its content.
    n_threads : int, default=1
        Threads of ONNX Runtime within a call. One is best for single rows, and where several
        threads or processes ask.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Only of a classifier.
    quantiles_ : ndarray of shape (n_levels,)
        Only of a regressor that tells quantiles: their levels.
    n_outputs_ : int
        Only of a regressor: how many numbers are predicted for a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only where the student was fitted with names.
    n_features_in_ : int
    is_number_ : ndarray of shape (`n_features_in_`,)
        Whether a column holds numbers; others hold categories.

    Raises
    ------
    ValueError
        If the file is empty, truncated, damaged, of a newer format, not one of
        :func:`skdistill.to_onnx`, or changed by another tool so that it answers otherwise, or if
        `n_threads` is not an integer of 1 or above.
    TypeError
        If `path` is neither a path nor bytes nor a binary file.

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

    def __init__(self, path: Source, n_threads: int = 1) -> None:
        check_counts(n_threads=n_threads)
        self._open(*read_source(path), int(n_threads))

    def _open(self, data: bytes, files: dict[str, bytes], name: str, n_threads: int) -> None:
        """Open the content of a file, and of those beside it that hold its weights."""
        as_written = is_as_written(data, name)
        files = {} if as_written else files
        lacking = [] if as_written else sorted(names_of_external_files(data) - set(files))
        if lacking:
            raise ValueError(
                f"{name} was written again by another tool, which put its weights into {lacking}: "
                "give the path of the file, with these files in their place beside it."
            )
        session = open_session(data, name, n_threads, files)
        metadata = session.get_modelmeta().custom_metadata_map
        if not as_written:
            check_rewritten(session, metadata, name)
        self._data, self._files, self._n_threads, self._session = data, files, n_threads, session
        self._metadata, self._is_as_written = metadata, as_written
        self._reader = RowReader(json.loads(metadata["features"]))
        self._answers = answers = answers_of(metadata)
        if isinstance(answers, ClassAnswers):
            self.classes_ = answers.classes
        else:
            self.n_outputs_ = answers.n_targets
            if answers.quantiles is not None:
                self.quantiles_ = answers.quantiles
        self.n_features_in_ = self._reader.n_columns
        self.is_number_ = np.array(self._reader.is_number)
        if self._reader.names is not None:
            self.feature_names_in_ = np.array(self._reader.names, dtype=object)

    def fit(self, X: Any = None, y: Any = None, **params: Any) -> "Scorer":
        """Do nothing: a Scorer is fitted, as a :class:`~sklearn.frozen.FrozenEstimator` is.

        Parameters
        ----------
        X, y : object, default=None
            Ignored.
        **params : objects
            Ignored.

        Returns
        -------
        Scorer
            Itself.
        """
        return self

    @property
    def metadata(self) -> ModelMetadata:
        """What the file says of itself: columns, classes, versions, teachers, licence.

        Returns
        -------
        ModelMetadata
        """
        n_bytes = len(self._data) + sum(map(len, self._files.values()))
        return metadata_of(self._metadata, self._session, n_bytes, self._is_as_written)

    def predict_proba(self, X: Table) -> FloatArray:
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
        if isinstance(self._answers, NumberAnswers):
            raise AttributeError("this file predicts numbers, not classes: call `predict`.")
        return self._ask(["probabilities"], X)[0]

    def predict(self, X: Table) -> np.ndarray:
        """The most probable label; the number, or the median where quantiles are told.

        Parameters
        ----------
        X : array, DataFrame, dict, list of dicts or list of lists
            As for :meth:`predict_proba`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        answers = self._answers
        if isinstance(answers, ClassAnswers):
            if not answers.has_labels:
                return self.classes_[self._ask(["probabilities"], X)[0].argmax(axis=1)]
            labels = self._ask(["probabilities", "label"], X)[1]
            return np.asarray(labels).astype(self.classes_.dtype)
        values = self._ask(["predictions"], X)[0]
        if answers.quantiles is not None:
            return interpolate(values, answers.quantiles, np.array([0.5]))[:, 0]
        return values[:, 0] if answers.n_targets == 1 else values

    def predict_quantiles(self, X: Table, quantiles: ArrayLike | None = None) -> FloatArray:
        """Quantiles, of a student that tells them.

        Parameters
        ----------
        X : array, DataFrame, dict, list of dicts or list of lists
            As for :meth:`predict_proba`.
        quantiles : array-like of shape (n_levels,), default=None
            As for :meth:`DistilledRegressor.predict_quantiles`.

        Returns
        -------
        ndarray of shape (n_samples, n_levels)
        """
        known = self._levels("predict_quantiles")
        return interpolate(self._ask(["predictions"], X)[0], known, levels_of(quantiles, known))

    def predict_interval(self, X: Table, coverage: float = 0.8) -> FloatArray:
        """An interval that holds the number with a probability of `coverage`.

        Parameters
        ----------
        X : array, DataFrame, dict, list of dicts or list of lists
            As for :meth:`predict_proba`.
        coverage : float, default=0.8
            As for :meth:`DistilledRegressor.predict_interval`.

        Returns
        -------
        ndarray of shape (n_samples, 2)
        """
        known = self._levels("predict_interval")
        return interpolate(self._ask(["predictions"], X)[0], known, tails_of(coverage, known))

    def to_matrix(self, X: Table) -> FloatArray:
        """Rows as a file with ``layout="matrix"`` takes them, for runtimes other than this one.

        Parameters
        ----------
        X : array, DataFrame, dict, list of dicts or list of lists
            As for :meth:`predict_proba`.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            float32. A category is its place in the ``levels`` of its column in ``metadata``, from
            0; a missing value is NaN, an unknown category -1.

        Raises
        ------
        ValueError
            If the file has another layout, or as for :meth:`predict_proba`.
        """
        if self._reader.matrix_layout is None:
            raise ValueError(
                "this file takes numbers and texts apart: export it with `layout='matrix'`."
            )
        return self._reader.read(X)[0][FEATURES]

    def _levels(self, method: str) -> FloatArray:
        """The levels that the student tells quantiles of."""
        levels = getattr(self, "quantiles_", None)
        if levels is None:
            raise AttributeError(
                f"`{method}` needs a student fitted with `head='quantiles'`, which that of this "
                "file was not."
            )
        return levels

    def score(self, X: Table, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Share of the rows whose label is right; of numbers, the coefficient of determination.

        Parameters
        ----------
        X : array, DataFrame, dict, list of dicts or list of lists
            As for :meth:`predict_proba`.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If `y` has another length than X, lacks a value, or is text where the classes are not,
            or the reverse; or if `sample_weight` is not valid.
        """
        labels, y = self.predict(X), np.asarray(y)
        n_missing = sum(map(is_missing, y.ravel().tolist()))
        if n_missing:
            raise ValueError(f"`y` lacks {n_missing} of {y.size} values: leave these rows out.")
        if isinstance(self._answers, NumberAnswers):
            return r2(labels, y, sample_weight)
        if y.shape == (len(labels), 1):
            y = y[:, 0]
        if y.shape != labels.shape:
            raise ValueError(f"`y` has shape {y.shape} for {len(labels)} rows of X.")
        classes = self.classes_.tolist()
        if (TEXT in kinds_of(y.tolist())) != (TEXT in kinds_of(classes)):
            raise ValueError(
                f"`y` has {y[0]!r}, but the classes are {classes[:10]}: give labels of that type."
            )
        return float(np.average(labels == y, weights=row_weights(sample_weight, len(y))))

    def key_parts(self) -> tuple[str, ...]:
        """What `memory` knows it by: the content of its file.

        Returns
        -------
        tuple of str
        """
        parts = [self._data, *(self._files[name] for name in sorted(self._files))]
        return type(self).__name__, *(hashlib.sha256(part).hexdigest() for part in parts)

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self._data, "files": self._files, "n_threads": self._n_threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._open(state["data"], state["files"], "the pickled file", state["n_threads"])

    def __sklearn_clone__(self) -> "Scorer":
        return self  # nothing in it changes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> "Tags":
        # Only scikit-learn calls it, so it is there.
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        has_categories = self._reader.has_categories
        kind = self._answers.estimator_type
        return Tags(
            estimator_type=kind,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
            input_tags=InputTags(
                allow_nan=self._reader.allow_missing,
                categorical=has_categories,
                string=has_categories,
            ),
        )

    def _ask(self, outputs: list[str], X: Table) -> list[np.ndarray]:
        """The outputs, of which the first must be that which tells whether a row was answered."""
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
            self._answers.refuse_row(int((~np.isfinite(answers[0])).any(axis=1).argmax()))
        return answers
