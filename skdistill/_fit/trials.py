"""Students that are trained to choose among, and how two are compared."""

import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_softmax
from skorch import NeuralNet
from skorch.history import History

from skdistill._fit.blocks import Block
from skdistill._fit.judge import is_clearly_lower
from skdistill._fit.training import Examples
from skdistill.student import predict_logits
from skdistill.targets import fit_temperature


@dataclass
class Run:
    """What all steps of one fit share.

    Attributes
    ----------
    seeds : dict of str to int or None
    deadline : float or None
        On the clock of :func:`time.monotonic`.
    progress : Progress
    was_ended : bool
        Whether the time, the user or a callback has ended a training: the fit is to end as well.
    """

    seeds: dict
    deadline: float | None
    progress: object
    was_ended: bool = False

    @property
    def is_over(self):
        """Whether there is to be no other training."""
        is_late = self.deadline is not None and time.monotonic() > self.deadline
        return self.was_ended or is_late

    @contextmanager
    def optional(self, what, kept):
        """Let a step fail, or the user end it, with a warning: the student at hand stays.

        Parameters
        ----------
        what : str
            What the step does.
        kept : str
            What follows if it does not.
        """
        try:
            yield
        except KeyboardInterrupt:
            warnings.warn(f"DistilledClassifier: KeyboardInterrupt ended the training; {kept}.")
            self.was_ended = True
        except Exception as error:  # a teacher's own, or a loss that diverged
            warnings.warn(f"DistilledClassifier: {what} failed, and {kept}: {error}")


@dataclass(frozen=True)
class Setting:
    """What "auto" leaves open, as one training has it."""

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
    setting : Setting
    rows : LabelledRows
    validation : Block or None
    examples : Examples
    is_calibrated : bool
        Whether the student will be.
    gives_probabilities : bool
        Whether its module does, and not logits.
    place : int or None, default=None
        Its own in `trials_`.
    why : str, default=""
        Why it is the best so far.
    """

    student: NeuralNet
    history: History
    setting: Setting
    rows: LabelledRows
    validation: Block | None
    examples: Examples
    is_calibrated: bool
    gives_probabilities: bool
    place: int | None = None
    why: str = ""

    @cached_property
    def row_losses(self):
        """Log loss of each validation row."""
        rows = self.examples.validation.inputs.numpy()
        logits = predict_logits(self.student, rows, self.gives_probabilities)
        return row_losses_of(logits.astype(np.float64), self.validation, self.is_calibrated)

    def is_better_than(self, other):
        """Whether it clearly loses less on the validation rows."""
        return self.loses_less_than(other.row_losses)

    def loses_less_than(self, losses):
        """Whether it clearly loses less on them than somebody's `losses` of shape (n_rows,)."""
        rows = self.validation
        return is_clearly_lower(self.row_losses, losses, rows.weight, rows.groups)

    @property
    def summary(self):
        """What `trials_` says of it."""
        weight, setting = self.validation.weight, self.setting
        return {
            "who": "student" if setting.alpha < 1 else "control",
            "alpha": setting.alpha,
            "temperature": setting.temperature,
            "cv": self.rows.cv,
            "nominal": list(getattr(setting.encoder, "nominal_", [])),
            "log_loss": float(np.average(self.row_losses, weights=weight)),
            "is_kept": False,
        }

    @property
    def best_share(self):
        """Share of the epochs planned at the end of which the validation loss was lowest."""
        best = int(np.argmin(self.history[:, "valid_loss"])) + 1
        return best / self.student.max_epochs


def row_losses_of(logits, validation, is_calibrated):
    labels = validation.labels
    if is_calibrated:
        logits = logits / fit_temperature(logits, labels, validation.weight)
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
