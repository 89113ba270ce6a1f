"""The recipe of a student that loses units in training."""

from numbers import Real
from typing import ClassVar

from sklearn.base import clone
from skorch import NeuralNetClassifier, NeuralNetRegressor

from skdistill._utils._compat import Interval
from skdistill.student._changing import CHANGING_NETS, refuse_quantiles
from skdistill.student._modules import PruningMLP
from skdistill.student._recipe import MLPStudent


class PrunedStudent(MLPStudent):
    r"""Recipe of a student that begins larger than it is served: it loses hidden units in training.

    At each epoch up to `end` those units go whose weights matter least: the ones of the least
    :math:`\lVert w_{in} \rVert \lVert w_{out} \rVert` [1]_. What share goes when is a cubic
    schedule [2]_, fast at first. What is left is a dense :class:`MLP`: smaller, and faster, in any
    file. Its rival is an :class:`MLPStudent` that has as many units from the start.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int or "auto", default="auto"
        Before any unit is lost. This and those up to `random_state` are as in :class:`MLPStudent`.
    learning_rate : float or "auto", default="auto"
    weight_decay : float or "auto", default="auto"
    batch_size : int or "auto", default="auto"
    n_steps : int, float or "auto", default="auto"
    average_weights : bool, default=True
        The mean is of the weights since the last unit went.
    optimizer : {"auto", "muon", "adamw"}, default="auto"
    random_state : int, default=None
    keep : float, default=0.5
        Share of the units of each hidden layer that stays, rounded up; above 0, at most 1.
    end : float, default=0.5
        Share of the training after which no more units go. 1 prunes up to the last epoch; 0 before
        the first.

    Notes
    -----
    Early stopping chooses an epoch among those in which no unit goes.

    A student that goes on from one that was fitted, by `warm_start` or `refresh`, keeps its units.

    References
    ----------
    .. [1] Li, Kadav, Durdanovic, Samet and Graf (2017). Pruning Filters for Efficient ConvNets.
       https://doi.org/10.48550/arXiv.1608.08710
    .. [2] Zhu and Gupta (2017). To prune, or not to prune: exploring the efficacy of pruning for
       model compression. https://doi.org/10.48550/arXiv.1710.01878

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, PrunedStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> student = PrunedStudent((32, 32), n_steps=200, keep=0.25)
    >>> clf = DistilledClassifier(RandomForestClassifier(random_state=0), student, random_state=0)
    >>> clf.fit(X, y).student_.module__hidden_layer_sizes
    (8, 8)
    """

    _parameter_constraints: ClassVar[dict] = {
        **MLPStudent._parameter_constraints,
        "keep": [Interval(Real, 0, 1, closed="right")],
        "end": [Interval(Real, 0, 1, closed="both")],
    }
    _nets = CHANGING_NETS

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | list[int] | str = "auto",
        learning_rate: float | str = "auto",
        weight_decay: float | str = "auto",
        batch_size: int | str = "auto",
        n_steps: int | float | str = "auto",
        average_weights: bool = True,
        optimizer: str = "auto",
        random_state: int | None = None,
        keep: float = 0.5,
        end: float = 0.5,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            batch_size=batch_size,
            n_steps=n_steps,
            average_weights=average_weights,
            optimizer=optimizer,
            random_state=random_state,
        )
        self.keep = keep
        self.end = end

    def make_net(
        self, n_rows: int, *, regressor: bool = False, levels: tuple[float, ...] | None = None
    ) -> NeuralNetClassifier | NeuralNetRegressor:
        """Make the net; see :meth:`MLPStudent.make_net`.

        Raises
        ------
        ValueError
            If it is to tell quantiles.
        """
        refuse_quantiles(self, levels)
        return self._make_net(
            PruningMLP,
            n_rows,
            regressor,
            module__hidden_layer_sizes=self.for_rows(n_rows).hidden_layer_sizes,
            module__keep=self.keep,
            module__end=self.end,
        )

    def _going_on_with(self, sizes: tuple[int, ...]) -> MLPStudent:
        return clone(self).set_params(hidden_layer_sizes=sizes, keep=1.0)
