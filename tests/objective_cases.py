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
from scipy.special import logsumexp, softmax
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch import NeuralNetClassifier, NeuralNetRegressor

from skdistill import (
    CKA,
    FSP,
    PKT,
    RKD,
    AttentionTransfer,
    DepthHeads,
    Discriminator,
    Heads,
    Hint,
    HydraStudent,
    InputGradient,
    LeafHint,
    NeighbourhoodGraph,
    RandomTeacher,
    Similarity,
)
from skdistill.objectives import Batch


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
    layers : dict of str to int, tuple of int or callable
        Shape of a row of each layer of the student, by the name under which the objective finds it;
        a callable is given the number of classes.
    teacher : callable
        ``teacher(is_regression)``: an estimator that has what the objective needs.
    n_probes : int
        Tables of the rows that it probes.
    takes_two : bool
        Whether it has a meaning for two classes; else the fit says so in an error.
    takes_numbers : bool
        Whether it has a meaning for regression; else the fit says so in an error.
    student : object
        Of the fits; None is a small MLPStudent.
    targets : tuple of str
        Layers, or "logits", that the term takes as targets: no gradient goes through them.
    """

    objective: Any
    reference: Callable
    view: Callable | None = None
    layers: dict[str, Any] = field(default_factory=dict)
    teacher: Callable = forest
    n_probes: int = 0
    takes_two: bool = True
    takes_numbers: bool = True
    student: Any = None
    targets: tuple[str, ...] = ()

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
    probes: np.ndarray | None
    student: Callable | None
    weight: np.ndarray
    module: torch.nn.Module | None
    inputs: np.ndarray


def student_of(logits):
    """Answers of a student that follow its inputs, and whose gradient is that of the logits."""
    return lambda inputs: logits * torch.tanh(inputs @ torch.ones(5, 1, dtype=torch.float64))


def make_batch(case, n_rows=12, n_classes=4, seed=0):
    """Random float64 rows; the last third has no label."""
    rng = np.random.RandomState(seed)
    soft = rng.dirichlet(np.ones(n_classes), n_rows)
    labels = rng.randint(n_classes, size=n_rows)
    labels[-(n_rows // 3) :] = -1
    view = None if case.view is None else torch.from_numpy(case.view(rng, n_rows, n_classes))
    layers = {
        name: torch.from_numpy(
            rng.normal(
                size=(n_rows, *np.atleast_1d(shape(n_classes) if callable(shape) else shape))
            )
        )
        for name, shape in case.layers.items()
    }
    inputs = torch.from_numpy(rng.normal(size=(n_rows, 5)))
    logits = torch.from_numpy(2 * rng.normal(size=(n_rows, n_classes)))
    probes = torch.from_numpy(rng.normal(size=(n_rows, case.n_probes, 5)))
    return Batch(
        inputs,
        logits,
        layers,
        torch.from_numpy(labels),
        torch.from_numpy(soft),
        view,
        torch.ones(n_rows, dtype=torch.float64),
        probes if case.n_probes else None,
        student_of(logits),
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
        None if batch.probes is None else batch.probes[rows],
        student_of(batch.logits[rows]),
    )


def values_of(batch, objective):
    return Values(
        batch.logits.detach().numpy(),
        {name: layer.detach().numpy() for name, layer in batch.layers.items()},
        batch.labels.numpy(),
        batch.soft.numpy(),
        None if batch.view is None else batch.view.numpy(),
        None if batch.probes is None else batch.probes.numpy(),
        lambda inputs: batch.student(torch.from_numpy(inputs)).detach().numpy(),
        batch.weight.numpy(),
        getattr(objective, "module_", None),
        batch.inputs.numpy(),
    )


# --- references for layers of nets, and relations ---


def net(is_regression):
    kind = MLPRegressor if is_regression else MLPClassifier
    return kind(hidden_layer_sizes=(12, 10), max_iter=20, random_state=0)


def pair_of(values, layer):
    """Features of student and teacher, and the share of each row."""
    theirs = values.view
    if theirs is None:
        logs = np.log(np.maximum(values.soft, 1e-4))
        theirs = logs - logs.mean(axis=1, keepdims=True)
    return values.layers[layer], theirs, values.weight / values.weight.sum()


def standard(columns, share):
    mean = np.average(columns, axis=0, weights=share)
    variance = np.average((columns - mean) ** 2, axis=0, weights=share)
    return (columns - mean) / np.sqrt(variance + 1e-5)


def hint(values):
    own, theirs, share = pair_of(values, "penultimate")
    told = own @ values.module.weight.detach().numpy().T
    return ((standard(told, share) - standard(theirs, share)) ** 2).mean(axis=1)


def pkt(values):
    own, theirs, share = pair_of(values, "penultimate")

    def given_row(features):
        units = features / np.linalg.norm(features, axis=1, keepdims=True)
        near = share * ((1 + units @ units.T) / 2 + 1e-7)
        return near / near.sum(axis=1, keepdims=True)

    q, p = given_row(own), given_row(theirs)
    return (p * np.log(p / q)).sum(axis=1)


def cka(values):
    """By centred kernels, where the code has products of columns."""
    own, theirs, share = pair_of(values, "penultimate")
    root = np.sqrt(np.outer(share, share))
    centre = np.eye(len(share)) - share

    def kernel(features):
        return root * (centre @ features @ features.T @ centre.T)

    k, l = kernel(own), kernel(theirs)  # noqa: E741
    return values.weight.mean() * (1 - (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum()))


def huber(gap):
    return np.where(abs(gap) < 1, gap**2 / 2, abs(gap) - 0.5)


def rkd(values):
    own, theirs, share = pair_of(values, "penultimate")

    def distances(features):
        found = np.linalg.norm(features[:, None] - features, axis=2)
        pairs = np.outer(share, share) * (found > 0)
        return found * pairs.sum() / (pairs * found).sum()

    def cosine(features, i, j, k):
        a, b = features[i] - features[j], features[k] - features[j]
        size = np.linalg.norm(a) * np.linalg.norm(b)
        return a @ b / size if size else 0.0

    value = share @ huber(distances(own) - distances(theirs)) @ share
    for i, j, k in np.ndindex(*[len(share)] * 3):
        gap = cosine(own, i, j, k) - cosine(theirs, i, j, k)
        value += 2 * share[i] * share[j] * share[k] * huber(gap)
    return values.weight.mean() * value


def similarity(values):
    own, theirs, share = pair_of(values, "penultimate")

    def products(features):
        found = features @ features.T
        return found / np.sqrt((found**2 * share).sum(axis=1, keepdims=True))

    return ((products(own) - products(theirs)) ** 2 * share).sum(axis=1)


def fsp(values):
    share = values.weight / values.weight.sum()
    first, last = (part.directions.numpy() for part in values.module)
    own = [values.layers["antepenultimate"] @ first, values.layers["penultimate"] @ last]
    own_flow, flow = (
        np.einsum("i,ij,ik->jk", share, standard(a, share), standard(b, share))
        for a, b in (own, values.view.swapaxes(0, 1))
    )
    return values.weight.mean() * ((own_flow - flow) ** 2).mean()


def attention(values):
    mine = (values.layers["tokens"] ** 2).sum(axis=2)
    mine = mine / np.linalg.norm(mine, axis=1, keepdims=True)
    return ((mine - values.view) ** 2).mean(axis=1)


def input_gradient(values):
    ahead, behind = (values.student(values.probes[:, i]) for i in (0, 1))
    slope = (ahead - behind) / 0.6
    slope = slope - slope.mean(axis=1, keepdims=True)
    return ((slope - values.view) ** 2).mean(axis=1)


def slope_of_probabilities(values):
    ahead, behind = (softmax(values.student(values.probes[:, i]), axis=1) for i in (0, 1))
    return (((ahead - behind) / 0.6 - values.view) ** 2).mean(axis=1)


class Tokens(torch.nn.Module):
    """A token for each of five columns, whatever the encoder makes of one."""

    draws_random_numbers = False

    def __init__(self, n_inputs, n_outputs, width=4):
        super().__init__()
        self.tokens = torch.nn.Linear(n_inputs // 5, width)
        self.out = torch.nn.Linear(5 * width, n_outputs)

    def forward(self, X):
        tokens = self.tokens(X.unflatten(1, (-1, 5)).transpose(1, 2))
        return self.out(torch.relu(tokens).flatten(1))


class TokenClassifier(NeuralNetClassifier):
    def fit(self, X, y):
        self.set_params(module__n_outputs=len(np.unique(y)))
        return super().fit(X, y)


def as_floats(X):
    return X.astype(np.float32)


def tokens(is_regression):
    kind = NeuralNetRegressor if is_regression else TokenClassifier
    loss = torch.nn.MSELoss if is_regression else torch.nn.CrossEntropyLoss
    net = kind(
        Tokens,
        module__n_inputs=5,
        module__n_outputs=1,
        module__width=8,
        criterion=loss,
        train_split=None,
        optimizer=torch.optim.Adam,
        max_epochs=5,
        verbose=0,
    )
    return make_pipeline(FunctionTransformer(as_floats), net)


def normal(*shape):
    return lambda rng, n_rows, n_classes: rng.normal(size=(n_rows, *shape))


def of_outputs(rng, n_rows, n_classes):
    return rng.normal(size=(n_rows, n_classes))


ROW = {"penultimate": 7}


def leaf_hint(values):
    told = values.layers["penultimate"] @ values.module.weight.detach().numpy().T
    return ((told + values.module.bias.detach().numpy() - values.view) ** 2).mean(axis=1)


def neighbourhood_graph(share):
    """Of the NeighbourhoodGraph whose nearest are this share."""

    def reference(values):
        h, w = values.layers["penultimate"], values.weight / values.weight.sum()
        if values.view is None:
            alike = np.array([[np.sqrt(a * b).sum() for b in values.soft] for a in values.soft])
        else:
            alike = np.array([[np.mean(a == b) for b in values.view] for a in values.view])
        gaps = np.array([[((a - b) ** 2).sum() for b in h] for a in h])
        pulled = 0.0
        for i, of_row in enumerate(alike):
            # The least alike that is needed for the share: all that are as near are neighbours.
            last = max(t for t in of_row if w[of_row >= t].sum() >= share - 1e-9)
            edges = of_row * w * (of_row >= last - 1e-9)
            pulled += w[i] * (edges / edges.sum()) @ gaps[i]
        return pulled / (w @ gaps @ w)

    return reference


def leaves(rng, n_rows, n_classes):
    return rng.randint(3, size=(n_rows, 8))


def log_softmax(logits):
    return logits - logsumexp(logits, axis=-1, keepdims=True)


def several(is_regression):
    kind = RandomForestRegressor if is_regression else RandomForestClassifier
    return [kind(5, max_depth=depth, random_state=0) for depth in (2, 6)]


def heads_reference(values):
    logits = values.layers["heads_2"].reshape(len(values.view), 2, -1)
    return -(values.view * log_softmax(logits)).sum(axis=2).mean(axis=1)


def one_teacher_reference(values):
    return -(values.view[:, 0] * log_softmax(values.logits)).sum(axis=1)


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


def depth_heads(values):
    """Labels, the student's own answer at T = 3, and its features, for the head of a layer."""
    (head,) = values.module
    n_classes = values.logits.shape[1]

    def linear(name, rows):
        return rows @ head[name].weight.detach().numpy().T + head[name].bias.detach().numpy()

    features = np.maximum(linear("features", values.layers["antepenultimate"]), 0)
    logits = linear("logits", features)
    target = np.where(values.labels[:, None] < 0, values.soft, np.eye(n_classes)[values.labels])
    answer, told = log_softmax(values.logits / 3), log_softmax(logits / 3)
    return (
        -0.9 * (target * log_softmax(logits)).sum(axis=1)
        + 0.1 * 9 * (np.exp(answer) * (answer - told)).sum(axis=1)
        + 0.05 * ((features - values.layers["penultimate"]) ** 2).mean(axis=1)
    )


