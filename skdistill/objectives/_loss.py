"""The loss of a batch, of labels, response and objectives."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from skdistill._utils.layers import (
    in_evaluation,
    layers_in_words,
    unknown_layers,
    watch_layers,
)
from skdistill._utils.types import Estimator
from skdistill.objectives._objective import (
    DECAY_SHARE,
    Batch,
    Objective,
    loss_of,
    probes_key,
    view_key,
)
from skdistill.objectives._response import Response
from skdistill.objectives._weights import balancing_factor

# Rows that tell the shapes and the gradients before the first step.
FIRST_ROWS = 256


class DistillationLoss(torch.nn.Module):
    r"""The loss of a batch: :math:`\alpha` hard + :math:`(1 - \alpha)` response + objectives.

    The weights have a mean of 1 over all rows, so that a batch is divided by its number of rows:
    divided by its own weights, a heavy row would count less the fewer of them there are in a batch.
    A row without a label has no hard term. In evaluation mode it is the loss of the labels or,
    where there are none, the response.

    Parameters
    ----------
    task : Classification
    response : Response
    objectives : list of (str, Objective)
        They are this loss's own; those that weigh nothing are left out.
    temperature : float
    alpha : float
        Weight of the hard-label term, in [0, 1].
    gives_probabilities : bool, default=False
        Whether the module returns probabilities and not logits.
    """

    def __init__(
        self,
        task: Any,
        response: Response,
        objectives: list[tuple[str, Objective]],
        temperature: float,
        alpha: float,
        gives_probabilities: bool = False,
    ):
        super().__init__()
        self.task = task
        self.response = response
        # One that weighs nothing is not there: the same steps are taken, to the bit.
        self.objectives = [(name, one) for name, one in objectives if one.weight != 0]
        self.temperature = temperature
        self.alpha = alpha
        self.gives_probabilities = gives_probabilities
        self.parts = torch.nn.ModuleDict()
        self._layers: dict[str, torch.Tensor] = {}
        self._student: Callable[[torch.Tensor], torch.Tensor] | None = None
        fixed = [0.0 if one.weight == "auto" else one.weight for _, one in self.objectives]
        self.factors: torch.Tensor
        self.n_steps: torch.Tensor
        self.register_buffer("factors", torch.tensor(fixed, dtype=torch.float32))
        self.register_buffer("n_steps", torch.zeros((), dtype=torch.int64))
        self._n_planned = 0

    @property
    def draws_random_numbers(self) -> bool:
        """Whether a term may: of an objective it cannot be told."""
        return bool(self.objectives)

    def begin(self, net: Estimator, rows: Any, n_planned: int) -> None:
        """Make the modules that objectives train, and find the weights that are "auto".

        Parameters
        ----------
        net : skorch.NeuralNet
            Initialized, with this loss as its criterion.
        rows : Rows
            Those that the net is trained on.
        n_planned : int
            Steps that the training is to take.
        """
        self._n_planned = n_planned
        if not self.objectives:
            return
        inputs, target = rows.take_some(FIRST_ROWS)
        handles = self.watch(net.module_)
        try:
            inputs, target = inputs.to(net.device), {k: v.to(net.device) for k, v in target.items()}
            self._make_parts(net, inputs, target)
            if any(one.weight == "auto" for _, one in self.objectives):
                self._balance(net.module_, inputs, target)
        finally:
            for handle in handles:
                handle.remove()

    def end(self) -> None:
        """Drop what objectives have trained beside the student."""
        self.parts.clear()
        self._layers, self._student = {}, None
        for _, objective in self.objectives:
            if "module_" in vars(objective):
                del objective.module_

    def forward(self, output: torch.Tensor, target: dict[str, torch.Tensor]) -> torch.Tensor:
        weight = target["weight"]
        logits = as_logits(output.to(weight.dtype), self.gives_probabilities)
        if not self.training:
            return self._validation_loss(logits, target)
        rows, batch = self._rows(logits, target)
        rest = _mean(rows, weight) + batch
        for place, (name, objective) in enumerate(self.objectives):
            term = self._term(name, objective, logits, target)
            if objective.balances_each_step and objective.weight == "auto":
                self.factors = self.factors.clone()  # those of the last step may be in a graph
                self.factors[place] = balancing_factor(_mean(term, weight), rest, [logits])
            value = self._factor(place) * term
            if objective.reduction == "row":
                rows = rows + value
            else:
                batch = batch + value
        self.n_steps += bool(self.objectives)
        return _mean(rows, weight) + batch

    # --- the pass without autograd ---

    def mix(self, target: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Make one target of labels and soft targets, where one loss does for both.

        Parameters
        ----------
        target : dict of str to torch.Tensor
            Of all rows.

        Returns
        -------
        dict of str to torch.Tensor
            For :meth:`value_and_gradients`: "mixed" and what the task adds to it, or the target as
            it was.
        """
        if self.objectives or "soft" not in target or not self.response.blends(self.temperature):
            return target
        return self.task.blend(target, self.alpha)

    def value_and_gradients(
        self,
        logits: torch.Tensor,
        target: dict[str, torch.Tensor],
        layers: dict[str, torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        """The training loss of a batch and its gradients; those of `parts` are written to them.

        Parameters
        ----------
        logits : torch.Tensor of shape (n_batch, n_classes)
        target : dict of str to torch.Tensor
            Rows of what :meth:`mix` returned.
        layers : dict of str to torch.Tensor
            Outputs of the layers that objectives need.

        Returns
        -------
        value : torch.Tensor of shape ()
        gradient : torch.Tensor of shape (n_batch, n_classes)
            Of the logits.
        gradients : dict of str to torch.Tensor
            Of the layers.
        """
        if self.objectives or self._is_of_batches:
            return self._differentiate(logits, target, layers)
        if "mixed" in target:
            return *self.task.blended_value_and_gradient(logits, target), {}
        rows, gradient = self._rows_and_gradient(logits, target)
        weight = target["weight"] / len(rows)
        return torch.dot(rows, weight), gradient * weight[:, None], {}

    @torch.enable_grad()
    def _differentiate(
        self,
        logits: torch.Tensor,
        target: dict[str, torch.Tensor],
        layers: dict[str, torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        logits = logits.detach().requires_grad_()
        leaves = {name: output.detach().requires_grad_() for name, output in layers.items()}
        # A term may change what it gets.
        self._layers = {name: leaf.clone() for name, leaf in leaves.items()}
        value = self(logits.clone(), target)
        own = list(self.parameters())
        wanted = [logits, *leaves.values(), *own]
        gradients = torch.autograd.grad(value, wanted, allow_unused=True)
        found = [
            torch.zeros_like(leaf) if gradient is None else gradient
            for leaf, gradient in zip(wanted, gradients, strict=True)
        ]
        for parameter, gradient in zip(own, found[1 + len(leaves) :], strict=True):
            parameter.grad = gradient if parameter.grad is None else parameter.grad.copy_(gradient)
        return value.detach(), found[0], dict(zip(leaves, found[1:], strict=False))

    def _rows_and_gradient(
        self, logits: torch.Tensor, target: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self.alpha == 0:
            return self._response_and_gradient(logits, target["soft"])
        rows, gradient = self.task.hard_loss_and_gradient(logits, target["label"])
        if self.alpha < 1:
            soft_rows, soft_gradient = self._response_and_gradient(logits, target["soft"])
            rows = rows.mul_(self.alpha).add_(soft_rows, alpha=1 - self.alpha)
            gradient = gradient.mul_(self.alpha).add_(soft_gradient, alpha=1 - self.alpha)
        return rows, gradient

    def _response_and_gradient(
        self, logits: torch.Tensor, soft: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows, gradient = self.response.loss_and_gradient(logits, soft, self.temperature)
        return self._check_response(rows, logits), gradient

    # --- labels and response ---

    @property
    def _is_of_batches(self) -> bool:
        """Whether the response compares the rows of a batch together."""
        return self.alpha < 1 and self.response.reduction == "batch"

    def _rows(self, logits: torch.Tensor, target: dict[str, torch.Tensor]) -> tuple[Any, Any]:
        """Labels and response: a value a row, and one of the batch."""
        if self._is_of_batches:
            soft = self._batch_response(logits, target)
            if self.alpha == 0:
                return torch.zeros_like(target["weight"]), soft
            hard = self.task.hard_loss(logits, target["label"])
            return self.alpha * hard, (1 - self.alpha) * soft
        return self._mixed_rows(logits, target), 0.0

    def _mixed_rows(self, logits: torch.Tensor, target: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.alpha == 0:
            return self._response(logits, target["soft"])
        hard: torch.Tensor = self.task.hard_loss(logits, target["label"])
        if self.alpha == 1:
            return hard
        soft = self._response(logits, target["soft"])
        return torch.add((1 - self.alpha) * soft, hard, alpha=self.alpha)

    def _batch_response(
        self, logits: torch.Tensor, target: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        weight = target["weight"]
        return self.response.batch_loss(logits, target["soft"], self.temperature, weight)

    def _response(self, logits: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
        return self._check_response(self.response.loss(logits, soft, self.temperature), logits)

    def _check_response(self, rows: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        if rows.shape != logits.shape[:1]:
            raise ValueError(
                f"`loss` of the response {self.response} must return shape ({len(logits)},) for "
                f"{len(logits)} rows, got {tuple(rows.shape)}."
            )
        return rows

    def _validation_loss(
        self, logits: torch.Tensor, target: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        if self.task.known(target["label"]).all():
            rows = self.task.hard_loss(logits, target["label"])
        elif self.response.reduction == "batch":
            return self._batch_response(logits, target)
        else:
            rows = self._response(logits, target["soft"])
        return _mean(rows, target["weight"])

    # --- objectives ---

    @property
    def layers(self) -> set[str]:
        """Names of the student's layers that the objectives need."""
        return {layer for _, objective in self.objectives for layer in objective.student_layers}

    @property
    def asks_student(self) -> bool:
        """Whether an objective asks the student about other rows."""
        return any(objective.asks_student for _, objective in self.objectives)

    def watch(self, module: torch.nn.Module) -> list[Any]:
        """Record the layers that the objectives name; returns handles that end it."""
        unknown = unknown_layers(module, self.layers)
        if unknown:
            raise ValueError(
                f"`objectives` need the student's layers {unknown}, but it has "
                f"{layers_in_words(module)}."
            )
        self._student = partial(self._ask, module)
        return watch_layers(module, self.layers, self._record)

    def _record(self, name: str, output: torch.Tensor) -> None:
        self._layers[name] = output

    def _ask(self, module: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        """The student's logits of other rows, as it will give them when it is served."""
        kept, self._layers = self._layers, {}
        try:
            with in_evaluation(module):
                return as_logits(module(inputs), self.gives_probabilities)
        finally:
            self._layers = kept

    def _batch(
        self, name: str, objective: Objective, logits: torch.Tensor, target: dict[str, torch.Tensor]
    ) -> Batch:
        layers = {layer: self._layers[layer] for layer in objective.student_layers}
        return Batch(
            target["inputs"],
            logits,
            layers,
            target["label"],
            target.get("teacher"),
            target.get(view_key(name)),
            target["weight"],
            target.get(probes_key(name)),
            self._student if objective.asks_student else None,
        )

    def _term(
        self, name: str, objective: Objective, logits: torch.Tensor, target: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """The term of an objective, weighted by the rows, not by its factor."""
        weight = target["weight"]
        value = loss_of(objective, self._batch(name, objective, logits, target))
        expected = weight.shape if objective.reduction == "row" else ()
        if value.shape != expected:
            raise ValueError(
                f"`loss` of the objective `{name}` must return shape {tuple(expected)} for its "
                f"reduction '{objective.reduction}' and {len(weight)} rows, got "
                f"{tuple(value.shape)}."
            )
        return value.to(weight.dtype)

    def _factor(self, place: int) -> torch.Tensor:
        """The factor of a term at this step."""
        objective, factor = self.objectives[place][1], self.factors[place]
        if not objective.decay:
            return factor
        left = 1 - self.n_steps / max(1, self._n_planned)
        return factor * (left / DECAY_SHARE).clamp(0, 1)

    def _make_parts(
        self, net: Estimator, inputs: torch.Tensor, target: dict[str, torch.Tensor]
    ) -> None:
        with torch.no_grad(), in_evaluation(net.module_):
            logits = as_logits(net.module_(inputs), self.gives_probabilities)
        for place, (name, objective) in enumerate(self.objectives):
            made = objective.make_module(self._batch(name, objective, logits, target))
            if made is not None:
                objective.module_ = self.parts[str(place)] = made.to(net.device)
        if any(True for _ in self.parts.parameters()):
            net.initialize_optimizer()

    def _balance(
        self, module: torch.nn.Module, inputs: torch.Tensor, target: dict[str, torch.Tensor]
    ) -> None:
        """Find the factors that are "auto", by the gradients before the first step."""
        with torch.enable_grad(), in_evaluation(module):
            logits = as_logits(module(inputs), self.gives_probabilities)
            weights = [p for p in module.parameters() if p.requires_grad]
            rows, batch = self._rows(logits, target)
            rest = _mean(rows, target["weight"]) + batch
            for place, (name, objective) in enumerate(self.objectives):
                if objective.weight == "auto":
                    term = _mean(self._term(name, objective, logits, target), target["weight"])
                    self.factors[place] = balancing_factor(term, rest, weights)


def _mean(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The mean of rows, where the mean weight of all batches is 1; a value of a batch as it is."""
    return torch.dot(values, weight) / len(values) if values.ndim else values


def as_logits(output: torch.Tensor, gives_probabilities: bool) -> torch.Tensor:
    """Logits of a module's output; those of probabilities are their logarithms."""
    if not gives_probabilities:
        return output
    return torch.log(output + torch.finfo(output.dtype).eps)
