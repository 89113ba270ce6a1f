"""Modules that are trained as one net and served as another, and all whose passes are known."""

from itertools import pairwise
from math import ceil
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from skdistill.modules import MLP, CohortMLP, HydraMLP, QuantileMLP

# Steps between levels that lose least of a standard normal variable, by bits.
BEST_STEPS = {2: 1.224, 4: 0.335, 8: 0.031}
# Least squares for the scales settle in so many turns.
TURNS = 4


class QuantizedMLP(MLP):
    """A perceptron whose matrices are integers of few bits, times a scale for each output.

    The matrix that sees the numbers has 8 bits: no later layer finds what is lost there. Each
    matrix has the buffer ``scale`` beside it; the tables of categories have a scale a row.

    Parameters
    ----------
    n_inputs : int
        Columns of the input; the last ``len(cardinalities)`` hold category codes.
    n_outputs : int
        Number of classes, or of numbers to tell.
    cardinalities : tuple of int, default=()
        As in :class:`~skdistill.MLP`.
    hidden_layer_sizes : tuple of int, default=(192, 192)
    bits : {8, 4, 2}, default=4

    Notes
    -----
    **Shape:** float32 of shape (n_rows, n_inputs) to logits of shape (n_rows, n_outputs).
    """

    draws_random_numbers = False

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        cardinalities: tuple[int, ...] = (),
        hidden_layer_sizes: tuple[int, ...] = (192, 192),
        bits: int = 4,
    ) -> None:
        super().__init__(n_inputs, n_outputs, cardinalities, hidden_layer_sizes)
        self.bits = bits
        for layer in self.quantized_layers().values():
            layer.register_buffer("scale", torch.ones(len(layer.weight), 1))

    def bits_of(self, layer: nn.Module) -> int:
        """The bits of a layer's weights."""
        return 8 if layer is self.first else self.bits

    def quantized_layers(self) -> dict[str, Any]:
        """The layers that have a scale, by name."""
        tables = (nn.Linear, nn.EmbeddingBag)
        return {name: one for name, one in self.named_modules() if isinstance(one, tables)}


class ChangingMLP(MLP):
    """A perceptron that is trained as one net and served as another.

    In training, its weights are what the optimizer steps. What a pass sees in their place says
    :meth:`weights_in_pass`. In evaluation, it answers as it would be served.
    """

    def is_changing(self, done: float) -> bool:
        """Whether it is another net than in the epoch before, in the epoch that is so far."""
        raise NotImplementedError

    def is_settled(self, done: float) -> bool:
        """Whether it is trained as it is served, in the epoch that is so far."""
        raise NotImplementedError

    def begin_epoch(self, done: float) -> None:
        """Get ready for an epoch; `done` is 0 in the first and 1 in the last."""
        raise NotImplementedError

    def end_epoch(self) -> None:
        """Get ready to answer as it would be served, with the weights as they now are."""
        raise NotImplementedError

    def weights_in_pass(self) -> dict[str, torch.Tensor]:
        """What a pass sees in place of weights, by their names; gradients go through."""
        raise NotImplementedError

    def served(self, params: dict[str, Any]) -> tuple[type[MLP], dict[str, Any]]:
        """The class that is served and its parameters, of those of this module."""
        raise NotImplementedError

    def served_weights(self) -> dict[str, torch.Tensor]:
        """The state of the module that is served."""
        raise NotImplementedError

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.answers_with(self.weights_in_pass(), X)

    def answers_with(self, weights: dict[str, torch.Tensor], X: torch.Tensor) -> torch.Tensor:
        """The answers of the perceptron, with some weights in place of its own."""
        seen = {f"module.{name}": values for name, values in weights.items()}
        answers: torch.Tensor = functional_call(_PlainPass(self), seen, (X,))
        return answers


class _PlainPass(nn.Module):
    """The pass of :class:`MLP` through the layers of another module."""

    def __init__(self, module: MLP) -> None:
        super().__init__()
        self.module = module

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return MLP.forward(self.module, X)


