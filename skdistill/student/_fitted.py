"""A trained student: what predicts, what is judged, exported and stored."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from skdistill._utils.process import thread_limit, usual_torch
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.objectives import as_logits
from skdistill.student._modules import OWN_MODULES
from skdistill.table import TabularEncoder

# Rows that go through the module at a time: their activations stay in the processor's cache.
PREDICT_ROWS = 1024
# Rows are padded to blocks of this size: matrix kernels sum single rows in another order than many,
# and a row's answer should not depend on the rows it comes with.
ROW_BLOCK = 16


@dataclass
class FittedStudent:
    """A student that answers for rows of a table.

    Attributes
    ----------
    net : skorch.NeuralNet
        Trained; it holds the module.
    encoder : transformer or None
        What the module sees of the rows; None hands them over as they are.
    gives_probabilities : bool
        Whether the module returns probabilities, and not logits.
    temperature : float
        The logits are divided by it.
    offset : ndarray of shape (n_outputs,) or None
        Added to the logits after that.
    objective_weights : dict of str to float
        The weight of each objective in the training, by its name.
    """

    net: Any
    encoder: Estimator
    gives_probabilities: bool
    temperature: float = 1.0
    offset: FloatArray | None = None
    objective_weights: dict[str, float] = field(default_factory=dict)

    @property
    def module(self) -> torch.nn.Module:
        return self.net.module_

    def outputs(self, X: Table) -> FloatArray:
        """Answer for rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Checked.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            Logits as float32, calibrated.

        Raises
        ------
        ValueError
            If the student takes no such rows, or overflows on one.
        """
        logits = self.raw_outputs(encode(self.encoder, X))
        check_finite(logits)
        if self.temperature != 1:
            logits /= np.float32(self.temperature)
        if self.offset is not None:
            logits += self.offset.astype(np.float32)
        return logits

    def raw_outputs(self, inputs: FloatArray) -> FloatArray:
        """Answer for encoded rows, without calibration.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, ...)
            float32.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            Logits as float32.
        """
        n_rows = len(inputs)
        if n_rows % ROW_BLOCK:
            padded = np.zeros((n_rows + -n_rows % ROW_BLOCK, *inputs.shape[1:]), np.float32)
            padded[:n_rows] = inputs
            inputs = padded
        rows, module, device = torch.from_numpy(inputs), self.net.module_, self.net.device
        # Of ours it is known that no new tensor takes the default type.
        setting = thread_limit() if type(module) in OWN_MODULES else usual_torch()
        with torch.inference_mode(), setting:
            pieces = [rows] if len(rows) <= PREDICT_ROWS else rows.split(PREDICT_ROWS)
            answers = [as_logits(module(x.to(device)), self.gives_probabilities) for x in pieces]
            logits = answers[0] if len(answers) == 1 else torch.cat(answers)
        if logits.dtype != torch.float32:
            logits = logits.float()
        return logits[:n_rows].cpu().numpy()


def check_finite(logits: FloatArray) -> None:
    """Raise a ValueError where a student has overflown."""
    if not math.isfinite(logits.sum()) and not np.isfinite(logits).all():
        row = int((~np.isfinite(logits)).any(axis=1).argmax())
        raise ValueError(
            f"the student overflows on row {row} of X: its values are far from those it was "
            "fitted on. Bring them into range, or fit with encoder='auto'."
        )


def encode(encoder: Estimator, X: Table) -> FloatArray:
    """What a student's module sees of rows.

    Parameters
    ----------
    encoder : transformer or None
    X : array-like or DataFrame of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples, ...)
        Writeable, C-contiguous float32.
    """
    if type(encoder) is TabularEncoder:
        return encoder._transform(X)
    encoded = X if encoder is None else encoder.transform(X)
    if hasattr(encoded, "toarray"):  # the student is dense
        encoded = encoded.toarray()
    name = "'passthrough'" if encoder is None else repr(encoder)
    try:
        encoded = np.require(encoded, dtype=np.float32, requirements=["C", "W"])
    except ValueError as error:
        raise ValueError(
            f"X, as `encoder={name}` gives it to the student, holds no numbers: {error}. Give an "
            "`encoder` that makes numbers of it, as ColumnTransformer does of columns of text."
        ) from error
    if not np.isfinite(encoded).all():
        remedy = "impute it" if encoded.ndim > 2 else "impute it, or use encoder='auto'"
        raise ValueError(
            f"X, as `encoder={name}` gives it to the student, contains NaN or infinity: {remedy}."
        )
    return encoded
