"""The steps that a fit stores, so that another continues if it was killed."""

import errno
import io
import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from skdistill._fit.identities import versions
from skdistill._fit.jobs import Job, Trained
from skdistill._utils.files import write_whole
from skdistill._utils.identity import identify
from skdistill._utils.lock import HeldError, locked
from skdistill._utils.store import Store, naming_folder, remove_folder, remove_torn
from skdistill._utils.warn import warn
from skdistill.student import Training

# In the folder that the user gives.
FOLDER, LOCK = "skdistill_fit", "skdistill_fit.lock"
MANIFEST = "inputs.json"
# Raised when the meaning of the stored steps changes.
CHECKPOINT_FORMAT = 1
# Storing epochs may take this share of the time of a training.
MOST_SHARE = 0.05


@contextmanager
def open_checkpoint(path: Any) -> Iterator["Checkpoint | None"]:
    """Hold the folder of `checkpoint_dir` for a fit; the stored steps are deleted at its end.

    Parameters
    ----------
    path : str, path-like or None
        None keeps nothing.

    Yields
    ------
    Checkpoint or None

    Raises
    ------
    OSError
        If the folder cannot be written.
    RuntimeError
        If another fit is using it.
    """
    if not isinstance(path, (str, os.PathLike)):  # anything but None is refused later
        yield None
        return
    shown, own = os.fspath(path), Path(path).absolute() / FOLDER
    with ExitStack() as stack:
        _hold(own, shown, stack)
        stack.callback(_remove_if_empty, own)
        checkpoint = Checkpoint(shown, own)
        yield checkpoint
        checkpoint.end()


def _hold(folder: Path, path: str, stack: ExitStack) -> None:
    """Make the folder, and lock it until the stack is left."""
    with naming_folder(path):
        is_file = any(one.is_file() for one in folder.parents)
        if not is_file:
            folder.mkdir(parents=True, exist_ok=True)
    if is_file:
        raise NotADirectoryError(
            errno.ENOTDIR, f"`checkpoint_dir={path!r}` is a file, or in one: give a folder."
        )
    try:
        with naming_folder(path):
            stack.enter_context(locked(folder.parent / LOCK))
    except HeldError as error:
        raise RuntimeError(
            f"`checkpoint_dir={path!r}` is in use by another fit (process {error}): wait for it, "
            "or give another folder."
        ) from None


class Checkpoint:
    """The steps of a fit that are done.

    Parameters
    ----------
    path : str
        The folder, by its name in error messages.
    folder : pathlib.Path
        The folder of the stored steps, within that.

    Attributes
    ----------
    store : Store
        Of teachers, labels and drawn rows, by the keys of `memory`.
    was_interrupted : bool
        Whether the user has ended a training: everything stays, so that another fit can continue.
    """

    def __init__(self, path: str, folder: Path) -> None:
        self.path = path
        self.folder = folder
        self.store = Store(folder, path)
        self.was_interrupted = False
        self._found = self._read_manifest()
        self._inputs: dict[str, str] = {}
        self._n_jobs = 0
        self._cannot_store = False

    @property
    def seeds(self) -> dict[str, int | None] | None:
        """Those of the fit that this one continues; None if this one is the first."""
        return None if self._found is None else self._found["seeds"]

    def compare(self, inputs: dict[str, str]) -> None:
        """Raise a ValueError unless the inputs are those of the first fit in the folder.

        Parameters
        ----------
        inputs : dict of str to str
            An identifier of each, by its name.
        """
        self._inputs = inputs
        if self._found is None:
            return
        before, now = self._found["inputs"], inputs
        names = [*before, *(name for name in now if name not in before)]
        differ = [f"`{name}`" for name in names if before.get(name) != now.get(name)]
        then, today = self._found["versions"], versions()
        differ += [
            f"the version of {name} ({then.get(name)} then, {today[name]} now)"
            for name in today
            if then.get(name) != today[name]
        ]
        if differ:
            raise ValueError(
                f"`checkpoint_dir={self.path!r}` holds a fit that was not finished, with other "
                f"inputs. These differ: {', '.join(differ)}. Give the same again to go on with it; "
                f"to begin anew, give another folder, or delete {str(self.folder)!r}."
            )

    def begin(self, seeds: dict[str, int | None]) -> bool:
        """Write the inputs of the fit; returns whether it continues another."""
        with naming_folder(self.path):
            if self._found is not None:
                remove_torn(self.folder)
                return True
            for file in self.folder.iterdir():  # of a fit that was done, but killed at its end
                file.unlink()
            manifest = {
                "format": CHECKPOINT_FORMAT,
                "versions": versions(),
                "inputs": self._inputs,
                "seeds": seeds,
            }
            write_whole(json.dumps(manifest, indent=1).encode(), self.folder / MANIFEST)
        return False

    def end(self) -> None:
        """Delete the stored steps, unless the user has ended the fit early."""
        if self.was_interrupted:
            warn(
                f"`checkpoint_dir={self.path!r}` stays as it was before KeyboardInterrupt: `fit` "
                f"with the same inputs goes on from there. Else delete {str(self.folder)!r}."
            )
            return
        try:
            remove_folder(self.folder, MANIFEST)
        except OSError as error:  # the student is there all the same
            warn(f"{str(self.folder)!r} could not be deleted, which is to be done: {error}.")

    def run(self, job: Job) -> Trained:
        """Train to the end, from the last epoch that is kept.

        Parameters
        ----------
        job : Job
            One with rows drawn during its training begins anew.

        Returns
        -------
        Trained
        """
        place, self._n_jobs = self._n_jobs, self._n_jobs + 1
        trained = self._train(job.training, place) if job.is_plain else job.run()
        self.was_interrupted |= job.training.was_interrupted
        return trained

    def _train(self, training: Training, place: int) -> Trained:
        epochs = Epochs(self.folder / f"training-{place}.pt", self.path, training)
        state = epochs.read()
        training.start()
        if state is not None:
            training.load_state_dict(state)
        while not training.is_over:
            training.epoch()
            # If the user or the time has ended it, another fit continues it.
            if not training.was_ended and not self._cannot_store:
                self._cannot_store = not epochs.keep()
        return Trained(training.finish(), training.history, training.was_ended)

    def _read_manifest(self) -> dict[str, Any] | None:
        file = self.folder / MANIFEST
        with naming_folder(self.path):
            if not file.exists():
                return None
            text = file.read_bytes()
        try:
            found: dict[str, Any] = json.loads(text)
            is_known = found["format"] == CHECKPOINT_FORMAT
        except (ValueError, KeyError, TypeError):
            is_known = False
        if not is_known:
            raise ValueError(
                f"`checkpoint_dir={self.path!r}` holds what this version cannot read: give another "
                f"folder, or delete {str(self.folder)!r}."
            )
        return found


