"""What every task tells a fit."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._utils.types import FloatArray, IntArray

if TYPE_CHECKING:
    import torch


class Task:
    """What is predicted, and what a label is.

    Labels are y as the task encodes it, an entry a row, with a value of its own for rows that have
    none. Soft targets and outputs have shape (n_rows, n_outputs).
    """

    # The name of its loss, as `trials_` and messages have it.
    loss_key: str
    loss_name: str
    # Whether outputs are logits of classes, of which a softmax makes probabilities.
    has_classes: bool
    # Whether teachers have to be fitted in folds, whatever `cv` is.
    needs_folds: bool = False

    # --- labels ---

    @property
    def n_outputs(self) -> int:
        """Outputs of the student's net."""
        raise NotImplementedError

    def attributes_of(self, temperature: float, student: Any) -> dict[str, Any]:
        """What a fitted estimator says of its task, by the name of the attribute.

        Parameters
        ----------
        temperature : float
            Of the training.
        student : FittedStudent

        Returns
        -------
        dict of str to object
        """
        raise NotImplementedError

    @property
    def identity(self) -> Any:
        """What tells it from other tasks, for a cache."""
        raise NotImplementedError

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Labels of the values of y."""
        raise NotImplementedError

    def decode(self, labels: np.ndarray) -> np.ndarray:
        """The values that labels stand for."""
        raise NotImplementedError

    def unlabelled(self, n_rows: int) -> np.ndarray:
        """Labels of rows that have none."""
        raise NotImplementedError

    def some_labels(self, n_rows: int) -> np.ndarray:
        """Labels of any kind, to try a student on."""
        raise NotImplementedError

    @staticmethod
    def known(labels: Any) -> Any:
        """Which rows have a label, of an array or a tensor."""
        raise NotImplementedError

    def has_all(self, labels: np.ndarray) -> bool:
        """Whether the labels show all that there is to predict."""
        raise NotImplementedError

    def strata(self, labels: np.ndarray) -> IntArray:
        """What rows held out and folds are to have in equal shares, as a number a row."""
        raise NotImplementedError

    def coarse(self, labels: np.ndarray) -> IntArray:
        """The labels as numbers of a few classes or ranges."""
        raise NotImplementedError

    def fewest_units(self, labels: np.ndarray, units: IntArray) -> int:
        """In how many units (rows, or groups of them) the rarest stratum is, of those there are."""
        pairs = np.unique(np.column_stack([self.strata(labels), units]), axis=0)
        return int(np.unique(pairs[:, 0], return_counts=True)[1].min())

    @property
    def net_params(self) -> dict[str, Any]:
        """What a recipe is told of the net that it makes."""
        return {}

    # --- losses, in NumPy ---

    def outputs_of(self, soft: FloatArray, floor: float) -> FloatArray:
        """Outputs of a net that would answer with these soft targets."""
        raise NotImplementedError

    def row_losses(self, outputs: FloatArray, labels: np.ndarray) -> FloatArray:
        """Loss of each row."""
        raise NotImplementedError

    def calibrate(self, outputs: FloatArray, labels: np.ndarray, weight: FloatArray) -> float:
        """The number by which the outputs are divided to have the lowest loss."""
        raise NotImplementedError

    def loss_without_features(self, labels: np.ndarray, weight: FloatArray) -> float:
        """Loss of one who knows how the labels are distributed alone."""
        raise NotImplementedError

    def truth_of(self, soft: FloatArray, labels: np.ndarray, weight: FloatArray) -> float:
        """How near soft targets are to the labels on the mean; more is nearer."""
        raise NotImplementedError

    def tempered(
        self, labels: np.ndarray, soft: FloatArray, weight: FloatArray, tolerance: float
    ) -> np.ndarray:
        """Labels drawn towards soft targets that are far from them; classes stay as they are."""
        return labels

    def offset_of(
        self,
        outputs: FloatArray,
        labels: np.ndarray,
        weight: FloatArray,
        n_apart: float | None = None,
    ) -> FloatArray | None:
        """What to add to outputs, by rows that the student has not learned from; None is nothing.

        Parameters
        ----------
        outputs : ndarray of shape (n_rows, n_outputs)
        labels : ndarray of shape (n_rows, ...)
        weight : ndarray of shape (n_rows,)
        n_apart : float, default=None
            Rows, or groups of them, that do not depend on each other; None takes all rows.

        Returns
        -------
        ndarray of shape (n_outputs,) or None
        """
        return None

    def hard_row(self, losses: FloatArray) -> float:
        """The loss of a row that is hard to predict, given what models lose on the mean."""
        raise NotImplementedError

    # --- losses, in torch ---

    def hard_loss(self, outputs: "torch.Tensor", labels: "torch.Tensor") -> "torch.Tensor":
        """Loss of each row by its label, 0 where there is none."""
        raise NotImplementedError

    def hard_loss_and_gradient(
        self, outputs: "torch.Tensor", labels: "torch.Tensor"
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """The same, and its gradient in the outputs."""
        raise NotImplementedError

    def blend(self, target: "dict[str, torch.Tensor]", alpha: float) -> "dict[str, torch.Tensor]":
        """Make one target of labels and soft targets, where one loss does for both.

        Parameters
        ----------
        target : dict of str to torch.Tensor
            "soft", "label" and "weight" of all rows.
        alpha : float
            Weight of the labels.

        Returns
        -------
        dict of str to torch.Tensor
            For :meth:`blended_value_and_gradient`.
        """
        raise NotImplementedError

    def blended_value_and_gradient(
        self, outputs: "torch.Tensor", blended: "dict[str, torch.Tensor]"
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """The mean loss of a batch of what :meth:`blend` returned, and its gradient."""
        raise NotImplementedError
