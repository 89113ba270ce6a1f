"""The recipe of a student with one head a teacher."""

from numbers import Integral
from typing import Any, ClassVar

from skorch import NeuralNetClassifier, NeuralNetRegressor

from skdistill._utils._compat import Interval
from skdistill.modules import HydraMLP
from skdistill.student._recipe import MLPStudent


class HydraStudent(MLPStudent):
    """Recipe of a student with several heads on one trunk; its answer is the mean of the heads.

    With :class:`Heads` as an objective, each head learns one teacher, or one part of a forest [1]_.
    So the student knows on which rows these disagree: :func:`skdistill.head_probabilities` gives
    the answers of the heads, and :func:`skdistill.metrics.mutual_information` says how far they are
    apart. It tells classes only.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int or "auto", default="auto"
        Of the trunk.
    learning_rate : float or "auto", default="auto"
        This and those up to `random_state` are as in :class:`MLPStudent`.
    weight_decay : float or "auto", default="auto"
    batch_size : int or "auto", default="auto"
    n_steps : int, float or "auto", default="auto"
    average_weights : bool, default=True
    optimizer : {"auto", "muon", "adamw"}, default="auto"
    random_state : int, default=None
    n_heads : int, default=8
        At least 2; that of :class:`Heads` has to be the same.

    References
    ----------
    .. [1] Tran et al. (2020). Hydra: Preserving Ensemble Diversity for Model Distillation.
       https://doi.org/10.48550/arXiv.2001.04694

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, Heads, HydraStudent, head_probabilities
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(), HydraStudent(n_heads=4), objectives=Heads(n_heads=4)
    ... ).fit(X, y)
    >>> head_probabilities(clf, X).shape
    (150, 4, 3)
    """

    _parameter_constraints: ClassVar[dict] = {
        **MLPStudent._parameter_constraints,
        "n_heads": [Interval(Integral, 2, None, closed="left")],
    }

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
        n_heads: int = 8,
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
        self.n_heads = n_heads

    def make_net(
        self, n_rows: int, *, regressor: bool = False, levels: tuple[float, ...] | None = None
    ) -> NeuralNetClassifier | NeuralNetRegressor:
        """Make the net; see :meth:`MLPStudent.make_net`.

        Raises
        ------
        ValueError
            If it is to tell numbers.
        """
        if regressor:
            raise ValueError(
                "`HydraStudent` tells classes, and no numbers: for intervals of a number give "
                "`head='quantiles'` of DistilledRegressor and `MLPStudent()`."
            )
        params: dict[str, Any] = {
            "module__hidden_layer_sizes": self.for_rows(n_rows).hidden_layer_sizes,
            "module__n_heads": self.n_heads,
        }
        return self._make_net(HydraMLP, n_rows, regressor, **params)
