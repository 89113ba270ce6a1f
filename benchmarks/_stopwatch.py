"""A callback of scikit-learn's that times the tasks of a fit."""

import time
from collections import defaultdict


class Stopwatch:
    """Adds up the seconds of the tasks of a name, of all fits it watches.

    Attributes
    ----------
    seconds : dict of str to float
    """

    def __init__(self):
        self.seconds = defaultdict(float)
        self._started = {}

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self._started[id(context)] = time.perf_counter()

    def on_fit_task_end(self, estimator, context):
        self.seconds[context.task_name] += time.perf_counter() - self._started.pop(id(context))
        return False
