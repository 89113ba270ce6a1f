"""How a fit makes a student, trains it, and trains it again on the rows held out."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from skdistill._fit.blocks import Block
from skdistill._fit.examples import Examples
from skdistill._fit.jobs import Job, Steps, Trained
from skdistill._fit.plan import Plan
from skdistill._fit.run import Run
from skdistill._fit.setting import Setting
from skdistill._fit.views import find_views
from skdistill._fit.warm_start import identity_of
from skdistill._utils._compat import safe_indexing
from skdistill._utils.process import usual_torch
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill._utils.warn import fitted_name, warn
from skdistill.objectives import rehearse_response
from skdistill.student import (
    FittedStudent,
    Rows,
    Training,
    as_large_as,
    constructor_parameters,
    encode,
    first_width,
    gives_probabilities,
    n_batches,
    prepare_net,
    rehearse,
    student_module,
)
from skdistill.table import TabularEncoder
from skdistill.task import Task

if TYPE_CHECKING:
    from skdistill._fit.rounds import LaterRounds


def encoder_key(plan: Plan, n_rows: int) -> tuple[Any, ...]:
    """What the encoder depends on besides the rows: its parameter, the student's first width."""
    student = plan.parameters.student
    takes_codes = "cardinalities" in constructor_parameters(student_module(student))
    return identity_of(plan.parameters.encoder), first_width(student, n_rows), takes_codes


def fit_encoder(plan: Plan, X: Table, y: Any, weight: FloatArray | None, n_rows: int) -> Estimator:
    """Fit the encoder of the student, on the rows with a weight above 0.

    Parameters
    ----------
    plan : Plan
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or None
    weight : ndarray of shape (n_samples,) or None
    n_rows : int
        That the student will learn from.

    Returns
    -------
    transformer or None
        None hands the rows over as they are.
    """
    given, student = plan.parameters.encoder, plan.parameters.student
    if isinstance(given, str) and given == "passthrough":
        return None
    if isinstance(given, str):
        takes_codes = "cardinalities" in constructor_parameters(student_module(student))
        encoder = TabularEncoder(categories="codes" if takes_codes else "onehot")
    else:
        encoder = clone(given)
    X = plan.columns.take(X)
    if weight is not None and not weight.all():
        used = np.flatnonzero(weight)
        X, y, weight = safe_indexing(X, used), None if y is None else y[used], weight[used]
    if type(encoder) is TabularEncoder:
        uneven = weight if weight is not None and np.ptp(weight) else None
        width = first_width(student, n_rows)
        return encoder._fit(X, y, fitted_name(), width, uneven)
    return encoder.fit(X, y)


@usual_torch()
def rehearse_student(
    plan: Plan,
    task: Task,
    encoder: Estimator,
    alpha: float,
    X: Table,
    n_rows: int,
    holds_out: bool,
) -> None:
    """Raise errors of the student's module, or of the response, on a few rows.

    Parameters
    ----------
    plan : Plan
    task : Task
    encoder : transformer or None
    alpha : float
        What the first student will have.
    X : array-like or DataFrame of shape (n_samples, n_features)
    n_rows : int
        That the student will learn from.
    holds_out : bool
        Whether there will be validation rows.
    """
    few = encode(encoder, plan.columns.take(safe_indexing(X, slice(0, 2))))
    setting = Setting(
        encoder, alpha, plan.first_temperature, plan.objectives, plan.parameters.student
    )
    net, loss = net_and_loss(plan, task, setting, n_rows, few.shape[1])
    if alpha < 1:
        rehearse_response(plan.response, task.n_outputs, setting.temperature)
    target = {"label": task.some_labels(len(few)), "weight": np.ones(len(few))}
    rows = Rows.from_arrays(few, target, is_labelled=True)
    rehearse(net, loss, rows, task.n_outputs, holds_out)


def warn_of_unseen(encoder: Estimator, plan: Plan, X: Table) -> None:
    """Warn of columns that an encoder of earlier rows cannot tell the student of.

    Parameters
    ----------
    encoder : transformer or None
    plan : Plan
    X : array-like or DataFrame of shape (n_samples, n_features)
    """
    if type(encoder) is not TabularEncoder:
        return
    unseen = encoder._unseen_columns(plan.columns.take(X))
    if unseen:
        warn(
            f"the column(s) {unseen[:5]} had one value or none in the first fit. Their new values "
            "are not seen by the student, which goes on with its encoder: `fit` anew, without "
            "`warm_start` or `refresh`, to use them."
        )


def net_and_loss(
    plan: Plan, task: Task, setting: Setting, n_rows: int, n_inputs: int
) -> tuple[Estimator, dict]:
    """The net to train and the parameters of its loss."""
    cardinalities = getattr(setting.encoder, "cardinalities_", ())
    student = setting.student
    if plan.previous is not None:
        student = as_large_as(student, plan.previous.student.net)
    net = prepare_net(student, n_rows, n_inputs, task, cardinalities)
    return net, {
        "task": task,
        "response": plan.response,
        "objectives": clone(setting.objectives, safe=False),
        "temperature": setting.temperature,
        "alpha": setting.alpha,
        "gives_probabilities": gives_probabilities(net),
    }


def make_examples(
    setting: Setting, blocks: list[Block], validation: Block | None, teacher: Any, run: Run
) -> Examples:
    """Encode the rows of a training, and take from the teacher what the objectives need.

    Parameters
    ----------
    setting : Setting
    blocks : list of Block
        To train on.
    validation : Block or None
    teacher : TeacherPool or None
    run : Run

    Returns
    -------
    Examples
    """
    everything = blocks if validation is None else [*blocks, validation]
    inputs = run.encoded.of(setting.encoder, run.plan.columns, everything, run.progress)
    views = find_views(setting, teacher, blocks, run.plan)
    return Examples(inputs, blocks, validation, views, bool(setting.objectives))


