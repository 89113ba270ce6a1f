"""Forward and backward pass of the default student without autograd's graph."""

from collections.abc import Collection, Mapping, Sequence
from itertools import starmap
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import torch

from skdistill._utils._compat import relu_backward_kernel
from skdistill._utils.layers import ANTEPENULTIMATE, PENULTIMATE
from skdistill.modules import LINKED_MODULES, MLP, HydraMLP, heads_layer

_relu_backward = relu_backward_kernel()


class _Linear(NamedTuple):
    """A linear layer's tensors: to ask the module for each of them takes a tenth of a step."""

    weight: torch.Tensor
    transposed: torch.Tensor
    bias: torch.Tensor
    weight_gradient: torch.Tensor
    bias_gradient: torch.Tensor

    @classmethod
    def of(cls, layer: torch.nn.Module | None) -> "_Linear | None":
        if not isinstance(layer, torch.nn.Linear):
            return None
        weight, bias = layer.weight.data, layer.bias.data
        gradients = layer.weight.grad, layer.bias.grad
        return cls(weight, weight.t(), bias, *cast("tuple[torch.Tensor, torch.Tensor]", gradients))


class _Step(NamedTuple):
    """A layer, and memory that batches of one size share: anew it costs a tenth of a step."""

    name: str
    layer: _Linear
    inputs: torch.Tensor
    output: torch.Tensor | None  # the last goes out, and needs memory of its own
    gradient: torch.Tensor  # of the inputs
    transposed: torch.Tensor  # that gradient

    @classmethod
    def all_of(cls, layers: list[_Linear], n_rows: int) -> "list[_Step]":
        names = [f"layers.{place}" for place in range(len(layers))]
        inputs = [one.weight.new_empty(n_rows, one.weight.shape[1]) for one in layers]
        gradients = [torch.empty_like(one) for one in inputs]
        outputs, transposed = [*inputs[1:], None], [one.t() for one in gradients]
        parts = zip(names, layers, inputs, outputs, gradients, transposed, strict=True)
        return list(starmap(cls, parts))


