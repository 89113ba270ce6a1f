"""Torch modules for students: they give logits, numbers or quantiles."""

from itertools import pairwise
from math import log

import numpy as np
import torch
from scipy.special import ndtri
from torch import nn


class MLP(nn.Module):
    """Multilayer perceptron on numbers and category codes.

    Each category column has an embedding of the width of the first layer: the same function as a
    linear layer on indicator columns. The code 0, a value not seen in training, adds nothing.

    Parameters
    ----------
    n_inputs : int
        Columns of the input; the last ``len(cardinalities)`` hold category codes.
    n_outputs : int
        Number of classes, or of numbers to tell.
    cardinalities : tuple of int, default=()
        Number of codes of each category column, those for unknown and missing included.
    hidden_layer_sizes : tuple of int, default=(192, 192)

    Notes
    -----
    **Shape:** float32 of shape (n_rows, n_inputs) to logits of shape (n_rows, n_outputs).
    """

    # The forward pass draws no random numbers, so training leaves torch's generator alone.
    draws_random_numbers = False

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        cardinalities: tuple[int, ...] = (),
        hidden_layer_sizes: tuple[int, ...] = (192, 192),
    ) -> None:
        super().__init__()
        self.n_numbers = n_inputs - len(cardinalities)
        widths = [*hidden_layer_sizes, n_outputs]
        self.first = nn.Linear(self.n_numbers, widths[0]) if self.n_numbers else None
        self.categories = None
        if cardinalities:
            self.categories = CategoryLayer(cardinalities, widths[0], self.n_numbers)
        self.layers = nn.ModuleList(nn.Linear(narrow, wide) for narrow, wide in pairwise(widths))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        if self.categories is None:
            assert self.first is not None  # without categories there are numbers
            hidden = self.first(X)
        else:
            hidden = self.categories(X[:, self.n_numbers :])
            if self.first is not None:
                hidden = hidden + self.first(X[:, : self.n_numbers])
        for layer in self.layers:
            hidden = layer(torch.relu(hidden))
        return hidden


