"""Libraries of the extras, imported when they are needed."""

from importlib import import_module
from typing import Any


def require(name: str, extra: str) -> Any:
    """Import a library of an extra.

    Parameters
    ----------
    name : str
        Of the module.
    extra : str

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it is not installed; the message names the extra.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f'{name} is needed here: pip install "skdistill[{extra}]" ({error})', name=error.name
        ) from error
