"""What an exported file of an older version lacks.

The standard library alone is imported here, for :mod:`skdistill.serving` reads files with it.
"""

import re
from typing import Any

# The length of the file was not told at first.
SEAL = re.compile(rb"skdistill format (\d+) sha256 ([0-9a-f]{64})(?: of (\d{20}) bytes)?")


def length_told(seal: re.Match[bytes], data: bytes) -> int:
    """The length that a file had when it was sealed.

    Parameters
    ----------
    seal : re.Match
        Of `SEAL`.
    data : bytes
        The content of the file.

    Returns
    -------
    int
        The length of the data, where the seal does not tell it.
    """
    return len(data) if seal[3] is None else int(seal[3])


def current_features(features: dict[str, Any]) -> dict[str, Any]:
    """The columns of a table, as a file of any version describes them.

    Parameters
    ----------
    features : dict
        As it stands in the metadata of the file.

    Returns
    -------
    dict
        Of a column of text, an older file told no text that reads as a number or a bool, but only
        that it is text; of an encoder of the user's own it told nothing. It did not
        say which texts there are, and knew one layout.
    """
    n_categories = len(features["levels"])
    older = {
        "readable_texts": [[""]] * n_categories,
        "text_levels": [None] * n_categories,
        "own_encoder": False,
        "layout": "columns",
    }
    return older | features
