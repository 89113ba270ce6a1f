"""The recipe of several students that are trained side by side."""

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from skorch import NeuralNetClassifier, NeuralNetRegressor

from skdistill._utils._compat import Interval
from skdistill._utils.types import Estimator
from skdistill.modules import MLP, CohortMLP
from skdistill.student._recipe import MLPStudent
from skdistill.student._storage import unpack_net


class CohortStudent(MLPStudent):
    """Recipe of several students of one size, that differ by their first weights.

    Parameters
    ----------
    hidden_layer_sizes, learning_rate, weight_decay, batch_size, n_steps, average_weights, \
            optimizer, random_state : default as in :class:`MLPStudent`
    n_students : int, default=4
    """

    _parameter_constraints: ClassVar[dict] = {
        **MLPStudent._parameter_constraints,
        "n_students": [Interval(Integral, 2, None, closed="left")],
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
        n_students: int = 4,
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
        self.n_students = n_students

    def make_net(
        self, n_rows: int, *, regressor: bool = False, levels: tuple[float, ...] | None = None
    ) -> NeuralNetClassifier | NeuralNetRegressor:
        """Make the net of all; see :meth:`MLPStudent.make_net`."""
        params: dict[str, Any] = {
            "module__hidden_layer_sizes": self.for_rows(n_rows).hidden_layer_sizes,
            "module__n_students": self.n_students,
        }
        return self._make_net(CohortMLP, n_rows, regressor, **params)


def one_of(net: Estimator, place: int) -> NeuralNetClassifier:
    """The net of one student of a trained cohort.

    Parameters
    ----------
    net : skorch.NeuralNet
        Over a :class:`~skdistill.modules.CohortMLP`, trimmed for prediction.
    place : int

    Returns
    -------
    skorch.NeuralNetClassifier
        Over an :class:`~skdistill.MLP`, trimmed for prediction.
    """
    params = net.get_params_for("module")
    params.pop("n_students")
    weights = {name: np.asarray(one.cpu()) for name, one in net.module_.one(place).items()}
    state = {"device": str(net.device), "nonlinearity": net.predict_nonlinearity}
    found = unpack_net({**state, "module": MLP, "params": params, "weights": weights})
    # What a fitted net tells of its training.
    return found.set_params(batch_size=net.batch_size, max_epochs=net.max_epochs)
