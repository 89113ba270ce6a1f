"""CKA: the geometry of the rows of a batch, whatever turns or scales it."""

import torch

from skdistill.objectives._layer_objective import SMALLEST, RelationObjective, shares
from skdistill.objectives._objective import Batch


class CKA(RelationObjective):
    r"""Centred kernel alignment of the student's layer and the teacher's.

    .. math:: 1 - \frac{\|S^\top T\|_F^2}{\|S^\top S\|_F \|T^\top T\|_F}

    with the features S and T of the rows of a batch, centred by their weights, each row times the
    root of its weight. It is 0 where T is S but for a rotation and a scale; widths may differ.

    Relations are those between the rows of a batch. The default student takes few of few rows, 16
    of up to 511, and of fewer rows than units any two layers look alike;
    ``MLPStudent(batch_size=128)`` shows it more.

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
    .. [1] Kornblith, Norouzi, Lee and Hinton (2019). Similarity of Neural Network Representations
       Revisited. https://doi.org/10.48550/arXiv.1905.00414

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import CKA, DistilledClassifier, MLPStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(random_state=0), MLPStudent((8,)), objectives=CKA(),
    ...     transfer=None, random_state=0,
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    reduction = "batch"

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value; see :meth:`Objective.loss`."""
        share = shares(batch.weight)
        own = _weighed(self._own_features(batch), share)
        theirs = _weighed(self._their_features(batch), share)
        between, within = _product(own, theirs), _product(own, own) * _product(theirs, theirs)
        # A batch counts by its weight, though the ratio knows none.
        return batch.weight.mean() * (1 - between / within.clamp_min(SMALLEST).sqrt())


def _weighed(features: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Centred columns of length 1 at most, each row times the root of its share."""
    centred = share.sqrt()[:, None] * (features - share @ features)
    return centred / centred.square().sum().clamp_min(SMALLEST).sqrt()


def _product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Sum of the squares of ``left.T @ right``; of few rows, by the products between them."""
    n_rows, width = left.shape
    if n_rows * (width + right.shape[1]) < width * right.shape[1]:
        return ((left @ left.t()) * (right @ right.t())).sum()
    return (left.t() @ right).square().sum()
