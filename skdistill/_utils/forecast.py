"""How long a whole fit will still take, by what was measured so far."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Coming:
    """A training that a fit expects.

    Attributes
    ----------
    task : str
        "fit-student", "fit-control" or "refit-student".
    rows : float
        That it will see, counted once for each epoch.
    before : float, default=0.0
        Seconds of teachers and labels before it, as measured.
    """

    task: str
    rows: float
    before: float = 0.0


class Forecast:
    """The trainings that follow, and the seconds that they will take.

    Each takes the measured seconds for a row, of trainings of its kind if there was one.

    Parameters
    ----------
    coming : list of Coming
        In their order.
    deadline : float, default=None
        End of `max_time`, on the clock of :func:`time.monotonic`.
    """

    def __init__(self, coming: list[Coming], deadline: float | None = None) -> None:
        self.coming = coming
        self.deadline = deadline
        self._measured: list[tuple[str, float, float]] = []

    def begin(self, task: str) -> float:
        """Take a training off the list, and all before it: the fit did without these.

        Parameters
        ----------
        task : str

        Returns
        -------
        float
            The rows that it will see; 0 if it was not expected.
        """
        for place, one in enumerate(self.coming):
            if one.task == task:
                self.coming = self.coming[place + 1 :]
                return one.rows
        return 0.0

    def end(self, task: str, rows: float, seconds: float) -> None:
        """Keep the seconds of a training that is over.

        Parameters
        ----------
        task : str
        rows, seconds : float
        """
        if rows:
            self._measured.append((_kind(task), rows, seconds))

    def left(self, task: str, rows: float, done: float, rest: float) -> float | None:
        """Seconds until the fit is over, while a training goes on.

        Parameters
        ----------
        task : str
        rows : float
            What :meth:`begin` returned.
        done, rest : float
            Seconds that it took so far, and those that it will take.

        Returns
        -------
        float or None
            None if no training follows, or if nothing was measured.
        """
        measured = list(self._measured)
        if rows and _kind(task) not in {kind for kind, _, _ in measured}:
            measured.append((_kind(task), rows, done + rest))
        if not self.coming or not measured:
            return None
        left = rest + sum(one.before + _seconds(one, measured) for one in self.coming)
        if self.deadline is None:
            return left
        return min(left, max(0.0, self.deadline - time.monotonic()))


def _kind(task: str) -> str:
    """The last training of a student takes a row as long as its first one."""
    return task.removeprefix("re")


def _seconds(one: Coming, measured: list[tuple[str, float, float]]) -> float:
    own = [each for each in measured if each[0] == _kind(one.task)] or measured
    return one.rows * sum(each[2] for each in own) / sum(each[1] for each in own)
