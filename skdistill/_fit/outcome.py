"""The student that a fit kept, why, and with which losses; warnings of surprises."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.judge import is_clearly_lower
from skdistill._fit.plan import Plan
from skdistill._fit.trials import Trial
from skdistill._utils.auto import is_auto
from skdistill._utils.types import FloatArray, Table
from skdistill._utils.warn import (
    FarBehind,
    LabelsAlone,
    MaybeFarBehind,
    Remark,
    StrongColumns,
    give,
    warn,
)
from skdistill._utils.weights import n_effective
from skdistill.table import is_frame, names_of
from skdistill.teacher import unfrozen

if TYPE_CHECKING:
    from skdistill._fit.inputs import Inputs

# Least share of the teacher's knowledge (beyond the shares of the classes) without a warning.
LEAST_KEPT = 0.75
# A teacher with hidden columns is far better below this share of the student's loss.
STRONG = 0.5


def why_no_choice(plan: Plan, validation: Block | None, fewest: int) -> str:
    """Why a fit cannot compare students, or may train only one.

    Parameters
    ----------
    plan : Plan
    validation : Block or None
    fewest : int
        Least number of held-out rows.

    Returns
    -------
    str
    """
    if validation is None:
        if is_auto(plan.parameters.early_stopping):
            return (
                "nothing was compared, since no rows are held out of so few (give more rows, "
                "`X_val`, or `early_stopping=True`)"
            )
        return "no rows are held out"
    if not validation.is_labelled:
        return "the rows held out have no labels"
    n_judges = n_effective(validation.weight)
    if n_judges < fewest:
        return f"{n_judges:.0f} rows held out are too few to compare by, which takes {fewest}"
    if plan.previous is not None:
        return f"`{plan.previous.by}` goes on with one student"
    if plan.parameters.warm_start:
        return "`warm_start` goes on with one student"
    return "a net of your own is trained once"


def words_of_weights(weights: dict[str, float]) -> str:
    """The weights of the objectives in words, for a line of progress."""
    told = ", ".join(f"`{name}` {weight:.3g}" for name, weight in weights.items())
    return f"weights of the objectives, with those that 'auto' found: {told}"


def decision_of(trial: Trial, trials: list[dict], usual: float) -> str:
    """Say in one line which student is kept, with which losses, and why.

    Parameters
    ----------
    trial : Trial
        The one that is kept.
    trials : list of dict
        `trials_` of the estimator.
    usual : float
        The weight of the labels that "auto" begins with.

    Returns
    -------
    str
    """
    setting = trial.setting
    who = {0.0: "the student of the teacher alone", 1.0: "the student of the labels alone"}.get(
        setting.alpha, "the student of teacher and labels"
    )
    if setting.alpha == 1 and setting.learns_of_teacher:
        who = "the student of labels and objectives"
    parts = [f"kept: {who} (alpha {setting.alpha:g}"]
    if trial.task.has_classes:
        parts.append(f", temperature {setting.temperature:g}")
    if trial.rows.cv is not None:
        parts.append(", labels out of fold")
    if trial.n_tempered:
        parts.append(f", {trial.n_tempered} labels brought nearer to the teacher's answers")
    if nominal := list(getattr(setting.encoder, "nominal_", [])):
        parts.append(f", the numbers in columns {nominal} taken as codes")
    parts.append(")")
    if trials:
        task = trial.judges.task
        others = [one for one in trials if not one["is_kept"]]
        losses = [f"{_name(one, usual)} {one[task.loss_key]:.4f}" for one in others]
        own = next(one[task.loss_key] for one in trials if one["is_kept"])
        parts.append(f"; {task.loss_name} {own:.4f} on {len(trial.judges)} rows held out")
        parts.append(f" ({', '.join(losses)})" if losses else "")
    return "".join([*parts, f"; why: {trial.why}"])


def _name(trial: dict, alpha: float) -> str:
    """A trial that is not kept, in a word or two; the usual `alpha` is not mentioned."""
    if trial["who"] == "teacher":
        seen = trial.get("may_have_seen_the_rows", False)
        return "the teacher, which may have seen these rows," if seen else "the teacher"
    words = [trial["who"]]
    if trial["temperature"] != 1:
        words.append(f"at temperature {trial['temperature']:g}")
    if trial["cv"] is not None:
        words.append("of labels out of fold")
    if trial["who"] == "student" and trial["alpha"] != alpha:
        words.append(f"at alpha {trial['alpha']:g}")
    if trial["nominal"]:
        words.append("with numbers as categories")
    return " ".join(words)


def may_have_seen(plan: Plan, holds_out: bool) -> bool:
    """Whether a teacher that was not fitted here may know the labels of the held-out rows.

    Parameters
    ----------
    plan : Plan
    holds_out : bool
        Whether these were held out of X.

    Returns
    -------
    bool
    """
    parts = plan.teachers
    if plan.refreshes:  # the rows of a refresh are new to the teacher as well
        return False
    return holds_out and (not parts or len(unfrozen(parts)) < len(parts))


def warn_of_no_choice(plan: Plan, fewest: int) -> None:
    """Warn if a temperature should be chosen, but there are too few rows."""
    if plan.chooses_temperature and not plan.continues:
        warn(
            f"`temperature='auto'` is {plan.first_temperature:g}, as there is nothing to choose "
            f"by: that takes {fewest} labelled validation rows (250 training rows, or `X_val`), "
            "and no skorch net as `student`."
        )


def warn_of_no_labels(plan: Plan) -> None:
    """Warn where a weight of the labels was given, and there are none."""
    alpha = plan.parameters.alpha
    if not is_auto(alpha) and alpha > 0:
        warn(
            f"`alpha={alpha:g}` is taken as 0, since there are no labels: give `y`, or leave "
            "`alpha` out."
        )


def warn_of_labels_alone(plan: Plan, trial: Trial) -> None:
    """Warn if the student learns from the labels alone although more was requested."""
    if trial.setting.alpha < 1:
        return
    if plan.chooses_alpha:
        finding = f"the student that is kept learns from the labels alone, since {trial.why}."
        remedy = (
            f"`alpha='auto'` has found that; set `alpha={plan.kind.alpha:g}` to follow the teacher "
            "all the same."
        )
        for name in ("response", "label_tolerance"):
            if getattr(plan.parameters, name) is not None:
                remedy += f" `{name}` is not used."
        give(LabelsAlone(finding, remedy))
    elif plan.parameters.response is not None:
        warn("`response` is not used, since `alpha=1` learns from the labels alone.")


def remark_on(
    plan: Plan, given: "Inputs", trial: Trial, control: Trial | None, teacher: FloatArray
) -> Remark | None:
    """Find out whether the student that is kept is far behind its teacher on the held-out rows.

    It is not said here: a search or a ladder may not keep this student.

    Parameters
    ----------
    plan : Plan
    given : Inputs
    trial : Trial
        The one that is kept.
    control : Trial or None
    teacher : ndarray of shape (n_rows,)
        Losses of the teacher on the rows held out.

    Returns
    -------
    Remark or None
    """
    columns = _remark_on_columns(plan, given, control or trial, teacher)
    if columns is not None or trial.setting.alpha == 1:  # that one does not follow the teacher
        return columns
    rows, student = trial.judges, trial.row_losses
    hard_row = rows.task.hard_row(student)
    if not is_clearly_lower(teacher, student, rows.weight, rows.groups, hard_row):
        return None
    means = [np.average(losses, weights=rows.weight) for losses in (student, teacher)]
    unknowing = rows.task.loss_without_features(rows.labels, rows.weight)
    if unknowing - means[0] >= LEAST_KEPT * (unknowing - means[1]):
        return None
    kind, start = FarBehind, "The teacher may use"
    if may_have_seen(plan, given.holds_out):
        kind, knowing = MaybeFarBehind, "A frozen teacher" if plan.teachers else "`soft_targets`"
        start = (
            f"{knowing} may know the labels of these rows: then this says nothing, so give `X_val` "
            "and `y_val`. Else the teacher may use"
        )
    return kind(
        f"the student is far behind its teacher on the rows held out: {rows.task.loss_name} "
        f"{means[0]:.3f} against {means[1]:.3f}.",
        f"{start} what the student cannot: a column of identifiers or free text (drop it, or "
        "encode it by an `encoder` of your own), rows that belong together (`groups`), or more "
        "than this net learns in its steps (`student=MLPStudent.accurate()`, `n_steps`).",
    )


def hidden_columns(plan: Plan, X: Table) -> list[Any]:
    """The columns that the teachers see and the student does not, by name or position."""
    names = names_of(X) if is_frame(X) else None
    n_columns = len(names) if names is not None else np.shape(X)[-1]
    everything = np.arange(n_columns)
    seen = [one.indices for one in (plan.teacher_columns, plan.columns)]
    teachers, student = (everything if places is None else places for places in seen)
    hidden = np.setdiff1d(teachers, student).tolist()
    return hidden if names is None else [names[place] for place in hidden]


def _remark_on_columns(
    plan: Plan, given: "Inputs", other: Trial, teacher: FloatArray
) -> Remark | None:
    """Find columns that only the teacher sees, and that tell it more than can be learned.

    There is no remark with rows of `X_transfer`, where such columns teach most.

    Parameters
    ----------
    plan : Plan
    given : Inputs
    other : Trial
        The control, or a student where there is none.
    teacher : ndarray of shape (n_rows,)
        Losses of the teacher on the rows held out.

    Returns
    -------
    Remark or None
    """
    hidden, rows = hidden_columns(plan, given.X), other.judges
    loss = float(np.average(teacher, weights=rows.weight))
    if not hidden or given.X_transfer is not None or loss >= STRONG * other.mean_loss:
        return None
    shown = ", ".join(map(repr, hidden[:5])) + (", ..." if len(hidden) > 5 else "")
    start = "What"
    if may_have_seen(plan, given.holds_out):
        start = "If the teacher was fitted on these rows, this says nothing. Else what"
    return StrongColumns(
        f"the student does not see the columns {shown}, by which the teacher has a "
        f"{rows.task.loss_name} of {loss:.3f} on the rows held out, less than half of "
        f"{other.mean_loss:.3f} without them. {start} so strong a column tells can often not be "
        "learned from the others:",
        "compare with a teacher that does not see it (`teacher_features`), and give rows without "
        "a label as `X_transfer`, by which it teaches most.",
    )
