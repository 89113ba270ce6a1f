"""RKD: distances and angles between the rows of a batch."""

from numbers import Integral, Real
from typing import ClassVar, Literal

import torch
from torch.nn import functional as F

from skdistill._utils._compat import Interval
from skdistill.objectives._layer_objective import SMALLEST, RelationObjective, shares
from skdistill.objectives._objective import Batch

# Of a sum of products, in units of the last place: what may be left where two rows are the same.
ROUNDING = 32


class RKD(RelationObjective):
    r"""Relational knowledge distillation: distances of two rows, and angles of three.

    The distances are divided by their mean over all pairs of rows that differ; the angle at a row j
    is the cosine of the directions to i and k. Distances, and angles, of the student are held
    against the teacher's by Huber's loss, a square up to a difference of 1 and linear beyond, and
    averaged over all pairs, and triples, by the products of the weights.

    Relations are those between the rows of a batch. The default student takes few of few rows, 16
    of up to 511; ``MLPStudent(batch_size=128)`` shows it more.

    Parameters
    ----------
    angle_weight : float, default=2.0
        Weight of the angles; that of the distances is 1. The authors have 50 and 25.
    angle_rows : int, default=64
        Of a batch, so many rows at most make triples: memory and time grow with their third power.
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
    .. [1] Park, Kim, Lu and Cho (2019). Relational Knowledge Distillation.
       https://doi.org/10.48550/arXiv.1904.05068

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, MLPStudent, RKD
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(random_state=0), MLPStudent((8,)), objectives=RKD(),
    ...     transfer=None, random_state=0,
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    reduction = "batch"

    _parameter_constraints: ClassVar[dict] = {
        **RelationObjective._parameter_constraints,
        "angle_weight": [Interval(Real, 0, None, closed="left")],
        "angle_rows": [Interval(Integral, 3, None, closed="left")],
    }

    def __init__(
        self,
        angle_weight: float = 2.0,
        angle_rows: int = 64,
        of: Literal["auto", "layer", "probabilities"] = "auto",
        layer: str = "penultimate",
        student_layer: str = "penultimate",
        weight: float | Literal["auto"] = "auto",
        decay: bool = True,
    ):
        super().__init__(of, layer, student_layer, weight, decay)
        self.angle_weight = angle_weight
        self.angle_rows = angle_rows

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value; see :meth:`Objective.loss`."""
        own, theirs = self._own_features(batch), self._their_features(batch)
        share = shares(batch.weight)
        gaps = F.smooth_l1_loss(_distances(own, share), _distances(theirs, share), reduction="none")
        value = share @ gaps @ share
        if self.angle_weight:
            few = slice(0, self.angle_rows)  # batches are drawn at random
            share = shares(batch.weight[few])
            gaps = F.smooth_l1_loss(_angles(own[few]), _angles(theirs[few]), reduction="none")
            value = value + self.angle_weight * (share @ (gaps @ share @ share))
        return batch.weight.mean() * value


def _distances(features: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Distances of all pairs, with a mean of 1 over those that are not 0."""
    centred = features - share @ features
    # By products: the differences of all pairs would not fit into memory where layers are wide.
    lengths = centred.square().sum(dim=1)
    sums = lengths[:, None] + lengths
    squares = sums - 2 * centred @ centred.t()
    differ = squares > ROUNDING * torch.finfo(squares.dtype).eps * sums
    # The root has no finite gradient at 0.
    distances = torch.where(differ, squares, 1.0).sqrt() * differ
    pairs = share[:, None] * share * differ
    mean = (pairs * distances).sum() / pairs.sum().clamp_min(SMALLEST)
    return distances / mean.clamp_min(SMALLEST)


def _angles(features: torch.Tensor) -> torch.Tensor:
    """Cosines of the directions from a row to two others; 0 where one of them is the row itself."""
    towards = features - features[:, None]
    squares = towards.square().sum(dim=2, keepdim=True)
    differ = squares > SMALLEST
    units = towards * torch.where(differ, squares, 1.0).rsqrt() * differ
    return units @ units.transpose(1, 2)
