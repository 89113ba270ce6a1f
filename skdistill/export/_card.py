"""A model card, from what a file or a fitted student says of itself and from a report."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from skdistill._base import BaseDistiller
from skdistill._utils.files import check_target, write_whole
from skdistill._utils.optional import require
from skdistill.export._facts import facts_of
from skdistill.export._provenance import Notes
from skdistill.inspection import DistillationReport, Section, sections_of
from skdistill.serving import ModelMetadata, Scorer

if TYPE_CHECKING:  # an extra
    from skops.card import Card

# Categories of a column that a card shows.
MOST_LEVELS = 12
NOT_TOLD = "Not told."
LOADS = """Needs `pip install "skdistill[onnx]"`, but neither torch nor scikit-learn:

```python
from skdistill import Scorer, self_check

print(self_check("{name}"))  # answers as when the file was written
scorer = Scorer("{name}")
print(scorer.{method}(rows))  # a DataFrame, an array, a dict or a list of dicts
```"""
LOADS_FITTED = """Export it, then answer from the file with neither torch nor scikit-learn:

```python
from skdistill import Scorer, to_onnx

to_onnx(student, "student.onnx")
print(Scorer("student.onnx").{method}(rows))
```"""


def model_card(
    source: Any,
    report: DistillationReport | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
    intended_use: str | None = None,
    licence: str | None = None,
    overwrite: bool = False,
) -> "Card":
    """Write what is known of a student as a model card [1]_.

    The card of an exported file needs nothing but the file. What is not known is said to be not
    told. Needs the extra `card`.

    Parameters
    ----------
    source : DistilledClassifier, DistilledRegressor, str, Path, bytes, binary file or Scorer
        Fitted student, or exported file.
    report : DistillationReport, default=None
        All its tables are shown. None shows the scores that the file holds, if it does.
    path : str or Path, default=None
        File to write, such as ``"README.md"``. None writes none.
    intended_use : str, default=None
        What the student is for, and what not.
    licence : str, default=None
        Licence note. None takes that of the file.
    overwrite : bool, default=False
        Whether a file at `path` may be replaced.

    Returns
    -------
    skops.card.Card
        To add sections of your own to: ``card.add(**{"Model/Ethics": "..."})``.

    Raises
    ------
    ImportError
        If skops is not installed.
    FileExistsError
        If there is a file at `path` and `overwrite` is False.
    ValueError
        If the file is none that :func:`skdistill.to_onnx` wrote, `path` is that file, or `report`
        is not the one whose digest the file holds.
    TypeError
        If `licence` or `report` is of another type.

    References
    ----------
    .. [1] Mitchell et al. (2019). Model Cards for Model Reporting. FAT* 2019.
       https://doi.org/10.1145/3287560.3287596

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier, MLPStudent, model_card
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(LogisticRegression(max_iter=500), MLPStudent((8,))).fit(X, y)
    >>> card = model_card(clf, intended_use="To tell three kinds of iris.")
    >>> print(card.select("Model/Intended use").content)
    To tell three kinds of iris.
    """
    skops = require("skops.card", "card")
    Notes(licence, report).check()
    target = None if path is None else check_target(path, overwrite)
    if target is not None and _is_path(source) and target.resolve() == Path(source).resolve():
        raise ValueError(f"`path` is the file of the student, {str(target)!r}: give another.")
    # Not the file: a skops.Card would load it as a pickle to show itself.
    student = source if isinstance(source, (BaseDistiller, Scorer)) else Scorer(source)
    facts = facts_of(student, licence, report)
    _check_report(facts, report)
    card: Card = skops.Card(student, model_diagram=False, template=None)
    card.add(**{"Model": _summary(facts)})
    card.add(**{"Model/Intended use": intended_use or NOT_TOLD})
    card.add(**{"Model/Limits": _limits(facts)})
    _add_table(card, "Model/Inputs", f"{len(facts.columns)} columns.", _columns(facts))
    card.add(**{"Model/Outputs": _outputs(facts)})
    _add_table(card, "Origin/Teachers", "", _teachers(facts))
    card.add(**{"Origin/Data": _data(facts), "Origin/Training": _training(facts)})
    _add_table(card, "Origin/Versions", "", _versions(facts))
    _add_evaluation(card, facts, report)
    card.add(**{"Licence": licence or facts.licence or NOT_TOLD})
    card.add(**{"How to load": _how_to_load(source, facts)})
    if target is not None:
        write_whole(card.render().encode(), target)
    return card


def _is_path(source: Any) -> bool:
    return isinstance(source, (str, os.PathLike))


def _check_report(facts: ModelMetadata, report: DistillationReport | None) -> None:
    """Refuse a report of another student than that of the file."""
    if report is None or facts.report is None or facts.report["digest"] == report.digest():
        return
    raise ValueError(
        f"`report` has the digest {report.digest()[:12]}..., but the file was exported with the "
        f"report {facts.report['digest'][:12]}...: give that one, or export again with "
        "`report=report`."
    )


def _summary(facts: ModelMetadata) -> str:
    names = ", ".join(f"`{one['name']}`" for one in facts.teachers or [])
    of_whom = f", distilled from {names}" if names else ""
    size = [] if facts.n_bytes is None else [f"{facts.n_bytes:,} bytes"]
    size += [] if facts.n_parameters is None else [f"{facts.n_parameters:,} parameters"]
    size += [f"weights in {facts.quantize}"] if facts.quantize else []
    told = f" It has {', '.join(size)}." if size else ""
    kind = f" (`{facts.student}`)" if facts.student else ""
    version = facts.packages["skdistill"]
    return f"A small neural student{kind}{of_whom}, by skdistill {version}.{told}"


def _limits(facts: ModelMetadata) -> str:
    lines = [
        "- It answers as its teacher does, so it has the teacher's errors and biases, and adds "
        "some of its own: see the agreement.",
        "- Far from the rows that it was trained on, neither teacher nor student is to be trusted.",
    ]
    if any(one.kind == "category" for one in facts.columns):
        lines.append("- A category that is not in the table below counts as unknown.")
    return "\n".join(lines)


def _columns(facts: ModelMetadata) -> pd.DataFrame:
    rows = [(one.name, one.kind, one.dtype, _levels(one.levels)) for one in facts.columns]
    return pd.DataFrame(rows, columns=["column", "kind", "type", "categories"])


def _levels(levels: list[Any] | None) -> str:
    if levels is None:
        return ""
    shown = ", ".join(map(str, levels[:MOST_LEVELS]))
    return f"{shown}, ... ({len(levels)} in all)" if len(levels) > MOST_LEVELS else shown


def _outputs(facts: ModelMetadata) -> str:
    if facts.classes is not None:
        shown = _levels(facts.classes)
        return f"Probabilities of {facts.n_outputs} classes: {shown}."
    if facts.quantiles is not None:
        return f"Quantiles of a number, at {_levels(facts.quantiles)}."
    return f"{facts.n_outputs} number(s)."


def _teachers(facts: ModelMetadata) -> pd.DataFrame:
    rows = [
        (one["name"], one["type"], ", ".join(f"{k} {v}" for k, v in one["packages"].items()))
        for one in facts.teachers or []
    ]
    return pd.DataFrame(rows, columns=["name", "type", "libraries"])


def _data(facts: ModelMetadata) -> str:
    if facts.data_hash is None:
        return NOT_TOLD
    refreshed = " It has gone on with other rows since." if facts.is_refreshed else ""
    return f"Rows of the fit, by `skdistill.data_hash`: `{facts.data_hash}`.{refreshed}"


def _training(facts: ModelMetadata) -> str:
    told = {
        "weight of the labels (alpha)": facts.alpha,
        "temperature of the soft targets": facts.temperature,
        "temperature of the calibration": facts.calibration_temperature,
    }
    lines = [f"- {name}: {value:g}" for name, value in told.items() if value is not None]
    lines += [f"- {facts.decision}"] if facts.decision else []
    lines += [f"- made at {facts.created}"] if facts.created else []
    return "\n".join(lines) or NOT_TOLD


def _versions(facts: ModelMetadata) -> pd.DataFrame:
    return pd.DataFrame(list(facts.packages.items()), columns=["package", "version"])


def _add_evaluation(card: "Card", facts: ModelMetadata, report: DistillationReport | None) -> None:
    if report is not None:
        answer, reasons = report.verdict.answer, report.verdict.reasons
        about = f"On {len(report.answers):,} rows held out; digest `{report.digest()}`."
        lines = [f"**Verdict: {answer}**", "", about, "", *(f"- {one}" for one in reasons)]
        card.add(**{"Evaluation": "\n".join(lines)})
        for section in sections_of(report):
            _add_section(card, section)
        return
    if facts.report is None:
        card.add(**{"Evaluation": NOT_TOLD})
        return
    told = facts.report
    about = f"On {told['n_rows']:,} rows held out; digest of the report `{told['digest']}`."
    card.add(**{"Evaluation": f"**Verdict: {told['verdict']}**\n\n{about}"})
    scores = pd.DataFrame(told["scores"]).T.rename_axis("model").reset_index()
    _add_table(card, "Evaluation/Scores", "", scores)


def _add_section(card: "Card", section: Section) -> None:
    title = f"Evaluation/{section.title}"
    words = "\n".join(f"- {one}" for one in section.words)
    if section.rows:
        _add_table(card, title, words, pd.DataFrame(section.rows, columns=section.header))
    else:
        card.add(**{title: words})


def _add_table(card: "Card", title: str, words: str, table: pd.DataFrame) -> None:
    """A table, or the words that it is not told: skops takes none without rows."""
    if table.empty:
        card.add(**{title: NOT_TOLD})
        return
    card.add_table(description=words, **{title: table.map(_plain)})
    card.select(title).title = title.rpartition("/")[2]  # skops shows the whole path


def _plain(cell: Any) -> Any:
    """A cell whose text does not end the column."""
    return cell.replace("|", "\\|").replace("\n", " ") if isinstance(cell, str) else cell


def _how_to_load(source: Any, facts: ModelMetadata) -> str:
    method = "predict" if facts.classes is None else "predict_proba"
    if isinstance(source, BaseDistiller):
        return LOADS_FITTED.format(method=method)
    name = Path(source).name if _is_path(source) else "student.onnx"
    return LOADS.format(name=name, method=method)
