"""Students in production: the public path of :class:`Scorer` and of what it tells of a file."""

from skdistill.serving import Column, ModelMetadata, Scorer, SelfCheck, Tensor, self_check

__all__ = ["Column", "ModelMetadata", "Scorer", "SelfCheck", "Tensor", "self_check"]
