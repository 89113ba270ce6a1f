"""From labelled rows to a student, and what "auto" leaves to rows held out."""

import time
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax
from skorch import NeuralNet
from skorch.history import History

from skdistill._cache import Cache
from skdistill._labelling import measure_leak, validation_rows
from skdistill._named import named_parts
from skdistill._training_student import Examples
from skdistill._transfer_set import choose_samplers, rows_to_learn
from skdistill.student import gives_probabilities, predict_logits

# Of cv="auto".
N_FOLDS = 5
LEAST_LEAK = 0.1
# Share of the training: a student that is best before it overfits what it is told.
EARLY = 0.25


@dataclass
class Trial:
    """A student and what it learned from.

    Attributes
    ----------
    student : skorch.NeuralNet
    history : skorch.history.History
    was_ended : bool
        Whether its training was, by other than early stopping.
    blocks : list of Block
        The training rows, then the transfer set.
    validation : Block or None
    examples : Examples
    samplers : list of (str, TransferSampler)
    cv : int, splitter or None
    leak_gap : float or None
    """

    student: NeuralNet
    history: History
    was_ended: bool
    blocks: list
    validation: object
    examples: Examples
    samplers: list
    cv: object
    leak_gap: float | None

    @property
    def row_losses(self):
        """Log loss of each validation row."""
        rows = self.examples.validation.inputs.numpy()
        logits = predict_logits(self.student, rows, gives_probabilities(self.student))
        labels = self.validation.labels
        return -log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels]

    def is_better_than(self, other):
        """Whether it loses less on the validation rows, by more than one standard error."""
        gain, weight = other.row_losses - self.row_losses, self.validation.weight
        mean = np.average(gain, weights=weight)
        variance = np.average((gain - mean) ** 2, weights=weight)
        return mean > np.sqrt(variance * np.square(weight).sum()) / weight.sum()

    @property
    def best_share(self):
        """Share of the epochs planned at the end of which the validation loss was lowest."""
        best = int(np.argmin(self.history[:, "valid_loss"])) + 1
        return best / self.student.max_epochs


class LearningMixin:
    """What of `DistilledClassifier.fit` comes between the teachers and the student's last word."""

    def _learn(self, given, seeds, deadline, progress):
        """Label the rows and train a student on them, in the way that `cv` says."""
        validation = validation_rows(given)
        first = self._try(given, validation, self._given_cv(), seeds, deadline, progress)
        if not self._should_cross_fit(given, first, deadline):
            return first
        second = self._try(given.in_folds(N_FOLDS), validation, N_FOLDS, seeds, deadline, progress)
        second.leak_gap = first.leak_gap
        return second if second.is_better_than(first) else first

    def _try(self, given, validation, cv, seeds, deadline, progress):
        learns_more = self._learns_from_unlabelled_rows()
        samplers = choose_samplers(self.transfer, given) if learns_more else []
        cache = Cache(self.memory)
        rows, transfer = rows_to_learn(
            given, samplers, learns_more, cache, seeds["transfer"], progress
        )
        leak_gap = measure_leak(given, rows, validation)
        blocks = [rows.weighty(), *transfer]
        response = given.labeller.response
        examples = self._examples(response, blocks, validation, self._refits(given), progress)
        student, history, was_ended = self._train_first(
            response, examples, seeds["student"], deadline, progress
        )
        return Trial(
            student, history, was_ended, blocks, validation, examples, samplers, cv, leak_gap
        )

    def _should_cross_fit(self, given, trial, deadline):
        """Whether the student overfits what the teachers have learned by heart.

        One that still learns at the end takes no harm from the leak, and labels out of fold, by
        teachers on fewer rows, would only be worse.
        """
        if self._given_cv() == self.cv or trial.validation is None or self._continues():
            return False
        if not self._learns_from_unlabelled_rows():  # of labels alone
            return False
        if trial.leak_gap is None or trial.leak_gap <= LEAST_LEAK:
            return False
        is_late = trial.was_ended or (deadline is not None and time.monotonic() > deadline)
        _, counts = np.unique(given.labels[given.weights > 0], return_counts=True)
        return not is_late and trial.best_share <= EARLY and counts.min() >= N_FOLDS

    def _given_cv(self):
        """The parameter `cv`, None where it is "auto"."""
        return None if isinstance(self.cv, str) and self.cv == "auto" else self.cv

    def _keep(self, trial):
        """Take the student of a trial as one's own."""
        self.student_, self.history_ = trial.student, trial.history
        self.transfer_, self.cv_, self.leak_gap_ = trial.samplers, trial.cv, trial.leak_gap
        self.n_transfer_rows_ = sum(len(block.labels) for block in trial.blocks[1:])
        self._calibrate(trial.validation)

    def _learns_from_unlabelled_rows(self):
        objectives = named_parts(self.objectives, "objectives")
        return self.alpha_ < 1 or any(objective.weight for _, objective in objectives)
