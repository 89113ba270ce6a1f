"""From labelled rows to a student, and what "auto" leaves to rows held out."""

import warnings
from dataclasses import replace

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.checks import is_auto
from skdistill._fit.inputs import OTHER_TEMPERATURES, TEMPERATURE
from skdistill._fit.judge import n_effective
from skdistill._fit.labelling import measure_leak, validation_rows
from skdistill._fit.outcome import decision_of, warn_of_gap, warn_of_labels_alone, why_no_choice
from skdistill._fit.transfer_set import choose_samplers, rows_to_learn
from skdistill._fit.trials import (
    LabelledRows,
    Setting,
    Trial,
    row_losses_of,
)
from skdistill._utils._compat import safe_indexing
from skdistill._utils.cache import Cache
from skdistill._utils.named import named_parts
from skdistill.table import with_nominal
from skdistill.teacher import UNKNOWN_FLOOR

# Of cv="auto".
N_FOLDS = 5
LEAST_LEAK = 0.1
# Share of the training: a student that is best before it overfits what it is told.
EARLY = 0.25
# Validation rows below which nothing is chosen by them; a tenth of 500 rows is as many.
FEWEST_JUDGES = 50


class LearningMixin:
    """What of `DistilledClassifier.fit` comes between the teachers and the student's last word."""

    def _learn(self, given, run):
        """Label the rows and train a student on them, in the ways that "auto" leaves open."""
        self.trials_ = []
        validation = validation_rows(given)
        can_choose = self._can_choose(given, validation)
        self._warn_of_no_choice(can_choose)
        setting = Setting(self.encoder_, self.alpha_, self.temperature_)
        control = self._try_codes(given, validation, run) if can_choose else None
        if control is not None:
            setting = replace(setting, encoder=control.setting.encoder)
        self._take(setting)
        rows = self._label_rows(given, validation, self._given_cv(), run)
        if control is not None and setting.alpha == 1:
            control.rows, control.why = rows, "`alpha` is 1"
            best = control
        else:
            best = self._try(setting, rows, given, validation, run)
            best.why = self._why_first(given, validation, can_choose)
        if self._should_cross_fit(given, best, run):
            folds = self._try_folds(setting, rows.leak_gap, given, validation, run)
            best = self._better(best, folds, "it is clearly better on labels out of fold")
        if can_choose and is_auto(self.temperature) and setting.alpha < 1:
            for temperature in OTHER_TEMPERATURES:
                other = replace(setting, temperature=temperature)
                other = self._attempt(other, best.rows, given, validation, run)
                best = self._better(best, other, "it is clearly better at this temperature")
        may_follow = can_choose and is_auto(self.alpha) and self._may_follow_labels(given)
        if may_follow:
            control = control or self._try_labels_alone(setting.encoder, given, validation, run)
        teacher = self._judge_teacher(validation, given.labeller)
        if may_follow:
            best = self._control_or(best, control, teacher)
            best.rows.leak_gap = rows.leak_gap
        if can_choose and sum(trial["who"] != "teacher" for trial in self.trials_) == 1:
            best.why = "no other student was tried"
        if teacher is not None:
            warn_of_gap(self, best, teacher, given.holds_out)
        warn_of_labels_alone(self, best)
        return best

    def _can_choose(self, given, validation):
        """Whether "auto" may train several students and choose by the rows held out.

        Objectives, nets of the user's own and a student that goes on from its weights allow one.
        """
        if given.y is None or validation is None or not validation.is_labelled:
            return False
        is_free = self._is_student_ours() and not self._continues()
        objectives = named_parts(self.objectives, "objectives")
        return n_effective(validation.weight) >= FEWEST_JUDGES and is_free and not objectives

    def _why_first(self, given, validation, can_choose):
        """Why the first student stays if no other takes its place."""
        if can_choose:
            return "nothing that was tried is clearly better"
        if given.y is None:
            return "there are no labels to compare students by"
        return why_no_choice(self, validation, FEWEST_JUDGES)

    def _warn_of_no_choice(self, can_choose):
        if is_auto(self.temperature) and not can_choose and not self._continues():
            warnings.warn(
                f"DistilledClassifier: `temperature='auto'` is {self.temperature_:g}, as there is "
                f"nothing to choose by: that takes {FEWEST_JUDGES} labelled validation rows (500 "
                "training rows, or `X_val`), no `objectives`, and no skorch net as `student`."
            )

    def _may_follow_labels(self, given):
        """Whether all that the student is to learn may be in the labels.

        Rows of `X_transfer`, classes without a label and another prior ask for more.
        """
        labels = given.labels[given.weights > 0]
        knows_all = len(np.unique(labels)) == len(self.classes_)
        return knows_all and given.X_transfer is None and self.class_prior is None

    def _try_codes(self, given, validation, run):
        """Try an encoder that makes indicators of numbers, on the labels alone.

        Returns
        -------
        Trial or None
            The better control; None where no number may be a code.
        """
        if not is_auto(self.encoder) or run.deadline is not None:  # the student comes first
            return None
        used = given.weights > 0
        coded = with_nominal(self.encoder_, safe_indexing(given.X, used), given.labels[used])
        if not coded.nominal_:
            return None
        plain = self._try_labels_alone(self.encoder_, given, validation, run)
        if plain is None:
            return None
        other = self._try_labels_alone(coded, given, validation, run)
        return self._better(plain, other, plain.why)

    def _try_labels_alone(self, encoder, given, validation, run):
        """Train the control: the student without a teacher; None where that was ended."""
        block = Block(given.X, given.labels, given.weights, None).weighty()
        rows = LabelledRows([block], [], None, None)
        setting = Setting(encoder, 1.0, TEMPERATURE)
        return self._attempt(setting, rows, given, validation, run, who="control")

    def _control_or(self, student, control, teacher):
        """The control where the student is to follow the labels alone, else the student.

        A teacher that is worse than the control speaks against distillation; so the student is to
        be clearly better than the control then, and not clearly worse otherwise.
        """
        if control is None:
            return student
        if control.is_better_than(student):
            control.why = "it is clearly better than the student of the teacher"
            return control
        is_teacher_worse = teacher is not None and control.loses_less_than(teacher)
        if is_teacher_worse and not student.is_better_than(control):
            control.why = "the teacher is clearly worse than it"
            return control
        return student

    def _judge_teacher(self, validation, labeller):
        """Log loss of each validation row, at the teacher's own temperature; None if not known."""
        if validation is None or not validation.is_labelled:
            return None
        if labeller.teacher is not None:  # a vote of none in so many trees is no certainty
            p = labeller.teacher.label(validation.X, floored=True)
        elif validation.soft is not None:
            p = validation.soft
        else:
            return None
        # Of a class that no teacher knows it is still 0.
        logits = np.log(np.maximum(p, UNKNOWN_FLOOR))
        losses = row_losses_of(logits, validation, is_calibrated=True)
        loss = float(np.average(losses, weights=validation.weight))
        self.trials_.append({"who": "teacher", "log_loss": loss, "is_kept": False})
        return losses

    def _label_rows(self, given, validation, cv, run):
        learns_more = self._learns_from_unlabelled_rows()
        samplers = choose_samplers(self.transfer, given) if learns_more else []
        rows, transfer = rows_to_learn(
            given, samplers, learns_more, Cache(self.memory), run.seeds["transfer"], run.progress
        )
        leak_gap = measure_leak(given, rows, validation)
        return LabelledRows([rows.weighty(), *transfer], samplers, cv, leak_gap)

    def _try_folds(self, setting, leak_gap, given, validation, run):
        """Train a student on labels out of fold; None where that failed or was ended."""
        with run.optional("labelling out of fold", "labels out of fold are not used"):
            rows = self._label_rows(given.in_folds(N_FOLDS), validation, N_FOLDS, run)
            rows.leak_gap = leak_gap
            return self._attempt(setting, rows, given, validation, run)
        return None

    def _attempt(self, setting, rows, given, validation, run, who="student"):
        """Train another student; None where there is no time, or that training failed or ended."""
        if run.is_over:
            return None
        kept = f"that {who} is not used"
        with run.optional(f"training another {who}", kept):
            trial = self._try(setting, rows, given, validation, run, who, kept=kept)
            return None if run.was_ended else trial
        return None

    def _better(self, best, other, why):
        """The other one where it is clearly better, else the best so far."""
        if other is None or not other.is_better_than(best):
            return best
        other.why = why
        return other

    def _try(self, setting, rows, given, validation, run, who="student", kept=None):
        """Train a student on the rows."""
        self._take(setting)
        response, refits = given.labeller.response, self._refits(given)
        examples = self._examples(response, rows.blocks, validation, refits, run.progress)
        student, history = self._train_first(response, examples, run, who, kept)
        trial = Trial(
            student,
            history,
            setting,
            rows,
            validation,
            examples,
            is_calibrated=bool(self.calibrate),
            gives_probabilities=self._probabilities,
        )
        if validation is not None and validation.is_labelled:
            self.trials_.append(trial.summary)
            run.progress.say(f"log loss on the rows held out: {self.trials_[-1]['log_loss']:.4f}")
            trial.place = len(self.trials_) - 1
        return trial

    def _should_cross_fit(self, given, trial, run):
        """Whether the student overfits what the teachers have learned by heart.

        One that still learns at the end takes no harm from the leak, and labels out of fold, by
        teachers on fewer rows, would only be worse.
        """
        if not is_auto(self.cv) or trial.validation is None or self._continues():
            return False
        if not self._learns_from_unlabelled_rows():  # of labels alone
            return False
        if trial.rows.leak_gap is None or trial.rows.leak_gap <= LEAST_LEAK:
            return False
        return not run.is_over and trial.best_share <= EARLY and given.fills_folds(N_FOLDS)

    def _given_cv(self):
        """The parameter `cv`, None where it is "auto"."""
        return None if is_auto(self.cv) else self.cv

    def _keep(self, trial):
        """Take the student of a trial as one's own."""
        setting, rows = trial.setting, trial.rows
        self.student_, self.history_ = trial.student, trial.history
        self._take(setting)
        if trial.place is not None:
            self.trials_[trial.place]["is_kept"] = True
        self.decision_ = decision_of(trial, self.trials_)
        self.transfer_, self.cv_, self.leak_gap_ = rows.samplers, rows.cv, rows.leak_gap
        self.n_transfer_rows_ = sum(len(block.labels) for block in rows.blocks[1:])
        self._calibrate(trial.validation)

    def _take(self, setting):
        self.encoder_, self.alpha_ = setting.encoder, setting.alpha
        self.temperature_ = setting.temperature

    def _learns_from_unlabelled_rows(self):
        objectives = named_parts(self.objectives, "objectives")
        return self.alpha_ < 1 or any(objective.weight for _, objective in objectives)
