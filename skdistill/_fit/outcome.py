"""What a fit kept, why, and by which losses; warnings of what a user may not expect."""

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.judge import is_clearly_lower
from skdistill._fit.plan import Plan
from skdistill._fit.trials import Trial
from skdistill._utils.auto import is_auto
from skdistill._utils.types import FloatArray
from skdistill._utils.warn import warn
from skdistill._utils.weights import n_effective
from skdistill.teacher import unfrozen

# Of what the teacher knows beyond the shares of the classes.
LEAST_KEPT = 0.75


def why_no_choice(plan: Plan, validation: Block | None, fewest: int) -> str:
    """Why a fit has nothing to compare students by, or may train only one.

    Parameters
    ----------
    plan : Plan
    validation : Block or None
    fewest : int
        Rows held out that it takes.

    Returns
    -------
    str
    """
    if validation is None:
        if is_auto(plan.parameters.early_stopping):
            least = plan.kind.fewest_to_hold_out(plan.parameters)
            return f"no rows are held out of fewer than {least} (give `X_val`)"
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


def decision_of(trial: Trial, trials: list[dict], usual: float) -> str:
    """Say in one line what is kept, by which losses, and why.

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
    """A trial that is not kept, in a word or two; `alpha` is that which goes without saying."""
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
        words.append("that takes numbers as codes")
    return " ".join(words)


def may_have_seen(plan: Plan, holds_out: bool) -> bool:
    """Whether a teacher that was not fitted here may know the labels of the rows held out.

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
    if plan.refreshes:  # its rows are new to the teacher as well
        return False
    return holds_out and (not parts or len(unfrozen(parts)) < len(parts))


def warn_of_no_choice(plan: Plan, fewest: int) -> None:
    """Warn where a temperature was to be chosen, and there are too few rows to choose by."""
    if plan.chooses_temperature and not plan.continues:
        warn(
            f"`temperature='auto'` is {plan.first_temperature:g}, as there is nothing to choose "
            f"by: that takes {fewest} labelled validation rows (500 training rows, or `X_val`), "
            "and no skorch net as `student`."
        )


def warn_of_labels_alone(plan: Plan, trial: Trial) -> None:
    """Warn where the student learns from the labels alone although more was asked for."""
    if trial.setting.alpha < 1:
        return
    if plan.chooses_alpha:
        text = (
            "`alpha='auto'` keeps the student that learns from the labels alone, since "
            f"{trial.why}. Set `alpha={plan.kind.alpha:g}` to follow the teacher all the same."
        )
        for name in ("response", "label_tolerance"):
            if getattr(plan.parameters, name) is not None:
                text += f" `{name}` is not used."
    elif plan.parameters.response is not None:
        text = "`response` is not used, since `alpha=1` learns from the labels alone."
    else:
        return
    warn(text)


def warn_of_gap(plan: Plan, trial: Trial, teacher: FloatArray, holds_out: bool) -> None:
    """Warn where the student that is kept is far behind its teacher on the rows held out.

    Parameters
    ----------
    plan : Plan
    trial : Trial
        The one that is kept.
    teacher : ndarray of shape (n_rows,)
        Losses of the teacher on the rows held out.
    holds_out : bool
        Whether these were held out of X.
    """
    if trial.setting.alpha == 1:  # it does not follow the teacher
        return
    rows, student = trial.judges, trial.row_losses
    hard_row = rows.task.hard_row(student)
    if not is_clearly_lower(teacher, student, rows.weight, rows.groups, hard_row):
        return
    means = [np.average(losses, weights=rows.weight) for losses in (student, teacher)]
    unknowing = rows.task.loss_without_features(rows.labels, rows.weight)
    if unknowing - means[0] >= LEAST_KEPT * (unknowing - means[1]):
        return
    start = "The teacher may use"
    if may_have_seen(plan, holds_out):
        knowing = "A frozen teacher" if plan.teachers else "`soft_targets`"
        start = (
            f"{knowing} may know the labels of these rows: then this says nothing, so give `X_val` "
            "and `y_val`. Else the teacher may use"
        )
    warn(
        f"the student is far behind its teacher on the rows held out: {rows.task.loss_name} "
        f"{means[0]:.3f} against {means[1]:.3f}. {start} what the student cannot: a column of "
        "identifiers or free text (drop it, or encode it by an `encoder` of your own), rows that "
        "belong together (`groups`), or more than this net learns in its steps "
        "(`student=MLPStudent.accurate()`, `n_steps`)."
    )
