"""What the student is asked to match: the response, and objectives added to it."""

from dataclasses import dataclass, field
from numbers import Real

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch.nn import functional as F

from skdistill.targets import scale_temperature
from skdistill.teacher import check_floor

# A class weighs as though it had at least this share: one stray vote must not outweigh the rest.
RAREST = 0.01


@dataclass
class StudentOutput:
    """What the student gave for a batch.

    Attributes
    ----------
    logits : torch.Tensor of shape (n_batch, n_classes)
    layers : dict of str to torch.Tensor
        Outputs of the submodules that an objective named in `student_layers`.
    """

    logits: torch.Tensor
    layers: dict = field(default_factory=dict)


class Response(BaseEstimator):
    """Base of the responses: how the student's logits are held against the teacher's labels.

    A response is a pair of functions: `prepare` makes, once per fit, a target of each row from the
    teacher's probabilities; `loss` compares a batch of logits with it.

    Parameters
    ----------
    floor : "auto" or float, default="auto"
        Lowest probability of a teacher whose resolution is not known; see
        :class:`~skdistill.TeacherPool`.
    """

    def __init__(self, floor="auto"):
        self.floor = floor

    def check_parameters(self):
        """Raise a ValueError for a parameter that is not valid."""
        check_floor(self.floor)

    def needs_floor(self, temperature):
        """Tell whether `prepare` takes logarithms, so that probabilities of 0 must be lifted.

        Parameters
        ----------
        temperature : float

        Returns
        -------
        bool
        """
        return True

    def prepare(self, probabilities, temperature, sample_weight=None):
        """Make the target of each row.

        Parameters
        ----------
        probabilities : ndarray of shape (n_samples, n_classes)
            Soft targets at temperature 1.
        temperature : float
        sample_weight : ndarray of shape (n_samples,), default=None
            Weights of the rows, for what is averaged over them.

        Returns
        -------
        ndarray of shape (n_samples, ...)
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement `prepare`.")

    def loss(self, logits, target, temperature):
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

    def loss_and_gradient(self, logits, target, temperature):
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

    def needs_floor(self, temperature):
        """Only a temperature other than 1 takes them; see :meth:`Response.needs_floor`."""
        return temperature != 1

    def prepare(self, probabilities, temperature, sample_weight=None):
        """Soften the probabilities; see :meth:`Response.prepare`."""
        return scale_temperature(probabilities, temperature)

    def loss(self, logits, target, temperature):
        """Softened cross-entropy of each row; see :meth:`Response.loss`."""
        if temperature == 1:
            return F.cross_entropy(logits, target, reduction="none")
        return temperature**2 * F.cross_entropy(logits / temperature, target, reduction="none")

    def loss_and_gradient(self, logits, target, temperature):
        """The same in closed form; see :meth:`Response.loss_and_gradient`."""
        if type(self).loss is not Hinton.loss:
            return super().loss_and_gradient(logits, target, temperature)
        rows, gradient = _cross_entropy_and_gradient(logits / temperature, target)
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

    def __init__(self, balance=1.0, floor="auto"):
        super().__init__(floor=floor)
        self.balance = balance

    def check_parameters(self):
        """Raise a ValueError for a parameter that is not valid."""
        super().check_parameters()
        if not isinstance(self.balance, Real) or not 0 <= self.balance <= 1:
            raise ValueError(f"`balance` must be a number in [0, 1], got {self.balance!r}.")

    def prepare(self, probabilities, temperature, sample_weight=None):
        """Soften the probabilities and weigh the rows; see :meth:`Response.prepare`."""
        prior = np.average(probabilities, axis=0, weights=sample_weight)
        rarity = (probabilities / np.maximum(prior, RAREST)).mean(axis=1) ** self.balance
        # The cross-entropy is linear in its target, so the weight may travel in it.
        weight = (rarity / np.average(rarity, weights=sample_weight))[:, None]
        return weight * super().prepare(probabilities, temperature)


class Objective(BaseEstimator):
    """Base of the objectives: a term added to the response.

    Subclasses declare what they need and what they return:

    * `reduction` is "row" if `loss` returns one value a row, weighted and averaged with the rest
      of the loss, or "batch" if it returns one value that has used the weights itself, as a term
      over pairs of rows must;
    * `student_layers` names submodules of the student whose outputs `loss` needs;
    * `teacher_view` takes from the fitted teacher what `loss` needs, once per row.

    Parameters
    ----------
    weight : float, default=1.0
        Factor of the term, >= 0.
    """

    reduction = "row"
    student_layers: tuple[str, ...] = ()

    def __init__(self, weight=1.0):
        self.weight = weight

    def check_parameters(self):
        """Raise a ValueError for a parameter that is not valid."""
        if not isinstance(self.weight, Real) or not 0 <= self.weight < float("inf"):
            raise ValueError(
                f"`weight` of {type(self).__name__} must be a number >= 0, got {self.weight!r}."
            )
        if self.reduction not in ("row", "batch"):
            raise ValueError(
                f"`reduction` of {type(self).__name__} must be 'row' or 'batch', got "
                f"{self.reduction!r}."
            )

    def teacher_view(self, teacher, X):
        """Take from the teacher what the term needs.

        Parameters
        ----------
        teacher : TeacherPool
            Fitted on all rows, never cross-fitted.
        X : array-like or DataFrame of shape (n_samples, n_features)
            Training and transfer rows, as the teacher takes them.

        Returns
        -------
        ndarray of shape (n_samples, ...) or None
            None if the term needs nothing of the teacher.
        """
        return None

    def loss(self, student, view, sample_weight):
        """The term for a batch.

        Parameters
        ----------
        student : StudentOutput
        view : torch.Tensor of shape (n_batch, ...) or None
            Rows of what `teacher_view` returned.
        sample_weight : torch.Tensor of shape (n_batch,)

        Returns
        -------
        torch.Tensor of shape (n_batch,) or ()
            As `reduction` declares.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement `loss`.")


