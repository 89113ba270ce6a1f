"""A fit on a row source: one student, trained on a folder that is read a buffer at a time."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skdistill._fit.checkpoints import Checkpoint
from skdistill._fit.inputs import Arguments, Inputs
from skdistill._fit.run import Run
from skdistill._fit.setting import Setting
from skdistill._fit.source_quantiles import (
    as_quantiles,
    check_enough,
    check_quantiles,
    learn_spread,
)
from skdistill._fit.source_rows import SourceBuffers, SourceEncoder, soft_table
from skdistill._fit.source_training import SourceTraining, run_training
from skdistill._fit.training import net_and_loss, training_options
from skdistill._fit.warm_start import settled_by
from skdistill._utils.auto import is_auto
from skdistill._utils.types import Estimator, FloatArray
from skdistill.scale import LabelledFolder, RowGroup, RowSource, SourceRows
from skdistill.student import FittedStudent, check_finite, n_batches
from skdistill.task import Task

# Rows of an epoch, rounded down to whole batches: the validation rows are asked after each.
EPOCH_ROWS = 262_144
# The name of its seed in a checkpoint.
STEP = "source"
# Parameters that a source cannot follow, and what they must be.
FOLLOWED: dict[str, tuple[Any, ...]] = {
    "teacher": (None,),
    "objectives": (None,),
    "teacher_features": (None,),
    "transfer": ("auto", None),
    "teacher_weights": (None,),
    "cv": ("auto", None),
    "class_weight": (None,),
    "class_prior": (None,),
    "label_tolerance": (None,),
    "validation_fraction": ("auto",),
    "warm_start": (False,),
    "memory": (None,),
    "max_queries": (None,),
}


@dataclass(frozen=True)
class OpenSource:
    """A source, and what of it stands for its rows.

    Attributes
    ----------
    folder : LabelledFolder
    training, held_out : list of RowGroup
    sample : SourceRows
        Of the rows to train on; the encoder is fitted on it.
    validation : SourceRows or None
    seed : int
    extremes : ndarray or None
        The lowest and the highest number of the target; None of classes.
    levels : tuple of float or None
        Of the quantiles to learn.
    """

    folder: LabelledFolder
    training: list[RowGroup]
    held_out: list[RowGroup]
    sample: SourceRows
    validation: SourceRows | None
    seed: int
    extremes: np.ndarray | None
    levels: tuple[float, ...] | None

    @property
    def n_rows(self) -> int:
        """Rows to train on."""
        return sum(group.n_rows for group in self.training)

    @property
    def arguments(self) -> Arguments:
        """The sample as the arguments of a ``fit``."""
        rows, classes = self.sample, self.folder.manifest.classes
        given = {
            "soft_targets": soft_table(as_quantiles(rows.soft, self.levels), classes),
            "sample_weight": rows.weight,
        }
        return Arguments.of(rows.X, rows.y, given)

    @property
    def told_apart(self) -> Arguments:
        """What tells this fit from one on another source."""
        return Arguments.of(self.folder, None, {})


@dataclass(frozen=True)
class SourceOutcome:
    """What a fit on a source leaves.

    Attributes
    ----------
    task : Task
    student : FittedStudent
    setting : Setting
    history : skorch.history.History
    trials : list of dict
    decision : str
    settled : dict of str to str
    rows : None
        No fit can go on from it.
    split_seed : None
    """

    task: Task
    student: FittedStudent
    setting: Setting
    history: Any
    trials: list[dict]
    decision: str
    settled: dict[str, str]
    rows: str | None = None
    split_seed: int | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """What a fitted estimator shows of it, by the name of the attribute."""
        found = self.task.attributes_of(self.setting.temperature, self.student)
        if "quantiles_" in found:  # there is no teacher to tell numbers to spread
            found |= {"teacher_spread_": None}
        return found | {
            "teacher_": None,
            "student_": self.student.net,
            "encoder_": self.student.encoder,
            "history_": self.history,
            "alpha_": self.setting.alpha,
            "cv_": None,
            "leak_gap_": None,
            "decision_": self.decision,
            "objective_weights_": {},
            "trials_": self.trials,
            "transfer_": [],
            "n_transfer_rows_": 0,
        }


def check_followed(estimator: Estimator, arguments: Arguments) -> None:
    """Raise a ValueError for what a fit on a source cannot follow.

    Parameters
    ----------
    estimator : BaseDistiller
    arguments : Arguments
        X is the source.
    """
    given = {name: value for name, value in vars(arguments).items() if name != "X"}
    named = [name for name, value in given.items() if value is not None and name != "fit_params"]
    named += list(arguments.fit_params)
    if named:
        raise ValueError(
            f"`X` is a RowSource, which holds all rows of a fit, but `{named[0]}` is given too: "
            "leave it out; labels and weights are its `target` and `weight`."
        )
    for name, followed in FOLLOWED.items():
        value = getattr(estimator, name, followed[0])
        if not any(value is one or (isinstance(value, str) and value == one) for one in followed):
            raise ValueError(
                f"`{name}={value!r}` cannot be followed where `X` is a RowSource, whose rows are "
                f"labelled already: set it to {' or '.join(map(repr, followed))}."
            )
    if is_auto(estimator.temperature):
        raise ValueError(
            "`temperature='auto'` cannot be followed where `X` is a RowSource, on which one "
            "student is trained: give a number."
        )


def open_source(
    estimator: Estimator, source: RowSource, checkpoint: Checkpoint | None
) -> OpenSource:
    """Check a source, divide its rows, and draw a sample of them.

    Parameters
    ----------
    estimator : BaseDistiller
    source : RowSource
    checkpoint : Checkpoint or None
        The seed of the fit that this one continues is there.

    Returns
    -------
    OpenSource

    Raises
    ------
    ValueError
        If the data is not that which was labelled, or of another kind than the estimator's.
    """
    folder = source.open()
    folder.check_columns()
    check_quantiles(estimator, folder)
    has_classes = estimator._kind.has_classes
    if has_classes != (folder.manifest.classes is not None):
        remedy = "DistilledRegressor" if has_classes else "DistilledClassifier"
        raise ValueError(
            f"`X` is a RowSource of {folder.manifest.predicts}, which "
            f"{type(estimator).__name__} does not predict: give it to {remedy}."
        )
    seed = int(check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max))
    if checkpoint is not None and checkpoint.seeds is not None:
        seed = checkpoint.seeds.get(STEP) or seed  # a fit in memory has none, and is refused
    training, held_out = folder.split(bool(estimator.early_stopping), seed)
    validation = None
    if held_out:
        validation = folder.sample(held_out, source.validation_rows, seed)
    check_enough(estimator, validation)
    sample = folder.sample(training, source.sample_rows, seed)
    extremes = _extremes(folder, [*training, *held_out]) if not has_classes else None
    rows = folder, training, held_out, sample, validation
    return OpenSource(*rows, seed, extremes, getattr(estimator, "_levels", None))


def distil_source(source: OpenSource, given: Inputs, run: Run) -> SourceOutcome:
    """Train one student on all rows of a source.

    Parameters
    ----------
    source : OpenSource
    given : Inputs
        The sample, checked.
    run : Run

    Returns
    -------
    SourceOutcome
    """
    plan = run.plan
    if plan.checkpoint is not None and plan.checkpoint.begin({**plan.seeds, STEP: source.seed}):
        run.progress.say(f"going on with the fit in {plan.checkpoint.path!r}")
    task = run.task = plan.kind.go_on(given.task, source.extremes, None)
    alpha = 0.0 if given.y is None else plan.first_alpha
    student = plan.parameters.student
    setting = Setting(given.encoder, alpha, plan.first_temperature, [], student)
    labeller, classes = plan.kind.labeller(plan, task), source.folder.manifest.classes
    encoder = SourceEncoder(plan, task, setting, labeller, classes)
    judges = None if source.validation is None else encoder.arrays(source.validation)
    if judges is not None and not judges["weight"].any():
        raise ValueError(
            "`weight` is 0 for all rows held out, by which the epoch is chosen: set another "
            "`random_state`, or early_stopping=False."
        )
    if source.validation is not None and judges is not None:
        spread = learn_spread(encoder, source.validation, judges, source.seed)
        encoder = replace(encoder, spread=spread)
    fitted, history = _train(source, encoder, judges, run)
    calibrated, trials, loss = _judge(fitted, encoder, judges, given.y is not None, run)
    decision = _decision(source, setting, loss, task)
    run.progress.say(decision)
    settled = settled_by(plan.parameters)
    return SourceOutcome(task, calibrated, setting, history, trials, decision, settled)


def _train(
    source: OpenSource, encoder: SourceEncoder, judges: dict | None, run: Run
) -> tuple[FittedStudent, Any]:
    """The student of a source, and its history."""
    plan, setting, task = run.plan, encoder.setting, run.task
    n_inputs = encode_width(encoder, source.sample)
    net, loss = net_and_loss(plan, task, setting, source.n_rows, n_inputs)
    n_planned = net.max_epochs * n_batches(source.n_rows, net.batch_size)
    n_epoch_rows = _epoch_rows(source.n_rows, net.batch_size)
    per_epoch = n_batches(n_epoch_rows, net.batch_size)
    net.set_params(max_epochs=max(1, n_planned // per_epoch))
    buffers = SourceBuffers(source.folder, source.training, encoder, n_epoch_rows, source.seed)
    validation = None if judges is None else encoder.judging(judges, buffers.is_labelled)
    text = f"training the student on {source.n_rows} rows in {net.max_epochs} parts"
    with run.progress.task("fit-student", text, net.max_epochs) as step:
        training = SourceTraining(
            net,
            loss,
            buffers,
            validation,
            task.n_outputs,
            early_stopping=validation is not None,
            n_planned=n_planned,
            **training_options(setting, run, step),
        )
        trained = run_training(training, plan.checkpoint)
    return trained.student, trained.history


def _epoch_rows(n_rows: int, batch_size: int) -> int:
    """Rows of an epoch, in whole batches."""
    most = min(n_rows, EPOCH_ROWS)
    return most if batch_size < 1 or batch_size > most else most // batch_size * batch_size


def encode_width(encoder: SourceEncoder, sample: SourceRows) -> int:
    """Columns that the encoder makes of rows."""
    few = sample.take(np.arange(min(2, len(sample.soft))))
    return int(encoder.arrays(few)["inputs"].shape[1])


def _judge(
    student: FittedStudent,
    encoder: SourceEncoder,
    judges: dict | None,
    is_labelled: bool,
    run: Run,
) -> tuple[FittedStudent, list[dict], float | None]:
    """The student calibrated on the labelled rows held out, and what `trials_` says of it."""
    if judges is None or not is_labelled:
        return student, [], None
    task, setting = run.task, encoder.setting
    outputs: FloatArray = student.raw_outputs(judges["inputs"])
    check_finite(outputs)
    labels, weight = judges["label"], judges["weight"]
    if task.has_classes and run.plan.parameters.calibrate:
        student = replace(student, temperature=task.calibrate(outputs, labels, weight))
        outputs = outputs / student.temperature
    offset = None if task.has_classes else task.offset_of(outputs, labels, weight)
    if offset is not None:
        student, outputs = replace(student, offset=offset), outputs + offset
    loss = float(np.average(task.row_losses(outputs, labels), weights=weight))
    trial = {
        "who": "student" if setting.learns_of_teacher else "control",
        "alpha": setting.alpha,
        "temperature": setting.temperature,
        "cv": None,
        "nominal": list(getattr(setting.encoder, "nominal_", [])),
        task.loss_key: loss,
        "is_kept": True,
    }
    return student, [trial], loss


def _decision(source: OpenSource, setting: Setting, loss: float | None, task: Task) -> str:
    """Say in one line what was trained, and on what."""
    words = [f"kept: the student of {source.n_rows} labelled rows (alpha {setting.alpha:g}"]
    words.append(f", temperature {setting.temperature:g})" if task.has_classes else ")")
    if loss is not None and source.validation is not None:
        n_judges = len(source.validation.soft)
        words.append(f"; {task.loss_name} {loss:.4f} on {n_judges} rows held out")
    return "".join([*words, "; why: no other student was tried"])


def _extremes(folder: LabelledFolder, groups: list[RowGroup]) -> np.ndarray | None:
    """The lowest and the highest number of the target; None without one."""
    name = folder.given.target
    if name is None:
        return None
    ends = [(values.min(), values.max()) for values in folder.values(name, groups)]
    lowest, highest = zip(*ends, strict=True)
    return np.array([min(lowest), max(highest)])
