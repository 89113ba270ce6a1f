"""PKT: who is near whom, as a distribution over the rows of a batch."""

import torch
from torch.nn import functional as F

from skdistill.objectives._layer_objective import RelationObjective, shares
from skdistill.objectives._objective import Batch

# Keeps the logarithm of an affinity finite.
_LEAST = 1e-7


class PKT(RelationObjective):
    r"""Probabilistic knowledge transfer: which rows are alike, as a distribution for each row.

    .. math:: \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}}, \quad
       p_{ij} \propto w_j (1 + \cos(t_i, t_j)) / 2

    for each row i of the batch, with the teacher's features t, the weights w of the rows, and q of
    the student's layer in the same way. Layers need not be equally wide.

    Relations are those between the rows of a batch. The default student takes few of few rows, 16
    of up to 511; ``MLPStudent(batch_size=128)`` shows it more.

    Parameters
    ----------
    of : {"auto", "layer", "probabilities"}, default="auto"
        What tells the teacher's relations: its hidden layer, where it is a net, or else its centred
        log-probabilities. Those need three classes at least: of two, they say what the response
        says.
    layer : str, default="penultimate"
        The teacher's hidden layer, as in :class:`Hint`.
    student_layer : str, default="penultimate"
        The student's, as in :class:`Hint`.
    weight : float or "auto", default="auto"
        Factor of the term; see :class:`Objective`.
    decay : bool, default=True
        Whether the factor falls to 0 over the last third of the training.

    References
    ----------
    .. [1] Passalis and Tefas (2018). Learning Deep Representations with Probabilistic Knowledge
       Transfer. https://doi.org/10.48550/arXiv.1803.10837

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, MLPStudent, PKT
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(random_state=0), MLPStudent((8,)), objectives=PKT(),
    ...     transfer=None, random_state=0,
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value a row; see :meth:`Objective.loss`."""
        share = shares(batch.weight)
        own = _affinities(self._own_features(batch), share)
        theirs = _affinities(self._their_features(batch), share)
        return (share * theirs * (theirs / own).log()).sum(dim=1)


def _affinities(features: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """How near each row is to each, so that the mean over a row, by their shares, is 1."""
    units = F.normalize(features, dim=1)
    near = (1 + units @ units.t()) / 2 + _LEAST
    return near / (near @ share)[:, None]
