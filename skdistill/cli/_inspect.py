"""``skdistill inspect`` and ``skdistill card``: what a file says of itself."""

import dataclasses
import sys
from pathlib import Path

from skdistill.cli._errors import check_outputs
from skdistill.cli._show import show
from skdistill.serving import Scorer, self_check


def inspect_file(student: Path, as_json: bool) -> None:
    """Print the metadata of a file, and whether it answers its own rows as it should.

    Parameters
    ----------
    student : pathlib.Path
    as_json : bool

    Raises
    ------
    ValueError
        If the file is not whole, or does not answer as when it was written.
    """
    scorer = Scorer(student)
    checked = self_check(scorer)
    told = {"path": str(student), **scorer.metadata.to_dict()}
    if as_json:
        show({**told, "self_check": dataclasses.asdict(checked)}, as_json)
    else:
        show({**told, "self_check": str(checked)}, as_json)


def write_card(
    student: Path, out: Path | None, intended_use: str | None, licence: str | None, force: bool
) -> None:
    """Write the model card of a file, or print it.

    Parameters
    ----------
    student : pathlib.Path
    out : pathlib.Path or None
        None prints it.
    intended_use, licence : str or None
    force : bool
        Whether a file at `out` may be replaced.
    """
    from skdistill.export import model_card

    check_outputs([out], force, [student])
    card = model_card(
        student, path=out, intended_use=intended_use, licence=licence, overwrite=force
    )
    if out is None:
        sys.stdout.write(card.render())
