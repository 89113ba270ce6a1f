"""What a fit that goes on keeps from the last one, and what it therefore cannot follow."""

from skdistill._fit.plan import Plan
from skdistill._utils.identity import identify
from skdistill._utils.named import named_parts
from skdistill._utils.types import Estimator
from skdistill._utils.warn import warn
from skdistill.teacher import clone_of, is_frozen

# The teacher, the encoder and the rows held out come of them, and stay as they are.
SETTLED = (
    "teacher",
    "pooling",
    "teacher_weights",
    "teacher_features",
    "student_features",
    "encoder",
    "class_weight",
    "early_stopping",
    "validation_fraction",
    "head",
    "quantiles",
    "target_transform",
)


def settled_by(parameters: Estimator) -> dict[str, str]:
    """What tells the settled parameters of a fit from others, by name.

    Parameters
    ----------
    parameters : estimator
        Holds them.

    Returns
    -------
    dict of str to str
    """
    found = {name: identity_of(getattr(parameters, name, None)) for name in SETTLED[1:]}
    parts = named_parts(parameters.teacher, "teacher")
    # A frozen teacher may be large: it is known as the object that it is, see `check_settled`.
    parts = [(name, None if is_frozen(part) else clone_of(part)) for name, part in parts]
    return {"teacher": identity_of(parts), **found}


def identity_of(value: object) -> str:
    """What tells a value from others, which need not be told apart by another process."""
    try:
        return identify(value)
    except TypeError:  # of an object that nothing but itself is equal to
        return f"object {id(value)}"


def check_settled(plan: Plan) -> None:
    """Raise a ValueError where a fit that goes on cannot follow a parameter that has changed."""
    if plan.previous is None or plan.previous.settled is None:
        return
    settled, now = plan.previous.settled, settled_by(plan.parameters)
    unset = identity_of(None)  # as every parameter was that an older version did not have
    changed = [name for name in SETTLED if settled.get(name, unset) != now[name]]
    if "teacher" not in changed and _is_other_frozen(plan):
        changed.insert(0, "teacher")
    if changed:
        named = ", ".join(f"`{name}`" for name in changed)
        kept, remedy = "the fitted teacher, the encoder and the rows held out", "`warm_start=False`"
        if plan.refreshes:
            kept, remedy = "the fitted teacher and the encoder", "`fit` again on all rows"
        raise ValueError(
            f"`{plan.previous.by}` keeps {kept}, so it cannot follow another {named}: set it back, "
            f"or {remedy}."
        )


def _is_other_frozen(plan: Plan) -> bool:
    """Whether a frozen teacher is another object than the one of the last fit."""
    if plan.parameters.teacher is None or plan.previous is None or plan.previous.teacher is None:
        return False
    before = named_parts(plan.previous.teacher.teachers, "teacher")
    return any(
        is_frozen(one) and one is not other
        for (_, one), (_, other) in zip(plan.teachers, before, strict=True)
    )


def warn_of_other_rows(plan: Plan, rows: str) -> None:
    """Warn that the teacher that is kept may have been fitted on rows that are held out now.

    Parameters
    ----------
    plan : Plan
    rows : str
        What tells the rows to train on from others.
    """
    if plan.previous is None or plan.refreshes or plan.previous.rows in (None, rows):
        return
    if plan.has_unfitted_teachers:
        warn(
            "`warm_start` goes on with other rows than the last fit had. The "
            "teacher that is kept may have been fitted on some of those that are held out now: "
            "losses on them, and what is chosen by them, may be too good. Give `X_val` and `y_val`."
        )
