"""Rows as whole tensors, and batches of them."""

import torch

from skdistill._utils.process import usual_torch

# Rows shuffled at a time.
GROUP_ROWS = 16_384


class Rows(torch.utils.data.Dataset):
    """Encoded rows and their targets as whole tensors.

    Parameters
    ----------
    inputs : torch.Tensor of shape (n_rows, ...)
    target : dict of str to torch.Tensor of shape (n_rows, ...)
        "weight", "label" (-1 where there is none) and, for training, "soft" and teacher views.
    """

    def __init__(self, inputs, target):
        self.inputs = inputs
        self.target = target

    @classmethod
    @usual_torch()
    def from_arrays(cls, inputs, target):
        """Make the rows of NumPy arrays, their weights scaled to a mean of 1."""
        target = {**target, "weight": target["weight"] / target["weight"].mean()}
        dtypes = {"label": torch.int64}
        tensors = {
            key: torch.as_tensor(value, dtype=dtypes.get(key, torch.float32), device="cpu")
            for key, value in target.items()
        }
        return cls(torch.from_numpy(inputs), tensors)

    @property
    def is_labelled(self):
        return bool((self.target["label"] >= 0).all())

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        def take(column):
            # Three times as fast as indexing by a tensor.
            return column.index_select(0, index) if torch.is_tensor(index) else column[index]

        return take(self.inputs), {key: take(value) for key, value in self.target.items()}


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

    def __init__(self, dataset, batch_size, shuffle=False, generator=None):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.generator = generator

    def __iter__(self):
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
                yield batch, dict(zip(target, parts, strict=True))

    def __len__(self):
        return n_batches(len(self.dataset), self.batch_size)


def n_batches(n_rows, batch_size):
    """Number of batches of nearly equal size: no remainder of a few rows takes a whole step."""
    if batch_size < 1:  # skorch's -1: all rows at once
        return 1
    return max(1, round(n_rows / batch_size))


def _groups(n_rows, n_pieces):
    """Yield the first row and the batch sizes of groups of at most about GROUP_ROWS rows."""
    small, n_large = divmod(n_rows, n_pieces)
    sizes = [small + 1] * n_large + [small] * (n_pieces - n_large)
    at_once = max(1, GROUP_ROWS // max(small, 1))
    first = 0
    for start in range(0, n_pieces, at_once):
        batches = sizes[start : start + at_once]
        yield first, batches
        first += sum(batches)
