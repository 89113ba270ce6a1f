"""Hint: a hidden layer of the student tells one of the teacher."""

import torch

from skdistill.objectives._layer_objective import LayerObjective, standardized
from skdistill.objectives._objective import Batch


class Hint(LayerObjective):
    r"""A hidden layer of the student, through a linear projector, follows one of the teacher.

    .. math:: \frac{1}{d} \sum_k (\hat{s}_k - \hat{t}_k)^2, \quad s = P h

    for each row, with the student's layer h, the projector P, which is trained beside the student
    and dropped, and the teacher's layer t of d units. The hats stand for units standardised over
    the rows of the batch, by their weights: scales of layers say nothing.

    Parameters
    ----------
    layer : str, default="penultimate"
        The teacher's: what enters the linear layer called last, the name of a submodule, whose
        output it is, or "antepenultimate", what enters the linear layer before the last. The layers
        of several nets are put side by side.
    student_layer : str, default="penultimate"
        The student's, named in the same way. A named linear layer of the default student, such as
        "layers.0", gives values before their activation.
    weight : float or "auto", default="auto"
        Factor of the term; see :class:`Objective`.
    decay : bool, default=True
        Whether the factor falls to 0 over the last third of the training.

    References
    ----------
    .. [1] Romero, Ballas, Kahou, Chassang, Gatta and Bengio (2015). FitNets: Hints for Thin Deep
       Nets. https://doi.org/10.48550/arXiv.1412.6550

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skdistill import DistilledClassifier, Hint, MLPStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier((64,), max_iter=500, random_state=0)
    >>> clf = DistilledClassifier(
    ...     net, MLPStudent((8,)), objectives=Hint(), transfer=None, random_state=0
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    def make_module(self, batch: Batch) -> torch.nn.Module:
        """The projector; see :meth:`Objective.make_module`."""
        own, theirs = self._own_features(batch), self._their_features(batch)
        return torch.nn.Linear(own.shape[1], theirs.shape[1], bias=False)

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value a row; see :meth:`Objective.loss`."""
        told = self.module_(self._own_features(batch))
        own = standardized(told, batch.weight)
        theirs = standardized(self._their_features(batch), batch.weight)
        return (own - theirs).square().mean(dim=1)
