"""The transform of a target, chosen by small nets on held-out rows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

from skdistill._fit.inputs import Inputs
from skdistill._fit.judge import is_clearly_lower
from skdistill._fit.run import Run
from skdistill._utils._compat import safe_indexing
from skdistill._utils.types import FloatArray, IntArray
from skdistill.objectives import SquaredError
from skdistill.student import MLPStudent, Rows, Training, encode, prepare_net
from skdistill.task import Regression, TargetScaler

# The trial: number of rows, held-out rows, and net.
MOST_ROWS, FEWEST_ROWS, SHARE = 4_000, 200, 0.25
FEWEST_GROUPS = 8
RECIPE = MLPStudent((64, 64), n_steps=400, optimizer="adamw")
# A target with less skew is taken as it is.
LEAST_SKEW = 1.0


def settle_target(given: Inputs, run: Run) -> Inputs:
    """Choose the transform under ``target_transform="auto"``.

    Small nets learn the labels alone, on some rows, under each transform. They are judged on the
    scale of y. A transform is taken if it is clearly better than none.

    Parameters
    ----------
    given : Inputs
    run : Run
        Its task is set.

    Returns
    -------
    Inputs
        On the scale that was chosen.
    """
    task = run.task
    if not isinstance(task, Regression) or not _is_open(given, run):
        return given
    kind, tried = _choose(given, task, run)
    told = ", ".join(f"{one} {loss:.4g}" for one, loss in tried.items())
    run.progress.say(
        f"`target_transform='auto'` takes {kind!r}; {task.loss_name} of small nets on rows held "
        f"out, on the scale of y: {told}"
    )
    if kind == "identity":
        return given
    assert given.y is not None
    weight = given.weight
    run.task = Regression(TargetScaler(kind).fit(given.y, weight), task.levels)
    return _rescaled(given, task, run.task, run)


def _is_open(given: Inputs, run: Run) -> bool:
    """Whether there is a choice, and there are rows to choose by."""
    if run.plan.parameters.target_transform != "auto" or run.plan.continues or given.y is None:
        return False
    few_groups = given.groups is not None and len(np.unique(given.groups)) < FEWEST_GROUPS
    if few_groups or run.plan.deadline is not None:
        return False
    return given.n_used >= FEWEST_ROWS and given.y.ndim == 1 and _skew(given) > LEAST_SKEW


def _skew(given: Inputs) -> float:
    z, share = given.labels[:, 0], given.weights / given.weights.sum()
    return abs(float(share @ z**3))  # labels have mean 0 and standard deviation 1


def _choose(given: Inputs, task: Regression, run: Run) -> tuple[str, dict[str, float]]:
    """The transform that is clearly better than none, else none; and the loss of each one tried."""
    train, test = _some_rows(given, run)
    assert given.y is not None
    inputs = encode(given.encoder, run.plan.columns.take(safe_indexing(given.X, train)))
    means: dict[str, float] = {}
    if inputs.ndim != 2:
        return "identity", means
    judged = encode(given.encoder, run.plan.columns.take(safe_indexing(given.X, test)))
    kinds = ["identity", "log", "yeo-johnson"]
    if given.y[given.weights > 0].min() < 0:
        kinds.remove("log")
    weight, best, least = given.weights[test], "identity", None
    for kind in kinds:
        scaler = TargetScaler(kind).fit(given.y[train], given.weights[train])
        tried = Regression(scaler, task.levels)
        outputs = _train(inputs, given.y[train], given.weights[train], tried, given, run)(judged)
        losses = _losses(outputs, given.y[test], tried)
        means[kind] = float(np.average(losses, weights=weight))
        hard_row = task.hard_row(losses if least is None else least)
        groups = None if given.groups is None else given.groups[test]
        if least is None or is_clearly_lower(losses, least, weight, groups, hard_row):
            best, least = kind, losses
    return best, means


def _some_rows(given: Inputs, run: Run) -> tuple[IntArray, IntArray]:
    """Rows to train on, and rows to judge by."""
    rng = np.random.RandomState(run.plan.seeds["split"])
    used = np.sort(rng.permutation(np.flatnonzero(given.weights))[:MOST_ROWS])
    groups = None if given.groups is None else given.groups[used]
    splitter = ShuffleSplit if groups is None else GroupShuffleSplit
    splits = splitter(1, test_size=SHARE, random_state=rng).split(used, groups=groups)
    train, test = next(iter(splits))
    return used[train], used[test]


def _train(
    inputs: FloatArray, y: FloatArray, weight: FloatArray, task: Regression, given: Inputs, run: Run
) -> Callable[[FloatArray], FloatArray]:
    """A small net that has learned the labels."""
    target = {"label": task.encode(y), "weight": weight}
    rows = Rows.from_arrays(inputs, target, is_labelled=True)
    cardinalities = getattr(given.encoder, "cardinalities_", ())
    net = prepare_net(RECIPE, len(rows), inputs.shape[1], task, cardinalities)
    loss = {
        "task": task,
        "response": SquaredError(),
        "objectives": [],
        "temperature": 1.0,
        "alpha": 1.0,
        "gives_probabilities": False,
    }
    seed = run.plan.seeds["student"] or 0
    return Training(net, loss, rows, None, task.n_outputs, seed=seed).run().raw_outputs


def _losses(outputs: FloatArray, y: FloatArray, task: Regression) -> FloatArray:
    """Loss of each row on the scale of y, in the range that was seen."""
    scaler = task.scaler
    told = task.quantiles_of(outputs) if task.levels else scaler.inverse_transform(outputs)
    told = np.clip(told, scaler.low_, scaler.high_)
    spread = float(np.std(y)) or 1.0
    return task.row_losses(told / spread, y[:, None] / spread)


def _rescaled(given: Inputs, old: Regression, new: Regression, run: Run) -> Inputs:
    """The same rows, with labels and soft targets on another scale."""

    def again(values: Any) -> Any:
        if values is None:
            return None
        flat = old.scaler.inverse_transform(values.reshape(-1, 1))
        return new.scaler.transform(flat).reshape(values.shape)

    validation = given.validation
    if validation is not None:
        labels, soft = again(validation.labels), again(validation.soft)
        validation = replace(validation, task=new, labels=labels, soft=soft)
    return replace(
        given,
        task=new,
        soft=again(given.soft),
        soft_transfer=again(given.soft_transfer),
        validation=validation,
        labeller=run.plan.kind.labeller(run.plan, new),
    )
