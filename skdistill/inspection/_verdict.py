"""What to serve: rules on paired differences, and the numbers they rest on."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from skdistill.inspection._words import amount

# A difference counts from two standard errors on: chance alone makes it as large in 5 % of reports.
CLEAR = 2.0
# Student and control cost the same to serve, so any clear difference decides between them; below
# one part in a hundred of the other's loss it is of no use, on however many rows.
WORTHLESS = 0.01
# A student is there to be cheaper than its teacher, and may pay for that with a tenth more log loss
# or errors than the teacher has.
TOLERATED = 0.10
# A compiled teacher up to twice as slow as the student is as cheap: runs differ by as much.
AS_FAST = 2.0

SERVE = "serve the student"
NO_TEACHER = "training without the teacher is as good here"
COMPILE = "compiling the teacher is enough here"
KEEP = "keep the teacher"
OPEN = "open: a control is missing"
TOO_FEW = "open: too few rows to tell student and control apart"
NO_LABELS = "open: without labels only fidelity is known"

NEEDS_LABELS = (
    "How often the student agrees with its teacher does not say whether either is right: give `y`."
)
NEEDS_CONTROL = (
    "Whether the student owes anything to its teacher only a control can say: give "
    "`control`, or control='fit' with `X_train` and `y_train`."
)


class Gap(NamedTuple):
    """One model's loss less another's, on the same rows.

    Attributes
    ----------
    difference : float
        Above 0 the first is worse.
    standard_error : float
    reference : float
        Loss of the second.
    """

    difference: float
    standard_error: float
    reference: float

    def exceeds(self, tolerance: float) -> bool:
        """Whether the first is clearly worse, by more than the tolerated share."""
        return (
            self.difference > CLEAR * self.standard_error
            and self.difference > tolerance * self.reference
        )

    def leaves_open(self, tolerance: float) -> bool:
        """Whether the first is better by more than the tolerated share, but not clearly."""
        is_ahead = -self.difference > tolerance * self.reference
        return is_ahead and not self.mirrored().exceeds(tolerance)

    def mirrored(self) -> "Gap":
        """The same difference, seen from the second."""
        return Gap(-self.difference, self.standard_error, self.reference)


# By the name of the loss.
Gaps: TypeAlias = dict[str, Gap]


@dataclass(frozen=True)
class Verdict:
    """The answer of a report.

    Attributes
    ----------
    answer : str
        One of "serve the student", "training without the teacher is as good here", "compiling the
        teacher is enough here", "keep the teacher", "open: a control is missing", "open: too
        few rows to tell student and control apart" and "open: without labels only fidelity is
        known".
    reasons : list of str
        The numbers it rests on, in words.
    summary : list of str
        The student beside its teacher, and beside its control, in a sentence each.
    """

    answer: str
    reasons: list[str]
    summary: list[str] = field(default_factory=list)


def is_worse(gaps: Gaps, tolerance: float) -> bool:
    """Whether one model is clearly worse than another in one of the losses."""
    return any(gap.exceeds(tolerance) for gap in gaps.values())


def is_better(gaps: Gaps, tolerance: float) -> bool:
    """Whether one model is clearly better in one of the losses, and clearly worse in none."""
    gains = any(gap.mirrored().exceeds(tolerance) for gap in gaps.values())
    return gains and not is_worse(gaps, tolerance)


def may_be_better(gaps: Gaps, tolerance: float) -> bool:
    """Whether more rows may show one model to be better: ahead in one loss, behind in none."""
    is_open = any(gap.leaves_open(tolerance) for gap in gaps.values())
    return is_open and all(gap.difference <= tolerance * gap.reference for gap in gaps.values())


def verdict(
    against_teacher: Gaps | None = None,
    against_control: Gaps | None = None,
    control_against_teacher: Gaps | None = None,
    against_compiled: Gaps | None = None,
    compiled_slowness: dict[str, float] | None = None,
    compiled_is_faster: bool | None = None,
    slowness: dict[str, float] | None = None,
    relative_size: float | None = None,
) -> Verdict:
    """Decide what to serve.

    1. The compiled teacher, if the student is not clearly better, and it is about as fast as the
       student, or the student is clearly worse than the teacher and compiling made it faster.
    2. If the student is not clearly better than its control:

       a. the teacher, if the control is clearly worse than it, and the student is as well or is
          not ahead of the control;
       b. left open, if the student is ahead of the control by more than a hundredth in a loss,
          but by less than two standard errors, and behind it by more than a hundredth in none: the
          rows are too few to tell;
       c. the control.
    3. The teacher, if the student is clearly worse.
    4. The student; left open where there is no control to say what the teacher was good for.

    "Clearly" is two standard errors, and a share of the other's loss: a tenth against the teacher,
    a hundredth against control and compiled teacher; in log loss or in the share of errors, in RMSE
    where the student tells numbers, in CRPS where it tells quantiles.

    Parameters
    ----------
    against_teacher, against_control, against_compiled : dict of str to Gap, default=None
        The student's losses less the other's, by name: "log loss" and "errors", or "RMSE", or
        "CRPS"; None where there is none.
    control_against_teacher : dict of str to Gap, default=None
    compiled_slowness : dict of str to float, default=None
        The compiled teacher's time over the student's, by how many rows are asked about at a time,
        of which the worse counts; None where it was not measured.
    compiled_is_faster : bool, default=None
        Whether the compiled teacher is faster than the teacher; None where it was not measured.
    slowness : dict of str to float, default=None
        The student's time over the teacher's, in the same way. It decides nothing: the reasons say
        so if the student is slower throughout.
    relative_size : float, default=None
        The student's pickled bytes over the teacher's; the reasons say so if it is not smaller.

    Returns
    -------
    Verdict
    """
    reasons = [
        *_losses_in_words(
            ("student", "teacher", against_teacher),
            ("student", "control", against_control),
            ("student", "compiled teacher", against_compiled),
            ("control", "teacher", control_against_teacher),
        ),
        *_times_in_words(compiled_slowness),
        *_costs_in_words(slowness, relative_size),
    ]
    falls_short = _falls_short(against_teacher)
    if against_compiled and not is_better(against_compiled, WORTHLESS):
        if _is_as_fast(compiled_slowness) or (falls_short and compiled_is_faster):
            return Verdict(COMPILE, reasons)
        if compiled_slowness is None:
            reasons.append("The compiled teacher was not timed, and so not considered.")
    if against_control and not is_better(against_control, WORTHLESS):
        control_falls_short = _falls_short(control_against_teacher)
        answer, lead = _no_better_than(against_control, control_falls_short, falls_short)
        return Verdict(answer, reasons + lead)
    if falls_short:
        return Verdict(KEEP, reasons)
    if not against_control:
        return Verdict(OPEN, [*reasons, NEEDS_CONTROL])
    return Verdict(SERVE, reasons)


def _falls_short(gaps: Gaps | None) -> bool:
    """Whether a model is clearly worse than the teacher, by more than is tolerated."""
    return gaps is not None and is_worse(gaps, TOLERATED)


def _is_as_fast(slowness: dict[str, float] | None) -> bool:
    """Whether a compiled teacher is about as fast as the student."""
    return max(slowness.values()) <= AS_FAST if slowness else False


def _no_better_than(
    control: Gaps, control_falls_short: bool, falls_short: bool
) -> tuple[str, list[str]]:
    """The answer where the student is not clearly better than its control, and why it is open."""
    is_open = may_be_better(control, WORTHLESS)
    if control_falls_short and (falls_short or not is_open):
        return KEEP, []
    return (TOO_FEW, [_lead_in_words(control)]) if is_open else (NO_TEACHER, [])


def _losses_in_words(*pairs: tuple[str, str, Gaps | None]) -> list[str]:
    return [_in_words(first, second, gaps) for first, second, gaps in pairs if gaps]


def _times_in_words(slowness: dict[str, float] | None) -> list[str]:
    return [
        f"On {batch}, the compiled teacher takes {_times(factor)} the student's time."
        for batch, factor in (slowness or {}).items()
    ]


def _in_words(first: str, second: str, gaps: Gaps) -> str:
    texts = [f"{name} {_gap_in_words(gap)}" for name, gap in gaps.items()]
    return f"The {first} against the {second}: {'; '.join(texts)}."


def _gap_in_words(gap: Gap) -> str:
    own = gap.reference + gap.difference
    size = max(own, gap.reference)
    return (
        f"{amount(own, size)} against {amount(gap.reference, size)} "
        f"({amount(gap.difference, size, '+')}, standard error {amount(gap.standard_error, size)})"
    )


def _lead_in_words(gaps: Gaps) -> str:
    leads = [
        f"{-gap.difference / gap.reference:.0%} in {name}"
        for name, gap in gaps.items()
        if gap.leaves_open(WORTHLESS)
    ]
    return (
        f"The student is ahead of the control by {' and '.join(leads)}, within {CLEAR:g} standard "
        "errors: on so few rows that may be chance. Give more."
    )


def _costs_in_words(slowness: dict[str, float] | None, relative_size: float | None) -> list[str]:
    """What is to be said of a student that is not cheaper than its teacher."""
    texts = []
    if slowness and min(slowness.values()) > 1:
        times = [f"{_times(factor)} the time on {batch}" for batch, factor in slowness.items()]
        texts.append(f"The student is slower than the teacher: it takes {' and '.join(times)}.")
    if relative_size is not None and relative_size >= 1:
        texts.append(
            f"The student is not smaller than the teacher: it has {relative_size:.2g} times the "
            "pickled bytes."
        )
    return texts


def _times(factor: float) -> str:
    return f"{factor:,.0f} times" if factor >= 100 else f"{factor:.2g} times"
