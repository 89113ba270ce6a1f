"""The value "auto" of a parameter, and who has chosen another in its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_ALPHA_BY: ContextVar[str | None] = ContextVar("alpha_by", default=None)


def is_auto(value: Any) -> bool:
    """Whether a parameter is "auto", and no array that would be compared to it by element."""
    return isinstance(value, str) and value == "auto"


@contextmanager
def alpha_chosen_by(who: str | None) -> Iterator[None]:
    """Let fits inside say who has chosen the `alpha` that they get; None is the user."""
    token = _ALPHA_BY.set(who)
    try:
        yield
    finally:
        _ALPHA_BY.reset(token)


def origin_of_alpha() -> str:
    """Say where the `alpha` that a fit got comes from, after its value."""
    who = _ALPHA_BY.get()
    return "was given" if who is None else f"was chosen by {who}"
