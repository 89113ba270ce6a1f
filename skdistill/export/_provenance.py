"""Where a student comes from: its teachers, its data, its settings, and what it was given along."""

import datetime
import json
import os
from dataclasses import dataclass
from typing import Any

from skdistill import __version__
from skdistill._base import BaseDistiller
from skdistill._utils.code import version_of
from skdistill._utils.identity import identify
from skdistill._utils.named import named_parts, parts_of
from skdistill._utils.types import ArrayLike, Table
from skdistill.export._student import hash_of_rows, student_of
from skdistill.inspection import DistillationReport

# Metrics of the report that go into a file.
SCORES = "scores"


def data_hash(X: Table, y: ArrayLike | None = None) -> str:
    """What the metadata of an exported file know the rows of a fit by.

    Equal rows in equal containers have equal hashes, within one version of Python and of the
    container's library.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        As given to ``fit``.

    Returns
    -------
    str
        32 hexadecimal digits.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import data_hash
    >>> len(data_hash(np.eye(3), [0, 1, 1]))
    32
    """
    return identify((X, y))


@dataclass(frozen=True)
class Notes:
    """What a file is given along, as :func:`skdistill.to_onnx` documents it.

    Attributes
    ----------
    licence : str or None
    report : DistillationReport or None
    created : datetime.datetime, str or None
    """

    licence: str | None = None
    report: DistillationReport | None = None
    created: datetime.datetime | str | None = None

    def check(self) -> None:
        """Raise a TypeError or a ValueError for what is not of these types."""
        if self.licence is not None and not isinstance(self.licence, str):
            raise TypeError(f"`licence` must be text or None, got {self.licence!r}.")
        if self.report is not None and not isinstance(self.report, DistillationReport):
            raise TypeError(
                f"`report` must be a DistillationReport or None, got {type(self.report).__name__}."
            )
        _time_of(self.created)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the metadata."""
        return {
            "licence": self.licence,
            "report": None if self.report is None else _summary_of(self.report),
            "created": _time_of(self.created),
        }


def provenance_of(clf: BaseDistiller, notes: Notes) -> str:
    """Where a student comes from, as text.

    Parameters
    ----------
    clf : DistilledClassifier or DistilledRegressor
        Fitted.
    notes : Notes

    Returns
    -------
    str
        JSON.
    """
    module = student_of(clf).module
    told = {
        "student": type(module).__name__,
        "n_parameters": sum(weight.numel() for weight in module.parameters()),
        "teachers": teachers_of(clf),
        "alpha": getattr(clf, "alpha_", None),
        "temperature": getattr(clf, "temperature_", None),
        "calibration_temperature": getattr(clf, "calibration_temperature_", None),
        "decision": getattr(clf, "decision_", None),
        "data_hash": hash_of_rows(clf),
        "is_refreshed": getattr(getattr(clf, "refresh_", None), "is_kept", False),
        **notes.as_dict(),
    }
    return json.dumps(told)


def teachers_of(clf: BaseDistiller) -> list[dict[str, Any]] | None:
    """Name, type and libraries of each teacher; None where the student holds none.

    Parameters
    ----------
    clf : DistilledClassifier or DistilledRegressor

    Returns
    -------
    list of dict or None
    """
    found = [_teacher(name, part) for name, part in named_parts(clf.teacher, "teacher")]
    return found or None


def _teacher(name: str, part: Any) -> dict[str, Any]:
    parts = [one for one in parts_of(part) if hasattr(one, "get_params") or one is part]
    roots = sorted({type(one).__module__.partition(".")[0] for one in parts})
    versions = {root: version_of(root) for root in roots}
    versions |= {"skdistill": __version__} if "skdistill" in versions else {}
    known = {root: version for root, version in versions.items() if version}
    return {"name": name, "type": _type_of(part), "packages": known}


def _type_of(part: Any) -> str:
    """The class, with what a frozen estimator or a Pipeline holds."""
    name = type(part).__name__
    if name == "FrozenEstimator":
        return _type_of(part.estimator)
    if hasattr(part, "steps"):
        return f"{name}({', '.join(_type_of(step) for _, step in part.steps)})"
    return name


def _summary_of(report: DistillationReport) -> dict[str, Any]:
    """The digest, the verdict, and the scores by model."""
    table = report.to_frame()
    scores: dict[str, dict[str, float]] = {}
    for row in table[table["part"] == SCORES].dropna(subset="value").to_dict("records"):
        scores.setdefault(row["model"], {})[row["metric"]] = float(f"{row['value']:.6g}")
    answer = report.verdict.answer
    n_rows = len(report.answers)
    return {"digest": report.digest(), "verdict": answer, "n_rows": n_rows, "scores": scores}


def _time_of(created: datetime.datetime | str | None) -> str | None:
    """By ISO 8601, the time that is given, or that of SOURCE_DATE_EPOCH, or none."""
    if created is None:
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if not epoch:
            return None
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).isoformat()
    try:
        if isinstance(created, str):
            created = datetime.datetime.fromisoformat(created)
        return created.isoformat()
    except (AttributeError, ValueError) as error:
        raise ValueError(
            f"`created` must be a datetime or a text such as '2026-01-31T12:00:00', got "
            f"{created!r}."
        ) from error
