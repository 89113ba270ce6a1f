"""The shared table of objectives: one more is one more row, and every test below runs on it.

A row says how to make the objective, what stands in for the teacher's view and the student's layers
in a test of its value, and a reference in NumPy, written from the paper and not from the code.
`tests/test_objective_cases.py` runs each row through value, gradients, weights, fits, searches and
files.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from skdistill.objectives import Batch, Discriminator


def forest(is_regression):
    kind = RandomForestRegressor if is_regression else RandomForestClassifier
    return kind(10, max_depth=6, random_state=0)


@dataclass(frozen=True)
class Case:
    """An objective and what its tests need.

    Attributes
    ----------
    objective : Objective
        With a weight of 1 and parameters that make the reference simple.
    reference : callable
        ``reference(values)`` of a :class:`Values`: one number, or one a row.
    view : callable or None
        ``view(rng, n_rows, n_classes)``: an array as `teacher_view` gives it.
    layers : dict of str to int
        Width of each layer of the student, by the name under which the objective finds it.
    teacher : callable
        ``teacher(is_regression)``: an estimator that has what the objective needs.
    takes_two : bool
        Whether it has a meaning for two classes; else the fit says so in an error.
    takes_numbers : bool
        Whether it has a meaning for regression; else the fit says so in an error.
    student : object
        Of the fits; None is a small MLPStudent.
    """

    objective: Any
    reference: Callable
    view: Callable | None = None
    layers: dict[str, int] = field(default_factory=dict)
    teacher: Callable = forest
    takes_two: bool = True
    takes_numbers: bool = True
    student: Any = None

    def __str__(self):
        return repr(self.objective)


@dataclass(frozen=True)
class Values:
    """A batch in NumPy, and the module that the objective trains beside the student."""

    logits: np.ndarray
    layers: dict[str, np.ndarray]
    labels: np.ndarray
    soft: np.ndarray
    view: np.ndarray | None
    weight: np.ndarray
    module: torch.nn.Module | None
    inputs: np.ndarray


def make_batch(case, n_rows=12, n_classes=4, seed=0):
    """Random float64 rows; the last third has no label."""
    rng = np.random.RandomState(seed)
    soft = rng.dirichlet(np.ones(n_classes), n_rows)
    labels = rng.randint(n_classes, size=n_rows)
    labels[-(n_rows // 3) :] = -1
    view = None if case.view is None else torch.from_numpy(case.view(rng, n_rows, n_classes))
    layers = {
        name: torch.from_numpy(rng.normal(size=(n_rows, width)))
        for name, width in case.layers.items()
    }
    return Batch(
        torch.from_numpy(rng.normal(size=(n_rows, 5))),
        torch.from_numpy(2 * rng.normal(size=(n_rows, n_classes))),
        layers,
        torch.from_numpy(labels),
        torch.from_numpy(soft),
        view,
        torch.ones(n_rows, dtype=torch.float64),
    )


def take(batch, rows, weight):
    """Some rows of a batch, with these weights."""
    return Batch(
        batch.inputs[rows],
        batch.logits[rows],
        {name: layer[rows] for name, layer in batch.layers.items()},
        batch.labels[rows],
        batch.soft[rows],
        None if batch.view is None else batch.view[rows],
        torch.from_numpy(np.asarray(weight, dtype=float)),
    )


def values_of(batch, objective):
    return Values(
        batch.logits.detach().numpy(),
        {name: layer.detach().numpy() for name, layer in batch.layers.items()},
        batch.labels.numpy(),
        batch.soft.numpy(),
        None if batch.view is None else batch.view.numpy(),
        batch.weight.numpy(),
        getattr(objective, "module_", None),
        batch.inputs.numpy(),
    )


def deceived(values):
    """-log D(x, q), with D of three layers."""
    z = np.exp(values.logits)
    rows = np.hstack([values.inputs, z / z.sum(axis=1, keepdims=True)])
    layers = [layer for layer in values.module if isinstance(layer, torch.nn.Linear)]
    for layer in layers:
        rows = rows @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        if layer is not layers[-1]:
            rows = np.where(rows > 0, rows, 0.2 * rows)
    return -np.log(1 / (1 + np.exp(-rows[:, 0])))


# One row an objective.
CASES: list[Case] = [
    Case(Discriminator(1.0, decay=False), deceived, takes_two=False, takes_numbers=False),
]
