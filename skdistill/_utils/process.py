"""Torch's settings of the whole process: set for a while, then given back as they were."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch


class _Setting:
    """Keeps a setting at a value while anyone is inside.

    Parameters
    ----------
    read, write : callable
        Of the setting.
    value : object
    """

    def __init__(self, read: Callable[[], Any], write: Callable[[Any], None], value: Any) -> None:
        self._read, self._write, self._value = read, write, value
        self._before, self._n_inside = None, 0
        self.renew()

    def renew(self) -> None:
        """Forget who holds the lock: after a fork, it may be a thread that is not there."""
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if not self._n_inside:
                self._before = self._read()
                if self._before != self._value:
                    self._write(self._value)
            self._n_inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside and self._before != self._value:
                self._write(self._before)


ONE_THREAD = _Setting(torch.get_num_threads, torch.set_num_threads, 1)
_FLOAT32 = _Setting(torch.get_default_dtype, torch.set_default_dtype, torch.float32)
_NOTHING = nullcontext()
_is_forked = False


def thread_limit() -> AbstractContextManager[None]:
    """What limits torch to the thread that asks, in a process that was forked; else nothing.

    The others are not there, and torch would wait for them for ever.

    Returns
    -------
    context manager
    """
    return ONE_THREAD if _is_forked else _NOTHING


@contextmanager
def safe_threads() -> Iterator[None]:
    """Do as :func:`thread_limit` says, at the time of each call where it decorates a function."""
    with thread_limit():
        yield


@contextmanager
def usual_torch() -> Iterator[None]:
    """Float32 where a tensor names no other type, whatever default the process has."""
    with safe_threads(), _FLOAT32:
        yield


def on_cpu() -> AbstractContextManager[Any]:
    """New tensors on the CPU where they name no device, whatever default the process has.

    Returns
    -------
    context manager
    """
    is_usual = torch.get_default_device().type == "cpu"
    return nullcontext() if is_usual else torch.device("cpu")


def _after_fork() -> None:
    global _is_forked
    _is_forked = True
    ONE_THREAD.renew()
    _FLOAT32.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_after_fork)
