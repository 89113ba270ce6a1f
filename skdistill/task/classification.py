"""Classes to tell apart."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._utils.types import FloatArray, IntArray
from skdistill.targets import LEAST_SHARE, fit_temperature, log_losses, prior_offsets

if TYPE_CHECKING:
    import torch

NO_LABEL = -1


class Classification:
    """One of several classes a row.

    A label is the position of its class in `classes`, NO_LABEL where there is none. What the
    student's net returns are logits, one a class.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        In ascending order.
    """

    def __init__(self, classes: np.ndarray):
        self.classes = classes

    # --- labels ---

    @property
    def n_outputs(self) -> int:
        """Outputs of the student's net."""
        return len(self.classes)

    @property
    def attributes(self) -> dict[str, Any]:
        """What a fitted estimator says of its task, by the name of the attribute."""
        return {"classes_": self.classes}

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

    def fewest_units(self, labels: IntArray, units: IntArray) -> int:
        """In how many units (rows, or groups of them) the rarest class is, of those there are."""
        pairs = np.unique(np.column_stack([labels, units]), axis=0)
        return int(np.unique(pairs[:, 0], return_counts=True)[1].min())

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

    def add_labels(
        self, target: "torch.Tensor", labels: "torch.Tensor", mass: float
    ) -> "torch.Tensor":
        """Add `mass` at each row's label to a target, in place; nothing where there is none."""
        masses = self.known(labels) * mass
        return target.scatter_add_(1, labels.clamp(min=0)[:, None], masses[:, None])
