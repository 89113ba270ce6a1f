"""What the students of a cohort learn: each the labels, and what its peers say."""

import torch
from torch.nn import functional as F

from skdistill.objectives import Batch, Objective

# Width in which students are compared by attention.
ATTENTION_WIDTH = 32


class CohortLoss(Objective):
    """Mean over the students of labels and peers, in place of the labels of their mean.

    Parameters
    ----------
    peers : {"each", "pooled", "attention"} or None, default=None
        What a student follows beside the labels.
    peer_weight : float, default=1.0
    """

    student_layers = ("students",)

    def __init__(
        self,
        peers: str | None = None,
        peer_weight: float = 1.0,
    ):
        super().__init__()
        self.peers = peers
        self.peer_weight = peer_weight

    def make_module(self, batch: Batch) -> torch.nn.Module | None:
        """Make what tells by attention which peers to follow; see the base."""
        if self.peers != "attention":
            return None
        n_classes = batch.logits.shape[1]
        return torch.nn.ModuleDict(
            {name: torch.nn.Linear(n_classes, ATTENTION_WIDTH) for name in ("asks", "answers")}
        )

    def loss(self, batch: Batch) -> torch.Tensor:
        """A value a row; see :meth:`Objective.loss`."""
        logits = batch.layers["students"]
        logs = torch.log_softmax(logits, dim=2)
        of_labels = F.nll_loss(
            logs.flatten(0, 1), batch.labels.repeat_interleave(logs.shape[1]), reduction="none"
        )
        # The loss has the labels of the mean already: each student is to learn them by itself.
        of_mean = F.cross_entropy(batch.logits, batch.labels, reduction="none")
        rows = of_labels.view(logs.shape[:2]).mean(dim=1) - of_mean
        if self.peers is None:
            return rows
        target = self._target(logits.detach(), batch.labels)
        # The entropy of the target matters where attention makes it.
        of_peers = (torch.special.entr(target) + target * logs).sum(dim=2).mean(dim=1)
        return rows - self.peer_weight * of_peers

    def _target(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What each student is to tell, of shape (n_batch, n_students, n_classes)."""
        if self.peers == "pooled":
            return _lowest(logits, labels)
        p = torch.softmax(logits, dim=2)
        if self.peers == "each":  # of a mean of divergences, that is the same gradient
            return (p.sum(dim=1, keepdim=True) - p) / (p.shape[1] - 1)
        asks, answers = self.module_["asks"](logits), self.module_["answers"](logits)
        # An entropy has no finite slope at 0, and float32 does round to 0.
        return (torch.softmax(asks @ answers.mT, dim=2) @ p).clamp_min(1e-12)


def _lowest(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """For each class the lowest logit of all students, above that of the label."""
    places = labels[:, None, None].expand(-1, logits.shape[1], 1)
    above = (logits - logits.gather(2, places)).amin(dim=1, keepdim=True)
    return torch.softmax(above, dim=2).expand_as(logits)
