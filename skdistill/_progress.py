"""Progress of a fit: lines for `verbose`, and tasks for scikit-learn's callbacks."""

from contextlib import contextmanager


class Progress:
    """Says what a fit is doing.

    Parameters
    ----------
    estimator : estimator
        The one that is fitted.
    context : sklearn.callback.CallbackContext
        Its root task.
    """

    def __init__(self, estimator, context):
        self.estimator = estimator
        self.context = context

    @contextmanager
    def task(self, name, text, n_steps=0):
        """A task of the fit; yields a function that reports one of its steps as done.

        Parameters
        ----------
        name : str
            Name of the task in the tree of tasks.
        text : str
            What `verbose` prints.
        n_steps : int or None, default=0
            Number of steps, None if not known.

        Yields
        ------
        callable
            Takes the step's name; returns whether a callback asks to stop.
        """
        if self.estimator.verbose:
            print(f"[{type(self.estimator).__name__}] {text}", flush=True)
        task = self.context.subcontext(task_name=name, max_subtasks=n_steps)
        task.call_on_fit_task_begin(estimator=self.estimator)

        def step(step_name):
            one = task.subcontext(task_name=step_name)
            one.call_on_fit_task_begin(estimator=self.estimator)
            return one.call_on_fit_task_end(estimator=self.estimator)

        yield step
        task.call_on_fit_task_end(estimator=self.estimator)


def no_step(name):
    """The step function of nobody's task."""
    return False
