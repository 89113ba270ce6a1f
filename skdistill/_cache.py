"""What `memory` keeps: the results of functions, under keys that say all they depend on."""

import inspect
import os
import sys
from functools import lru_cache

import joblib
import sklearn
from sklearn.utils.validation import check_memory

import skdistill
from skdistill._named import parts_of

# Raised when what is kept changes its meaning.
KEPT = 1


class Cache:
    """Results of functions by key, in a :class:`joblib.Memory`.

    A function takes its key first, which alone decides whether it is called or its result read. So
    a fitted forest need not be hashed: that it comes of this estimator and these rows is enough.

    Parameters
    ----------
    memory : str, path, object with the joblib.Memory interface or None
        None keeps nothing.
    """

    def __init__(self, memory):
        self.memory = check_memory(os.fspath(memory) if isinstance(memory, os.PathLike) else memory)

    @property
    def is_on(self):
        return getattr(self.memory, "location", True) is not None

    def key(self, what, *parts):
        """Hash what a result depends on.

        Parameters
        ----------
        what : str
            For the error message.
        *parts : objects

        Returns
        -------
        str or None
            None if nothing is kept.
        """
        if not self.is_on:
            return None
        state = [part.key_parts() if hasattr(part, "key_parts") else part for part in parts]
        try:
            # Large arrays reach other processes as memory maps, which must hash as arrays do.
            return joblib.hash((versions_of(*parts), state), coerce_mmap=True)
        except Exception as error:  # pickling calls anyone's code
            raise ValueError(
                f"`memory` cannot tell {what} from another, as it cannot be pickled ({error}): "
                "define its class or function in a module, or use `memory=None`."
            ) from error

    def holds(self, function, key, *args):
        """Whether the result for `key` is there."""
        return self._kept(function).check_call_in_cache(key, *args)

    def call(self, function, key, *args):
        """Return ``function(key, *args)``, or what it returned for `key` before; None is no key."""
        return function(key, *args) if key is None else self._kept(function)(key, *args)

    def refer(self, what, function, key, *args):
        """Return a reference to the same: `what` is its name in an error message."""
        return Reference(what, self._kept(function).call_and_shelve(key, *args))

    def _kept(self, function):
        _, *others = inspect.signature(function).parameters
        return self.memory.cache(function, ignore=others)


class Reference:
    """A result in the cache, read when it is needed.

    Parameters
    ----------
    what : str
        Its name in an error message.
    stored : joblib.memory.MemorizedResult
    """

    def __init__(self, what, stored):
        self.what = what
        self.stored = stored

    def get(self):
        """Read the result; raise a RuntimeError where it cannot be."""
        try:
            return self.stored.get()
        except Exception as error:  # a torn pickle raises anything
            self.stored.clear()  # the next fit makes it anew
            raise RuntimeError(
                f"{self.what} could not be read from the cache of `memory`, perhaps it was "
                f"cleared ({error}): fit again."
            ) from error


def versions_of(*objects):
    """What the code behind the objects is known by.

    Parameters
    ----------
    *objects : objects

    Returns
    -------
    list of (str, str)
        Versions of this package and of those that the objects, and what their parameters hold,
        come from; in place of a version, the source of code that has none.
    """
    found = {("skdistill", f"{skdistill.__version__}/{KEPT}"), ("sklearn", sklearn.__version__)}
    for part in (part for one in objects for part in parts_of(one)):
        code = part if inspect.isroutine(part) or isinstance(part, type) else type(part)
        package = getattr(code, "__module__", None) or "builtins"
        package = package.split(".")[0]
        version = getattr(sys.modules.get(package), "__version__", None)
        if version is None and package != "builtins":
            found.add((f"{package}.{code.__qualname__}", _source(code)))
        else:
            found.add((package, str(version)))
    return sorted(found)


@lru_cache(maxsize=256)
def _source(code):
    try:
        return inspect.getsource(code)
    except (OSError, TypeError):  # typed at a prompt
        return ""
