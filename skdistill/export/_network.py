"""The nodes of the student's module."""

import contextlib
import copy
import io
import logging
import operator
import warnings
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
import torch.fx
from torch import nn
from torch.nn import functional as F

from skdistill._utils.process import usual_torch
from skdistill._utils.seeding import seeded
from skdistill.export._encoder import EncodedTable, PlainTable
from skdistill.export._graph import OPSET, Graph
from skdistill.export._int8 import add_integers
from skdistill.export._optional import require
from skdistill.modules import LINKED_MODULES, MLP, CategoryLayer, HydraMLP, QuantileMLP
from skdistill.student import QuantizedMLP

_ACTIVATIONS = {nn.ReLU: "Relu", nn.Tanh: "Tanh", nn.Sigmoid: "Sigmoid"}
_FUNCTIONS = {
    torch.relu: "Relu",
    F.relu: "Relu",
    torch.tanh: "Tanh",
    torch.sigmoid: "Sigmoid",
    operator.add: "Add",
    torch.add: "Add",
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "add": "Add",
}


class NotPlainError(Exception):
    """The module has more than layers that are written node by node."""


def add_plainly(graph: Graph, module: nn.Module, table: EncodedTable | PlainTable) -> str:
    """Add the nodes of a module, one by one.

    It may have linear layers, embeddings of categories, sums and usual activations, in any order.

    Parameters
    ----------
    graph : Graph
    module : torch.nn.Module
        On the CPU, in evaluation mode.
    table : EncodedTable or PlainTable
        What the module is given.

    Returns
    -------
    str
        Name of the output.

    Raises
    ------
    NotPlainError
        If the module has more than that.
    """
    try:
        with seeded(0):  # a trace patches torch for all threads, so one at a time
            steps = list(_Tracer().trace(_without_link(module)).nodes)
    except Exception as error:  # of the user's code, run on proxies
        raise NotPlainError from error
    output = _Writer(graph, module, table).write(steps)
    if type(module) is HydraMLP:
        return _add_mean_of_heads(graph, module, output)
    return _add_link(graph, module, output) if type(module) is QuantileMLP else output


def _without_link(module: nn.Module) -> nn.Module:
    """The module up to its last layer; the names of its layers stay."""
    if type(module) not in LINKED_MODULES:
        return module
    plain: nn.Module = copy.copy(module)
    plain.__class__ = MLP  # the same layers, and the pass of its parent
    return plain


def _add_link(graph: Graph, module: QuantileMLP, raw: str) -> str:
    """Add what :meth:`QuantileMLP.link` does."""
    middle = graph.constant(module.is_middle.numpy())
    parts = graph.add("Where", middle, raw, graph.add("Softplus", raw))
    steps = graph.add("MatMul", parts, graph.constant(module.steps.numpy()))
    return graph.add("Add", steps, graph.constant(module.start.numpy()))


def _add_mean_of_heads(graph: Graph, module: HydraMLP, raw: str) -> str:
    """Add what :meth:`HydraMLP.link` does."""
    shape = graph.constant(np.array([0, module.n_heads, -1]))
    logs = graph.add("LogSoftmax", graph.add("Reshape", raw, shape), axis=2)
    axes = graph.constant(np.array([1]))
    whole = graph.add("ReduceLogSumExp", logs, axes, keepdims=0)
    return graph.add("Sub", whole, graph.constant(np.float32(np.log(module.n_heads))))


@usual_torch()
def add_by_torch(graph: Graph, module: nn.Module, table: EncodedTable | PlainTable) -> str:
    """Add the nodes of a module, as :func:`torch.onnx.export` writes them.

    Parameters
    ----------
    graph : Graph
    module : torch.nn.Module
        A copy of the student's; its embeddings of categories are replaced.
    table : EncodedTable or PlainTable

    Returns
    -------
    str
        Name of the output.
    """
    require("onnxscript")
    # Two rows: torch takes the size 1 for a constant.
    example = torch.zeros(2, table.n_columns, dtype=torch.float32, device="cpu")
    _check_takes(module, example)
    _replace_category_layers(module)
    try:
        with _silence():
            program: Any = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("n_rows")},),
                opset_version=OPSET,
                verbose=False,
            )
        return graph.include(program.model_proto, [table.matrix()])[0]
    except Exception as error:  # torch's exporter raises many kinds
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise ValueError(
            f"torch cannot export the module {type(module).__name__} of `student` to ONNX: "
            f"{reason} Change the module, or use the default student."
        ) from error


def _check_takes(module: nn.Module, example: torch.Tensor) -> None:
    """Refuse a module that was fitted on more than two dimensions."""
    try:
        with torch.no_grad():
            module(example)
    except Exception as error:  # of the user's code
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"only tables can be exported: the module {type(module).__name__} of `student` does "
            f"not take a matrix of {example.shape[1]} columns: {reason}"
        ) from error


