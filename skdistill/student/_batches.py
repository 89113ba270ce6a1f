"""Rows as whole tensors, and batches of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from skdistill._utils.process import usual_torch
from skdistill._utils.types import FloatArray

# Rows shuffled at a time: few enough to be in the processor's cache when their batch comes.
GROUP_ROWS = 4_096


class Rows(torch.utils.data.Dataset):
    """Encoded rows and their targets as whole tensors.

    Parameters
    ----------
    inputs : torch.Tensor of shape (n_rows, ...)
    target : dict of str to torch.Tensor of shape (n_rows, ...)
        "weight", "label" and, for training, "soft": what the response compares with. Where there
        are objectives, "teacher": the soft targets at temperature 1, and teacher views.
    is_labelled : bool
        Whether each row has a label.
    gives_inputs : bool, default=False
        Whether each batch of the target holds its rows as "inputs", for objectives.
    """

    def __init__(
        self,
        inputs: torch.Tensor,
        target: dict[str, torch.Tensor],
        is_labelled: bool,
        gives_inputs: bool = False,
    ):
        self.inputs = inputs
        self.target = target
        self.is_labelled = is_labelled
        self.gives_inputs = gives_inputs

    @classmethod
    @usual_torch()
    def from_arrays(
        cls,
        inputs: FloatArray,
        target: dict[str, np.ndarray],
        is_labelled: bool,
        views: dict[str, np.ndarray] | None = None,
        gives_inputs: bool = False,
    ) -> "Rows":
        """Make the rows of NumPy arrays, their weights scaled to a mean of 1.

        Numbers are float32 and labels int64; `views` keep their dtype.
        """
        target = {**target, "weight": target["weight"] / target["weight"].mean()}
        tensors = {
            key: torch.as_tensor(value, dtype=_dtype_of(value), device="cpu")
            for key, value in target.items()
        }
        kept = {key: torch.as_tensor(value, device="cpu") for key, value in (views or {}).items()}
        return cls(torch.from_numpy(inputs), tensors | kept, is_labelled, gives_inputs)

    def with_target(self, target: dict[str, torch.Tensor]) -> "Rows":
        """The same rows with another target."""
        return Rows(self.inputs, target, self.is_labelled, self.gives_inputs)

    def take_some(self, n: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """At most `n` rows in equal steps, as a batch: the first of a sorted table are alike."""
        n = min(n, len(self))
        inputs, target = self[torch.linspace(0, len(self) - 1, n, dtype=torch.float64).long()]
        return inputs, {**target, "inputs": inputs}

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        def take(column: torch.Tensor) -> torch.Tensor:
            # Three times as fast as indexing by a tensor.
            return column.index_select(0, index) if torch.is_tensor(index) else column[index]

        return take(self.inputs), {key: take(value) for key, value in self.target.items()}


def _dtype_of(values: np.ndarray) -> torch.dtype:
    return torch.int64 if values.dtype.kind in "iu" else torch.float32


class BatchIterator:
    """Iterate over slices of whole tensors, where a DataLoader would collate row by row.

    Parameters
    ----------
    dataset : Rows
    batch_size : int
    shuffle : bool, default=False
    generator : torch.Generator, default=None
        Source of the order.
    """

    def __init__(
        self,
        dataset: Rows,
        batch_size: int,
        shuffle: bool = False,
        generator: torch.Generator | None = None,
    ):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.generator = generator

    def __iter__(self) -> Iterator[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
        n_rows = len(self.dataset)
        order = None
        if self.shuffle:
            order = torch.randperm(n_rows, generator=self.generator, device="cpu")
        # Shuffled some rows at a time: a shuffled copy of all would double the memory.
        for first, batches in _groups(n_rows, len(self)):
            last = first + sum(batches)
            index = slice(first, last) if order is None else order[first:last]
            inputs, target = self.dataset[index]
            columns = [one.split(batches) for one in target.values()]
            for batch, *parts in zip(inputs.split(batches), *columns, strict=True):
                of_batch = dict(zip(target, parts, strict=True))
                if self.dataset.gives_inputs:
                    of_batch["inputs"] = batch
                yield batch, of_batch

    def __len__(self) -> int:
        return n_batches(len(self.dataset), self.batch_size)


def n_batches(n_rows: int, batch_size: int) -> int:
    """Number of batches of nearly equal size: no remainder of a few rows takes a whole step."""
    if batch_size < 1:  # skorch's -1: all rows at once
        return 1
    return max(1, round(n_rows / batch_size))


def _groups(n_rows: int, n_pieces: int) -> Iterator[tuple[int, list[int]]]:
    """Yield the first row and the batch sizes of groups of at most about GROUP_ROWS rows."""
    small, n_large = divmod(n_rows, n_pieces)
    sizes = [small + 1] * n_large + [small] * (n_pieces - n_large)
    at_once = max(1, GROUP_ROWS // max(small, 1))
    first = 0
    for start in range(0, n_pieces, at_once):
        batches = sizes[start : start + at_once]
        yield first, batches
        first += sum(batches)