class Epochs:
    """The state of a training, kept after its epochs.

    Parameters
    ----------
    file : pathlib.Path
    path : str
        Its folder, by its name in error messages.
    training : Training
        Not started.
    """

    def __init__(self, file: Path, path: str, training: Training) -> None:
        self.file = file
        self.path = path
        self.training = training
        self._identity = _identity_of(training)
        self._written, self._seconds = 0.0, 0.0

    def read(self) -> dict[str, Any] | None:
        """The last stored state of this training; None if there is none."""
        try:
            kept = torch.load(self.file, weights_only=False)  # by the user's own process
        except FileNotFoundError:
            return None
        except Exception as error:  # unpickling calls anyone's code
            warn(f"the epochs in `checkpoint_dir` cannot be read, and are done again: {error}")
            return None
        state: dict[str, Any] = kept["state"]
        return state if kept["of"] == self._identity else None

    def keep(self) -> bool:
        """Keep the state, if it is time to; returns whether it can be stored.

        If writing takes long compared with an epoch, some epochs are left out, so that a training
        takes at most `MOST_SHARE` longer. The last is always stored.
        """
        begun = time.perf_counter()
        is_due = begun - self._written >= self._seconds / MOST_SHARE
        if not is_due and not self.training.is_over:
            return True
        data = self._state()
        if data is None:
            return False
        with naming_folder(self.path):
            write_whole(data, self.file)
        self._written = time.perf_counter()
        self._seconds = self._written - begun
        return True

    def _state(self) -> bytes | None:
        data = io.BytesIO()
        try:
            torch.save({"of": self._identity, "state": self.training.state_dict()}, data)
        except Exception as error:  # pickling calls anyone's code
            warn(
                "`checkpoint_dir` cannot keep the epochs of this `student`, whose state cannot be "
                f"stored: each of its trainings begins anew after a kill. {error}"
            )
            return None
        return data.getvalue()


def _identity_of(training: Training) -> str:
    """The key of a training among those of the fit; rows drawn anew change it."""
    rows = [training.rows, training.validation]
    tensors = [None if one is None else (one.inputs, one.target) for one in rows]
    loss = training.loss["alpha"], training.loss["temperature"]
    planned = training.net.max_epochs, training.n_planned, training.early_stopping
    return identify(tensors, loss, planned, training.seed)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # it holds a fit that is not finished
        folder.rmdir()
