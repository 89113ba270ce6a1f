"""The rules of the verdict, on numbers."""

import pytest

from skdistill.inspection import Gap, verdict

SERVE = "serve the student"
NO_TEACHER = "training without the teacher is as good here"
COMPILE = "compiling the teacher is enough here"
KEEP = "keep the teacher"
OPEN = "open: a control is missing"
TOO_FEW = "open: too few rows to tell student and control apart"


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
        (SAME, gaps(-0.1, standard_error=0.06), SAME, TOO_FEW),
        (SAME, gaps(0.1, standard_error=0.06), SAME, NO_TEACHER),
        (None, gaps(0.0, errors=-0.063, standard_error=0.0317), None, TOO_FEW),
        (None, gaps(0.0, errors=-0.063, standard_error=0.0313), None, SERVE),
        # Ahead by less than a hundredth, and by more.
        (None, gaps(-0.0039, errors=-0.0009, standard_error=0.003), None, NO_TEACHER),
        (None, gaps(-0.0041, standard_error=0.003), None, TOO_FEW),
        (None, gaps(0.0, errors=-0.0011), None, TOO_FEW),
        # Ahead in one and behind in the other, clearly or not, is not ahead.
        (None, gaps(0.05, errors=-0.0011), None, NO_TEACHER),
        (None, gaps(0.0041, errors=-0.0011, standard_error=0.003), None, NO_TEACHER),
        (None, gaps(0.0039, errors=-0.0011, standard_error=0.003), None, TOO_FEW),
        # The control is worse than the teacher: open, unless the student is as well.
        (SAME, gaps(-0.1, standard_error=0.06), WORSE, TOO_FEW),
        (WORSE, gaps(-0.1, standard_error=0.06), WORSE, KEEP),
        (SAME, SAME, WORSE, KEEP),
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
    assert "log loss 0.4312 against 0.4000 (+0.0312, standard error 0.0020)" in first
    assert "errors 0.0896 against 0.1000 (-0.0104, standard error 0.0020)" in first
    assert any("`control`" in reason for reason in verdict(SAME).reasons)
    perfect = {"errors": Gap(0.01, 0.001, 0.0)}
    assert verdict(perfect, BETTER).answer == KEEP


def test_the_reasons_say_by_how_much_an_open_student_is_ahead():
    decided = verdict(None, gaps(-0.001, errors=-0.063, standard_error=0.0317))
    assert "ahead of the control by 63% in errors, within 2 standard errors" in decided.reasons[-1]


@pytest.mark.parametrize(
    ("slowness", "size", "told"),
    [
        ((2.0, 1.5), 0.5, ["slower"]),
        ((2.0, 0.9), 1.0, ["not smaller"]),
        ((0.5, 1.5), None, []),
        ((2.0, 1.5), 3.0, ["slower", "not smaller"]),
    ],
)
def test_a_student_that_is_not_cheaper_is_told(slowness, size, told):
    slowness = dict(zip(("single rows", "10,000 rows"), slowness, strict=True))
    decided = verdict(SAME, BETTER, WORSE, slowness=slowness, relative_size=size)
    plain = verdict(SAME, BETTER, WORSE)
    assert decided.answer == plain.answer
    added = decided.reasons[len(plain.reasons) :]
    assert len(added) == len(told)
    assert all(f"{word} than the teacher" in text for word, text in zip(told, added, strict=True))
