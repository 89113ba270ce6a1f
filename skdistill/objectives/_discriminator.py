"""The adversarial objective: the student is to deceive a net that tells it from the teacher."""

from numbers import Integral
from typing import ClassVar, Literal

import torch
from torch.func import functional_call
from torch.nn.functional import softplus

from skdistill._utils._compat import Interval
from skdistill._utils.types import Estimator
from skdistill.objectives._objective import Batch, Objective
from skdistill.task import Task


class Discriminator(Objective):
    r"""Let a discriminator tell the student's probabilities from the teacher's, and deceive it.

    A small net D sees a row, as the student does, and probabilities: the teacher's p or the
    student's q. Both are trained in the same step. D learns to tell them apart by log loss, and the
    student is asked for

    .. math:: -\log D(x, q)

    So the student need not match p row by row: its answers have to look like the teacher's. There
    is no evidence that this helps on tables; expect nothing, and compare. There must be three
    classes at least: the probabilities of two are one number, which has no structure to see.

    Parameters
    ----------
    weight : float or "auto", default="auto"
        Factor of the term; see :class:`Objective`. "auto" is found at each step [3]_: a
        discriminator that is sure of itself has large gradients, and would outweigh the teacher. It
        multiplies D's own loss as well.
    decay : bool, default=True
        Whether it falls to 0 over the last third of the training.
    hidden_layer_size : int, default=64
        Units of D's two hidden layers.

    References
    ----------
    .. [1] Goodfellow et al. (2014). Generative Adversarial Networks.
       https://doi.org/10.48550/arXiv.1406.2661
    .. [2] Xu, Hsu and Huang (2018). Training Shallow and Thin Networks for Acceleration via
       Knowledge Distillation with Conditional Adversarial Networks.
       https://doi.org/10.48550/arXiv.1709.00513
    .. [3] Esser, Rombach and Ommer (2021). Taming Transformers for High-Resolution Image Synthesis,
       equation 7. https://doi.org/10.1109/CVPR46437.2021.01268

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import Discriminator, DistilledClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = RandomForestClassifier(20, random_state=0)
    >>> clf = DistilledClassifier(forest, objectives=Discriminator(), random_state=0)
    >>> clf.fit(X, y).predict(X[:3])
    array([0, 0, 0])
    """

    balances_each_step = True

    _parameter_constraints: ClassVar[dict] = {
        **Objective._parameter_constraints,
        "hidden_layer_size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        weight: float | Literal["auto"] = "auto",
        decay: bool = True,
        hidden_layer_size: int = 64,
    ):
        super().__init__(weight=weight, decay=decay)
        self.hidden_layer_size = hidden_layer_size

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Three classes at least; see :meth:`Objective.check_fit`."""
        if not task.has_classes or task.n_outputs < 3:
            found = f"{task.n_outputs} classes" if task.has_classes else "numbers to predict"
            raise ValueError(
                f"`Discriminator` needs probabilities of three classes at least, got {found}: "
                "leave it out of `objectives`."
            )

    def make_module(self, batch: Batch) -> torch.nn.Module:
        """The discriminator; see :meth:`Objective.make_module`."""
        n_inputs, n_hidden = _seen(batch, batch.logits).shape[1], self.hidden_layer_size
        return torch.nn.Sequential(
            torch.nn.Linear(n_inputs, n_hidden),
            torch.nn.LeakyReLU(0.2),
            torch.nn.Linear(n_hidden, n_hidden),
            torch.nn.LeakyReLU(0.2),
            torch.nn.Linear(n_hidden, 1),
        )

    def loss(self, batch: Batch) -> torch.Tensor:
        """How sure the discriminator is that a row is the student's; see :meth:`Objective.loss`."""
        q = torch.softmax(batch.logits, dim=1)
        fixed = {name: value.detach() for name, value in self.module_.named_parameters()}
        deceived = softplus(-functional_call(self.module_, fixed, (_seen(batch, q),))[:, 0])
        assert batch.soft is not None
        real = self.module_(_seen(batch, batch.soft.to(q.dtype)))[:, 0]
        fake = self.module_(_seen(batch, q.detach()))[:, 0]
        own = softplus(-real) + softplus(fake)
        # The discriminator's loss has a gradient, but no part in the value of the student's term.
        return deceived + (own - own.detach())


def _seen(batch: Batch, probabilities: torch.Tensor) -> torch.Tensor:
    """What the discriminator sees: a row and probabilities of its classes."""
    return torch.cat([batch.inputs.flatten(1).to(probabilities.dtype), probabilities], dim=1)
