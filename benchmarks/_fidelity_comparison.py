"""Methods compared over data sets and seeds, and a bar that a figure of theirs has to reach."""

from dataclasses import dataclass

import numpy as np
from datasets import SETS

SEEDS = (0, 1, 2)
MOST_NAMED = 8
HOLDS = {
    ">=": lambda value, bar: value >= bar,
    "<=": lambda value, bar: value <= bar,
    ">": lambda value, bar: value > bar,
    "<": lambda value, bar: value < bar,
}


@dataclass
class Bar:
    """What is promised, what was measured.

    Attributes
    ----------
    what : str
    figure : float or None
        None where cells are missing.
    sense : str
        How the figure has to compare with `bar`: ">=", "<=", ">" or "<".
    bar : float or None
        None where it is a figure too, and cells are missing.
    note : str, default=""
    is_whole : bool, default=True
        Whether all cells that belong to the figure are there.
    """

    what: str
    figure: float | None
    sense: str
    bar: float | None
    note: str = ""
    is_whole: bool = True

    @property
    def verdict(self):
        if self.figure is None:
            return "not measured"
        holds = HOLDS[self.sense](self.figure, self.bar)
        verdict = "holds" if holds else f"falls short by {abs(self.figure - self.bar):.4g}"
        return verdict if self.is_whole else f"so far: {verdict}"

    def row(self):
        """Cells of the printed table."""
        figure, bar = ("-" if one is None else f"{one:.4g}" for one in (self.figure, self.bar))
        return [self.what, f"{self.sense} {bar}", figure, self.verdict, self.note]


class Comparison:
    """Means over seeds of some measures, a data set each, of the sets that have all the cells."""

    def __init__(self, results, methods, data=SETS, seeds=SEEDS):
        self.results, self.methods = results, methods
        found = {name: results.together(name, methods, seeds) for name in data}
        self.found = {name: cells for name, cells in found.items() if cells}
        self.sets = list(self.found)
        missing = [name for name in data if name not in self.sets]
        fewest = min((len(cells[methods[0]]["seeds"]) for cells in self.found.values()), default=0)
        self.is_whole = not missing and fewest == len(seeds)
        few = f"{len(self.sets)} of {len(data)} sets"
        notes = [few if len(missing) > MOST_NAMED else f"without {', '.join(missing)}"]
        notes = notes if missing else []
        notes += [f"{fewest} of {len(seeds)} seeds" if self.sets and fewest < len(seeds) else ""]
        self.note = joined(*notes)

    def __bool__(self):
        return bool(self.sets)

    def __call__(self, method, measure):
        """Array of the means, a data set each."""
        return np.array([cells[method][measure].mean() for cells in self.found.values()])

    def bar(self, what, figure, sense, bar, note=""):
        """A Bar that says which sets and seeds it is without."""
        return Bar(what, figure, sense, bar, joined(note, self.note), self.is_whole)

    def mean(self, values):
        """Mean over the sets, None where there are none."""
        return float(np.mean(values)) if self else None

    def geometric_mean(self, values):
        """Geometric mean over the sets, None where there are none."""
        return float(np.exp(np.mean(np.log(values)))) if self else None

    def worst(self, values, among=None):
        """The highest value and the name of its set; `among` is a mask of sets."""
        places = np.arange(len(self.sets)) if among is None else np.flatnonzero(among)
        if not len(places):
            return None, ""
        place = places[np.argmax(values[places])]
        return float(values[place]), self.sets[place]

    def count(self, flags):
        """How many sets, None where there are none."""
        return int(np.sum(flags)) if self else None

    def is_worth_it(self):
        """Array of bool, by set: whether the teacher clearly beats the control."""
        first = self.methods[0]
        return np.array(
            [
                self.results.is_worth_it(name, cells[first]["seeds"])
                for name, cells in self.found.items()
            ],
            dtype=bool,
        )


def joined(*notes):
    return "; ".join(note for note in notes if note)
