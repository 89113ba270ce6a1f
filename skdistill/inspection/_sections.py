"""A report as sections of words and tables, which text and page both show."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from skdistill.inspection._comparison import RETAINED
from skdistill.inspection._models import (
    COMPILED,
    CONTROL,
    EXPORTED,
    PREVIOUS,
    STUDENT,
    TEACHER,
)
from skdistill.inspection._words import amount

if TYPE_CHECKING:
    from skdistill.inspection._report import DistillationReport

# A header, and the rows under it.
Cells: TypeAlias = tuple[list[str], list[list[str]]]
# The student first: a narrow screen shows the first columns.
ORDER = (STUDENT, EXPORTED, TEACHER, CONTROL, COMPILED, PREVIOUS)
NAMES = {
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error",
    "auc": "AUC",
    "recall": "recall",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
    "crps": "CRPS",
    "agreement": "agreement",
    "kl_divergence": "KL(teacher || model)",
    "largest_probability_gap": "largest probability gap",
    "rmse_to_teacher": "RMSE to the teacher",
    "r2_to_teacher": "R2 of the teacher's numbers",
    "largest_gap": "largest gap",
    "churn": "predictions changed",
    "total_variation": "total variation",
    "mean_move": "mean move",
    "p50_ms": "1 row, median (ms)",
    "p99_ms": "1 row, 99th percentile (ms)",
    "n_calls": "calls with 1 row",
    "rows_per_second": "rows per second",
    "parameter_bytes": "weights (bytes)",
    "pickled_bytes": "pickled (bytes)",
}
_COUNTS = {"n_calls", "rows_per_second", "parameter_bytes", "pickled_bytes"}
_TIMES = {"p50_ms", "p99_ms"}
# A cell longer than this holds words.
WORDS = 40
_INTERVALS = "In brackets: {level:.0%} intervals, by a bootstrap over the rows."
_PAIRED = "The first less the second, on the same rows; the interval is of the difference."
_LESS = "The last columns are the student's {loss} less another's, ± one standard error"
_KEPT = ", and the share of the teacher's lead over the control that is kept"
# In the unit of y, whatever that is.
_AMOUNTS = {"rmse", "mae", "crps", "rmse_to_teacher", "largest_gap", "mean_move"}


@dataclass
class Section:
    """A heading with what is under it.

    Attributes
    ----------
    title : str
    words : list of str
    header : list of str
    rows : list of list of str
    plots : list of str
    n_names : int
        Columns at the left that name the row.
    """

    title: str
    words: list[str] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    plots: list[str] = field(default_factory=list)
    n_names: int = 1

    def columns_of_words(self) -> list[bool]:
        """Whether each column holds names or words, and not numbers."""
        columns = zip(*self.rows, strict=True)
        return [
            i < self.n_names or any(len(cell) > WORDS for cell in column)
            for i, column in enumerate(columns)
        ]


def sections_of(report: "DistillationReport") -> list[Section]:
    """The sections of a report, without its verdict.

    Parameters
    ----------
    report : DistillationReport

    Returns
    -------
    list of Section
    """
    table = report.to_frame()

    def of(*parts: str) -> pd.DataFrame:
        return table[table["part"].isin(parts)]

    missing = [f"There is no {name}{why}." for name, why in report.missing.items()]
    notes = [f"{note}." for note in of("scores")["note"].unique() if note]
    found = [
        _changes(of("changes")),
        Section(
            "Scores",
            [*missing, _INTERVALS.format(level=report.confidence_level), *notes],
            *_by_model(of("scores")),
            plots=[report.answers.plot],
        ),
        Section("Differences", [_PAIRED], *_by_pair(of("differences"))),
        Section("Fidelity to the teacher", [], *_by_model(of("fidelity")), plots=["fidelity"]),
        _retained(of("retained gain")),
        Section("Speed and size", [_machine(report)], *_by_model(of("speed", "size"))),
        *(_parts(one, of(one), []) for one in ("classes", "targets")),
        _parts("segments", of("segments"), ["segments"]),
        Section(
            "What the fit chose",
            report.choices,
            *_attributes(report.attributes),
            plots=["history"],
        ),
    ]
    return [one for one in found if one.rows or one.words is report.choices]


def number(row: pd.Series, signed: bool = False) -> str:
    """A value with its interval, as text."""
    value = row["value"]
    if pd.isna(value):
        return "not known"
    if row["metric"] in _COUNTS:
        return f"{value:,.0f}"
    if row["metric"] in _TIMES:
        return f"{value:.3f}"
    sign = "+" if signed else ""
    text = _value(value, row["metric"], value, sign)
    if pd.isna(row["low"]):
        return text
    ends = (_value(row[end], row["metric"], value, sign) for end in ("low", "high"))
    return f"{text} [{', '.join(ends)}]"


def name_of(metric: str) -> str:
    """What a metric is called."""
    kind, _, share = metric.partition("_")
    if kind in ("coverage", "width"):
        return f"{kind} of {share} % intervals"
    return NAMES[metric]


def _value(value: float | None, metric: str, scale: float | None = None, sign: str = "") -> str:
    """A value with the decimals that its unit, or the size of another, asks for."""
    if value is None or pd.isna(value):
        return ""
    if metric in _AMOUNTS or metric.startswith("width_"):
        return amount(value, scale, sign)
    return f"{value:{sign}.4f}"


def _by_model(table: pd.DataFrame) -> Cells:
    """A row a metric, a column a model."""
    models = [name for name in ORDER if (table["model"] == name).any()]
    return _pivot(table, table["model"], models, signed=False)


def _by_pair(table: pd.DataFrame) -> Cells:
    """A row a metric, a column a pair."""
    pairs = table["model"] + " - " + table["versus"].astype(str)
    return _pivot(table, pairs, list(pairs.unique()), signed=True)


def _pivot(table: pd.DataFrame, keys: pd.Series, columns: list[str], signed: bool) -> Cells:
    rows = []
    for metric in table["metric"].unique():
        of_metric = table[table["metric"] == metric]
        cells = [of_metric[keys[of_metric.index] == name] for name in columns]
        texts = [number(cell.iloc[0], signed) if len(cell) else "" for cell in cells]
        rows.append([name_of(metric), *texts])
    return (["", *columns] if rows else []), rows


def _retained(table: pd.DataFrame) -> Section:
    rows = [[name_of(row["metric"]), row["note"] or _share(row)] for _, row in table.iterrows()]
    words = ["(student - control) / (teacher - control): 100 % is as far as the teacher is ahead."]
    return Section("Retained gain", words if rows else [], ["", "kept"] if rows else [], rows)


def _share(row: pd.Series) -> str:
    return f"{row['value']:.0%} [{row['low']:.0%}, {row['high']:.0%}]"


def _parts(name: str, table: pd.DataFrame, plots: list[str]) -> Section:
    """A row a level: rows, scores of each model, paired differences, and what is kept."""
    if not len(table):
        return Section(name.capitalize())
    alone, paired = table[table["versus"].isna()], table[table["versus"].notna()]
    models = [one for one in ORDER if (alone["model"] == one).any()]
    pairs = [one for one in (CONTROL, TEACHER) if (paired["versus"] == one).any()]
    metrics = [one for one in alone["metric"].unique() if one != RETAINED]
    kept = [RETAINED] if alone["value"][alone["metric"] == RETAINED].notna().any() else []
    loss = name_of(paired["metric"].iloc[0]) if pairs else ""
    header = ["column", "level", "rows"]
    header += [f"{name_of(metric)}, {model}" for metric in metrics for model in models]
    header += [f"{loss}, less the {other}'s" for other in pairs] + ["gain, kept"] * len(kept)
    rows, last = [], None
    for (column, level), group in table.groupby(["column", "level"], sort=False):
        one = group[group["versus"].isna()].set_index(["model", "metric"])["value"]
        two = group[group["versus"].notna()].set_index("versus")
        row = ["" if column == last else column, level, f"{group['n_rows'].iloc[0]:,}"]
        row += [_value(one.get((model, metric)), metric) for metric in metrics for model in models]
        row += [_difference(two.loc[other]) if other in two.index else "" for other in pairs]
        rows.append(row + [_percent(one.get((STUDENT, metric))) for metric in kept])
        last = column
    words = [_LESS.format(loss=loss) + _KEPT * len(kept) + "."] if pairs else []
    return Section(name.capitalize(), words, header, rows, plots, n_names=2)


def _changes(table: pd.DataFrame) -> Section:
    """A row a group of rows: predictions changed, drift, and the difference of the losses."""
    if not len(table):
        return Section("Changes from the previous student")
    metrics = list(table["metric"].unique())
    rows = []
    for _, group in table.fillna({"column": "", "level": ""}).groupby(
        ["column", "level"], sort=False
    ):
        one = group.set_index("metric")
        cells = [number(group.iloc[i], signed=i == len(group) - 1) for i in range(len(group))]
        names = [one["column"].iloc[0] or "all rows", one["level"].iloc[0]]
        rows.append([*names, f"{one['n_rows'].iloc[0]:,}", *cells])
    header = ["column", "level", "rows", *map(name_of, metrics[:-1])]
    header.append(f"{name_of(metrics[-1])}, less the {PREVIOUS}'s")
    note = table["note"].iloc[0]
    words = [_in_words(table[table["metric"] == metrics[-1]].iloc[0])]
    words += [f"Of all rows, {note}."] if note else []
    return Section("Changes from the previous student", words, header, rows, n_names=2)


def _in_words(loss: pd.Series) -> str:
    """Which student is better, by the difference of their losses on all rows."""
    name, gap = name_of(loss["metric"]), number(loss, signed=True)
    if not abs(loss["value"]) > 2 * loss["standard_error"]:
        return f"Neither student is clearly better: their {name} differs by {gap}."
    kept, way = ("refreshed", "lower") if loss["value"] < 0 else (PREVIOUS.split()[0], "higher")
    return f"Serve the {kept} student: the new one's {name} is clearly {way}, by {gap}."


def _difference(row: pd.Series) -> str:
    text = _value(row["value"], row["metric"], row["value"], "+")
    if pd.isna(row["standard_error"]):
        return text
    return f"{text} ± {_value(row['standard_error'], row['metric'], row['value'])}"


def _percent(value: float | None) -> str:
    return "" if value is None or pd.isna(value) else f"{value:.0%}"


def _attributes(attributes: dict[str, bool | int | float | str]) -> Cells:
    rows = [[name, str(value)] for name, value in attributes.items()]
    return (["other fitted attribute", ""] if rows else []), rows


def _machine(report: "DistillationReport") -> str:
    if not report.machine:
        return "Speed was not measured."
    return f"Measured here, after a warm-up: {report.machine}."
