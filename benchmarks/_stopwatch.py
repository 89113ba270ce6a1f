"""Seconds: of the tasks of a fit, by a callback of scikit-learn's; of processors; of answers."""

import resource
import time
from collections import defaultdict
from contextlib import suppress

import numpy as np
import psutil
from sklearn.utils import _safe_indexing

SCORED_ROWS = 10_000

# To ask for the children of a process takes a millisecond, and every epoch is a task.
ON_PROCESSOR = ("fit", "fit-teacher")


class Stopwatch:
    """Adds up the seconds of the tasks of a name, of all fits it watches.

    Attributes
    ----------
    seconds : dict of str to float
    processor_seconds : dict of str to float
        Of the fit and of the first fit of the teacher.
    """

    def __init__(self):
        self.seconds = defaultdict(float)
        self.processor_seconds = defaultdict(float)
        self._started = {}

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        processor = processor_seconds() if context.task_name in ON_PROCESSOR else 0.0
        self._started[id(context)] = time.perf_counter(), processor

    def on_fit_task_end(self, estimator, context):
        name, (started, processor) = context.task_name, self._started.pop(id(context))
        self.seconds[name] += time.perf_counter() - started
        if name in ON_PROCESSOR:
            self.processor_seconds[name] += processor_seconds() - processor
        return False

    def beyond_teacher(self):
        """Seconds of the fits beyond the first fit of the teacher: by the clock, by processors."""
        return tuple(
            watch["fit"] - watch["fit-teacher"] for watch in (self.seconds, self.processor_seconds)
        )


def processor_seconds():
    """Seconds that processors have spent on this process and its children, ended or not."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            total += sum(child.cpu_times()[:4])  # its own, and of its children that have ended
    return total


def us_per_row(clf, X, repeats=3):
    """Microseconds a row of predict_proba on 10,000 rows, the best of some repeats."""
    rows = _safe_indexing(X, np.arange(SCORED_ROWS) % len(X))
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        clf.predict_proba(rows)
        seconds.append(time.perf_counter() - started)
    return min(seconds) / SCORED_ROWS * 1e6