# One row an objective.
CASES: list[Case] = [
    Case(Hint(weight=1.0), hint, normal(9), ROW, net),
    Case(PKT(weight=1.0), pkt, normal(9), ROW, net),
    Case(
        PKT("probabilities", weight=1.0),
        pkt,
        layers=ROW,
        takes_two=False,
        takes_numbers=False,
    ),
    Case(CKA(weight=1.0), cka, normal(9), ROW, net),
    Case(RKD(weight=1.0), rkd, normal(9), ROW, net),
    Case(Similarity(weight=1.0), similarity, normal(9), ROW, net),
    Case(FSP(weight=1.0), fsp, normal(2, 32), {"antepenultimate": 6, "penultimate": 7}, net),
    Case(
        AttentionTransfer("tokens", "tokens", weight=1.0),
        attention,
        normal(5),
        {"tokens": (5, 4)},
        tokens,
        student=Tokens,
    ),
    Case(
        InputGradient(weight=1.0),
        input_gradient,
        of_outputs,
        teacher=net,
        n_probes=2,
        takes_numbers=False,
    ),
    *(
        Case(LeafHint(of, weight=1.0), leaf_hint, normal(5), ROW)
        for of in ("leaf_values", "margin_path", "leaf_embedding")
    ),
    Case(NeighbourhoodGraph(share=0.3, weight=1.0), neighbourhood_graph(0.3), leaves, ROW),
    Case(
        NeighbourhoodGraph("probabilities", share=0.3, weight=1.0),
        neighbourhood_graph(0.3),
        None,
        ROW,
        takes_two=False,
        takes_numbers=False,
    ),
    Case(
        InputGradient(of="probabilities", weight=1.0),
        slope_of_probabilities,
        of_outputs,
        teacher=net,
        n_probes=2,
        takes_numbers=False,
    ),
    Case(
        Heads(n_heads=2),
        heads_reference,
        view=lambda rng, n_rows, n_classes: rng.dirichlet(np.ones(n_classes), (n_rows, 2)),
        layers={"heads_2": lambda n_classes: 2 * n_classes},
        student=HydraStudent((16, 8), n_steps=40, n_heads=2),
        takes_numbers=False,
    ),
    Case(
        RandomTeacher(),
        one_teacher_reference,
        # Teachers that agree, so that the value is the same whichever is drawn.
        view=lambda rng, n_rows, n_classes: np.repeat(
            rng.dirichlet(np.ones(n_classes), (n_rows, 1)), 3, axis=1
        ),
        teacher=several,
        takes_numbers=False,
    ),
    Case(
        DepthHeads(),
        depth_heads,
        layers={"antepenultimate": 6, "penultimate": 7},
        takes_numbers=False,
        targets=("logits", "penultimate"),
    ),
    Case(Discriminator(1.0, decay=False), deceived, takes_two=False, takes_numbers=False),
]
