"""The shared table of responses of classes: one more is one more row.

The references are written in NumPy from the papers. `tests/test_responses.py` runs each row through
value, gradients, weights, fits, searches and files.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax

from skdistill import (
    DIST,
    DKD,
    NKD,
    BalancedHinton,
    Brier,
    Hinton,
    LogitMatching,
    StandardizedLogits,
)


@dataclass(frozen=True)
class Row:
    """A response; ``reference(p, labels, z, temperature, weight)`` is its mean for a batch."""

    response: Any
    reference: Callable
    temperature: float = 2.0
    takes_two: bool = True

    def __str__(self):
        return repr(self.response)


# --- the references, written from the papers ---


def soften(p, temperature):
    powers = p ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def mean(rows, weight):
    return np.dot(rows, weight) / len(rows)


def hinton(p, labels, z, temperature, weight):
    rows = -(soften(p, temperature) * log_softmax(z / temperature, axis=1)).sum(axis=1)
    return temperature**2 * mean(rows, weight)


def balanced(p, labels, z, temperature, weight):
    rarity = (p / np.average(p, axis=0, weights=weight)).mean(axis=1)
    rarity = rarity / np.average(rarity, weights=weight)
    rows = -(soften(p, temperature) * log_softmax(z / temperature, axis=1)).sum(axis=1)
    return temperature**2 * mean(rarity * rows, weight)


def parts(p, labels, z, temperature):
    """Of each row: target, softened p and q, cross-entropies of the pair and of the others."""
    target = np.where(labels < 0, p.argmax(axis=1), labels)
    soft, student = soften(p, temperature), softmax(z / temperature, axis=1)
    pair, others = [], []
    for t, one, own in zip(target, soft, student, strict=True):
        left = np.delete(one, t) / (1 - one[t])
        theirs = np.delete(own, t) / (1 - own[t])
        pair.append(-one[t] * np.log(own[t]) - (1 - one[t]) * np.log(1 - own[t]))
        others.append(-(left * np.log(theirs)).sum())
    return target, np.array(pair), np.array(others)


def dkd(p, labels, z, temperature, weight):
    _, pair, others = parts(p, labels, z, temperature)
    return temperature**2 * mean(0.5 * pair + 3 * others, weight)


def nkd(p, labels, z, temperature, weight):
    target, _, others = parts(p, labels, z, temperature)
    rows = np.arange(len(p))
    sure = -p[rows, target] * log_softmax(z, axis=1)[rows, target]
    return mean(sure + 1.5 * temperature**2 * others, weight)


def correlation(left, right, weight):
    covariance = np.cov(left, right, aweights=weight, ddof=0)
    return covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])


def dist(p, labels, z, temperature, weight):
    soft, student = soften(p, temperature), softmax(z / temperature, axis=1)
    columns = [correlation(*pair, weight) for pair in zip(soft.T, student.T, strict=True)]
    rows = np.array([1 - correlation(*pair, None) for pair in zip(soft, student, strict=True)])
    value = 3 * weight.mean() * (1 - np.mean(columns))
    if p.shape[1] > 2:
        value += 0.5 * mean(rows, weight)
    return temperature**2 * value


def standardized(p, labels, z, temperature, weight):
    t, z = (
        (v - v.mean(axis=1, keepdims=True)) / (v.std(axis=1, ddof=1, keepdims=True) + 1e-7)
        for v in (np.log(p), z)
    )
    rows = (softmax(t / temperature, axis=1) * -log_softmax(z / temperature, axis=1)).sum(axis=1)
    return temperature**2 * mean(rows, weight)


def matching(p, labels, z, temperature, weight):
    t, z = np.log(p) - np.log(p).mean(axis=1)[:, None], z - z.mean(axis=1)[:, None]
    variance = np.average((t**2).mean(axis=1), weights=weight)
    return mean(((z - t) ** 2).mean(axis=1) / variance, weight)


def brier(p, labels, z, temperature, weight):
    return mean(((softmax(z, axis=1) - p) ** 2).sum(axis=1), weight)


ROWS = [
    Row(Hinton(), hinton),
    Row(BalancedHinton(), balanced),
    Row(DKD(target_weight=0.5, others_weight=3.0), dkd),
    Row(NKD(), nkd, takes_two=False),
    Row(DIST(row_weight=0.5, column_weight=3.0), dist),
    Row(StandardizedLogits(), standardized, takes_two=False),
    Row(LogitMatching(), matching, temperature=1.0),
    Row(Brier(), brier, temperature=1.0),
]
