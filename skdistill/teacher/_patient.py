"""A teacher that is slow, remote or paid."""

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import gen_batches

from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.cache import Cache
from skdistill._utils.types import ArrayLike, Table
from skdistill.table import is_frame, stack_tables
from skdistill.teacher._fitted import FittedTeacher


class PatientTeacher(FittedTeacher):
    """A fitted model that is slow, remote or paid for, as a teacher.

    It is asked in small chunks. A call that fails is made again, after a pause that doubles; calls
    are no more frequent than allowed; and with `memory`, each chunk is kept as soon as it is
    answered, so that a labelling that was ended goes on where it was. `max_queries` of the
    distiller limits the rows of a whole fit.

    Parameters
    ----------
    model : object with predict_proba or predict, other fitted model or callable
        As in :class:`FittedTeacher`.
    classes : array-like of shape (n_classes,), default=None
        As in :class:`FittedTeacher`.
    chunk_rows : int, default=1000
        Rows of a call.
    n_retries : int, default=5
        Calls that are made again for one chunk, at most.
    wait : float, default=1.0
        Seconds before the first of them; the pause doubles with each, less up to a half, drawn at
        random, so that many clients do not come back at once.
    max_wait : float, default=60.0
        The longest pause, in seconds.
    retry_on : exception class or tuple of them, default=OSError
        Errors that may pass. ConnectionError, TimeoutError and those of requests are OSErrors;
        other clients have errors of their own. Any other error ends the labelling.
    calls_per_minute : float, default=None
        The most calls that one process makes. None sets no limit.
    memory : str or object with the joblib.Memory interface, default=None
        Where answers are kept, by chunk. Ask for the same rows in the same order and
        `chunk_rows` to have them again.
    name : str, default=None
        What `memory` and checkpoints know the model by, for one that cannot be pickled, such as a
        client with an open connection. Give its version as well. None takes its content.
    price_per_row : float, default=None
        What a row costs, in any currency, for the line about the rest.
    verbose : int, default=0
        1 prints what the rest of the rows will take, once the first chunk is answered.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Only where `classes` was given, or the model says them.

    See Also
    --------
    skdistill.scale.label_parquet : Labels of a whole folder, with a cost that is told beforehand.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import PatientTeacher
    >>> calls = []
    >>> def service(X):
    ...     calls.append(len(X))
    ...     if len(calls) == 2:
    ...         raise ConnectionError("try again")
    ...     return np.tile([0.3, 0.7], (len(X), 1))
    >>> teacher = PatientTeacher(service, classes=["no", "yes"], chunk_rows=2, wait=0.01)
    >>> teacher.predict_proba(np.zeros((5, 3))).shape, calls
    ((5, 2), [2, 2, 2, 1])
    """

    def __init__(
        self,
        model: Any,
        classes: ArrayLike | None = None,
        *,
        chunk_rows: int = 1000,
        n_retries: int = 5,
        wait: float = 1.0,
        max_wait: float = 60.0,
        retry_on: type[Exception] | tuple[type[Exception], ...] = OSError,
        calls_per_minute: float | None = None,
        memory: Any = None,
        name: str | None = None,
        price_per_row: float | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(model, classes)
        self.chunk_rows = chunk_rows
        self.n_retries = n_retries
        self.wait = wait
        self.max_wait = max_wait
        self.retry_on = retry_on
        self.calls_per_minute = calls_per_minute
        self.memory = memory
        self.name = name
        self.price_per_row = price_per_row
        self.verbose = verbose

    def predict_proba(self, X: Table) -> Any:
        """Ask the model, in chunks.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, n_classes)

        Raises
        ------
        RuntimeError
            If a chunk was not answered, however often it was asked.
        """
        return self._ask_in_chunks(super().predict_proba, X)

    def predict(self, X: Table) -> Any:
        """Ask a model of numbers, in chunks.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)

        Raises
        ------
        RuntimeError
            If a chunk was not answered, however often it was asked.
        """
        return self._ask_in_chunks(super().predict, X)

    def key_parts(self) -> tuple[Any, ...]:
        """What `memory` knows the teacher by: its name, else the model; not how it is asked.

        Returns
        -------
        tuple
        """
        return super().key_parts() if self.name is None else (self.name, self.classes)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().copy()
        state.pop("_pace", None)  # each process keeps its own
        return state

    def _ask_in_chunks(self, ask: Callable[[Table], Any], X: Table) -> Any:
        self._check_parameters()
        cache, n_rows, answers = Cache(self.memory), num_samples(X), []
        known = self._identity(cache)
        progress = _Rest(n_rows, self.price_per_row) if self.verbose else None
        for rows in gen_batches(n_rows, self.chunk_rows):
            chunk = safe_indexing(X, rows)
            key = cache.key("the rows", ask.__name__, known, chunk)
            asked = partial(self._try, ask)
            answers.append(cache.call(_answer_of_chunk, key, asked, chunk, progress))
        return stack_tables([one if is_frame(one) else np.asarray(one) for one in answers])

    def _identity(self, cache: Cache) -> str | None:
        try:
            return cache.key("the model", self.key_parts())
        except ValueError as error:
            raise ValueError(f"{error} Or give a `name` to know it by.") from error

    def _try(self, ask: Callable[[Table], Any], X: Table) -> Any:
        """Ask for a chunk, and again where an error may pass."""
        pace = self.__dict__.setdefault("_pace", _Pace())
        for n_failed in range(self.n_retries + 1):
            pace.wait(self.calls_per_minute)
            try:
                return ask(X)
            except self.retry_on as error:
                if n_failed == self.n_retries:
                    kept = "What it has answered is kept" if self.memory else "Give `memory`"
                    raise RuntimeError(
                        f"the teacher did not answer {num_samples(X)} rows in {n_failed + 1} "
                        f"calls: {error!r}. {kept}, so that another run goes on from there; raise "
                        "`n_retries` or `max_wait`."
                    ) from error
            pause = min(self.max_wait, self.wait * 2**n_failed)
            time.sleep(pause * random.uniform(0.5, 1))
        raise AssertionError("unreachable")

    def _check_parameters(self) -> None:
        least = {"chunk_rows": 1, "n_retries": 0, "wait": 0, "max_wait": 0}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise ValueError(f"`{name}` must be at least {lowest}, got {getattr(self, name)}.")
        if self.calls_per_minute is not None and self.calls_per_minute <= 0:
            raise ValueError(
                f"`calls_per_minute` must be above 0, got {self.calls_per_minute}: give None for "
                "no limit."
            )


class _Pace:
    """Keeps the calls of all threads of a process apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, per_minute: float | None) -> None:
        """Sleep until the next call is due."""
        if per_minute is None:
            return
        with self._lock:
            due = max(time.monotonic(), self._next)
            self._next = due + 60 / per_minute
        time.sleep(max(0.0, due - time.monotonic()))


class _Rest:
    """Says once what the rest of the rows will take.

    Parameters
    ----------
    n_rows : int
    price_per_row : float or None
    """

    def __init__(self, n_rows: int, price_per_row: float | None) -> None:
        self.n_left = n_rows
        self.price = price_per_row
        self.is_told = False

    def tell(self, n_rows: int, seconds: float) -> None:
        self.n_left -= n_rows
        if self.is_told or not self.n_left:
            return
        self.is_told = True
        text = f"{n_rows} rows in {seconds:.3g} s; {self.n_left} more, if none is known, take "
        text += f"{self.n_left * seconds / n_rows:.3g} s"
        if self.price is not None:
            text += f" and cost {self.n_left * self.price:.6g}"
        print(f"[PatientTeacher] {text}", flush=True)


def _answer_of_chunk(
    key: str | None, ask: Callable[[Table], Any], X: Table, progress: _Rest | None
) -> Any:
    started = time.monotonic()
    answer = ask(X)
    if progress is not None:
        progress.tell(num_samples(X), time.monotonic() - started)
    return answer
