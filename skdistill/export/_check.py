"""The exported file against the classifier it came from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import rel_entr

from skdistill._utils._compat import safe_indexing
from skdistill._utils.levels import NUMBERS as OF_NUMBERS
from skdistill._utils.levels import TEXT, as_text, kinds_of
from skdistill.serving import Scorer
from skdistill.serving._rows import CATEGORIES, NUMBERS
from skdistill.table import CATEGORY, TabularEncoder

DRAWN_ROWS = 512
# Share of the cells that are drawn missing, and of the categories that are drawn unknown.
ODD_SHARE = 0.1
# Largest gap of a probability; for int8 the mean Kullback-Leibler divergence.
TOLERANCES = {None: 1e-5, "int8": 0.01}
# A label may differ where two classes are as probable: float32 rounds them apart.
TIE = 1e-6


@dataclass(frozen=True)
class ExportReport:
    """How an exported file compares with its classifier.

    Attributes
    ----------
    path : str
    n_bytes : int
    quantize : None or "int8"
    n_rows : int
        Rows they were compared on.
    largest_gap : float
        Largest difference of a probability.
    mean_kl : float
        Mean Kullback-Leibler divergence of the file's probabilities from the classifier's, in nats.
    agreement : float
        Share of the rows with the same label.
    """

    path: str
    n_bytes: int
    quantize: str | None
    n_rows: int
    largest_gap: float
    mean_kl: float
    agreement: float

    def __str__(self):
        return (
            f"{self.path}: {self.n_bytes:,} bytes, {self.quantize or 'float32'}; on "
            f"{self.n_rows:,} rows the largest gap of a probability is {self.largest_gap:.1e}, "
            f"the mean KL divergence {self.mean_kl:.1e}, the agreement {self.agreement:.4f}"
        )


def draw_rows(clf, schema, random_state=0, n_rows=DRAWN_ROWS):
    """Draw rows in the ranges that a fitted encoder knows, and beyond.

    Parameters
    ----------
    clf : DistilledClassifier
    schema : Schema
    random_state : int, default=0
    n_rows : int, default=512

    Returns
    -------
    ndarray or DataFrame of shape (n_rows, n_features)
        Missing and unknown values among them, where the classifier takes them.
    """
    rng = np.random.default_rng(random_state)
    numbers = iter(_draw_numbers(clf.encoder_, schema, rng, n_rows).T)
    levels = iter(schema.texts.levels)
    columns = [
        _draw_levels(next(levels), rng, n_rows) if kind == CATEGORY else next(numbers)
        for kind in schema.kinds
    ]
    if not schema.n_categories and schema.names is None:
        return np.column_stack(columns)
    frame = pd.DataFrame(dict(enumerate(columns)))
    if schema.names is None:
        return frame.to_numpy(dtype=object)
    return frame.set_axis(clf.feature_names_in_, axis=1)


def draw_feed(clf, schema, n_rows, random_state=0):
    """Draw rows as the graph takes them, of values that it knows.

    Parameters
    ----------
    clf : DistilledClassifier
    schema : Schema
    n_rows : int
    random_state : int, default=0

    Returns
    -------
    dict of str to ndarray
    """
    rng = np.random.default_rng(random_state)
    feed = {}
    if schema.n_numbers:
        numbers = _draw_numbers(clf.encoder_, schema, rng, n_rows)
        feed[NUMBERS] = numbers.astype(schema.number_type)
    if schema.n_categories:
        texts = [[as_text(value) for value in levels] for levels in schema.texts.levels]
        columns = [rng.choice(known or [schema.texts.missing], n_rows) for known in texts]
        feed[CATEGORIES] = np.column_stack(columns).astype(object)
    return feed


def _draw_numbers(encoder, schema, rng, n_rows):
    shape = n_rows, schema.n_numbers
    if type(encoder) is not TabularEncoder:
        return rng.normal(size=shape)
    scale = np.array(encoder.scale_)
    spread = np.divide(1, scale, where=scale > 0, out=np.ones(len(scale)))
    # Cauchy: most rows within the range, some of them far beyond.
    numbers = encoder.center_ + spread * np.clip(rng.standard_cauchy(shape), -1e6, 1e6)
    if schema.allow_missing:
        numbers[rng.random(shape) < ODD_SHARE] = np.nan
    return np.clip(numbers, -1e300, 1e300)


def _draw_levels(levels, rng, n_rows):
    odd = [None, *_never_seen(levels)]
    values = np.empty(len(levels) + len(odd), dtype=object)
    values[:] = [*levels, *odd]
    share = ODD_SHARE if levels else 1 / len(odd)
    shares = np.full(len(values), (1 - len(odd) * share) / max(len(levels), 1))
    shares[len(levels) :] = share
    return values[rng.choice(len(values), n_rows, p=shares)]


def _never_seen(levels):
    """An unknown value of a type that the column has; none of bools, which are all known."""
    kinds = kinds_of(levels)
    if not kinds or TEXT in kinds:
        return ["a value never seen"]
    numbers = [one for one in levels if kinds_of([one]) == {OF_NUMBERS}]
    return [max(numbers) + 1] if numbers else []


def compare(clf, file, X, path, quantize, tolerance=None):
    """Compare a file with its classifier.

    Parameters
    ----------
    clf : DistilledClassifier
    file : Path
    X : array-like or DataFrame of shape (n_samples, n_features)
    path : Path
        What the file will be called.
    quantize : None or "int8"
    tolerance : float, default=None

    Returns
    -------
    ExportReport

    Raises
    ------
    ValueError
        If they differ by more than the tolerance, or labels do though the probabilities do not.
    """
    scorer = Scorer(file)
    expected, found = clf.predict_proba(X), scorer.predict_proba(X).astype(np.float64)
    labels, exported = clf.predict(X), scorer.predict(X)
    report = ExportReport(
        path=str(path),
        n_bytes=file.stat().st_size,
        quantize=quantize,
        n_rows=len(expected),
        largest_gap=float(np.abs(found - expected).max()),
        mean_kl=_mean_kl(expected, found),
        agreement=float(np.mean(labels == exported)),
    )
    tolerance = TOLERANCES[quantize] if tolerance is None else tolerance
    measured = report.largest_gap if quantize is None else report.mean_kl
    if not measured <= tolerance:
        raise ValueError(
            f"the exported graph does not answer as the classifier does, within {tolerance:.1e}; "
            f"no file is written. {report}. Give a larger `tolerance` if that will do."
        )
    # A label follows the probabilities, unless classes are within the rounding of each other.
    differ = labels != exported
    if differ.any() and _margin(found[differ]).max() > 2 * report.largest_gap + TIE:
        raise ValueError(
            f"the exported graph gives other labels, for instance '{exported[differ][0]}' for "
            f"'{labels[differ][0]}', with the same probabilities; no file is written."
        )
    one = scorer.predict_proba(safe_indexing(X, slice(0, 1)))
    if not np.abs(one - found[:1]).max() <= TOLERANCES[None]:
        raise ValueError("the exported graph answers one row alone otherwise; no file is written.")
    return report


def _mean_kl(expected, found):
    found = np.maximum(found, np.finfo(np.float32).tiny)
    return float(rel_entr(expected, found / found.sum(axis=1, keepdims=True)).sum(axis=1).mean())


def _margin(p):
    """Probability of the best class less that of the second."""
    top = np.sort(p, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]
