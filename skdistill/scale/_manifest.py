"""What a labelling run has done: one JSON file, written whole or not at all."""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

import skdistill
from skdistill._utils.files import write_whole
from skdistill._utils.optional import require
from skdistill.scale._shards import Shard

NAME = "manifest.json"
# Raised when what is written changes its meaning.
FORMAT = 1


@dataclass(frozen=True)
class Labelled:
    """A shard that is labelled.

    Attributes
    ----------
    shard : Shard
    hash : str
        Of the file that it is a part of.
    """

    shard: Shard
    hash: str


@dataclass
class Manifest:
    """What labels a folder, and what of it is labelled.

    Attributes
    ----------
    teacher : str
        What tells the teacher from others.
    predicts : {"classes", "numbers"}
    classes : list or None
        What the columns of probabilities stand for; None of numbers.
    names : list of str
        The columns of the labels.
    columns : list of str
        Those of the data that the teacher is shown.
    shard_rows : int
    n_wanted : int, default=0
        Rows that the last run was to label, those of earlier runs included.
    versions : dict of str to str
        Of what labelled first.
    done : dict of str to Labelled
        By the name of the file of its labels.
    """

    teacher: str
    predicts: str
    classes: list[Any] | None
    names: list[str]
    columns: list[str]
    shard_rows: int
    n_wanted: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    done: dict[str, Labelled] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Rows that are labelled."""
        return sum(one.shard.n_rows for one in self.done.values())

    @property
    def is_complete(self) -> bool:
        """Whether the last run came to its end."""
        return self.n_rows >= self.n_wanted

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read the one of a folder of labels; raises FileNotFoundError where there is none."""
        state = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if state.pop("format") != FORMAT:
            raise ValueError(
                f"{str(folder / NAME)!r} was written by another version of skdistill: read it "
                "with that one, or label again into another folder."
            )
        done = {
            name: Labelled(
                Shard(**one["shard"] | {"sizes": tuple(one["shard"]["sizes"])}), one["hash"]
            )
            for name, one in state.pop("done").items()
        }
        return cls(**state, done=done)

    def write(self, folder: Path) -> None:
        """Put it into the place of the last one."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1)
        write_whole(text.encode(), folder / NAME)


def versions_here() -> dict[str, str]:
    """Versions of what labels, by name."""
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "skdistill": skdistill.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "pyarrow": require("pyarrow", "data").__version__,
    }