class QuantileMLP(MLP):
    """A perceptron of quantiles, in ascending order for any weights.

    One output of the last layer is the quantile at the middle level. The others, made positive by a
    softplus, are the steps from one level to the next. Outputs of 0 give the quantiles of a
    standard normal distribution.

    Parameters
    ----------
    n_inputs : int
        Columns of the input; the last ``len(cardinalities)`` hold category codes.
    n_outputs : int
        Number of levels.
    cardinalities : tuple of int, default=()
        As in :class:`MLP`.
    hidden_layer_sizes : tuple of int, default=(192, 192)
    levels : tuple of float, default=(0.1, 0.5, 0.9)
        Between 0 and 1, in ascending order.

    Notes
    -----
    **Shape:** float32 of shape (n_rows, n_inputs) to quantiles of shape (n_rows, n_levels).
    """

    steps: torch.Tensor
    is_middle: torch.Tensor
    start: torch.Tensor

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        cardinalities: tuple[int, ...] = (),
        hidden_layer_sizes: tuple[int, ...] = (192, 192),
        levels: tuple[float, ...] = (0.1, 0.5, 0.9),
    ) -> None:
        super().__init__(n_inputs, n_outputs, cardinalities, hidden_layer_sizes)
        normal, places = ndtri(np.array(levels)), np.arange(len(levels))
        middle = int(np.abs(normal).argmin())
        above = (places[:, None] >= places) & (places > middle)
        below = (places[:, None] <= places) & (places < middle)
        up, down = np.diff(normal, prepend=0.0), np.diff(normal, append=0.0)
        steps = (above * up - below * down) / log(2)
        steps[:, middle] = 1.0
        self.register_buffer("steps", torch.tensor(steps.T, dtype=torch.float32))
        self.register_buffer("is_middle", torch.tensor(places == middle))
        self.register_buffer("start", torch.tensor(normal[middle], dtype=torch.float32))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.link(super().forward(X))

    def link(self, raw: torch.Tensor) -> torch.Tensor:
        """Quantiles of the outputs of the last layer."""
        parts = torch.where(self.is_middle, raw, nn.functional.softplus(raw))
        return parts @ self.steps + self.start

    def link_backward(self, raw: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient of the last layer's outputs, from the gradient of the quantiles."""
        of_parts = gradient @ self.steps.t()
        return torch.where(self.is_middle, of_parts, of_parts * torch.sigmoid(raw))


class HydraMLP(MLP):
    r"""A perceptron with several heads on one trunk, that answers with the mean of the heads.

    The logits are :math:`\log \frac{1}{M} \sum_m \mathrm{softmax}(z_m)` of the logits
    :math:`z_m` of the heads.

    Parameters
    ----------
    n_inputs : int
        Columns of the input; the last ``len(cardinalities)`` hold category codes.
    n_outputs : int
        Number of classes.
    cardinalities : tuple of int, default=()
        As in :class:`MLP`.
    hidden_layer_sizes : tuple of int, default=(192, 192)
        Of the trunk.
    n_heads : int, default=8

    Notes
    -----
    **Shape:** float32 of shape (n_rows, n_inputs) to logits of shape (n_rows, n_outputs). The
    submodule ``heads_8``, of eight heads, gives theirs, of shape (n_rows, n_heads * n_outputs).
    """

    draws_random_numbers = False

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        cardinalities: tuple[int, ...] = (),
        hidden_layer_sizes: tuple[int, ...] = (192, 192),
        n_heads: int = 8,
    ) -> None:
        super().__init__(n_inputs, n_heads * n_outputs, cardinalities, hidden_layer_sizes)
        self.n_heads = n_heads
        # It does nothing, but an objective can name it, and its name holds the number of heads.
        self.add_module(heads_layer(n_heads), nn.Identity())

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.link(self.heads(X).flatten(1))

    def heads(self, X: torch.Tensor) -> torch.Tensor:
        """Logits of each head, of shape (n_rows, n_heads, n_outputs)."""
        raw = self.get_submodule(heads_layer(self.n_heads))(super().forward(X))
        return raw.unflatten(1, (self.n_heads, -1))

    def link(self, raw: torch.Tensor) -> torch.Tensor:
        """Logits of the mean of the heads, from the outputs of the last layer."""
        logs = torch.log_softmax(raw.unflatten(1, (self.n_heads, -1)), dim=2)
        return torch.logsumexp(logs, dim=1) - log(self.n_heads)

    def link_backward(self, raw: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient of the last layer's outputs, from the gradient of the logits."""
        logs = torch.log_softmax(raw.unflatten(1, (self.n_heads, -1)), dim=2)
        shares = torch.softmax(logs, dim=1) * gradient[:, None]
        return (shares - logs.exp() * shares.sum(dim=2, keepdim=True)).flatten(1)


def heads_layer(n_heads: int) -> str:
    """Name of the submodule that gives the logits of so many heads."""
    return f"heads_{n_heads}"


class CohortMLP(nn.Module):
    r"""Several perceptrons of one size side by side, that answer with their mean.

    The logits are :math:`\log \frac{1}{K} \sum_k \mathrm{softmax}(z_k)` of the logits
    :math:`z_k` of the students. Each has its own weights. For each layer, one product of stacked
    matrices serves all students.

    Parameters
    ----------
    n_inputs : int
        Columns of the input; the last ``len(cardinalities)`` hold category codes.
    n_outputs : int
        Number of classes.
    cardinalities : tuple of int, default=()
        As in :class:`MLP`.
    hidden_layer_sizes : tuple of int, default=(192, 192)
        Of each student.
    n_students : int, default=4

    Notes
    -----
    **Shape:** float32 of shape (n_rows, n_inputs) to logits of shape (n_rows, n_outputs). The
    submodule ``students`` gives those of each, of shape (n_rows, n_students, n_outputs).
    """

    draws_random_numbers = False

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        cardinalities: tuple[int, ...] = (),
        hidden_layer_sizes: tuple[int, ...] = (192, 192),
        n_students: int = 4,
    ) -> None:
        super().__init__()
        self.n_numbers, self.n_students = n_inputs - len(cardinalities), n_students
        self.cardinalities = tuple(cardinalities)
        widths = [*hidden_layer_sizes, n_outputs]
        self.first = self.categories = None
        if self.n_numbers:
            self.first = StackedLinear(n_students, self.n_numbers, widths[0])
        if cardinalities:
            stacked = n_students * widths[0]
            self.categories = CategoryLayer(self.cardinalities, stacked, self.n_numbers)
        self.layers = nn.ModuleList(
            StackedLinear(n_students, narrow, wide) for narrow, wide in pairwise(widths)
        )
        # It does nothing, but an objective can name it.
        self.students = nn.Identity()

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        logs = torch.log_softmax(self.each(X), dim=2)
        return torch.logsumexp(logs, dim=1) - log(self.n_students)

    def each(self, X: torch.Tensor) -> torch.Tensor:
        """Logits of each student, of shape (n_rows, n_students, n_outputs)."""
        hidden = torch.zeros((), device=X.device)
        if self.first is not None:
            hidden = self.first(X[:, : self.n_numbers].expand(self.n_students, -1, -1))
        if self.categories is not None:
            told = self.categories(X[:, self.n_numbers :])
            hidden = hidden + told.unflatten(1, (self.n_students, -1)).transpose(0, 1)
        for layer in self.layers:
            hidden = layer(torch.relu(hidden))
        logits: torch.Tensor = self.students(hidden.transpose(0, 1))
        return logits

    def one(self, place: int) -> dict[str, torch.Tensor]:
        """The weights of one student, as the state of an :class:`MLP` of that size."""
        stacked, found = self.state_dict(), {}
        for name, value in stacked.items():
            if name == "categories.table.weight":
                found[name] = value.chunk(self.n_students, dim=1)[place].clone()
            elif name.startswith("categories."):
                found[name] = value.clone()
            else:
                found[name] = value[place].clone()
        return found


