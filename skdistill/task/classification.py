"""Classes to tell apart."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._utils._compat import log_softmax_backward_kernel
from skdistill._utils.types import FloatArray, IntArray
from skdistill.targets import (
    LEAST_SHARE,
    fit_temperature,
    log_losses,
    mean_true_probability,
    prior_offsets,
)
from skdistill.task._base import Task

if TYPE_CHECKING:
    import torch

NO_LABEL = -1
# Nats that one hard row may cost.
HARD_ROW = 5.0


class Classification(Task):
    """One of several classes a row.

    A label is the position of its class in `classes`, NO_LABEL where there is none. What the
    student's net returns are logits, one a class.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        In ascending order.
    """

    loss_key, loss_name = "log_loss", "log loss"
    has_classes = True

    def __init__(self, classes: np.ndarray):
        self.classes = classes

    # --- labels ---

    @property
    def n_outputs(self) -> int:
        """Outputs of the student's net."""
        return len(self.classes)

    def attributes_of(self, temperature: float, student: Any) -> dict[str, Any]:
        """The classes, and how the logits are calibrated; see :meth:`Task.attributes_of`."""
        return {
            "classes_": self.classes,
            "temperature_": temperature,
            "calibration_temperature_": student.temperature,
            "class_offset_": student.offset,
        }

    @property
    def identity(self) -> Any:
        """What tells it from other tasks, for a cache."""
        return self.classes

    def encode(self, y: np.ndarray) -> IntArray:
        """Labels of the values of y, which are all among the classes."""
        return np.searchsorted(self.classes, y)

    def decode(self, labels: IntArray) -> np.ndarray:
        """The values that labels stand for."""
        return self.classes[labels]

    def unlabelled(self, n_rows: int) -> IntArray:
        """Labels of rows that have none."""
        return np.full(n_rows, NO_LABEL)

    @staticmethod
    def known(labels: Any) -> Any:
        """Which rows have a label, of an array or a tensor."""
        return labels != NO_LABEL

    def has_all(self, labels: IntArray) -> bool:
        """Whether the labels show all that there is to predict."""
        return len(np.unique(labels)) == len(self.classes)

    def some_labels(self, n_rows: int) -> IntArray:
        """Labels of any kind, to try a student on."""
        return np.zeros(n_rows, dtype=int)

    def strata(self, labels: IntArray) -> IntArray:
        """The labels: each class has its share of the rows held out, and of each fold."""
        return labels

    def coarse(self, labels: IntArray) -> IntArray:
        """The labels themselves."""
        return labels

    # --- losses, in NumPy ---

    def outputs_of(self, probabilities: FloatArray, floor: float) -> FloatArray:
        """Outputs of a net that would answer with these probabilities."""
        return np.log(np.maximum(probabilities, floor))

    def row_losses(self, outputs: FloatArray, labels: IntArray) -> FloatArray:
        """Log loss of each row, in nats."""
        return log_losses(outputs, labels)

    def calibrate(self, outputs: FloatArray, labels: IntArray, weight: FloatArray) -> float:
        """The temperature by which the outputs have the lowest loss."""
        return fit_temperature(outputs, labels, weight)

    def loss_without_features(self, labels: IntArray, weight: FloatArray) -> float:
        """Log loss of one who knows the shares of the classes alone."""
        shares = np.bincount(labels, weights=weight)
        shares = shares[shares > 0] / shares.sum()
        return float(-np.sum(shares * np.log(shares)))

    def truth_of(self, soft: FloatArray, labels: IntArray, weight: FloatArray) -> float:
        """Mean probability of the true class."""
        return mean_true_probability(soft, labels, weight)

    def hard_row(self, losses: FloatArray) -> float:
        """Nats that one hard row may cost."""
        return HARD_ROW

    # --- other shares of the classes ---

    def shares(
        self, labels: IntArray, weight: FloatArray, soft: FloatArray | None, alpha: float
    ) -> FloatArray:
        """Weight of each class in what a student learns, `alpha` of it from labels."""
        rows = np.flatnonzero(self.known(labels))
        hard = np.bincount(labels[rows], weights=alpha * weight[rows], minlength=self.n_outputs)
        told = np.zeros(self.n_outputs) if soft is None else (1 - alpha) * (weight @ soft)
        return told + hard

    def prior_offset(self, shares: FloatArray, prior: FloatArray) -> tuple[FloatArray, np.ndarray]:
        """What to add to the outputs where the classes have other shares.

        Returns
        -------
        offset : ndarray of shape (n_classes,)
        untaught : ndarray
            The classes that the student has not learned of: their offset is 0.
        """
        offset = prior_offsets(shares, prior)
        untaught = shares < LEAST_SHARE * shares.sum()
        offset[untaught] = 0.0
        return offset, self.classes[untaught]

    # --- losses, in torch ---

    def hard_loss(self, outputs: "torch.Tensor", labels: "torch.Tensor") -> "torch.Tensor":
        """Cross-entropy of each row with its label, 0 where there is none."""
        from torch.nn import functional as F

        return F.cross_entropy(outputs, labels, reduction="none", ignore_index=NO_LABEL)

    def hard_loss_and_gradient(
        self, outputs: "torch.Tensor", labels: "torch.Tensor"
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """The same, and its gradient in the logits."""
        target = self._add_labels(outputs.new_zeros(outputs.shape), labels, 1.0)
        return cross_entropy_and_gradient(outputs, target)

    def blend(self, target: "dict[str, torch.Tensor]", alpha: float) -> "dict[str, torch.Tensor]":
        """Make "mixed" of shape (n_rows, n_classes), of the mass of the row's weight, and "mass".

        See :meth:`Task.blend`.
        """
        mixed = self._add_labels((1 - alpha) * target["soft"], target["label"], alpha)
        return {"mixed": mixed.mul_(target["weight"][:, None])}

    def blended_value_and_gradient(
        self, outputs: "torch.Tensor", blended: "dict[str, torch.Tensor]"
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """The mean cross-entropy of a batch with targets of some mass, and its gradient."""
        # The loss is linear in log p: this is its gradient there.
        of_log_p = blended["mixed"] * (-1 / len(outputs))
        log_p = outputs.log_softmax(dim=1)
        value = log_p.view(-1).dot(of_log_p.view(-1))
        return value, log_softmax_backward_kernel()(of_log_p, log_p, 1, log_p.dtype)

    def _add_labels(
        self, target: "torch.Tensor", labels: "torch.Tensor", mass: float
    ) -> "torch.Tensor":
        """Add `mass` at each row's label to a target, in place; nothing where there is none."""
        masses = self.known(labels) * mass
        return target.scatter_add_(1, labels.clamp(min=0)[:, None], masses[:, None])


def cross_entropy_and_gradient(
    logits: "torch.Tensor", target: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Cross-entropy of each row with a target of any mass, and its gradient in the logits."""
    log_p = logits.log_softmax(dim=1)
    rows = -(log_p * target).sum(dim=1)
    return rows, log_p.exp_().mul_(target.sum(dim=1, keepdim=True)).sub_(target)
