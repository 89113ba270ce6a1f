"""What a fit with `warm_start` keeps from the last one, and the changes it must refuse."""

from skdistill._fit.plan import Plan
from skdistill._utils.identity import identify
from skdistill._utils.named import named_parts
from skdistill._utils.types import Estimator
from skdistill._utils.warn import warn
from skdistill.teacher import clone_of, is_frozen

# The teacher, the encoder and the held-out rows depend on them, and do not change.
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
    """Identifiers of the settled parameters of a fit, by name.

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
    # A frozen teacher may be large: it is compared by identity, see `check_settled`.
    parts = [(name, None if is_frozen(part) else clone_of(part)) for name, part in parts]
    return {"teacher": identity_of(parts), **found}


def identity_of(value: object) -> str:
    """An identifier of a value, valid only in this process."""
    try:
        return identify(value)
    except TypeError:  # an object that is equal only to itself
        return f"object {id(value)}"


def check_settled(plan: Plan) -> None:
    """Raise a ValueError if a parameter has changed that `warm_start` cannot change."""
    if plan.previous is None or plan.previous.settled is None:
        return
    settled, now = plan.previous.settled, settled_by(plan.parameters)
    unset = identity_of(None)  # the value of a parameter that an older version did not have
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
    """Warn that the kept teacher may have been fitted on rows that are now held out.

    Parameters
    ----------
    plan : Plan
    rows : str
        Identifier of the rows to train on.
    """
    if plan.previous is None or plan.refreshes or plan.previous.rows in (None, rows):
        return
    if plan.has_unfitted_teachers:
        warn(
            "`warm_start` goes on with other rows than the last fit had. The "
            "teacher that is kept may have been fitted on some of those that are held out now: "
            "losses on them, and what is chosen by them, may be too good. Give `X_val` and `y_val`."
        )
