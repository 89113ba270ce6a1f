"""The state of a net in training: all that its next epoch depends on."""

import copy
import inspect
from collections import OrderedDict
from typing import Any

import numpy as np
from skorch.callbacks import LRScheduler
from skorch.history import History

from skdistill._utils.types import Estimator

# Left out of a callback's own: what it holds of the net is stored once, as the net's.
SHARED = ("lr_scheduler_",)


def state_of(net: Estimator) -> dict:
    """Describe a net in training.

    Parameters
    ----------
    net : skorch.NeuralNet
        Between two epochs.

    Returns
    -------
    dict
        Copies: it does not change when the training goes on.
    """
    average = getattr(net, "average_", None)
    state = {
        "parts": _parts_of(net),
        "module": net.module_.state_dict(),
        "criterion": net.criterion_.state_dict(),
        "optimizer": net.optimizer_.state_dict(),
        "average": None if average is None else average.state_dict(),
        "unrounded": getattr(net, "unrounded_", None),
        "callbacks": {name: _state_of_callback(callback) for name, callback in net.callbacks_},
        "history": list(net.history),
        "order": net.iterator_train__generator.get_state(),
    }
    return _plain(copy.deepcopy(state))


def _plain(value: Any) -> Any:
    """The same with Python's numbers for NumPy's, which ``torch.load`` takes for code."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (dict, OrderedDict):
        return {key: _plain(one) for key, one in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return value


def load_state(net: Estimator, state: dict) -> None:
    """Bring a net, initialized, to the state of another.

    Parameters
    ----------
    net : skorch.NeuralNet
    state : dict
        Of :func:`state_of`.

    Raises
    ------
    ValueError
        If it is of another net.
    """
    _check_parts(_parts_of(net), state["parts"])
    state = copy.deepcopy(state)
    try:
        net.module_.load_state_dict(state["module"])
        net.criterion_.load_state_dict(state["criterion"])
        net.optimizer_.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"the state is of a training of another module or loss: {error}"
        ) from error
    if hasattr(net, "load_average"):
        net.load_average(state["average"])
    if hasattr(net, "unrounded_"):
        net.unrounded_ = state["unrounded"]
    for name, callback in net.callbacks_:
        _load_callback(callback, state["callbacks"][name])
    net.history_ = History(state["history"])
    net.iterator_train__generator.set_state(state["order"])


def _parts_of(net: Estimator) -> dict:
    """What a net is made of, as far as names tell."""
    return {
        "module": type(net.module_).__qualname__,
        "optimizer": type(net.optimizer_).__qualname__,
        "callbacks": sorted(name for name, _ in net.callbacks_),
        "average of weights": bool(getattr(net, "average_weights", False)),
    }


def _check_parts(own: dict, theirs: dict) -> None:
    for what, part in own.items():
        if theirs[what] != part:
            raise ValueError(
                f"the state is of a training with the {what} {theirs[what]}, but this one has "
                f"{part}: make it of the same parts."
            )


def _state_of_callback(callback: Any) -> dict:
    """What a callback has found: its attributes that end in ``_``, as scikit-learn has it.

    Functions are left out: each training finds them again when it starts.
    """
    found = {
        name: value
        for name, value in vars(callback).items()
        if name.endswith("_") and name not in SHARED and not inspect.isroutine(value)
    }
    if isinstance(callback, LRScheduler):
        del found["policy_"]
        found["schedule"] = callback.lr_scheduler_.state_dict()
    return found


def _load_callback(callback: Any, state: dict) -> None:
    state = dict(state)
    if isinstance(callback, LRScheduler):
        callback.lr_scheduler_.load_state_dict(state.pop("schedule"))
    vars(callback).update(state)
