"""A fit asks for each training, and whoever drives it decides how that is run."""

from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from skdistill.student import FittedStudent, Training

Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """A training that a fit asks for.

    Attributes
    ----------
    training : Training
        Not started.
    whole : callable
        Trains to the end; returns the student.
    key : hashable
        What it depends on: two jobs of one key, of fits that share their rows, are the same.
    may_run_beside : bool
        Whether it may be trained by another thread, beside others: its recipe is ours, and nothing
        but its epochs is to be done.
    """

    training: Training
    whole: Callable[[], FittedStudent]
    key: Hashable
    may_run_beside: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to do but its epochs."""
        return self.whole == self.training.run

    def run(self) -> "Trained":
        """Train to the end."""
        student = self.whole()
        return Trained(student, self.training.history, self.training.was_ended)


@dataclass(frozen=True)
class Trained:
    """What a training has left.

    Attributes
    ----------
    student : FittedStudent
    history : skorch.history.History
    was_ended : bool
        Whether the time, the user or a callback ended it.
    """

    student: FittedStudent
    history: Any
    was_ended: bool


# A part of a fit: it yields jobs, is sent what each has left, and returns what it found.
Steps: TypeAlias = Generator[Job, Trained, Result]


def run_steps(steps: Steps[Result], run: Callable[[Job], Trained] = Job.run) -> Result:
    """Run a part of a fit to its end, one training after the other.

    Parameters
    ----------
    steps : generator
    run : callable, default=Job.run
        Runs a job. What it raises is raised where the job was asked for.

    Returns
    -------
    object
        What the part returns.
    """
    try:
        job = next(steps)
        while True:
            try:
                trained = run(job)
            except BaseException as error:  # a fit can do without some trainings
                job = steps.throw(error)
            else:
                job = steps.send(trained)
    except StopIteration as end:
        found: Result = end.value
        return found