def train_student(
    setting: Setting,
    examples: Examples,
    run: Run,
    who: str,
    kept: str | None,
    later: "LaterRounds | None" = None,
) -> Steps[Trained]:
    """Train a student on the rows to train on; yields the job.

    Parameters
    ----------
    setting : Setting
    examples : Examples
    run : Run
    who : str
        Its name in lines of progress.
    kept : str or None
        Its words in a warning, if its training is ended.
    later : LaterRounds or None, default=None
        Draws rows again during the training.

    Returns
    -------
    Trained
    """
    plan, response = run.plan, run.plan.response
    rows = examples.training(response, setting.temperature)
    text = f"training the {who} on {len(rows)} rows"
    if setting.learns_of_teacher and setting.alpha != plan.first_alpha:
        text += f", at alpha {setting.alpha:g}"
    if setting.temperature != 1:
        text += f", at temperature {setting.temperature:g}"
    n_rows = len(rows) if later is None else later.n_rows_of_rounds[-1]
    net, loss = net_and_loss(plan, run.task, setting, n_rows, rows.inputs.shape[1])
    n_planned = net.max_epochs * n_batches(n_rows, net.batch_size)
    ends = [] if later is None else later.plan_epochs(net)
    weights = None if plan.previous is None else plan.previous.student.module.state_dict()
    attributes = _attributes(setting, loss, run)
    queued = plan.shared is not None
    with run.progress.task(f"fit-{who}", text, net.max_epochs, attributes, queued) as step:
        training = Training(
            net,
            loss,
            rows,
            examples.judging(response, setting.temperature),
            run.task.n_outputs,
            early_stopping=bool(plan.parameters.early_stopping),
            weights=weights,
            kept=kept,
            n_planned=n_planned,
            **training_options(setting, run, step),
        )
        whole = training.run if later is None else partial(later.run, training, ends)
        trained = yield _job(training, whole, setting, examples.blocks, run, later is None)
    run.was_ended = run.was_ended or trained.was_ended
    return trained


def train_for(
    share: float,
    setting: Setting,
    blocks: list[Block],
    rows: Rows,
    run: Run,
    name: str,
    text: str,
    kept: str | None = None,
) -> Steps[FittedStudent]:
    """Train a student for a share of the epochs, without validation rows; yields the job.

    Parameters
    ----------
    share : float
    setting : Setting
    blocks : list of Block
        Where `rows` come from.
    rows : Rows
    run : Run
    name, text : str
        Its name in lines of progress.
    kept : str, default=None
        Its words in a warning, if its training is ended.

    Returns
    -------
    FittedStudent
    """
    net, loss = net_and_loss(run.plan, run.task, setting, len(rows), rows.inputs.shape[1])
    planned, per_epoch = net.max_epochs, n_batches(len(rows), net.batch_size)
    shorten(net, share)
    n_epochs = net.max_epochs
    attributes = _attributes(setting, loss, run)
    queued = run.plan.shared is not None
    with run.progress.task(name, text, n_epochs, attributes, queued) as step:
        shared = training_options(setting, run, step)
        shared["n_planned"] = planned * per_epoch
        training = Training(net, loss, rows, None, run.task.n_outputs, kept=kept, **shared)
        trained = yield _job(training, training.run, setting, blocks, run)
    run.was_ended = run.was_ended or trained.was_ended
    trained.student.net.max_epochs = planned
    return trained.student


def shorten(net: Estimator, share: float) -> None:
    """Let a net train for a share of its epochs; its schedule stays that of the whole training."""
    if hasattr(net, "shorten"):
        net.shorten(share)
    else:
        net.set_params(max_epochs=max(1, round(share * net.max_epochs)))


def _attributes(setting: Setting, loss: dict, run: Run) -> Callable[[Any], dict[str, Any]]:
    return partial(run.attributes_so_far, setting, loss["gives_probabilities"])


def _job(
    training: Training,
    whole: Callable[[], FittedStudent],
    setting: Setting,
    blocks: list[Block],
    run: Run,
    is_plain: bool = True,
) -> Job:
    """The job of a training. Rows that several fits share are the same objects."""
    net, plan = training.net, run.plan
    rows = tuple((id(block.X), id(block.soft)) for block in blocks)
    student = setting.student
    recipe = repr(student.get_params()) if hasattr(student, "get_params") else id(student)
    told = id(setting.encoder), setting.alpha, setting.temperature, recipe, training.seed
    others = tuple(id(one) for _, one in setting.objectives)
    key = rows, len(training.rows), told, others, net.max_epochs, training.validation is None
    may_run_beside = is_plain and plan.is_student_ours
    return Job(training, whole, key, may_run_beside)


def training_options(setting: Setting, run: Run, step: Any) -> dict:
    """What every training of a fit has."""
    own_seed = getattr(setting.student, "random_state", None)
    return {
        "seed": run.plan.seeds["student"] if own_seed is None else own_seed,
        "deadline": run.plan.deadline,
        "step": step,
        "verbose": max(0, run.plan.parameters.verbose - 1),
        "encoder": setting.encoder,
    }


def is_fitted_again(run: Run, holds_out: bool) -> bool:
    """Whether teachers and student are finally fitted on the held-out rows as well.

    They are not if the next fit continues from this one, since the rows would be held out again.
    They are not with a net or a recipe of the user, whose callbacks may need validation rows.
    """
    parameters = run.plan.parameters
    may = bool(parameters.refit) and holds_out and not parameters.warm_start
    return may and run.plan.is_student_ours
