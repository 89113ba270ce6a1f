"""Fits on the same rows: shared steps run once, and the students are trained together."""

import contextvars
from collections.abc import Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic

import torch

from skdistill._fit.distil import learn, prepare
from skdistill._fit.examples import EncodedRows
from skdistill._fit.inputs import Arguments
from skdistill._fit.jobs import Job, Result, Steps, Trained
from skdistill._fit.parts import judges_by_folds
from skdistill._fit.shared import Shared
from skdistill._utils.process import ONE_THREAD
from skdistill.student import Training

# Of a fit, or a training: a result, or the exception that it raised.
Outcome = Any


def fit_several(
    estimators: list[Any],
    arguments: Arguments,
    n_threads: int | None = None,
    shared: Shared | None = None,
) -> list[Exception | None]:
    """Fit estimators that differ in `temperature`, `alpha`, `encoder` and `student` alone.

    Teachers are fitted once, and rows drawn, labelled and encoded once. Each estimator gets the
    result of its own fit, up to rounding. What surprises of it is not said, but is its `_remark`.

    Parameters
    ----------
    estimators : list of BaseDistiller
        Fitted in place.
    arguments : Arguments
        Of the fit.
    n_threads : int, default=None
        Students that are trained at a time. None takes as many as torch has threads.
    shared : Shared, default=None
        What an earlier call on the same arguments has made. None begins anew.

    Returns
    -------
    list of (Exception or None)
        The exception of each fit, if there is one.
    """
    shared = shared or Shared()
    begun = [_attempt(partial(_begin, one, arguments, shared)) for one in estimators]
    errors = [one if isinstance(one, Exception) else None for one in begun]
    ready = [place for place, error in enumerate(errors) if error is None]
    outcomes = run_together([begun[place][0] for place in ready], n_threads)
    for place, outcome in zip(ready, outcomes, strict=True):
        if isinstance(outcome, Exception):
            errors[place] = outcome
        else:
            estimators[place]._finish(outcome, begun[place][1])
            estimators[place]._remark = outcome.remark
    return errors


def _begin(estimator: Any, arguments: Arguments, shared: Shared) -> tuple[Steps[Any], Any]:
    if estimator.max_queries is not None:
        raise ValueError(
            f"`max_queries={estimator.max_queries}` counts the rows of one fit, but a search or a "
            "ladder trains many students on the same labels: leave it out, and give `memory`, "
            "which keeps each answer."
        )
    given, run = estimator._begin(arguments, shared)
    run.encoded = shared.once("encoded", lambda: EncodedRows(is_shared=True))
    # If alpha is to be chosen, students may be judged in folds.
    prepared = shared.once(("prepared", judges_by_folds(given, run)), lambda: prepare(given, run))
    run.task = prepared.given.task
    return learn(prepared.like(given), run), run


def run_together(fits: list[Steps[Result]], n_threads: int | None = None) -> list[Outcome]:
    """Run fits, and run in parallel the trainings that they request at the same time.

    Parameters
    ----------
    fits : list of generator
    n_threads : int, default=None

    Returns
    -------
    list
        What each fit returns, or the exception that it raises.
    """
    return _Together(fits, n_threads or torch.get_num_threads()).run()


class _Together(Generic[Result]):
    """Fits that advance together, from training to training."""

    def __init__(self, fits: list[Steps[Result]], n_threads: int) -> None:
        self.fits = fits
        self.n_threads = n_threads
        self._outcomes: list[Outcome] = [None] * len(fits)
        self._waiting: dict[int, Job] = {}
        self._trained: dict[Hashable, Outcome] = {}

    def run(self) -> list[Outcome]:
        for place in range(len(self.fits)):
            self._go_on(place, None)
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            new = {job.key: job for job in waiting.values() if job.key not in self._trained}
            self._trained |= zip(
                new, train_together(list(new.values()), self.n_threads), strict=True
            )
            if any(job.training.was_interrupted for job in waiting.values()):
                raise KeyboardInterrupt  # a student whose training was ended is not compared
            for place, job in waiting.items():
                self._go_on(place, self._trained[job.key])
        return self._outcomes

    def _go_on(self, place: int, trained: Outcome) -> None:
        """Run a fit to the next training that it requests, or to its end."""
        fit = self.fits[place]
        try:
            is_failed = isinstance(trained, Exception)
            self._waiting[place] = fit.throw(trained) if is_failed else fit.send(trained)
        except StopIteration as end:
            self._outcomes[place] = end.value
        except Exception as error:  # the other fits go on
            self._outcomes[place] = error


def train_together(jobs: list[Job], n_threads: int) -> list[Outcome]:
    """Run jobs, in parallel if possible.

    Parameters
    ----------
    jobs : list of Job
    n_threads : int

    Returns
    -------
    list of (Trained or Exception)
    """
    may = [job for job in jobs if job.may_run_beside] if n_threads > 1 else []
    beside = dict(zip(map(id, may), _run_beside(may, n_threads), strict=True))
    return [beside[id(job)] if id(job) in beside else _attempt(job.run) for job in jobs]


def _run_beside(jobs: list[Job], n_threads: int) -> list[Outcome]:
    """Run jobs in threads; those that use torch's random generator run one by one."""
    started = [_attempt(job.training.start) for job in jobs]
    ready = [job.training for job, error in zip(jobs, started, strict=True) if error is None]
    # One thread of torch in each. The limit is set here, since jobs would reset it one by one.
    with ONE_THREAD, ThreadPoolExecutor(n_threads) as pool, _ending(ready):
        running = {
            id(one): pool.submit(contextvars.copy_context().run, _train, one)
            for one in ready
            if not one.draws_random_numbers
        }
        wait(running.values())
    return [
        error or _attempt(partial(_finish, job.training, running.get(id(job.training))))
        for job, error in zip(jobs, started, strict=True)
    ]


def _train(training: Training) -> None:
    while not training.is_over:
        training.epoch()


def _finish(training: Training, running: Future | None) -> Trained:
    """The result of a training; if no thread was running it, it is run here."""
    if running is None:
        _train(training)
    else:
        running.result()
    return Trained(training.finish(), training.history, training.was_ended)


@contextmanager
def _ending(trainings: list[Training]) -> Iterator[None]:
    """Let a Ctrl-C end all trainings after their epoch, and not after their last."""
    try:
        yield
    except BaseException:
        for training in trainings:
            training.is_over = True
        raise


def _attempt(step: Any) -> Outcome:
    try:
        return step()
    except Exception as error:  # it is raised where the job was asked for
        return error
