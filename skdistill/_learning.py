"""From labelled rows to a student, and what "auto" leaves to rows held out."""

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_softmax
from sklearn.utils import _safe_indexing
from skorch import NeuralNet
from skorch.history import History

from skdistill._blocks import Block
from skdistill._cache import Cache
from skdistill._inputs import OTHER_TEMPERATURES
from skdistill._labelling import measure_leak, validation_rows
from skdistill._named import named_parts
from skdistill._training_student import Examples
from skdistill._transfer_set import choose_samplers, rows_to_learn
from skdistill._validation import is_auto
from skdistill.student import gives_probabilities, predict_logits
from skdistill.targets import fit_temperature

# Of cv="auto".
N_FOLDS = 5
LEAST_LEAK = 0.1
# Share of the training: a student that is best before it overfits what it is told.
EARLY = 0.25
SMALLEST = 1e-12


@dataclass(frozen=True)
class Run:
    """What all steps of one fit share.

    Attributes
    ----------
    seeds : dict of str to int or None
    deadline : float or None
        On the clock of :func:`time.monotonic`.
    progress : Progress
    """

    seeds: dict
    deadline: float | None
    progress: object

    @property
    def is_late(self):
        return self.deadline is not None and time.monotonic() > self.deadline


@dataclass(frozen=True)
class Setting:
    """What "auto" leaves open, as one training had it."""

    encoder: object
    alpha: float
    temperature: float


@dataclass
class LabelledRows:
    """The rows a student learns from.

    Attributes
    ----------
    blocks : list of Block
        The training rows, then the transfer set.
    samplers : list of (str, TransferSampler)
    cv : int, splitter or None
    leak_gap : float or None
    """

    blocks: list
    samplers: list
    cv: object
    leak_gap: float | None


@dataclass
class Trial:
    """A student and what it learned from.

    Attributes
    ----------
    student : skorch.NeuralNet
    history : skorch.history.History
    was_ended : bool
        Whether its training was, by other than early stopping.
    setting : Setting
    rows : LabelledRows
    validation : Block or None
    examples : Examples
    is_calibrated : bool
        Whether the student will be.
    """

    student: NeuralNet
    history: History
    was_ended: bool
    setting: Setting
    rows: LabelledRows
    validation: Block | None
    examples: Examples
    is_calibrated: bool

    @cached_property
    def row_losses(self):
        """Log loss of each validation row."""
        rows = self.examples.validation.inputs.numpy()
        logits = predict_logits(self.student, rows, gives_probabilities(self.student))
        return _row_losses(logits.astype(np.float64), self.validation, self.is_calibrated)

    def is_better_than(self, other):
        """Whether it loses less on the validation rows, by more than one standard error.

        One whose training was ended is not.
        """
        if self.was_ended:
            return False
        return _is_lower(self.row_losses, other.row_losses, self.validation.weight)

    @property
    def best_share(self):
        """Share of the epochs planned at the end of which the validation loss was lowest."""
        best = int(np.argmin(self.history[:, "valid_loss"])) + 1
        return best / self.student.max_epochs


def _row_losses(logits, validation, is_calibrated):
    labels = validation.labels
    if is_calibrated:
        logits = logits / fit_temperature(logits, labels, validation.weight)
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]


def _is_lower(losses, others, weight):
    """Whether the mean loss is lower, by more than one standard error of the difference."""
    gain = others - losses
    mean = np.average(gain, weights=weight)
    variance = np.average((gain - mean) ** 2, weights=weight)
    return bool(mean > np.sqrt(variance * np.square(weight).sum()) / weight.sum())


