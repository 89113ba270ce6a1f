"""The rules of the verdict, on numbers."""

import pytest

from skdistill.inspection import Gap, verdict
from skdistill.inspection._verdict import COMPILE, KEEP, NO_TEACHER, OPEN, SERVE


def gaps(log_loss, errors=0.0, standard_error=0.002):
    """Differences of the losses from 0.4 and 0.1 that another model has."""
    return {
        "log loss": Gap(log_loss, standard_error, 0.4),
        "errors": Gap(errors, standard_error, 0.1),
    }


BETTER, SAME, WORSE = gaps(-0.05), gaps(0.0), gaps(0.05)
# Above two standard errors, below a tenth of 0.4: a price worth paying.
A_LITTLE_WORSE = gaps(0.03)


@pytest.mark.parametrize(
    ("teacher", "control", "control_to_teacher", "expected"),
    [
        (SAME, BETTER, WORSE, SERVE),
        (A_LITTLE_WORSE, BETTER, WORSE, SERVE),
        (BETTER, BETTER, SAME, SERVE),
        (None, BETTER, None, SERVE),
        (SAME, SAME, SAME, NO_TEACHER),
        (SAME, WORSE, BETTER, NO_TEACHER),
        (WORSE, WORSE, SAME, NO_TEACHER),
        (None, SAME, None, NO_TEACHER),
        (A_LITTLE_WORSE, SAME, A_LITTLE_WORSE, NO_TEACHER),
        (WORSE, BETTER, WORSE, KEEP),
        (WORSE, SAME, WORSE, KEEP),
        (WORSE, None, None, KEEP),
        (SAME, None, None, OPEN),
        (None, None, None, OPEN),
        # Errors alone decide, too.
        (gaps(-0.1, errors=0.03), BETTER, WORSE, KEEP),
        (SAME, gaps(0.0, errors=-0.02), SAME, SERVE),
        # Better in one and worse in the other is not better.
        (SAME, gaps(-0.05, errors=0.02), SAME, NO_TEACHER),
        # Large, but within two standard errors.
        (gaps(0.1, standard_error=0.06), gaps(-0.1), SAME, SERVE),
        (SAME, gaps(-0.1, standard_error=0.06), SAME, NO_TEACHER),
        # Certain, but too small to be of use.
        (SAME, gaps(-0.003, standard_error=0.0001), SAME, NO_TEACHER),
    ],
)
def test_without_a_compiled_teacher(teacher, control, control_to_teacher, expected):
    assert verdict(teacher, control, control_to_teacher).answer == expected


@pytest.mark.parametrize(
    ("teacher", "compiled", "slowness", "faster", "expected"),
    [
        (SAME, SAME, 0.5, True, COMPILE),
        (SAME, SAME, 2.0, True, COMPILE),
        (SAME, SAME, 2.1, True, SERVE),
        (BETTER, BETTER, 0.5, True, SERVE),
        (WORSE, WORSE, 10.0, True, COMPILE),
        (WORSE, WORSE, 10.0, False, KEEP),
        (SAME, SAME, None, None, SERVE),
    ],
)
def test_with_a_compiled_teacher(teacher, compiled, slowness, faster, expected):
    slownesses = None if slowness is None else {"single rows": 0.1, "10,000 rows": slowness}
    decided = verdict(teacher, BETTER, WORSE, compiled, slownesses, faster)
    assert decided.answer == expected
    assert any("against the compiled teacher" in reason for reason in decided.reasons)
    told = [reason for reason in decided.reasons if "times the student's time" in reason]
    assert len(told) == len(slownesses or {})
    assert any("not timed" in reason for reason in decided.reasons) == (slowness is None)


def test_the_reasons_hold_the_numbers():
    decided = verdict(gaps(0.0312, -0.0104), BETTER)
    first = decided.reasons[0]
    assert "log loss 0.0312 above 0.4000, 8% of it (standard error 0.0020)" in first
    assert "errors 0.0104 below 0.1000, 10% of it" in first
    assert any("`control`" in reason for reason in verdict(SAME).reasons)
    perfect = {"errors": Gap(0.01, 0.001, 0.0)}
    assert verdict(perfect, BETTER).answer == KEEP
