"""Wall time of a default fit against another commit, interleaved.

Run it with ``make bench-commit REF=<commit>``; it prints the section "Engine" of RESULTS.md. Each
fit runs in a process of its own, the two commits in turn; the ratio is taken pair by pair.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _report import print_heading, print_table

ROOT = Path(__file__).parent.parent
SETS = ("letter", "churn")
FIT = """
import sys, time, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[2])
from datasets import load_split
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from skdistill import DistilledClassifier, TabularEncoder
X, X_test, y, y_test = load_split(sys.argv[1], 0)
teacher = make_pipeline(TabularEncoder(), RandomForestClassifier(50, random_state=0))
clf = DistilledClassifier(teacher, random_state=0)
began = time.perf_counter()
clf.fit(X, y)
print(time.perf_counter() - began, float(clf.predict_proba(X_test).astype(float).std()).hex())
"""


def fit(name, source):
    """Seconds of a fit by the package in the folder `source`, and what tells its answers apart."""
    env = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", FIT, name, str(ROOT / "benchmarks")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    seconds, answers = done.stdout.split()
    return float(seconds), answers


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ref", help="the commit to compare with")
    parser.add_argument("-n", type=int, default=7, help="pairs of fits on each set")
    arguments = parser.parse_args()
    print_heading("Engine", "0")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(other), arguments.ref], check=True)
        try:
            for name in SETS:
                pairs = [(fit(name, ROOT), fit(name, other)) for _ in range(arguments.n)]
                ratios = [new[0] / old[0] for new, old in pairs]
                same = (
                    "yes" if len({answers for pair in pairs for _, answers in pair}) == 1 else "no"
                )
                old = f"{np.median([old[0] for _, old in pairs]):.2f}"
                low, middle, high = np.min(ratios), np.median(ratios), np.max(ratios)
                rows.append([name, old, f"{middle:.3f}", f"{low:.3f} - {high:.3f}", "1.02", same])
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)
    print(f"Against {arguments.ref}; {arguments.n} pairs on each set, one thread.\n")
    head = ["set", "seconds before", "ratio (median)", "least - most", "bar", "same answers"]
    print_table(head, rows)


if __name__ == "__main__":
    main()
