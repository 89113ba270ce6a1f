"""Where the time of a fit goes. Run it with ``make profile``."""

import warnings

from _report import print_heading, print_table
from _stopwatch import Stopwatch
from datasets import load_split
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from xgboost import XGBClassifier

from skdistill import DistilledClassifier, Munge

TASKS = {
    "fit-teacher": "fitting the teachers",
    "label-training-rows": "labelling the training rows",
    "sample-transfer-rows": "drawing transfer rows",
    "label-transfer-rows": "labelling the transfer rows",
    "encode-rows": "encoding",
    "fit-student": "training the student",
    "fit-control": "training the control",
    "refit-student": "training the student again",
}


def main():
    warnings.filterwarnings("ignore")
    print_heading("Profile (`make profile`)", seeds="0")
    teacher = [RandomForestClassifier(150), ExtraTreesClassifier(150), XGBClassifier()]
    rows = []
    for name in ("satimage", "letter"):
        X, _, y, _ = load_split(name)
        for transfer in (None, Munge()):
            clf = DistilledClassifier(teacher, transfer=transfer, random_state=0)
            seconds = time_tasks(clf, X, y)
            what = f"{name}, {len(X):,} rows, transfer={transfer}"
            per_epoch = f"{len(clf.history_)} x {seconds['fit-student'] / len(clf.history_):.2f} s"
            rows.append([what, *(cell(seconds, task) for task in [*TASKS, "rest"]), per_epoch])
    print_table(["seconds (share)", *TASKS.values(), "rest", "epochs"], rows)


def time_tasks(clf, X, y):
    watch = Stopwatch()
    clf.set_callbacks(watch).fit(X, y)
    watch.seconds["rest"] = watch.seconds["fit"] - sum(watch.seconds[task] for task in TASKS)
    return watch.seconds


def cell(seconds, task):
    return f"{seconds[task]:.1f} ({seconds[task] / seconds['fit']:.0%})"


if __name__ == "__main__":
    main()