class DirectPass:
    """Forward and backward pass of an :class:`~skdistill.MLP`, without autograd's graph.

    Parameters
    ----------
    module : MLP
        Its parameters and their gradients become views of two flat buffers.
    watched : set of str, default=frozenset()
        Names of layers whose outputs are kept.
    others : list of torch.nn.Parameter, default=()
        Parameters of the loss, which join the buffers.

    Attributes
    ----------
    flat : torch.nn.Parameter of shape (n_parameters,)
        All parameters; ``flat.grad`` holds all gradients.
    matrices : dict of str to torch.nn.Parameter
        Those of all layers but the last, by name; views of `flat`.
    rest : torch.nn.Parameter of shape (n_others,)
        All that is no such matrix, a view of `flat`.
    outputs : dict of str to torch.Tensor
        Outputs of the layers watched, of the batch that last went forward.
    """

    def __init__(
        self,
        module: MLP,
        watched: Collection[str] = frozenset(),
        others: Sequence[torch.nn.Parameter] = (),
    ):
        self.n_numbers, self.categories = module.n_numbers, module.categories
        self.matrices = _matrices_of(module)
        self.flat = _flatten([*self.matrices.values(), *_without(self.matrices, module), *others])
        self.rest = _tail(self.flat, sum(one.numel() for one in self.matrices.values()))
        self.first = _Linear.of(module.first)
        self.layers = [cast("_Linear", _Linear.of(layer)) for layer in module.layers]
        self.linked: Any = module if isinstance(module, LINKED_MODULES) else None
        self.heads = heads_layer(module.n_heads) if isinstance(module, HydraMLP) else ""
        self.watched = watched
        names = [f"layers.{place}" for place in range(len(self.layers))]
        # What enters the last layers, by their names.
        self._entering = dict(zip(names[::-1], (PENULTIMATE, ANTEPENULTIMATE), strict=False))
        self.outputs: dict[str, torch.Tensor] = {}
        self._steps_of: dict[int, list[_Step]] = {}

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Outputs for a batch.

        Parameters
        ----------
        X : torch.Tensor of shape (n_batch, n_inputs)

        Returns
        -------
        torch.Tensor of shape (n_batch, n_classes)
        """
        n_rows = X.shape[0]
        steps = self._steps_of.get(n_rows)
        if steps is None:
            steps = self._steps_of[n_rows] = _Step.all_of(self.layers, n_rows)
        self._steps = steps
        self._first(X, steps[0].inputs)
        output = X
        for name, layer, inputs, out, _, _ in steps:
            output = torch.addmm(layer.bias, inputs.relu_(), layer.transposed, out=out)
            if self.watched:
                self._watch(name, output)
                self._watch(self._entering.get(name, ""), inputs)
        if self.linked is None:
            return output
        self._raw = output
        self._watch(self.heads, output)
        return self.linked.link(output)

    def backward(
        self, gradient: torch.Tensor, of_layers: Mapping[str, torch.Tensor] = MappingProxyType({})
    ) -> None:
        """Write the gradients of the parameters for the batch that last went forward.

        Parameters
        ----------
        gradient : torch.Tensor of shape (n_batch, n_classes)
            That of the outputs.
        of_layers : dict of str to torch.Tensor, default={}
            Gradients of the outputs of layers watched, beside those that the logits give them.
        """
        if self.linked is not None:
            gradient = self.linked.link_backward(self._raw, gradient)
            gradient = _sum(gradient, of_layers.get(self.heads))
        transposed = gradient.t()
        for name, layer, inputs, _, of_inputs, of_inputs_t in reversed(self._steps):
            if of_layers:
                gradient = _sum(gradient, of_layers.get(name))
                transposed = gradient.t()
            _write_gradients(layer, inputs, gradient, transposed)
            torch.mm(gradient, layer.weight, out=of_inputs)
            if of_layers and (own := of_layers.get(self._entering.get(name, ""))) is not None:
                of_inputs.add_(own)
            _relu_backward(of_inputs, inputs, 0, grad_input=of_inputs)
            gradient, transposed = of_inputs, of_inputs_t
        self._first_backward(gradient, transposed, of_layers)

    def _first(self, X: torch.Tensor, out: torch.Tensor) -> None:
        self._numbers = X if self.categories is None else X[:, : self.n_numbers]
        if self.first is not None:
            torch.addmm(self.first.bias, self._numbers, self.first.transposed, out=out)
            self._watch("first", out)
        if self.categories is not None:
            self._codes = X[:, self.n_numbers :]
            of_categories = self.categories(self._codes)
            self._watch("categories", of_categories)
            torch.add(of_categories, 0.0 if self.first is None else out, out=out)

    def _first_backward(
        self,
        gradient: torch.Tensor,
        transposed: torch.Tensor,
        of_layers: Mapping[str, torch.Tensor],
    ) -> None:
        if self.first is not None:
            own = _sum(gradient, of_layers.get("first"))
            own_t = transposed if own is gradient else own.t()
            _write_gradients(self.first, self._numbers, own, own_t)
        if self.categories is not None:
            own = _sum(gradient, of_layers.get("categories"))
            table = self.categories.table.weight.grad
            assert table is not None  # a view of the flat buffer
            table.zero_()
            for rows in self.categories.rows(self._codes).unbind(1):
                table.index_add_(0, rows, own)
            table[0] = 0.0  # padding: the shared row of unknown values stays as it is

    def forget_buffers(self) -> None:
        """Free the memory that batches shared."""
        self._steps_of.clear()

    def _watch(self, name: str, output: torch.Tensor) -> None:
        if name in self.watched:
            self.outputs[name] = output.clone()  # the memory is used again


def layers_of(module: MLP) -> list[str]:
    """Names of the layers of an MLP that the pass can watch."""
    inputs = {"first": module.first, "categories": module.categories}
    names = [name for name, layer in inputs.items() if layer is not None]
    names += [heads_layer(module.n_heads)] if isinstance(module, HydraMLP) else []
    names += [f"layers.{place}" for place in range(len(module.layers))]
    # What enters the first layer of all is no activation, and has no gradient.
    return names + [PENULTIMATE, ANTEPENULTIMATE][: len(module.layers)]


def _matrices_of(module: MLP) -> dict[str, torch.nn.Parameter]:
    """The matrices of all layers but the last, by name."""
    last = f"layers.{len(module.layers) - 1}.weight"
    linear = {"first", "layers"}
    return {
        name: parameter
        for name, parameter in module.named_parameters()
        if parameter.dim() == 2 and name.split(".")[0] in linear and name != last
    }


def _without(matrices: Mapping[str, torch.nn.Parameter], module: MLP) -> list[torch.nn.Parameter]:
    return [one for name, one in module.named_parameters() if name not in matrices]


def _tail(flat: torch.nn.Parameter, first: int) -> torch.nn.Parameter:
    """The flat parameter from an entry on, as a parameter whose values and gradients are views."""
    tail = torch.nn.Parameter(flat.data[first:])
    assert flat.grad is not None  # `_flatten` has made it
    tail.grad = flat.grad[first:]
    return tail


def _sum(gradient: torch.Tensor, other: torch.Tensor | None) -> torch.Tensor:
    return gradient if other is None else gradient + other


def _write_gradients(
    layer: _Linear, inputs: torch.Tensor, gradient: torch.Tensor, transposed: torch.Tensor
) -> None:
    torch.mm(transposed, inputs, out=layer.weight_gradient)
    torch.sum(gradient, 0, out=layer.bias_gradient)


def _flatten(parameters: list[torch.nn.Parameter]) -> torch.nn.Parameter:
    """Move parameters, and gradients for them, into views of one flat parameter and its own."""
    flat = torch.nn.Parameter(torch.cat([p.detach().reshape(-1) for p in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [p.numel() for p in parameters]
    pieces = zip(parameters, flat.data.split(sizes), flat.grad.split(sizes), strict=True)
    for parameter, values, gradients in pieces:
        parameter.data = values.view_as(parameter)
        parameter.grad = gradients.view_as(parameter)
    return flat
