"""A torch module as a teacher."""

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from scipy.special import softmax
from sklearn.base import BaseEstimator

from skdistill._utils._compat import num_samples
from skdistill._utils.layers import read_layer_of
from skdistill._utils.process import safe_threads
from skdistill._utils.types import ArrayLike, FloatArray, NDArray, Table

# This many different logits are not all between 0 and 1 by chance.
MANY = 20


class TorchTeacher(BaseEstimator):
    """A trained torch module that returns logits, as a teacher.

    Parameters
    ----------
    module : torch.nn.Module
        Maps rows to logits of shape (n_rows, n_classes), or to one logit a row, that of the
        second of two classes. Logits may also be in an attribute or under a key ``logits`` of
        its output, or the first element of a tuple. It is used as it is, in evaluation mode, and
        never changed.
    classes : array-like of shape (n_classes,), default=None
        The label of each output column. None means 0, 1, ..., known from the first call.
    preprocess : callable, default=None
        Turns X, as the user gives it, into the module's input: an array or tensor, a tuple or
        list of them (by position) or a dict of them (by name). Floats get the dtype of the
        module, integers stay as they are. None means ``np.asarray(X, dtype=float)``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Only where `classes` was given.

    Examples
    --------
    >>> import torch
    >>> from skdistill import TorchTeacher
    >>> TorchTeacher(torch.nn.Linear(3, 2)).predict_proba([[0, 1, 2]]).shape
    (1, 2)
    """

    def __init__(
        self,
        module: torch.nn.Module,
        classes: Sequence[Any] | NDArray[Any] | None = None,
        preprocess: Callable[[Table], Any] | None = None,
    ) -> None:
        self.module = module
        self.classes = classes
        self.preprocess = preprocess

    def __sklearn_clone__(self) -> Self:
        return self  # it is fitted, as a FrozenEstimator is

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @property
    def classes_(self) -> NDArray[Any]:
        if self.classes is None:
            raise AttributeError("`classes` of this TorchTeacher were not given.")
        return np.asarray(self.classes)

    @safe_threads()
    def predict_proba(self, X: Table) -> FloatArray:
        """Softmax of the module's logits, or sigmoid of a single one.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        Raises
        ------
        TypeError
            If `module` is no module.
        ValueError
            If the module does not take the input or gives no logits, or `classes` has another
            length.
        """
        output = self._forward(self._evaluation_module(), X)
        p = _probabilities(_logits_of(output).double().cpu().numpy(), num_samples(X))
        if self.classes is not None and len(self.classes) != p.shape[1]:
            raise ValueError(
                f"`classes` must have a label for each of the {p.shape[1]} classes of the module, "
                f"got {len(self.classes)}: {list(self.classes)[:10]}"
            )
        return p

    @safe_threads()
    def layer(self, X: Table, name: str = "penultimate") -> FloatArray:
        """The output of a hidden layer of the module.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
        name : str, default="penultimate"
            Name of a submodule, for its output; "penultimate" for the input of the linear layer
            that is called last, "antepenultimate" for the input of the linear layer before it.

        Returns
        -------
        ndarray of shape (n_samples, n_units, ...)

        Raises
        ------
        ValueError
            If there is no such layer, or the module does not take the input.
        """
        module = self._evaluation_module()
        return read_layer_of(module, name, (self._forward(module, rows) for rows in [X]))

    def _forward(self, module: torch.nn.Module, X: Table) -> Any:
        """The raw output of the module."""
        rows = X if self.preprocess is None else self.preprocess(X)
        try:
            rows = np.asarray(rows, dtype=float) if self.preprocess is None else rows
            args, kwargs = self._inputs(rows)
            with torch.inference_mode():
                return module(*args, **kwargs)
        except (TypeError, RuntimeError, ValueError, IndexError) as error:
            raise ValueError(
                f"`module` does not take the input: {error}. Give `preprocess`, a function of X "
                "that returns what the module takes: an array, a tuple of arrays or a dict"
            ) from error

    def _inputs(self, rows: Any) -> tuple[Sequence[torch.Tensor], dict[str, torch.Tensor]]:
        """The positional and the keyword inputs of the module."""
        if isinstance(rows, Mapping):
            return (), {name: self._tensor(value) for name, value in rows.items()}
        several = isinstance(rows, (tuple, list)) and all(hasattr(one, "shape") for one in rows)
        return [self._tensor(one) for one in (rows if several else [rows])], {}

    def _tensor(self, values: ArrayLike | torch.Tensor) -> torch.Tensor:
        """An input on the module's device; floats in its dtype."""
        if not isinstance(values, torch.Tensor):  # torch warns of an array that is read-only
            values = torch.as_tensor(np.require(values, requirements="W"), device="cpu")
        own = [*self.module.parameters(), *self.module.buffers()]
        device = own[0].device if own else values.device
        floats = [one.dtype for one in own if one.is_floating_point()]
        dtype = floats[0] if floats else torch.float32
        return values.to(device, dtype if values.is_floating_point() else None)

    def _evaluation_module(self) -> torch.nn.Module:
        if not isinstance(self.module, torch.nn.Module):
            raise TypeError(f"`module` must be a torch.nn.Module, got {self.module!r}.")
        # eval() would change the user's module: a module in training mode is copied.
        if any(part.training for part in self.module.modules()):
            return copy.deepcopy(self.module).eval()
        return self.module


def _logits_of(output: Any) -> torch.Tensor:
    """The logits in what a module returns."""
    if isinstance(output, (tuple, list)) and not hasattr(output, "logits"):
        output = output[0] if output else None
    elif not isinstance(output, torch.Tensor):
        has_key = isinstance(output, Mapping) and "logits" in output
        output = output["logits"] if has_key else getattr(output, "logits", None)
    if not isinstance(output, torch.Tensor):
        raise ValueError(
            "`module` must return logits: a tensor, an output with `logits`, or a tuple whose "
            "first element they are; wrap it in a module that does"
        )
    return output


def _probabilities(logits: FloatArray, n_rows: int) -> FloatArray:
    if logits.ndim < 2 and n_rows and logits.size % n_rows == 0:
        logits = logits.reshape(n_rows, -1)  # the module squeezed them
    _warn_of_sigmoid(logits)
    if logits.shape == (n_rows, 1):
        return softmax(np.column_stack([np.zeros(n_rows), logits]), axis=1)  # sigmoid and the rest
    if logits.ndim != 2:
        raise ValueError(
            f"`module` must give logits of shape (n_rows, n_classes), got {logits.shape}"
        )
    if n_rows and (logits >= 0).all() and _sum_to_one(logits):
        raise ValueError(
            "`module` gives probabilities, not logits: leave out its last softmax, or give "
            "FittedTeacher(function) with a function of X that returns them"
        )
    return softmax(logits, axis=1)


def _warn_of_sigmoid(logits: FloatArray) -> None:
    """Warn if the logits are probably the output of a sigmoid."""
    is_inside = (logits >= 0).all() and (logits <= 1).all() and not _sum_to_one(logits)
    if is_inside and len(np.unique(logits)) > MANY:
        warnings.warn(
            "TorchTeacher: every logit of `module` is between 0 and 1, as after a sigmoid. If they "
            "are probabilities, leave out the last sigmoid, or give FittedTeacher(function) with a "
            "function of X that returns a column for each class."
        )


def _sum_to_one(values: FloatArray) -> bool:
    return np.allclose(values.sum(axis=-1), 1, atol=1e-3)
