"""What a report is of: the models, the columns, the versions and the day."""

from datetime import date

import sklearn
import torch

from skdistill import __version__
from skdistill._base import BaseDistiller

# Names shown; a table may have thousands of columns.
SHOWN = 8


def about(clf: BaseDistiller) -> list[str]:
    """Say what was distilled into what.

    Parameters
    ----------
    clf : BaseDistiller
        Fitted.

    Returns
    -------
    list of str
    """
    versions = f"skdistill {__version__}, scikit-learn {sklearn.__version__}, torch"
    return [
        f"{type(clf).__name__}, {_teacher(clf)}{_columns(clf)}.",
        f"{versions} {torch.__version__}; {date.today().isoformat()}.",
    ]


def _teacher(clf: BaseDistiller) -> str:
    named = getattr(clf.teacher_, "named_estimators_", {})
    return f"of {_listed(list(named))}, " if named else ""


def _columns(clf: BaseDistiller) -> str:
    names = [str(name) for name in getattr(clf, "feature_names_in_", [])]
    return f"on {clf.n_features_in_} columns{f': {_listed(names)}' if names else ''}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