class LearningMixin:
    """What of `DistilledClassifier.fit` comes between the teachers and the student's last word."""

    def _learn(self, given, run):
        """Label the rows and train a student on them, in the ways that "auto" leaves open."""
        validation = validation_rows(given)
        compares = given.y is not None and self._compares(validation, run)
        control = self._try_codes(given, validation, run) if compares else None
        rows = self._label_rows(given, validation, self._given_cv(), run)
        best = self._try(rows, given, validation, run)
        if self._should_cross_fit(given, best, run):
            folds = self._label_rows(given.in_folds(N_FOLDS), validation, N_FOLDS, run)
            folds.leak_gap = rows.leak_gap
            second = self._try(folds, given, validation, run)
            best = second if second.is_better_than(best) else best
        if not compares or best.was_ended:
            return best
        best = self._try_temperatures(best, given, validation, run)
        if is_auto(self.alpha):
            control = control or self._try_labels_alone(given, validation, run)
            control.rows.leak_gap = rows.leak_gap
            best = control if self._prefers(control, best) else best
        return best

    def _compares(self, validation, run):
        """Whether "auto" may train several students to choose one of them by the rows held out.

        Objectives and nets of the user's own, time that is short, and a student that goes on from
        its weights allow but one.
        """
        can_judge = validation is not None and validation.is_labelled
        is_free = self._is_student_ours() and run.deadline is None and not self._continues()
        return can_judge and is_free and not named_parts(self.objectives, "objectives")

    def _try_codes(self, given, validation, run):
        """Take the encoder that makes indicators of numbers where the control is better by it.

        Returns
        -------
        Trial or None
            The better control; None where no number may be a code.
        """
        plain, rows = self.encoder_, given.weights > 0
        if not is_auto(self.encoder):
            return None
        coded = plain.with_nominal(_safe_indexing(given.X, rows), given.labels[rows])
        if not coded.nominal_:
            return None
        first = self._try_labels_alone(given, validation, run)
        self.encoder_ = coded
        second = self._try_labels_alone(given, validation, run)
        best = second if second.is_better_than(first) else first
        self.encoder_ = best.setting.encoder
        return best

    def _try_labels_alone(self, given, validation, run):
        """Train the control: the student without a teacher."""
        block = Block(given.X, given.labels, given.weights, None).weighty()
        alpha, self.alpha_ = self.alpha_, 1.0
        rows = LabelledRows([block], [], None, None)
        control = self._try(rows, given, validation, run, who="control")
        self.alpha_ = alpha
        return control

    def _try_temperatures(self, best, given, validation, run):
        """Try other temperatures on the same rows; returns the best trial."""
        for temperature in OTHER_TEMPERATURES if is_auto(self.temperature) else ():
            self.temperature_ = temperature
            other = self._try(best.rows, given, validation, run)
            best = other if other.is_better_than(best) else best
        return best

    def _prefers(self, control, student):
        """Whether the student is to follow the labels alone.

        A teacher that is worse than the control speaks against distillation; so the student is to
        be better than the control then, and not worse otherwise, by more than a standard error.
        """
        if control.was_ended:
            return False
        validation = student.validation
        if validation.soft is not None:
            logits = np.log(np.maximum(validation.soft, SMALLEST))
            teacher = _row_losses(logits, validation, is_calibrated=True)
            if _is_lower(control.row_losses, teacher, validation.weight):
                return not student.is_better_than(control)
        return control.is_better_than(student)

    def _label_rows(self, given, validation, cv, run):
        learns_more = self._learns_from_unlabelled_rows()
        samplers = choose_samplers(self.transfer, given) if learns_more else []
        rows, transfer = rows_to_learn(
            given, samplers, learns_more, Cache(self.memory), run.seeds["transfer"], run.progress
        )
        leak_gap = measure_leak(given, rows, validation)
        return LabelledRows([rows.weighty(), *transfer], samplers, cv, leak_gap)

    def _try(self, rows, given, validation, run, who="student"):
        """Train a student on the rows, as `encoder_`, `alpha_` and `temperature_` say."""
        response = given.labeller.response
        examples = self._examples(
            response, rows.blocks, validation, self._refits(given), run.progress
        )
        student, history, was_ended = self._train_first(response, examples, run, who)
        setting = Setting(self.encoder_, self.alpha_, self.temperature_)
        return Trial(
            student,
            history,
            was_ended,
            setting,
            rows,
            validation,
            examples,
            is_calibrated=bool(self.calibrate),
        )

    def _should_cross_fit(self, given, trial, run):
        """Whether the student overfits what the teachers have learned by heart.

        One that still learns at the end takes no harm from the leak, and labels out of fold, by
        teachers on fewer rows, would only be worse.
        """
        if not is_auto(self.cv) or trial.validation is None or self._continues():
            return False
        if not self._learns_from_unlabelled_rows():  # of labels alone
            return False
        if trial.rows.leak_gap is None or trial.rows.leak_gap <= LEAST_LEAK:
            return False
        _, counts = np.unique(given.labels[given.weights > 0], return_counts=True)
        may = not trial.was_ended and not run.is_late
        return may and trial.best_share <= EARLY and counts.min() >= N_FOLDS

    def _given_cv(self):
        """The parameter `cv`, None where it is "auto"."""
        return None if is_auto(self.cv) else self.cv

    def _keep(self, trial):
        """Take the student of a trial as one's own."""
        setting, rows = trial.setting, trial.rows
        self.student_, self.history_ = trial.student, trial.history
        self.encoder_, self.alpha_ = setting.encoder, setting.alpha
        self.temperature_ = setting.temperature
        self.transfer_, self.cv_, self.leak_gap_ = rows.samplers, rows.cv, rows.leak_gap
        self.n_transfer_rows_ = sum(len(block.labels) for block in rows.blocks[1:])
        self._calibrate(trial.validation)

    def _learns_from_unlabelled_rows(self):
        objectives = named_parts(self.objectives, "objectives")
        return self.alpha_ < 1 or any(objective.weight for _, objective in objectives)