class _Lookup(nn.Module):
    """A :class:`~skdistill.modules.CategoryLayer` that torch exports without a loop."""

    def __init__(self, layer: CategoryLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return F.embedding(self.layer.rows(codes), self.layer.table.weight).sum(dim=1)


def _replace_category_layers(module: nn.Module) -> None:
    for name, inner in module.named_children():
        if isinstance(inner, CategoryLayer):
            setattr(module, name, _Lookup(inner))
        else:
            _replace_category_layers(inner)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Without torch's pages of progress and warnings; what is wrong comes as an exception."""
    told = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(told))
        stack.enter_context(contextlib.redirect_stderr(told))
        stack.enter_context(warnings.catch_warnings())
        stack.callback(logging.disable, logging.root.manager.disable)
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        yield


class _Tracer(torch.fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, CategoryLayer) or super().is_leaf_module(m, module_qualified_name)


class _Table:
    """Stands for the input of the module."""


class _Numbers:
    """Stands for the number columns of the input."""


class _Codes:
    """Stands for the columns of category codes."""


class _Writer:
    """Writes a module node by node."""

    def __init__(self, graph: Graph, module: nn.Module, table: EncodedTable | PlainTable) -> None:
        self._graph, self._module, self._table = graph, module, table

    def write(self, steps: list[torch.fx.Node]) -> str:
        values: dict[torch.fx.Node, Any] = {}
        for step in steps:
            values[step] = self._write(step, values)
        return values[steps[-1]]

    def _write(self, step: torch.fx.Node, values: dict[torch.fx.Node, Any]) -> Any:
        if step.kwargs:
            raise NotPlainError
        args = [values[a] if isinstance(a, torch.fx.Node) else a for a in step.args]
        if step.op == "placeholder" and not args:
            return _Table()
        if step.op == "output":
            return self._tensor(args[0])
        if step.op == "call_module":
            return self._layer(self._module.get_submodule(str(step.target)), *args)
        if step.op in ("call_function", "call_method"):
            return self._function(step.target, args)
        raise NotPlainError

    def _layer(self, layer: nn.Module, X: Any) -> Any:
        if type(layer) is nn.Linear:
            return self._linear(layer, X)
        if type(layer) is CategoryLayer:
            return self._embed(layer, X)
        if type(layer) in _ACTIVATIONS:
            return self._graph.add(_ACTIVATIONS[type(layer)], self._tensor(X))
        if type(layer) in (nn.Dropout, nn.Identity):
            return X
        raise NotPlainError

    def _linear(self, layer: nn.Linear, X: Any) -> str:
        weight = layer.weight.detach().numpy()
        bias = None if layer.bias is None else layer.bias.detach().numpy()
        is_packed = hasattr(layer, "scale")
        are_numbers = isinstance(X, _Table) and not self._table.has_categories
        if are_numbers or isinstance(X, _Numbers):
            X, factors = self._table.scaled_numbers()
            if len(factors) != weight.shape[1]:
                raise NotPlainError
            if is_packed:
                X = self._graph.add("Mul", X, self._graph.constant(factors.astype(np.float32)))
            else:
                weight = weight * factors
        if is_packed:
            weights = self._integers(layer, transposed=True)
            return self._graph.add("Gemm", self._tensor(X), weights, self._graph.constant(bias))
        return self._graph.linear(self._tensor(X), weight, bias)

    def _integers(self, layer: Any, transposed: bool = False) -> str:
        """The weights of a layer that has integers and their scales."""
        scale = layer.scale.numpy()
        codes = np.rint(layer.weight.detach().numpy() / scale).astype(np.int8)
        parts = (codes.T, scale.T) if transposed else (codes, scale)
        bits = cast("QuantizedMLP", self._module).bits_of(layer)
        return add_integers(self._graph, *parts, bits)

    def _embed(self, layer: CategoryLayer, X: Any) -> str:
        if not isinstance(X, _Codes) or not isinstance(self._table, EncodedTable):
            raise NotPlainError
        if hasattr(layer.table, "scale"):
            table = self._integers(layer.table)
        else:
            table = self._graph.constant(layer.table.weight.detach().numpy(), "table")
        rows = self._table.rows(layer.offsets)
        embedded = self._graph.add("Gather", table, rows)
        axes = self._graph.constant(np.array([1]))
        return self._graph.add("ReduceSum", embedded, axes, keepdims=0)

    def _function(self, target: Any, args: list[Any]) -> Any:
        if target is operator.getitem and isinstance(args[0], _Table):
            return self._part(args[1])
        if target not in _FUNCTIONS or any(isinstance(a, (int, float)) for a in args):
            raise NotPlainError
        return self._graph.add(_FUNCTIONS[target], *map(self._tensor, args))

    def _part(self, index: Any) -> Any:
        """``X[:, :n]`` or ``X[:, n:]``, where n numbers come before the codes."""
        n_codes = self._table.n_codes
        if not (isinstance(index, tuple) and len(index) == 2 and index[0] == slice(None)):
            raise NotPlainError
        if not (n_codes and self._table.has_categories):
            raise NotPlainError
        n_numbers = self._table.n_columns - n_codes
        if index[1] == slice(None, n_numbers) and n_numbers:
            return _Numbers()
        if index[1] in (slice(n_numbers, None), slice(-n_codes, None)):
            return _Codes()
        raise NotPlainError

    def _tensor(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, _Table):
            return self._table.matrix()
        raise NotPlainError
