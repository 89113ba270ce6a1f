"""The trainings that a fit expects, for its estimate of the time left."""

from typing import TYPE_CHECKING, Any

from skdistill._fit.plan import OTHER_TEMPERATURES
from skdistill._fit.setting import Setting
from skdistill._fit.training import is_fitted_again
from skdistill._fit.transfer_set import LabelledRows
from skdistill._utils.forecast import Coming, Forecast
from skdistill.student import MLPStudent

if TYPE_CHECKING:
    from skdistill._fit.candidates import Candidates


def forecast_of(
    candidates: "Candidates", setting: Setting, rows: list[LabelledRows], has_control: bool
) -> Forecast | None:
    """Expect the trainings that "auto" always tries, and the last one.

    Parameters
    ----------
    candidates : Candidates
    setting : Setting
        Of the first student.
    rows : list of LabelledRows
        What it learns, of each part.
    has_control : bool
        Whether the control is trained already.

    Returns
    -------
    Forecast or None
        None for fits that share their trainings, and with `max_queries`: there the trainings
        depend on the answers.
    """
    plan = candidates.plan
    if plan.shared is not None or plan.queries is not None:
        return None
    recipe = setting.student
    students = [Coming("fit-student", _rows_seen(recipe, _n_rows(one))) for one in rows]
    controls = [Coming("fit-control", _rows_seen(recipe, len(one.blocks[0]))) for one in rows]
    is_control = has_control and setting.alpha == 1 and not setting.objectives
    coming = [] if is_control else [*students]
    may_follow_labels = candidates.may_follow_labels()
    if may_follow_labels and not has_control:
        coming += controls
    if may_follow_labels and len(rows) > 1 and setting.alpha < 1:
        coming += students  # that trust the labels more, or less
    if candidates.can_choose and plan.chooses_temperature and setting.alpha < 1:
        coming += students * len(OTHER_TEMPERATURES)
    return Forecast([*coming, *_last(candidates, students, rows)], plan.deadline)


def _last(
    candidates: "Candidates", students: list[Coming], rows: list[LabelledRows]
) -> list[Coming]:
    """The last training, after as many seconds as a part took until now; none if there is none."""
    plan, n_parts = candidates.plan, len(rows)
    holds_out = candidates.parts[0].holds_out
    if not is_fitted_again(candidates.run, holds_out) or not plan.draws_once:
        return []
    fits_teachers = plan.has_unfitted_teachers and not plan.continues
    begins_anew = fits_teachers or n_parts > 1
    before = candidates.run.progress.seconds / n_parts if begins_anew else 0.0
    return [Coming("refit-student", students[0].rows, before)]


def _n_rows(rows: LabelledRows) -> int:
    return sum(len(block) for block in rows.blocks)


def _rows_seen(student: Any, n_rows: int) -> float:
    """Rows of a training, counted once for each epoch; only their ratios matter."""
    recipe = student if isinstance(student, MLPStudent) else MLPStudent()
    found: Any = recipe.for_rows(n_rows)
    return float(found.n_steps * min(found.batch_size, n_rows))