class DistillationLoss(torch.nn.Module):
    r"""The loss of a batch: :math:`\alpha` hard + :math:`(1 - \alpha)` response + objectives.

    Rows are averaged by weight; a row without a label has no hard term. In evaluation mode it is
    the log loss of the labels or, where there are none, the response.

    Parameters
    ----------
    response : Response
    objectives : list of (str, Objective)
    temperature : float
    alpha : float
        Weight of the hard-label term, in [0, 1].
    gives_probabilities : bool, default=False
        Whether the module returns probabilities and not logits.
    """

    def __init__(self, response, objectives, temperature, alpha, gives_probabilities=False):
        super().__init__()
        self.response = response
        self.objectives = objectives
        self.temperature = temperature
        self.alpha = alpha
        self.gives_probabilities = gives_probabilities
        self._layers = {}

    def forward(self, output, target):
        logits = as_logits(output, self.gives_probabilities)
        if not self.training:
            return self._validation_loss(logits, target)
        weight = target["weight"]
        rows, batch = self._rows(logits, target), 0.0
        student = StudentOutput(logits, self._layers)
        for name, objective in self.objectives:
            value = objective.loss(student, target.get(view_key(name)), weight)
            value = objective.weight * _check_value(name, objective, value, weight)
            if objective.reduction == "row":
                rows = rows + value
            else:
                batch = batch + value
        return torch.dot(rows, weight) / weight.sum() + batch

    def mix(self, target):
        """Make one target of labels and soft targets, where one cross-entropy does for both.

        Parameters
        ----------
        target : dict of str to torch.Tensor
            Of all rows.

        Returns
        -------
        dict of str to torch.Tensor
            For :meth:`value_and_gradient`: "weight" and "mixed", or the target as it was.
        """
        is_linear = self.temperature == 1 and type(self.response).loss is Hinton.loss
        if self.objectives or not is_linear or "soft" not in target:
            return target
        mixed = (1 - self.alpha) * target["soft"]
        mixed = _add_labels(mixed, target["label"], self.alpha)
        return {"weight": target["weight"], "mixed": mixed}

    def value_and_gradient(self, logits, target):
        """The training loss of a batch and its gradient in the logits.

        Parameters
        ----------
        logits : torch.Tensor of shape (n_batch, n_classes)
        target : dict of str to torch.Tensor
            Rows of what :meth:`mix` returned.

        Returns
        -------
        value : torch.Tensor of shape ()
        gradient : torch.Tensor of shape (n_batch, n_classes)
        """
        if self.objectives:
            with torch.enable_grad():
                logits = logits.detach().requires_grad_()
                value = self(logits.clone(), target)
                (gradient,) = torch.autograd.grad(value, logits)
            return value.detach(), gradient
        rows, gradient = self._rows_and_gradient(logits, target)
        weight = target["weight"] / target["weight"].sum()
        return torch.dot(rows, weight), gradient * weight[:, None]

    def _rows_and_gradient(self, logits, target):
        if "mixed" in target:
            return _cross_entropy_and_gradient(logits, target["mixed"])
        if self.alpha == 0:
            return self._response_and_gradient(logits, target["soft"])
        hard = _add_labels(torch.zeros_like(logits), target["label"], self.alpha)
        rows, gradient = _cross_entropy_and_gradient(logits, hard)
        if self.alpha < 1:
            soft_rows, soft_gradient = self._response_and_gradient(logits, target["soft"])
            rows.add_(soft_rows, alpha=1 - self.alpha)
            gradient.add_(soft_gradient, alpha=1 - self.alpha)
        return rows, gradient

    def _response_and_gradient(self, logits, soft):
        rows, gradient = self.response.loss_and_gradient(logits, soft, self.temperature)
        return self._check_response(rows, logits), gradient

    def _rows(self, logits, target):
        if self.alpha == 0:
            return self._response(logits, target["soft"])
        hard = F.cross_entropy(logits, target["label"], reduction="none", ignore_index=-1)
        if self.alpha == 1:
            return hard
        soft = self._response(logits, target["soft"])
        return torch.add((1 - self.alpha) * soft, hard, alpha=self.alpha)

    def _response(self, logits, soft):
        return self._check_response(self.response.loss(logits, soft, self.temperature), logits)

    def _check_response(self, rows, logits):
        if rows.shape != logits.shape[:1]:
            raise ValueError(
                f"`loss` of the response {self.response} must return shape ({len(logits)},) for "
                f"{len(logits)} rows, got {tuple(rows.shape)}."
            )
        return rows

    def _validation_loss(self, logits, target):
        weight = target["weight"]
        if (target["label"] >= 0).all():
            rows = F.cross_entropy(logits, target["label"], reduction="none")
        else:
            rows = self._response(logits, target["soft"])
        return torch.dot(rows, weight) / len(weight)  # the mean weight of all batches is 1

    @property
    def layers(self):
        """Names of the student's submodules whose outputs the objectives need."""
        return {layer for _, objective in self.objectives for layer in objective.student_layers}

    def watch(self, module):
        """Record the layers that the objectives name; returns handles that end it."""
        submodules = dict(module.named_modules())
        unknown = sorted(self.layers - set(submodules))
        if unknown:
            raise ValueError(
                f"`objectives` need the student's layers {unknown}, but it has "
                f"{sorted(name for name in submodules if name)}."
            )
        return [
            submodules[name].register_forward_hook(self._recorder(name)) for name in self.layers
        ]

    def _recorder(self, name):
        def record(module, inputs, output):
            self._layers[name] = output

        return record


