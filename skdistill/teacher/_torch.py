"""A torch module as a teacher."""

import copy

import numpy as np
import torch
from sklearn.base import BaseEstimator


class TorchTeacher(BaseEstimator):
    """A trained torch module that gives logits, as a teacher.

    Parameters
    ----------
    module : torch.nn.Module
        Maps a float32 tensor of rows to logits of shape (n_rows, n_classes). It is used as it
        is, in evaluation mode, and never changed.
    classes : array-like of shape (n_classes,), default=None
        The label of each output column. None means 0, 1, ..., known from the first call.
    preprocess : callable, default=None
        Turns X, as the user gives it, into the module's input array. None means
        ``np.asarray(X, dtype=np.float32)``.

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

    def __init__(self, module, classes=None, preprocess=None):
        self.module = module
        self.classes = classes
        self.preprocess = preprocess

    def __sklearn_clone__(self):
        return self  # it is fitted, as a FrozenEstimator is

    def __sklearn_is_fitted__(self):
        return True

    @property
    def classes_(self):
        if self.classes is None:
            raise AttributeError("`classes` of this TorchTeacher were not given.")
        return np.asarray(self.classes)

    def predict_proba(self, X):
        """Softmax of the module's logits.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        rows = np.asarray(X, dtype=np.float32) if self.preprocess is None else self.preprocess(X)
        with torch.inference_mode():
            logits = self._evaluation_module()(torch.as_tensor(rows))
        return torch.softmax(logits.double(), dim=1).numpy()

    def _evaluation_module(self):
        # eval() would change the user's module, so a training one is copied.
        if any(part.training for part in self.module.modules()):
            return copy.deepcopy(self.module).eval()
        return self.module
