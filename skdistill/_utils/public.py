"""The public paths of classes that lie in folders of their own."""

from importlib import import_module
from typing import Any


def publish(value: Any, module: str) -> None:
    """Give a class the path that stored models and users know, and load the module of that path.

    A worker of joblib sends back an object of a class whose module is not loaded with a copy of
    the class, and such a copy does not work.

    Parameters
    ----------
    value : type or function
    module : str
        It imports `value`.
    """
    value.__module__ = module
    import_module(module)