def _check_value(name, objective, value, weight):
    expected = weight.shape if objective.reduction == "row" else ()
    if value.shape != expected:
        raise ValueError(
            f"`loss` of the objective `{name}` must return shape {tuple(expected)} for its "
            f"reduction '{objective.reduction}' and {len(weight)} rows, got {tuple(value.shape)}."
        )
    return value


def _add_labels(target, labels, mass):
    """Add `mass` at each row's label to a target, in place; nothing where there is no label."""
    masses = (labels >= 0) * mass
    return target.scatter_add_(1, labels.clamp(min=0)[:, None], masses[:, None])


def _cross_entropy_and_gradient(logits, target):
    """Cross-entropy of each row with a target of any mass, and its gradient in the logits."""
    log_p = torch.log_softmax(logits, dim=1)
    rows = -torch.linalg.vecdot(log_p, target)
    return rows, log_p.exp_().mul_(target.sum(dim=1, keepdim=True)).sub_(target)


def as_logits(output, gives_probabilities):
    """Logits of a module's output; those of probabilities are their logarithms."""
    if not gives_probabilities:
        return output
    return torch.log(output + torch.finfo(output.dtype).eps)


def view_key(name):
    """Where the teacher view of the objective `name` travels in a batch's target."""
    return f"view:{name}"
