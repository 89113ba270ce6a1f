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
    size = abs(value if scale is None else scale)
    places = 4
    if size > 0 and math.isfinite(size) and not 1e-3 <= size < 10:
        places = min(max(3 - math.floor(math.log10(size)), 0), 12)
    return f"{value:{sign},.{places}f}"
