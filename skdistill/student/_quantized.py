"""The recipe of a student whose weights are integers of few bits."""

from numbers import Integral, Real
from typing import ClassVar

from skorch import NeuralNetClassifier, NeuralNetRegressor

from skdistill._utils._compat import Interval, Options
from skdistill.student._changing import CHANGING_NETS, refuse_quantiles
from skdistill.student._modules import RoundingMLP
from skdistill.student._recipe import MLPStudent


class QuantizedStudent(MLPStudent):
    """Recipe of a student whose weights are integers of 8, 4 or 2 bits, and which learns as such.

    From a share of the training on, each pass sees weights rounded to integers times a scale; their
    gradients change the exact weights behind them [1]_, [2]_. Each output of a layer has a scale of
    its own, found by least squares once an epoch. Biases stay as they are.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int or "auto", default="auto"
        This and those up to `random_state` are as in :class:`MLPStudent`.
    learning_rate : float or "auto", default="auto"
    weight_decay : float or "auto", default="auto"
    batch_size : int or "auto", default="auto"
    n_steps : int, float or "auto", default="auto"
    average_weights : bool, default=False
        The mean would be of the exact weights, and rounded in the end: that is further from what
        was learned than the last weights of a falling rate are (``make bench-loops``).
    optimizer : {"auto", "muon", "adamw"}, default="auto"
    random_state : int, default=None
    bits : {8, 4, 2}, default=4
        Of each weight. With b bits, the integers go from :math:`1 - 2^{b-1}` to
        :math:`2^{b-1} - 1`; with 2, they are -1, 0 and 1.
    start : float, default=0.25
        Share of the training before the first rounding. 1 trains as :class:`MLPStudent` does and
        rounds once, at the end: quantization after training, the control of this one.

    Notes
    -----
    Early stopping chooses an epoch among those after the first rounding. While the rate falls, it
    ends no training before its last epoch.

    The fitted student answers with the rounded weights, in float32. :func:`to_onnx` stores the
    integers: 8 / `bits` of them a byte. ONNX Runtime unpacks them once, when it opens the file, and
    computes in float32. So the file is smaller, and no faster than that of :class:`MLPStudent`.
    A pickle holds the rounded weights as float32. With 8 bits, rounding after training is as good
    or better: give an :class:`MLPStudent` and ``to_onnx(quantize="int8")``.

    References
    ----------
    .. [1] Polino, Pascanu and Alistarh (2018). Model compression via distillation and quantization.
       https://doi.org/10.48550/arXiv.1802.05668
    .. [2] Bengio, Léonard and Courville (2013). Estimating or Propagating Gradients Through
       Stochastic Neurons for Conditional Computation. https://doi.org/10.48550/arXiv.1308.3432

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, QuantizedStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> student = QuantizedStudent((32,), n_steps=200, bits=2)
    >>> clf = DistilledClassifier(RandomForestClassifier(random_state=0), student, random_state=0)
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    >>> clf.student_.module_.layers[0].weight[0].unique().numel()
    3
    """

    _parameter_constraints: ClassVar[dict] = {
        **MLPStudent._parameter_constraints,
        "bits": [Options(Integral, {2, 4, 8})],
        "start": [Interval(Real, 0, 1, closed="both")],
    }
    _nets = CHANGING_NETS

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | list[int] | str = "auto",
        learning_rate: float | str = "auto",
        weight_decay: float | str = "auto",
        batch_size: int | str = "auto",
        n_steps: int | float | str = "auto",
        average_weights: bool = False,
        optimizer: str = "auto",
        random_state: int | None = None,
        bits: int = 4,
        start: float = 0.25,
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
        self.bits = bits
        self.start = start

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
            RoundingMLP,
            n_rows,
            regressor,
            module__hidden_layer_sizes=self.for_rows(n_rows).hidden_layer_sizes,
            module__bits=self.bits,
            module__start=self.start,
        )
