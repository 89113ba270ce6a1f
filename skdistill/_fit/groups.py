"""The loss of a student over all groups, where the few that are held out tell too little."""

import copy
import warnings
from dataclasses import replace

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.judge import n_effective
from skdistill._fit.labelling import validation_rows
from skdistill._fit.learning import FEWEST_JUDGES, N_FOLDS
from skdistill._fit.trials import LabelledRows, row_losses_of
from skdistill.student import predict_logits
from skdistill.targets import fit_temperature
from skdistill.teacher import find_partition


class AllGroupsMixin:
    """What of `DistilledClassifier.fit` judges the student that is kept by folds of the groups.

    In each fold, teachers and a student like it are trained on the other groups.
    """

    def _judge_by_all_groups(self, whole, trial, run):
        """Find the loss and the calibration by every group, where few are held out.

        Parameters
        ----------
        whole : Inputs
            Before rows were held out.
        trial : Trial
            The one that is kept.
        run : Run
        """
        if not self._needs_all_groups(whole, trial, run):
            return
        used = np.flatnonzero(whole.weights)
        rows = Block(used, whole.labels[used], whole.weights[used], None, whole.groups[used])
        logits = np.empty((len(used), len(self.classes_)))
        kept = "the loss and the calibration are those of the few groups held out"
        with run.optional("judging the student by all groups", kept):
            folds = find_partition(N_FOLDS, used, rows.labels, rows.groups)
            run.progress.say(
                f"judging by all groups: {N_FOLDS} more fits; a splitter as `validation_fraction` "
                "does without"
            )
            for _, test in folds:
                is_other = ~np.isin(whole.groups, rows.groups[test])
                part = whole.hold_out(np.flatnonzero(is_other), used[test])
                logits[test] = self._logits_of_twin(part, trial, run)
                if run.was_ended:
                    return
            self._take_judgement(logits, rows, folds, trial)

    def _needs_all_groups(self, whole, trial, run):
        rows = trial.validation
        if whole.groups is None or trial.place is None or rows.groups is None:
            return False
        is_ours = self._is_student_ours() and not self.warm_start and whole.split is None
        weight = np.bincount(np.unique(rows.groups, return_inverse=True)[1], weights=rows.weight)
        is_few = n_effective(weight) < FEWEST_JUDGES and whole.fills_folds(N_FOLDS)
        return is_ours and is_few and run.deadline is None and not run.was_ended

    def _logits_of_twin(self, part, trial, run):
        """Logits of the rows held out of `part`, by a student trained on the rest like `trial`'s.

        It is trained for the same share of the epochs, so that these rows choose nothing.
        """
        labeller = copy.copy(part.labeller)
        part = replace(part, labeller=labeller)
        if self._learns_from_unlabelled_rows():
            with warnings.catch_warnings():  # the fit has said it once
                warnings.filterwarnings("ignore", "DistilledClassifier: ", UserWarning)
                rows = self._rows_of_twin(part, trial, run)
        else:
            block = Block(part.X, part.labels, part.weights, None).weighty()
            rows = LabelledRows([block], [], None, None)
        examples = self._examples(
            labeller.response, rows.blocks, validation_rows(part), False, run.progress
        )
        text = f"training a student without a fifth of the groups, on {len(examples.training)} rows"
        student = self._train_for(
            trial.best_share, labeller.response, examples.training, run, "fit-student", text
        )
        inputs = examples.validation.inputs.numpy()
        return predict_logits(student, inputs, trial.gives_probabilities).astype(np.float64)

    def _rows_of_twin(self, part, trial, run):
        """Rows of `part` and rows drawn, labelled by a teacher that has seen no others."""
        part.labeller.teacher = self._fit_teacher(
            part, run.seeds["teacher"], run.progress, getattr(self.teacher_, "weights_", None)
        )
        in_folds = trial.rows.cv is not None and part.folds is None
        learned = part.in_folds(trial.rows.cv) if in_folds else part
        return self._label_rows(learned, None, trial.rows.cv, run)

    def _take_judgement(self, logits, rows, folds, trial):
        losses = row_losses_of(logits, rows, is_calibrated=False)
        if self.calibrate:
            self.calibration_temperature_ = _careful_temperature(logits, rows)
            for others, test in folds:  # a row chooses no temperature that it is judged at
                calibrated = logits[test] / _careful_temperature(logits[others], rows.take(others))
                losses[test] = row_losses_of(calibrated, rows.take(test), is_calibrated=False)
        loss, n_groups = float(np.average(losses, weights=rows.weight)), len(np.unique(rows.groups))
        before = self.trials_[trial.place]
        self.trials_[trial.place] = before | {"is_kept": False}
        self.trials_.append(before | {"log_loss": loss, "n_groups": n_groups})
        self.decision_ += (
            f"; over all {n_groups} groups, each held out once, its log loss is {loss:.4f}"
        )


def _careful_temperature(logits, rows):
    """The best temperature; below 1, the one nearest to 1 within a standard error of the best [1]_.

    So few groups make a student too sure of itself easily, and that costs most.

    References
    ----------
    .. [1] Breiman, Friedman, Olshen and Stone (1984). Classification and Regression Trees.
       https://doi.org/10.1201/9781315139470
    """
    best = fit_temperature(logits, rows.labels, rows.weight)
    if best >= 1:
        return best
    least = row_losses_of(logits / best, rows, is_calibrated=False)
    for temperature in np.geomspace(1, best, 50):
        more = row_losses_of(logits / temperature, rows, is_calibrated=False) - least
        if _mean_within_error(more, rows):
            return float(temperature)
    return best


def _mean_within_error(values, rows):
    """Whether the mean is at most one standard error from 0, as groups have it."""
    share = rows.weight / rows.weight.sum()
    mean = share @ values
    code = np.unique(rows.groups, return_inverse=True)[1]
    apart, shares = (np.bincount(code, weights=one) for one in (share * (values - mean), share))
    return mean**2 <= np.sum(apart**2) / (1 - 1 / n_effective(shares))
