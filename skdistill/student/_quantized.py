"""The recipe of a student whose weights are integers of few bits."""

from functools import partial
from math import cos, pi
from numbers import Integral, Real
from typing import Any, ClassVar

from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import LambdaLR

from skdistill._utils._compat import Interval, Options
from skdistill.student._batches import n_batches
from skdistill.student._changing import refuse_quantiles
from skdistill.student._modules import RoundingMLP
from skdistill.student._muon import Muon
from skdistill.student._recipe import MLPStudent
from skdistill.student._rounding import ROUNDING_NETS, n_usual_epochs

# The rate of the first step with rounded weights, as a share of the highest one.
ROUNDING_RATE = 1 / 4
# "auto" trains at most so many times as long as it does without rounding.
LONGEST = 1.25


class QuantizedStudent(MLPStudent):
    """Recipe of a student whose weights are integers of 8, 4 or 2 bits, and which learns as such.

    It is trained as :class:`MLPStudent`, and then for a fifth of all steps with weights rounded to
    integers times a scale. There it learns the answers of the student that it was: a distillation
    from 32 bits to few [1]_. Labels, teacher and objectives have no part in that. Gradients change
    the exact weights behind the rounded ones [2]_. More and more integers are held, as in [3]_:
    first those that are nearest to their weights. In the last tenth of the steps all are, and
    scales and biases alone learn. Each output of a layer has a scale of its own, found by least
    squares. Biases stay as they are. The matrix that sees the numbers of the table keeps 8 bits.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int or "auto", default="auto"
        This and those up to `random_state` are as in :class:`MLPStudent`.
    learning_rate : float or "auto", default="auto"
    weight_decay : float or "auto", default="auto"
    batch_size : int or "auto", default="auto"
    n_steps : int, float or "auto", default="auto"
        "auto" takes a quarter more steps than :class:`MLPStudent`: as many before the first
        rounding as that one takes in all.
    average_weights : bool, default=True
        Rounding begins from the mean of the weights. The mean that is served is of the steps in
        which all integers are held.
    optimizer : {"auto", "muon", "adamw"}, default="auto"
    random_state : int, default=None
    bits : {8, 4, 2}, default=4
        Of each weight, but of those that see the numbers. With b bits, the integers go from
        :math:`1 - 2^{b-1}` to :math:`2^{b-1} - 1`; with 2, they are -1, 0 and 1.
    start : float, default=0.8
        Share of the training before the first rounding. Integers are held from there on, all of
        them half way to the end. 1 trains as :class:`MLPStudent` does and rounds once, at the end:
        quantization after training, the control of this one.

    Notes
    -----
    Early stopping chooses an epoch to begin rounding with, and then one among those in which all
    integers are held. The last student of a fit, which is trained on more rows, takes as many
    epochs before the rounding.

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
    .. [3] Zhou, Yao, Guo, Xu and Chen (2017). Incremental Network Quantization: Towards Lossless
       CNNs with Low-Precision Weights. https://doi.org/10.48550/arXiv.1702.03044

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
    _nets = ROUNDING_NETS

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
        bits: int = 4,
        start: float = 0.8,
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
        net = self._make_net(
            RoundingMLP,
            n_rows,
            regressor,
            module__hidden_layer_sizes=self.for_rows(n_rows).hidden_layer_sizes,
            module__bits=self.bits,
            module__start=self.start,
        )
        if self.start < 1:
            net.set_params(callbacks=[("schedule", self._two_phases(net, n_rows))])
        return net

    def _n_steps(self, whole: int, fewest: int) -> int:
        """As many before the first rounding as the plain student takes in all."""
        return super()._n_steps(int(whole / max(self.start, 1 / LONGEST)), fewest)

    def _two_phases(self, net: Any, n_rows: int) -> LRScheduler:
        per_epoch = n_batches(n_rows, net.batch_size)
        first = n_usual_epochs(self.start, net.max_epochs) * per_epoch
        rises = net.average_weights and net.optimizer is Muon
        rate = partial(_rate, first=first, total=net.max_epochs * per_epoch, rises=rises)
        return LRScheduler(LambdaLR, lr_lambda=rate, step_every="batch")


def _rate(step: int, first: int, total: int, rises: bool, skipped: int = 0) -> float:
    """The share of the highest rate: as usual in the `first` steps, then small and falling.

    The last of the usual steps may be `skipped`.
    """
    if step >= first - skipped:
        step += skipped
        way = (step - first) / max(1, total - first)
        return ROUNDING_RATE * (1 - way if way < 0.5 else 0.25)
    if rises:
        return min(1.0, 20 * (step + 1) / first)
    way = step / first
    if way < 0.1:
        return 1 - 0.96 * (1 + cos(10 * pi * way)) / 2
    return (1 + cos(pi * (way - 0.1) / 0.9)) / 2
