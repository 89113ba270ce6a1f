"""Seconds of a default fit against another commit, interleaved.

``make bench-commit REF=<commit>`` prints the file `results/commit.md`: the whole fit, with a
small forest for a teacher, on two sets. With ``DATA=all``, or names with commas, the teacher is
that of the fidelity benchmark, and its first fit is taken off: what remains is the student's, by
the clock and of processors. Each fit runs in a process of its own, without a cache, the two commits
in turn, so that they meet the same other work.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from _report import print_heading, print_table
from datasets import SETS

ROOT = Path(__file__).parent.parent
ENGINE_SETS = ("letter", "churn")
MEASURES = {"seconds": "seconds", "processor_seconds": "processor seconds"}
COLUMNS = ("before", "now", "now / before")


def main():
    options = parse()
    with other_commit(options.ref) as other:
        sources = {"now": ROOT, "before": other}
        if options.data:
            print_heading("Beyond the teacher's fit", "0")
            compare_students(sources, options)
        else:
            print_heading("Engine", "0")
            compare_engines(sources, options)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ref", help="the commit to compare with")
    parser.add_argument(
        "--data", help="sets, with commas, or all: the benchmark's teacher, without its fit"
    )
    parser.add_argument("-n", type=int, help="pairs of fits on each set: 7, with --data 1")
    options = parser.parse_args()
    if options.data:
        options.data = list(SETS) if options.data == "all" else options.data.split(",")
        unknown = sorted(set(options.data) - set(SETS))
        if unknown:
            parser.error(f"--data: {unknown} not among {['all', *SETS]}.")
    options.n = options.n or (1 if options.data else 7)
    return options


# --- fits ---


@contextmanager
def other_commit(ref):
    """A folder with the files of another commit."""
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        git = ["git", "-C", str(ROOT), "worktree"]
        done = subprocess.run([*git, "add", "-q", "--detach", str(other), ref])
        if done.returncode:
            raise SystemExit(f"{ref}: git knows no such commit here.")
        try:
            yield other
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)


def pairs_of(sources, name, teacher, n_pairs, n_before=0):
    """Figures of the fits on a set, by commit, in pairs; the two commits take turns to begin.

    `n_before` pairs, of other sets, have been fitted.
    """
    pairs = []
    for place in range(n_pairs):
        order = list(sources)[:: 1 if (n_before + place) % 2 == 0 else -1]
        pair = {which: fit(name, sources[which], teacher) for which in order}
        shown = ", ".join(f"{which} {one['seconds']:.1f} s" for which, one in pair.items())
        print(f"{name} {place + 1} of {n_pairs}: {shown}", file=sys.stderr, flush=True)
        pairs.append(pair)
    return pairs


def fit(name, source, teacher):
    """Figures of a fit by the package in the folder `source`, on one thread."""
    env = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    script = Path(__file__).parent / "_commit_fit.py"
    command = [sys.executable, str(script), str(source), name, teacher]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name}, the package in {source}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


# --- tables ---


def compare_engines(sources, options):
    """The whole fit with a small teacher: its seconds by the clock, and whether answers differ."""
    rows = []
    for name in ENGINE_SETS:
        pairs = pairs_of(sources, name, "forest", options.n)
        ratios = [pair["now"]["whole"] / pair["before"]["whole"] for pair in pairs]
        same = len({one["answers"] for pair in pairs for one in pair.values()}) == 1
        old = f"{np.median([pair['before']['whole'] for pair in pairs]):.2f}"
        low, middle, high = np.min(ratios), np.median(ratios), np.max(ratios)
        spread = f"{low:.3f} - {high:.3f}"
        rows.append([name, old, f"{middle:.3f}", spread, "1.02", "yes" if same else "no"])
    print(f"Against {options.ref}; {options.n} pairs on each set, one thread.\n")
    head = ["set", "seconds before", "ratio (median)", "least - most", "bar", "same answers"]
    print_table(head, rows)


def compare_students(sources, options):
    """Seconds beyond the first fit of the teacher, set by set and summed, and the log losses."""
    means = {}
    try:
        for place, name in enumerate(options.data):
            pairs = pairs_of(sources, name, "benchmark", options.n, place * options.n)
            means[name] = means_of(pairs)
    finally:  # a run that is stopped prints what it has
        if means:
            print_students(means, options)


def print_students(means, options):
    print(
        f"Against {options.ref}; {options.n} pair(s) on each set, one thread, no cache. Seconds "
        "beyond the first fit of the benchmark's teacher; of processors, children included.\n"
    )
    head = ["set", *(f"{text} {which}" for text in MEASURES.values() for which in COLUMNS)]
    head += [f"log loss {which}" for which in COLUMNS]
    rows = [row_of(name, one, [*MEASURES, "log_loss"]) for name, one in means.items()]
    sums = {
        which: {name: sum(one[which][name] for one in means.values()) for name in MEASURES}
        for which in ("before", "now")
    }
    last = row_of(f"sum over {len(means)} of {len(SETS)} sets", sums, MEASURES)
    print_table(head, [*rows, [*last, "", "", geometric_mean(means)]])


def means_of(pairs):
    """Means over the pairs, by commit."""
    measures = [*MEASURES, "log_loss"]
    return {
        which: {name: np.mean([pair[which][name] for pair in pairs]) for name in measures}
        for which in ("before", "now")
    }


def row_of(name, one, measures):
    """Before, now and their ratio, of some measures."""
    cells = [name]
    for measure in measures:
        old, new = one["before"][measure], one["now"][measure]
        digits = 4 if measure == "log_loss" else 1
        cells += [f"{old:.{digits}f}", f"{new:.{digits}f}", f"{new / old:.3f}"]
    return cells


def geometric_mean(means):
    """Of the ratios of log losses."""
    logs = [np.log(one["now"]["log_loss"] / one["before"]["log_loss"]) for one in means.values()]
    return f"{np.exp(np.mean(logs)):.3f} (geometric mean)"


if __name__ == "__main__":
    main()