class RoundingMLP(ChangingMLP, QuantizedMLP):
    """A :class:`QuantizedMLP` in training: passes see rounded weights, the optimizer others.

    In the first half of its passes with rounded weights, integers are held: more and more of them,
    first those that are nearest to the weights behind them. In the second half all are, and scales
    and biases alone learn. Each layer has the buffer ``held``: its integers, NaN where they are
    free.

    Parameters
    ----------
    n_inputs, n_outputs, cardinalities, hidden_layer_sizes, bits : objects
        As in :class:`QuantizedMLP`.
    start : float, default=0.8
        Share of the training before the first rounding.
    """

    draws_random_numbers = False

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        cardinalities: tuple[int, ...] = (),
        hidden_layer_sizes: tuple[int, ...] = (192, 192),
        bits: int = 4,
        start: float = 0.8,
    ) -> None:
        super().__init__(n_inputs, n_outputs, cardinalities, hidden_layer_sizes, bits)
        self.start = start
        self._rounds = self._holds_all = False
        for layer in self.quantized_layers().values():
            layer.register_buffer("held", torch.full_like(layer.weight, torch.nan))
        self.end_epoch()

    def load_state_dict(self, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        """Load weights; those of a :class:`QuantizedMLP` hold nothing yet."""
        held = {name: one for name, one in self.state_dict().items() if name.endswith(".held")}
        return super().load_state_dict({**held, **state_dict}, *args, **kwargs)

    def is_changing(self, done: float) -> bool:
        """Whether it rounds, and not all integers are held; see :class:`ChangingMLP`."""
        return self.start <= done and self.start < 1 and self._share_held(done) < 1

    def is_settled(self, done: float) -> bool:
        """Whether all integers are held, if any ever are; see :class:`ChangingMLP`."""
        return self.start == 1 or (self.start <= done and self._share_held(done) == 1)

    def begin_epoch(self, done: float) -> None:
        """Hold the integers that are due; see :class:`ChangingMLP`."""
        self._rounds = self.start <= done and self.start < 1
        if self._rounds:
            share = self._share_held(done)
            self.end_epoch()
            for layer in self.quantized_layers().values():
                _hold(layer, self.codes(layer), share)
            self._holds_all = share == 1

    def _share_held(self, done: float) -> float:
        """The share of the integers that are held: most of it soon, then ever more slowly."""
        way = 2 * (done - self.start) / (1 - self.start)
        return float(min(1.0, way) ** (1 / 3))

    @torch.no_grad()
    def end_epoch(self) -> None:
        """Find the scales of the weights; see :class:`ChangingMLP`."""
        for layer in self.quantized_layers().values():
            if bool(layer.held.isnan().all()):
                scale = best_scale(layer.weight, self.bits_of(layer))
            else:
                scale = _fitted_scale(layer.weight, self.codes(layer))
            layer.scale.copy_(scale)

    def codes(self, layer: Any) -> torch.Tensor:
        """The integers of a layer: those that are held, and the nearest of the others."""
        most = largest_integer(self.bits_of(layer))
        nearest = (layer.weight.detach() / layer.scale).round_().clamp_(-most, most)
        return torch.where(layer.held.isnan(), nearest, layer.held)

    def weights_in_pass(self) -> dict[str, torch.Tensor]:
        """Rounded weights; see :class:`ChangingMLP`.

        Their gradients are those of the weights behind them; once all integers are held, those of
        the scales.
        """
        if not self._rounds and (self.training or self.start < 1):
            return {}
        seen = {}
        for name, layer in self.quantized_layers().items():
            exact = layer.weight
            if self.training and self._holds_all:
                rounded = layer.held * _fitted_scale(exact, layer.held)
            else:
                rounded = exact + (self.codes(layer) * layer.scale - exact.detach())
            seen[f"{name}.weight"] = rounded
        return seen

    def served(self, params: dict[str, Any]) -> tuple[type[MLP], dict[str, Any]]:
        """See :class:`ChangingMLP`."""
        return QuantizedMLP, {name: one for name, one in params.items() if name != "start"}

    @torch.no_grad()
    def served_weights(self) -> dict[str, torch.Tensor]:
        """See :class:`ChangingMLP`."""
        state = {name: one for name, one in self.state_dict().items() if not name.endswith(".held")}
        for name, layer in self.quantized_layers().items():
            state[f"{name}.weight"] = self.codes(layer) * layer.scale
        return state


@torch.no_grad()
def _hold(layer: Any, codes: torch.Tensor, share: float) -> None:
    """Hold a share of a layer's integers: those nearest to the weights behind them."""
    gaps = (layer.weight / layer.scale - codes).abs()
    gaps[~layer.held.isnan()] = -1
    chosen = gaps.flatten().topk(ceil(share * gaps.numel()), largest=False).indices
    layer.held.view(-1)[chosen] = codes.flatten()[chosen]


def _fitted_scale(weight: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """The scale of each row by which integers are nearest to weights; 1 where all are 0."""
    products, squares = (weight * codes).sum(1, True), codes.square().sum(1, True)
    return torch.where(squares > 0, products / squares.clamp(min=1), 1.0)


def largest_integer(bits: int) -> int:
    """The least is its negative."""
    return int(2 ** (bits - 1) - 1)


def best_scale(weight: torch.Tensor, bits: int) -> torch.Tensor:
    """The scale of each row by which integers of so many bits are nearest to it."""
    most = largest_integer(bits)
    largest = weight.abs().amax(dim=1, keepdim=True)
    usual = BEST_STEPS[bits] * weight.square().mean(dim=1, keepdim=True).sqrt()
    scale = torch.minimum(usual, largest / most)
    scale = torch.where(largest > 0, scale, 1.0)
    for _ in range(TURNS):
        codes = (weight / scale).round_().clamp_(-most, most)
        scale = torch.where(codes.any(1, True), _fitted_scale(weight, codes), scale)
    return scale


class PruningMLP(ChangingMLP):
    r"""A perceptron that loses hidden units in training; what is left is served as an :class:`MLP`.

    The unit that goes first has the least :math:`\lVert w_{in} \rVert \lVert w_{out} \rVert`.

    Parameters
    ----------
    n_inputs, n_outputs, cardinalities, hidden_layer_sizes : objects
        As in :class:`~skdistill.MLP`, before any is lost.
    keep : float, default=0.5
        Share of the units of each hidden layer that stays.
    end : float, default=0.5
        Share of the training after which no more is lost.
    """

    draws_random_numbers = False

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        cardinalities: tuple[int, ...] = (),
        hidden_layer_sizes: tuple[int, ...] = (192, 192),
        keep: float = 0.5,
        end: float = 0.5,
    ) -> None:
        super().__init__(n_inputs, n_outputs, cardinalities, hidden_layer_sizes)
        self.keep, self.end = keep, end
        self.end_epoch()

    def is_changing(self, done: float) -> bool:
        """Whether more units are to go; see :class:`ChangingMLP`."""
        return not self.is_settled(done)

    def is_settled(self, done: float) -> bool:
        """Whether no more units are to go; see :class:`ChangingMLP`."""
        return done >= self.end or self.keep == 1

    @torch.no_grad()
    def begin_epoch(self, done: float) -> None:
        """Drop the units that are due, for good; see :class:`ChangingMLP`."""
        left = max(0.0, 1 - done / self.end) if self.end else 0.0
        self._kept = self._best_units(self.keep + (1 - self.keep) * left**3)
        for name, values in self.weights_in_pass().items():
            self.get_parameter(name).data.copy_(values)

    def end_epoch(self) -> None:
        """Leave out all units that will be dropped; see :class:`ChangingMLP`."""
        self._kept = self._best_units(self.keep)

    def weights_in_pass(self) -> dict[str, torch.Tensor]:
        """Weights without those of the units dropped; see :class:`ChangingMLP`."""
        seen = {}
        for name, rows, columns in self._cuts():
            values: torch.Tensor = self.get_parameter(name)
            if rows is not None:
                mask = _mask(rows, len(values))
                values = values * (mask if values.dim() == 1 else mask[:, None])
            if columns is not None:
                values = values * _mask(columns, values.shape[1])
            seen[name] = values
        return seen

    def served(self, params: dict[str, Any]) -> tuple[type[MLP], dict[str, Any]]:
        """See :class:`ChangingMLP`."""
        others = {name: one for name, one in params.items() if name not in ("keep", "end")}
        return MLP, {**others, "hidden_layer_sizes": tuple(map(len, self._best_units(self.keep)))}

    @torch.no_grad()
    def served_weights(self) -> dict[str, torch.Tensor]:
        """See :class:`ChangingMLP`."""
        self.end_epoch()
        state = self.state_dict()
        for name, rows, columns in self._cuts():
            if rows is not None:
                state[name] = state[name][rows]
            if columns is not None:
                state[name] = state[name][:, columns]
        return state

    def _cuts(self) -> list[tuple[str, torch.Tensor | None, torch.Tensor | None]]:
        """Which rows and columns of each parameter are of units that stay; None: all."""
        cuts: list[tuple[str, torch.Tensor | None, torch.Tensor | None]] = []
        if self.first is not None:
            cuts += [("first.weight", self._kept[0], None), ("first.bias", self._kept[0], None)]
        if self.categories is not None:
            cuts += [("categories.table.weight", None, self._kept[0])]
        for place, (entering, leaving) in enumerate(pairwise([*self._kept, None])):
            cuts += [(f"layers.{place}.weight", leaving, entering)]
            cuts += [(f"layers.{place}.bias", leaving, None)]
        return cuts

    @torch.no_grad()
    def _best_units(self, share: float) -> list[torch.Tensor]:
        """Units of each hidden layer that are worth most, in their order."""
        layers: list[Any] = list(self.layers)
        entering = [_squares_entering(self), *(one.weight.square().sum(1) for one in layers[:-1])]
        kept = []
        for squares, layer in zip(entering, layers, strict=True):
            worth = squares * layer.weight.square().sum(0)
            kept.append(worth.topk(ceil(share * len(worth) - 1e-9)).indices.sort().values)
        return kept


def _squares_entering(module: MLP) -> torch.Tensor:
    """The sum of squares of the weights into each unit of the first layer."""
    squares = torch.zeros(())
    if module.first is not None:
        squares = squares + module.first.weight.square().sum(1)
    if module.categories is not None:
        squares = squares + module.categories.table.weight.square().sum(0)
    return squares


def _mask(kept: torch.Tensor, size: int) -> torch.Tensor:
    return torch.zeros(size, device=kept.device).index_fill_(0, kept, 1.0)


# Those whose passes are known, layer by layer.
OWN_MODULES = (MLP, QuantileMLP, HydraMLP, QuantizedMLP, RoundingMLP, PruningMLP)
# Those whose weights are averaged over the steps, and that leave torch's settings alone.
AVERAGED_MODULES = (*OWN_MODULES, CohortMLP)
