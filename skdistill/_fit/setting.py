"""The choices of "auto" for one training."""

from dataclasses import dataclass
from typing import Any

from skdistill._utils.types import Estimator


@dataclass(frozen=True, eq=False)
class Setting:
    """The choices of one training.

    Attributes
    ----------
    encoder : transformer or None
    alpha : float
    temperature : float
    objectives : list of (str, Objective)
        A control has none.
    student : object
        The parameter `student`; once it has been trained, with layers and optimizer for "auto".
    """

    encoder: Estimator
    alpha: float
    temperature: float
    objectives: list[tuple[str, Any]]
    student: Any

    @property
    def learns_of_teacher(self) -> bool:
        """Whether rows without a label can teach the student anything."""
        return self.alpha < 1 or any(objective.weight for _, objective in self.objectives)
