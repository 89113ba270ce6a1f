"""Rows as whole tensors, and batches of them."""

import torch


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
    def from_arrays(cls, inputs, target):
        """Make the rows of NumPy arrays, their weights scaled to a mean of 1."""
        target = {**target, "weight": target["weight"] / target["weight"].mean()}
        dtypes = {"label": torch.int64}
        tensors = {
            key: torch.as_tensor(value, dtype=dtypes.get(key, torch.float32))
            for key, value in target.items()
        }
        return cls(torch.from_numpy(inputs), tensors)

    @property
    def is_labelled(self):
        return bool((self.target["label"] >= 0).all())

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        return self.inputs[index], {key: value[index] for key, value in self.target.items()}


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
        inputs, target = self.dataset.inputs, self.dataset.target
        if self.shuffle:
            order = torch.randperm(n_rows, generator=self.generator)
            inputs, target = self.dataset[order]
        pieces = n_batches(n_rows, self.batch_size)
        columns = [one.tensor_split(pieces) for one in target.values()]
        for batch, *parts in zip(inputs.tensor_split(pieces), *columns, strict=True):
            yield batch, dict(zip(target, parts, strict=True))

    def __len__(self):
        return n_batches(len(self.dataset), self.batch_size)


def n_batches(n_rows, batch_size):
    """Number of batches of nearly equal size: no remainder of a few rows takes a whole step."""
    if batch_size < 1:  # skorch's -1: all rows at once
        return 1
    return max(1, round(n_rows / batch_size))
