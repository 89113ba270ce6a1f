"""A fit requests each training; the code that drives the fit decides how it is run."""

from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from skdistill.student import FittedStudent, Training

Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """A training that a fit requests.

    Attributes
    ----------
    training : Training
        Not started.
    whole : callable
        Trains to the end; returns the student.
    key : hashable
        Two jobs with the same key, of fits that share their rows, are the same.
    may_run_beside : bool
        Whether it may be trained in another thread, in parallel with others: its recipe is ours,
        and it has only epochs to run.
    """

    training: Training
    whole: Callable[[], FittedStudent]
    key: Hashable
    may_run_beside: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it has only epochs to run."""
        return self.whole == self.training.run

    def run(self) -> "Trained":
        """Train to the end."""
        student = self.whole()
        return Trained(student, self.training.history, self.training.was_ended)


@dataclass(frozen=True)
class Trained:
    """The result of a training.

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


# A part of a fit: it yields jobs, is sent the result of each, and returns its own result.
Steps: TypeAlias = Generator[Job, Trained, Result]


def run_steps(steps: Steps[Result], run: Callable[[Job], Trained] = Job.run) -> Result:
    """Run a part of a fit to its end, one training after the other.

    Parameters
    ----------
    steps : generator
    run : callable, default=Job.run
        Runs a job. Its error is raised where the job was requested.

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
