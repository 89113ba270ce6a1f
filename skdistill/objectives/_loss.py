"""The loss of a batch, of labels, response and objectives."""

import torch
from torch.nn import functional as F

from skdistill.objectives._objective import StudentOutput, view_key
from skdistill.objectives._response import cross_entropy_and_gradient, is_hinton


class DistillationLoss(torch.nn.Module):
    r"""The loss of a batch: :math:`\alpha` hard + :math:`(1 - \alpha)` response + objectives.

    The weights have a mean of 1 over all rows, so that a batch is divided by its number of rows:
    divided by its own weights, a heavy row would count less the fewer of them there are in a batch.
    A row without a label has no hard term. In evaluation mode it is the log loss of the labels or,
    where there are none, the response.

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
        weight = target["weight"]
        logits = as_logits(output.to(weight.dtype), self.gives_probabilities)
        if not self.training:
            return self._validation_loss(logits, target)
        rows, batch = self._rows(logits, target), 0.0
        student = StudentOutput(logits, self._layers)
        for name, objective in self.objectives:
            value = objective.loss(student, target.get(view_key(name)), weight)
            value = objective.weight * _check_value(name, objective, value, weight)
            if objective.reduction == "row":
                rows = rows + value
            else:
                batch = batch + value
        return _mean(rows, weight) + batch

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
        is_linear = self.temperature == 1 and is_hinton(self.response)
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
        weight = target["weight"] / len(rows)
        return torch.dot(rows, weight), gradient * weight[:, None]

    def _rows_and_gradient(self, logits, target):
        if "mixed" in target:
            return cross_entropy_and_gradient(logits, target["mixed"])
        if self.alpha == 0:
            return self._response_and_gradient(logits, target["soft"])
        hard = _add_labels(torch.zeros_like(logits), target["label"], self.alpha)
        rows, gradient = cross_entropy_and_gradient(logits, hard)
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
        return _mean(rows, weight)

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


def _mean(rows, weight):
    """The mean of a batch, where the mean weight of all batches is 1."""
    return torch.dot(rows, weight) / len(rows)


def _add_labels(target, labels, mass):
    """Add `mass` at each row's label to a target, in place; nothing where there is no label."""
    masses = (labels >= 0) * mass
    return target.scatter_add_(1, labels.clamp(min=0)[:, None], masses[:, None])


def as_logits(output, gives_probabilities):
    """Logits of a module's output; those of probabilities are their logarithms."""
    if not gives_probabilities:
        return output
    return torch.log(output + torch.finfo(output.dtype).eps)
