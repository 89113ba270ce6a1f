"""The responses: how the student's logits are held against the teacher's probabilities."""

import inspect
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch.nn import functional as F

from skdistill._utils._compat import Interval
from skdistill._utils.types import FloatArray, IntArray
from skdistill.targets import scale_temperature
from skdistill.task import cross_entropy_and_gradient
from skdistill.teacher import FLOOR

# A class weighs as though it had at least this share: one stray vote must not outweigh the rest.
RAREST = 0.01


class Response(BaseEstimator):
    """Base of the responses: how the student's logits are held against the teacher's labels.

    A response is a pair of functions: `prepare` makes, once per fit, a target of each row from the
    teacher's probabilities; `loss` compares a batch of logits with it. Subclasses may declare:

    * `reduction` is "row" if `loss` returns one value a row, or "batch" if the rows of a batch are
      compared together, by `batch_loss` in its place;
    * `fixes_scale` is False if the loss does not tell how large a logit is: a fit on it alone,
      without labels, is refused;
    * `uses_temperature` is False if a temperature has no meaning: one other than 1 is refused.

    Parameters
    ----------
    floor : "auto" or float, default="auto"
        Lowest probability of a teacher whose resolution is not known; see
        :class:`~skdistill.TeacherPool`.
    """

    reduction: Literal["row", "batch"] = "row"
    fixes_scale: bool = True
    uses_temperature: bool = True

    _parameter_constraints: ClassVar[dict] = {"floor": FLOOR}

    def __init__(self, floor: float | str = "auto"):
        self.floor = floor

    def check_parameters(self) -> None:
        """Raise a ValueError for a parameter that is not valid."""
        self._validate_params()

    def for_classes(self, n_classes: int) -> "Response":
        """Return what this response is for so many classes: itself, if not overridden.

        Parameters
        ----------
        n_classes : int

        Returns
        -------
        Response

        Raises
        ------
        ValueError
            If it has no meaning for so many.
        """
        return self

    def needs_floor(self, temperature: float) -> bool:
        """Tell whether `prepare` takes logarithms, so that probabilities of 0 must be lifted.

        Parameters
        ----------
        temperature : float

        Returns
        -------
        bool
        """
        return True

    def blends(self, temperature: float) -> bool:
        """Tell whether labels and soft targets, averaged, have the gradient that both have.

        Parameters
        ----------
        temperature : float

        Returns
        -------
        bool
        """
        return False

    def prepare(
        self,
        probabilities: FloatArray,
        temperature: float,
        sample_weight: FloatArray | None = None,
        labels: IntArray | None = None,
    ) -> FloatArray:
        """Make the target of each row.

        Parameters
        ----------
        probabilities : ndarray of shape (n_samples, n_classes)
            Soft targets at temperature 1.
        temperature : float
        sample_weight : ndarray of shape (n_samples,), default=None
            Weights of the rows, for what is averaged over them.
        labels : ndarray of shape (n_samples,), default=None
            Place of each row's class in ``classes_``, -1 where there is no label. A `prepare` of
            yours may leave out `sample_weight`, `labels` or both.

        Returns
        -------
        ndarray of shape (n_samples, ...)
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement `prepare`.")

    def loss(self, logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
        """Compare a batch with its target.

        Parameters
        ----------
        logits : torch.Tensor of shape (n_batch, n_classes)
        target : torch.Tensor of shape (n_batch, ...)
            Rows of what `prepare` returned.
        temperature : float

        Returns
        -------
        torch.Tensor of shape (n_batch,)
            One value a row; they are weighted and averaged elsewhere.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement `loss`.")

    def batch_loss(
        self,
        logits: torch.Tensor,
        target: torch.Tensor,
        temperature: float,
        weight: torch.Tensor,
    ) -> torch.Tensor:
        """Compare the rows of a batch together, of a response whose `reduction` is "batch".

        Parameters
        ----------
        logits : torch.Tensor of shape (n_batch, n_classes)
        target : torch.Tensor of shape (n_batch, ...)
        temperature : float
        weight : torch.Tensor of shape (n_batch,)
            With a mean of 1 over all rows, though not in each batch.

        Returns
        -------
        torch.Tensor of shape ()
            It has used the weights, as a sum over the rows divided by their number.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement `batch_loss`.")

    def loss_and_gradient(
        self, logits: torch.Tensor, target: torch.Tensor, temperature: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Compare a batch with its target, and differentiate: by autograd, if not overridden.

        Parameters
        ----------
        logits : torch.Tensor of shape (n_batch, n_classes)
        target : torch.Tensor of shape (n_batch, ...)
        temperature : float

        Returns
        -------
        loss : torch.Tensor of shape (n_batch,)
        gradient : torch.Tensor of shape (n_batch, n_classes)
            Of each row's loss in its logits.
        """
        with torch.enable_grad():
            logits = logits.detach().requires_grad_()
            rows = self.loss(logits.clone(), target, temperature)  # it may change what it gets
            (gradient,) = torch.autograd.grad(rows.sum(), logits)
        return rows.detach(), gradient