class StackedLinear(nn.Module):
    """Linear layers of one size, each on its own rows.

    Parameters
    ----------
    n_layers : int
    n_inputs : int
    n_outputs : int

    Notes
    -----
    **Shape:** (n_layers, n_rows, n_inputs) to (n_layers, n_rows, n_outputs).
    """

    def __init__(self, n_layers: int, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        bound = n_inputs**-0.5  # as of torch.nn.Linear
        weight = torch.empty(n_layers, n_outputs, n_inputs).uniform_(-bound, bound)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.empty(n_layers, n_outputs).uniform_(-bound, bound))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return torch.baddbmm(self.bias[:, None], X, self.weight.mT)


class CategoryLayer(nn.Module):
    """Sum of one embedding for each category column.

    Parameters
    ----------
    cardinalities : tuple of int
    n_outputs : int
    n_numbers : int, default=0
        Columns that enter the same units as the categories. The initial weights are those of one
        linear layer on the numbers and on an indicator of each code.

    Notes
    -----
    **Shape:** codes, as floats, of shape (n_rows, n_columns) to (n_rows, n_outputs).
    """

    offsets: torch.Tensor

    def __init__(self, cardinalities: tuple[int, ...], n_outputs: int, n_numbers: int = 0) -> None:
        super().__init__()
        self.n_numbers = n_numbers
        # Row 0 of the table is shared by the unknown values of all columns and stays zero.
        sizes = torch.tensor([size - 1 for size in cardinalities])
        offsets = torch.cumsum(sizes, 0) - sizes
        self.register_buffer("offsets", offsets)
        self.table = nn.EmbeddingBag(int(sizes.sum()) + 1, n_outputs, mode="sum", padding_idx=0)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        with torch.no_grad():
            bound = (self.n_numbers + self.table.num_embeddings) ** -0.5
            self.table.weight.uniform_(-bound, bound)
            self.table.weight[0] = 0.0
            self.table.weight[self.offsets + 1] = 0.0  # missing: as unknown, until trained

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return self.table(self.rows(codes))

    def rows(self, codes: torch.Tensor) -> torch.Tensor:
        """The row of the table that belongs to each code."""
        codes = codes.long()
        return torch.where(codes > 0, codes + self.offsets, 0)


# Modules that transform the outputs of the last layer.
LINKED_MODULES = (QuantileMLP, HydraMLP)
