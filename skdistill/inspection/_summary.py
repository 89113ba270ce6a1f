"""The student beside its teacher and its control, in one sentence each."""

from collections.abc import Iterator

from skdistill.inspection._verdict import CLEAR, Gap, Gaps

# A factor below this is no difference to speak of: runs differ by as much.
LEAST_FACTOR = 1.1
ERRORS = "errors"


def summary_of(
    against_teacher: Gaps | None,
    against_control: Gaps | None,
    slowness: dict[str, float] | None,
    relative_size: float | None,
) -> list[str]:
    """Say in plain words how the student compares.

    Parameters
    ----------
    against_teacher, against_control : dict of str to Gap or None
        The student's losses less the other's; None where there is none.
    slowness : dict of str to float or None
        The student's time over the teacher's, by how many rows are asked about at a time.
    relative_size : float or None
        The student's pickled bytes over the teacher's.

    Returns
    -------
    list of str
        A sentence about the teacher, and one about the control, where there is one.
    """
    sentences = []
    if against_teacher:
        told = [*_speeds(slowness), *_size(relative_size), *_losses(against_teacher)]
        sentences.append(f"Beside its teacher, the student is {_joined(told)}.")
    if against_control:
        told = list(_losses(against_control))
        sentences.append(f"Beside its control, the student is {_joined(told)}.")
    return sentences


def summary_without_labels(
    slowness: dict[str, float] | None, relative_size: float | None
) -> list[str]:
    """Say what the student costs, where nothing is known of the truth."""
    told = [*_speeds(slowness), *_size(relative_size)]
    return [f"Beside its teacher, the student is {_joined(told)}."] if told else []


def _speeds(slowness: dict[str, float] | None) -> Iterator[str]:
    for batch, factor in (slowness or {}).items():
        if not 1 / LEAST_FACTOR < factor < LEAST_FACTOR:
            word = "faster" if factor < 1 else "slower"
            yield f"{_times(factor)} {word} on {batch}"


def _size(relative: float | None) -> Iterator[str]:
    if relative and not 1 / LEAST_FACTOR < relative < LEAST_FACTOR:
        yield f"{_times(relative)} {'smaller' if relative < 1 else 'larger'}"


def _losses(gaps: Gaps) -> Iterator[str]:
    # What most readers know first: accuracy, then the loss.
    for name, gap in sorted(gaps.items(), key=lambda one: one[0] != ERRORS):
        yield _accuracy(gap) if name == ERRORS else _loss(name, gap)


def _accuracy(gap: Gap) -> str:
    points = f"{abs(gap.difference) * 100:.1f} points"
    if not _is_clear(gap):
        return f"as accurate, within chance ({_sign(-gap.difference)}{points})"
    return f"{points} {'more' if gap.difference < 0 else 'less'} accurate"


def _loss(name: str, gap: Gap) -> str:
    share = f"{abs(gap.difference) / gap.reference * 100:.0f} %" if gap.reference > 0 else "0 %"
    if not _is_clear(gap):
        return f"as good in {name}, within chance ({_sign(gap.difference)}{share})"
    return f"{share} {'lower' if gap.difference < 0 else 'higher'} in {name}"


def _is_clear(gap: Gap) -> bool:
    return abs(gap.difference) > CLEAR * gap.standard_error


def _sign(value: float) -> str:
    return "+" if value >= 0 else "-"


def _times(factor: float) -> str:
    factor = max(factor, 1 / factor)
    return f"{factor:,.0f} times" if factor >= 10 else f"{factor:.1f} times"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
