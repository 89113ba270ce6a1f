"""Exported students in production; imports NumPy and ONNX Runtime alone."""

from skdistill.serving._scorer import Scorer, open_session

__all__ = ["Scorer", "open_session"]

# The path that stored models and users know.
Scorer.__module__ = "skdistill.scorer"