class Hinton(Response):
    r"""Cross-entropy of the softened probabilities, times the temperature squared.

    .. math:: T^2 \sum_k -q_k \log \mathrm{softmax}(z / T)_k, \quad q_k \propto p_k^{1/T}

    with the student's logits z and the teacher's probabilities p. Its gradient in z is
    :math:`T (\mathrm{softmax}(z / T) - q)`: the factor keeps its scale as T changes.

    Parameters
    ----------
    floor : "auto" or float, default="auto"
        Lowest probability of a teacher whose resolution is not known; used when the temperature
        is not 1. See :class:`~skdistill.TeacherPool`.

    References
    ----------
    .. [1] Hinton, Vinyals and Dean (2015). Distilling the Knowledge in a Neural Network.
       https://doi.org/10.48550/arXiv.1503.02531
    """

    def needs_floor(self, temperature: float) -> bool:
        """Only a temperature other than 1 takes them; see :meth:`Response.needs_floor`."""
        return temperature != 1

    def blends(self, temperature: float) -> bool:
        """At temperature 1, as a cross-entropy is linear; see :meth:`Response.blends`."""
        return temperature == 1 and is_hinton(self)

    def prepare(
        self,
        probabilities: FloatArray,
        temperature: float,
        sample_weight: FloatArray | None = None,
        labels: IntArray | None = None,
    ) -> FloatArray:
        """Soften the probabilities; see :meth:`Response.prepare`."""
        return scale_temperature(probabilities, temperature)

    def loss(self, logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
        """Softened cross-entropy of each row; see :meth:`Response.loss`."""
        if temperature == 1:
            return F.cross_entropy(logits, target, reduction="none")
        return temperature**2 * F.cross_entropy(logits / temperature, target, reduction="none")

    def loss_and_gradient(
        self, logits: torch.Tensor, target: torch.Tensor, temperature: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same in closed form; see :meth:`Response.loss_and_gradient`."""
        if not is_hinton(self):
            return super().loss_and_gradient(logits, target, temperature)
        rows, gradient = cross_entropy_and_gradient(logits / temperature, target)
        return rows.mul_(temperature**2), gradient.mul_(temperature)


class BalancedHinton(Hinton):
    r"""Hinton's response with rows of rare classes weighing more.

    A row weighs :math:`(\frac{1}{K} \sum_k p_k / \pi_k)^b`, with the teacher's probabilities p of
    the row and their mean :math:`\pi` over all rows: the more, the likelier it is of a rare class.
    Since whole rows are weighted, and not classes, the student's optimum stays the teacher's
    probabilities, which weights of classes would shift.

    Parameters
    ----------
    balance : float, default=1.0
        The exponent b, in [0, 1]. 0 is :class:`Hinton`; with 1, and labels for soft targets, all
        classes weigh alike.
    floor : "auto" or float, default="auto"
        As in :class:`Hinton`.

    References
    ----------
    .. [1] King and Zeng (2001). Logistic Regression in Rare Events Data (weighting by the inverse
       of the classes' shares). https://doi.org/10.1093/oxfordjournals.pan.a004868
    """

    _parameter_constraints: ClassVar[dict] = {
        **Hinton._parameter_constraints,
        "balance": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, balance: float = 1.0, floor: float | str = "auto"):
        super().__init__(floor=floor)
        self.balance = balance

    def prepare(
        self,
        probabilities: FloatArray,
        temperature: float,
        sample_weight: FloatArray | None = None,
        labels: IntArray | None = None,
    ) -> FloatArray:
        """Soften the probabilities and weigh the rows; see :meth:`Response.prepare`."""
        prior = np.average(probabilities, axis=0, weights=sample_weight)
        rarity = (probabilities / np.maximum(prior, RAREST)).mean(axis=1) ** self.balance
        # The cross-entropy is linear in its target, so the weight may travel in it.
        weight = (rarity / np.average(rarity, weights=sample_weight))[:, None]
        return weight * super().prepare(probabilities, temperature)


def refuse_two_classes(response: Response, n_classes: int, why: str) -> None:
    """Raise a ValueError where a response has no meaning for two classes."""
    if n_classes == 2:
        raise ValueError(
            f"`response={response!r}` has no meaning for 2 classes: {why}. Give Hinton(), Brier() "
            "or LogitMatching()."
        )


def prepare(
    response: Response,
    probabilities: FloatArray,
    temperature: float,
    sample_weight: FloatArray,
    labels: IntArray,
) -> FloatArray:
    """The targets of a response, whose `prepare` need not take weights or labels."""
    parameters = inspect.signature(response.prepare).parameters
    more: dict[str, Any] = {"sample_weight": sample_weight, "labels": labels}
    given = {name: value for name, value in more.items() if name in parameters}
    return response.prepare(probabilities, temperature, **given)


def rehearse_response(response: Response, n_classes: int, temperature: float) -> None:
    """Raise what is wrong with a response of the user's own, before teachers are fitted for it."""
    uniform = np.full((2, n_classes), 1 / n_classes)
    try:
        made = np.asarray(prepare(response, uniform, temperature, np.ones(2), np.array([0, -1])))
        logits = torch.zeros(2, n_classes, dtype=torch.float32, device="cpu")
        target = torch.as_tensor(made, dtype=torch.float32, device="cpu")
        shape = _some_loss(response, logits, target, temperature).shape
    except Exception as error:  # it is anyone's code
        raise ValueError(f"the response {response} fails on two rows: {error!r}.") from error
    expected, name = ((2,), "loss") if response.reduction == "row" else ((), "batch_loss")
    if len(target) != 2 or shape != expected:
        raise ValueError(
            f"the response {response} must make a target of each row and a loss of shape "
            f"{expected}, but for 2 rows `prepare` returned shape {tuple(target.shape)} and "
            f"`{name}` {tuple(shape)}."
        )


def _some_loss(
    response: Response, logits: torch.Tensor, target: torch.Tensor, temperature: float
) -> torch.Tensor:
    if response.reduction == "batch":
        return response.batch_loss(logits, target, temperature, torch.ones(len(logits)))
    return response.loss(logits, target, temperature)


def is_hinton(response: Response) -> bool:
    """Whether a response has Hinton's loss, and not one of a subclass's own."""
    return type(response).loss is Hinton.loss
