"""Similarity: inner products between the rows of a batch."""

import torch

from skdistill.objectives._layer_objective import SMALLEST, RelationObjective, shares
from skdistill.objectives._objective import Batch


class Similarity(RelationObjective):
    r"""Similarity-preserving distillation: inner products of each row with the others.

    .. math:: \frac{1}{n} \sum_j w_j (G_{ij} - H_{ij})^2

    for each row i of a batch of n, with the inner products G of the student's features and H of the
    teacher's, each row of them divided by the root of its mean square. It is n times the value of
    the paper, so that it does not depend on the size of the batch.

    Relations are those between the rows of a batch. The default student takes few of few rows, 16
    of up to 511; ``MLPStudent(batch_size=128)`` shows it more.

    Parameters
    ----------
    of : {"auto", "layer", "probabilities"}, default="auto"
        What tells the teacher's relations, as in :class:`PKT`.
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
    .. [1] Tung and Mori (2019). Similarity-Preserving Knowledge Distillation.
       https://doi.org/10.48550/arXiv.1907.09682

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, MLPStudent, Similarity
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(random_state=0), MLPStudent((8,)), objectives=Similarity(),
    ...     transfer=None, random_state=0,
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value a row; see :meth:`Objective.loss`."""
        share = shares(batch.weight)
        own = _products(self._own_features(batch), share)
        theirs = _products(self._their_features(batch), share)
        return (own - theirs).square() @ share


def _products(features: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Inner products of all pairs, with a mean square of 1 in each row."""
    products = features @ features.t()
    return products * (products.square() @ share).clamp_min(SMALLEST).rsqrt()[:, None]
