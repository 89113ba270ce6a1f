"""The state that all steps of one fit share."""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from skdistill._fit.examples import EncodedRows
from skdistill._fit.plan import Plan
from skdistill._fit.setting import Setting
from skdistill._utils.progress import Progress
from skdistill._utils.store import CheckpointError
from skdistill._utils.warn import warn
from skdistill.student import FittedStudent
from skdistill.task import Task
from skdistill.teacher import TeacherPool


@dataclass
class Run:
    """A plan during a fit.

    Attributes
    ----------
    plan : Plan
    task : Task
    progress : Progress
    columns : dict of str to object
        Attributes of the fitted estimator that describe the columns of X, by name.
    encoded : EncodedRows
        Rows that are encoded already.
    trials : list of dict
        Entries of `trials_` so far.
    teacher : TeacherPool or None
        Once it is fitted.
    was_ended : bool
        Whether the time, the user or a callback has ended a training: the fit is to end as well.
    """

    plan: Plan
    task: Task
    progress: Progress
    columns: dict[str, Any]
    encoded: EncodedRows = field(default_factory=EncodedRows)
    trials: list[dict] = field(default_factory=list)
    teacher: TeacherPool | None = None
    was_ended: bool = False

    @property
    def is_over(self) -> bool:
        """Whether no other training should start."""
        deadline = self.plan.deadline
        return self.was_ended or (deadline is not None and time.monotonic() > deadline)

    def attributes_so_far(self, setting: Setting, probabilities: bool, net: Any) -> dict[str, Any]:
        """The attributes of a copy of the estimator after an epoch, for callbacks that ask."""
        module = copy.deepcopy(net.module_).eval()
        bare = FittedStudent(net, setting.encoder, probabilities)
        return {
            **self.task.attributes_of(setting.temperature, bare),
            **self.columns,
            "student_": SimpleNamespace(module_=module, device=net.device),
            "encoder_": setting.encoder,
            "teacher_": self.teacher,
            "alpha_": setting.alpha,
            "_probabilities": probabilities,
        }

    @contextmanager
    def optional(self, what: str, kept: str) -> Iterator[None]:
        """If a step fails, or the user ends it, warn and keep the student at hand.

        Parameters
        ----------
        what : str
            Description of the step.
        kept : str
            The consequence if it fails.
        """
        try:
            yield
        except KeyboardInterrupt:
            warn(f"KeyboardInterrupt ended the training; {kept}.")
            self.was_ended = True
            if self.plan.checkpoint is not None:
                self.plan.checkpoint.was_interrupted = True
        except CheckpointError:
            raise
        except Exception as error:  # a teacher's own, or a loss that diverged
            warn(f"{what} failed, and {kept}: {error}")
