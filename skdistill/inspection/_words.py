"""Numbers as text."""

import math


def amount(value: float, scale: float | None = None, sign: str = "") -> str:
    """A number with four digits at least, and no more decimals than its size asks for.

    Parameters
    ----------
    value : float
    scale : float, default=None
        What it is compared with, if it is to have as many decimals as that.
    sign : {"", "+"}, default=""
        "+" writes one before numbers above 0, too.

    Returns
    -------
    str
        As 0.1234, 12.34 or 12,345.
    """
    size = max(abs(value), abs(scale or 0.0))
    if not math.isfinite(size) or size == 0 or 1e-3 <= size < 10:
        return f"{value:{sign},.4f}"
    if not 1e-6 <= size < 1e9:
        return f"{value:{sign}.3e}"
    places = max(3 - math.floor(math.log10(size)), 0)
    return f"{value:{sign},.{places}f}"
