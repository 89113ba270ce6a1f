"""Progress of a fit: lines for `verbose`, and tasks for scikit-learn's callbacks."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

from skdistill._utils.forecast import Forecast
from skdistill._utils.types import Estimator

# Seconds between two lines about the same task.
SECONDS_BETWEEN_LINES = 5.0
# Takes the name of a step that is done; some take the net as well.
Step: TypeAlias = Callable[..., bool]


class Progress:
    """Says what a fit is doing.

    Parameters
    ----------
    estimator : estimator
        The one that is fitted.
    context : sklearn.callback.CallbackContext
        Its root task.
    data : dict of str to object
        "X", "y" and "metadata" of the fit, for callbacks that score.

    Attributes
    ----------
    forecast : Forecast or None
        Of the trainings that follow, once the fit knows them.
    """

    def __init__(self, estimator: Estimator, context: Any, data: dict[str, Any]) -> None:
        self.estimator = estimator
        self.context = context
        self.data = data
        self._where = ""
        self._told: set[str] = set()
        self._started = self._last_line = time.monotonic()
        self.forecast: Forecast | None = None

    @property
    def seconds(self) -> float:
        """Since the fit began."""
        return time.monotonic() - self._started

    @contextmanager
    def within(self, where: str) -> Iterator[None]:
        """Begin each line with where the fit is: "fold 2 of 5"; nothing where that is empty.

        With ``verbose=1`` a step that each fold repeats is told of the first one alone.
        """
        before, self._where = self._where, f"{where}: " if where else ""
        try:
            yield
        finally:
            self._where = before

    @contextmanager
    def task(
        self,
        name: str,
        text: str,
        n_steps: int | None = 0,
        attributes: Callable[[Any], dict[str, Any]] | None = None,
        queued: bool = False,
    ) -> Iterator[Step]:
        """A task of the fit; yields a function that reports one of its steps as done.

        Parameters
        ----------
        name : str
            Name of the task in the tree of tasks.
        text : str
            What `verbose` prints.
        n_steps : int or None, default=0
            Number of steps, None if not known.
        attributes : callable, default=None
            Makes of a net what a copy of the estimator answers with, for callbacks that ask.
        queued : bool, default=False
            Whether the first step may wait for other tasks; the estimate of the time that is left
            then counts from the end of this step.

        Yields
        ------
        callable
            Takes the step's name, and the net where it is an epoch of one; returns whether a
            callback asks to stop.
        """
        self.say(text)
        rest = _Rest(n_steps, queued)
        rows = 0.0 if self.forecast is None else self.forecast.begin(name)
        task = self.context.subcontext(task_name=name, max_subtasks=n_steps)
        task.call_on_fit_task_begin(estimator=self.estimator)

        def step(step_name: str, net: Any = None) -> bool:
            one = task.subcontext(task_name=step_name)
            one.call_on_fit_task_begin(estimator=self.estimator)
            left = rest.after_step()
            if left is not None and time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
                line = f"{step_name}, {rest.n_done} of {n_steps}, about {_duration(left)} left"
                whole = self._whole(name, rows, rest.seconds, left)
                self._print(f"{self._where}{text}: {line}{whole}")
            if net is None or attributes is None:
                return one.call_on_fit_task_end(estimator=self.estimator)
            return one.call_on_fit_task_end(
                estimator=self.estimator,
                **self.data,
                reconstruction_attributes=partial(attributes, net),
            )

        yield step
        if self.forecast is not None and rest.n_done:
            self.forecast.end(name, rows, rest.seconds)
        task.call_on_fit_task_end(estimator=self.estimator)

    def say(self, text: str) -> None:
        """Print a line, where `verbose` is on."""
        if not self._where:
            self._told.clear()
        elif self.estimator.verbose == 1:
            step = re.sub(r"\d+", "", text)
            if step in self._told:
                return
            self._told.add(step)
        self._print(f"{self._where}{text}")

    def _whole(self, name: str, rows: float, done: float, rest: float) -> str:
        """Words for the whole fit, where trainings follow and something was measured."""
        if self.forecast is None:
            return ""
        left = self.forecast.left(name, rows, done, rest)
        if left is None:
            return ""
        n_coming = len(self.forecast.coming)
        trainings = "1 more training" if n_coming == 1 else f"{n_coming} more trainings"
        return f"; about {_duration(left)} for the whole fit, with {trainings}"

    def _print(self, line: str) -> None:
        """Print a line with the seconds since the fit began."""
        self._last_line = time.monotonic()
        if self.estimator.verbose:
            name = type(self.estimator).__name__
            print(f"[{name}, {self.seconds:.0f} s] {line}", flush=True)


class _Rest:
    """Estimates how long a task of equal steps will still take."""

    def __init__(self, n_steps: int | None, queued: bool = False) -> None:
        self.n_steps = n_steps
        self.n_waited = int(queued)  # a step that may have waited tells nothing of the others
        self.n_done = 0
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the task began."""
        return time.monotonic() - self.started

    def after_step(self) -> float | None:
        """Count a step; returns the seconds that the others will take, None if there are none."""
        self.n_done += 1
        left = (self.n_steps or 0) - self.n_done
        if self.n_done == self.n_waited:
            self.started = time.monotonic()
            return None
        return self.seconds / (self.n_done - self.n_waited) * left if left > 0 else None


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def no_step(name: str, net: Any = None) -> bool:
    """The step function of nobody's task."""
    return False
