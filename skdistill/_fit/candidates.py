"""From labelled rows to a student: the options of "auto" are tried, and one is chosen."""

from dataclasses import replace
from functools import partial

import numpy as np

from skdistill._fit.agenda import forecast_of
from skdistill._fit.blocks import Block
from skdistill._fit.inputs import Inputs
from skdistill._fit.jobs import Steps
from skdistill._fit.labelling import tempered, validation_rows
from skdistill._fit.outcome import (
    may_have_seen,
    remark_on,
    warn_of_labels_alone,
    warn_of_no_choice,
    warn_of_no_labels,
    why_no_choice,
)
from skdistill._fit.plan import N_FOLDS, OTHER_TEMPERATURES, TEMPERATURE
from skdistill._fit.rounds import draw_by_students, later_rounds
from skdistill._fit.run import Run
from skdistill._fit.setting import Setting
from skdistill._fit.training import make_examples, train_student
from skdistill._fit.transfer_set import LabelledRows, label_once
from skdistill._fit.trials import Fitting, Trial, joined, row_losses_of
from skdistill._utils._compat import safe_indexing
from skdistill._utils.auto import is_auto, origin_of_alpha
from skdistill._utils.types import Estimator, FloatArray
from skdistill._utils.weights import n_effective
from skdistill.student import settle_recipe
from skdistill.table import with_nominal
from skdistill.teacher import UNKNOWN_FLOOR

# Of cv="auto": out-of-fold labels are tried only above this leak.
LEAST_LEAK = 0.1
# Share of the training: a student that is best before this has overfitted early.
EARLY = 0.25
# With fewer validation rows nothing is chosen; a tenth of 500 rows is as many.
FEWEST_JUDGES = 50


class Candidates:
    """The students that a fit may train, and the best of them so far.

    Parameters
    ----------
    parts : list of Inputs
        One, or one for each fold: each with the teacher that labels its rows, and with its own
        validation rows.
    run : Run
    """

    def __init__(self, parts: list[Inputs], run: Run):
        self.parts = parts
        self.given = parts[0]
        self.run = run
        self.plan = run.plan
        self.validations = [self._validation(part) for part in parts]
        self.can_choose = self._can_choose()

    def learn(self) -> Steps[Trial]:
        """Label the rows, train a student for each option of "auto", and choose one."""
        if not self.can_choose:
            warn_of_no_choice(self.plan, FEWEST_JUDGES)
        alpha = self.plan.first_alpha
        if self.given.y is None:
            warn_of_no_labels(self.plan)
            alpha = 0.0
        objectives, temperature = self.plan.objectives, self.plan.first_temperature
        setting = Setting(
            self.given.encoder, alpha, temperature, objectives, self.plan.parameters.student
        )
        control = (yield from self._try_codes()) if self.can_choose else None
        if control is not None:
            setting = replace(setting, encoder=control.setting.encoder)
        rows = self._label(setting, self.plan.cv)
        self.run.progress.forecast = forecast_of(self, setting, rows, control is not None)
        self.leak_gap = _mean_gap(rows)
        best = first = yield from self._first(setting, rows, control)
        if len(best.fittings) < len(self.parts):  # ended before each fold had its student
            best.why = "the training was ended"
            return best
        may_follow = self.may_follow_labels()
        if may_follow:
            control = control or (yield from self._try_labels_alone(setting.encoder))
        teacher = self._judge_teacher()
        best = yield from self._try_folds(best, control, teacher)
        best = yield from self._try_alpha(best)
        best = yield from self._try_temperatures(best)
        if may_follow:
            best = self._or_control(best, control, teacher)
        if self.can_choose and sum(one["who"] != "teacher" for one in self.run.trials) == 1:
            best.why = "no other student was tried"
        if best is first and not self.plan.chooses_alpha and self.given.y is not None:
            best.why = self._why_given(best, control)
        if teacher is not None:
            best.remark = remark_on(self.plan, self.given, best, control, teacher)
        warn_of_labels_alone(self.plan, best)
        return best

    def _validation(self, part: Inputs) -> Block | None:
        """The rows that judge a part."""
        key = "validation", part.where, part.labeller.floored
        rows = self.plan.once(key, lambda: validation_rows(part, self.plan))
        return tempered(rows, self.plan) if part.holds_out else rows

    # --- what may be tried ---

    def _can_choose(self) -> bool:
        """Whether "auto" may train several students and choose by the rows held out.

        With a net of the user, or a student that continues from its weights, only one is trained.
        """
        if self.given.y is None or not self._has_judges:
            return False
        is_free = self.plan.is_student_ours and not self.plan.continues
        return is_free and self._n_judges >= FEWEST_JUDGES

    @property
    def _has_judges(self) -> bool:
        """Whether there are labelled validation rows."""
        return all(rows is not None and rows.is_labelled for rows in self.validations)

    @property
    def _n_judges(self) -> float:
        weights = [rows.weight for rows in self.validations if rows is not None]
        return n_effective(np.concatenate(weights)) if weights else 0.0

    def may_follow_labels(self) -> bool:
        """Whether the labels may contain everything that the student is to learn.

        They do not with rows of `X_transfer`, classes without a label, or another prior.
        """
        given = self.given
        if not self.can_choose or not self.plan.chooses_alpha:
            return False
        knows_all = given.task.has_all(given.labels[given.weights > 0])
        return knows_all and given.X_transfer is None and self.plan.parameters.class_prior is None

    def _should_cross_fit(
        self, trial: Trial, control: Trial | None, teacher: FloatArray | None
    ) -> bool:
        """Whether the student overfits what the teachers have learned by heart.

        The leak does no harm to a student that still learns at the end. Out-of-fold labels come
        from teachers on fewer rows, and would then only be worse. The same holds if the teacher
        is ahead of the control.
        """
        if not self.plan.tries_folds or trial.validation is None or self.plan.continues:
            return False
        if len(self.parts) > 1:  # it would take 25 more fits of the teachers, for one percent
            return False
        if control is not None and teacher is not None and control.is_behind(teacher):
            return False
        if not trial.setting.learns_of_teacher:  # of labels alone
            return False
        if self.leak_gap is None or self.leak_gap <= LEAST_LEAK:
            return False
        if self.run.is_over or trial.best_share > EARLY:
            return False
        return self.given.fills_folds(N_FOLDS)

    # --- the candidates, in their order ---

    def _first(
        self, setting: Setting, rows: list[LabelledRows], control: Trial | None
    ) -> Steps[Trial]:
        """The student that stays if nothing is clearly better."""
        if control is not None and setting.alpha == 1 and not setting.objectives:
            return control
        first = yield from self._train(setting, rows)
        if self.can_choose:
            first.why = "no other student is better by more than chance"
        elif self.given.y is None:
            first.why = "there are no labels to compare students by"
        else:
            first.why = why_no_choice(self.plan, self.validations[0], FEWEST_JUDGES)
        return first

    def _try_codes(self) -> Steps[Trial | None]:
        """Try an encoder that makes indicators of numbers, on the labels alone.

        Returns
        -------
        Trial or None
            The better control; None if no number may be a code.
        """
        encoder = self.plan.parameters.encoder
        if not is_auto(encoder) or self.plan.deadline is not None:  # the student comes first
            return None
        given, used = self.given, self.given.weights > 0
        table = self.plan.columns.take(safe_indexing(given.X, used))
        told = given.encoder, table, given.task.coarse(given.labels[used])
        coded = self.plan.once(("codes", id(given.encoder)), lambda: with_nominal(*told))
        if not coded.nominal_:
            return None
        plain = yield from self._try_labels_alone(given.encoder)
        if plain is None:
            return None
        best = self._better(plain, (yield from self._try_labels_alone(coded)), plain.why)
        self._forget_rows_but(best)
        return best

    def _try_labels_alone(self, encoder: Estimator) -> Steps[Trial | None]:
        """Train the control: the student without a teacher; None if it was ended."""
        rows = [LabelledRows([part.block.with_weight()], [], None, None) for part in self.parts]
        setting = Setting(encoder, 1.0, TEMPERATURE, [], self.plan.parameters.student)
        return (yield from self._attempt(setting, rows, who="control"))

    def _try_folds(
        self, best: Trial, control: Trial | None, teacher: FloatArray | None
    ) -> Steps[Trial]:
        """Train a student on out-of-fold labels, if the teacher's labels leak."""
        if not self._should_cross_fit(best, control, teacher):
            return best
        other = None
        self.run.progress.say(
            f"trying labels out of fold: fitting the teachers {N_FOLDS} more times; `cv=None` "
            "does without"
        )
        with self.run.optional("labelling out of fold", "labels out of fold are not used"):
            other = yield from self._attempt(best.setting, self._label(best.setting, N_FOLDS))
        best = self._better(best, other, "it is clearly better on labels out of fold")
        self._forget_rows_but(best)
        return best

    def _try_alpha(self, best: Trial) -> Steps[Trial]:
        """Train a student that trusts the labels more, or less."""
        judges_all = len(self.parts) > 1
        if not judges_all or not self.may_follow_labels() or best.setting.alpha == 1:
            return best
        rows = [fit.rows for fit in best.fittings]
        setting = replace(best.setting, alpha=self.plan.kind.other_alpha)
        other = yield from self._attempt(setting, rows)
        return self._better(best, other, "it is clearly better at this weight of the labels")

    def _try_temperatures(self, best: Trial) -> Steps[Trial]:
        if not self.can_choose or not self.plan.chooses_temperature or best.setting.alpha == 1:
            return best
        for temperature in OTHER_TEMPERATURES:
            rows = [fit.rows for fit in best.fittings]
            setting = replace(best.setting, temperature=temperature)
            other = yield from self._attempt(setting, rows)
            best = self._better(best, other, "it is clearly better at this temperature")
        return best

    # --- the judge ---

    def _why_given(self, best: Trial, control: Trial | None) -> str:
        """Why the first student stays where the fit was not to choose its weight of the labels."""
        why = f"`alpha={best.setting.alpha:g}` {origin_of_alpha()}"
        if control is not None and control is not best and control.is_better_than(best):
            return f"{why}; the control is clearly better: try `alpha='auto'`"
        return why

    def _better(self, best: Trial, other: Trial | None, why: str) -> Trial:
        """The other one if it is clearly better, else the best so far."""
        if other is None or not other.is_better_than(best):
            return best
        other.why = why
        return other

    def _or_control(
        self, student: Trial, control: Trial | None, teacher: FloatArray | None
    ) -> Trial:
        """The control if the student should follow the labels alone, else the student.

        If the teacher is clearly worse than the control, the lower loss decides. Otherwise the
        student stays unless it is clearly worse.
        """
        if control is None:
            return student
        if control.is_better_than(student):
            control.why = "that is clearly better than following the teacher"
            return control
        is_teacher_worse = teacher is not None and control.loses_less_than(teacher)
        if is_teacher_worse and control.mean_loss < student.mean_loss:
            control.why = "the teacher itself is clearly worse than that"
            return control
        return student

    def _judge_teacher(self) -> FloatArray | None:
        """Loss of each validation row, at the teacher's own temperature; None if not known."""
        if not self._has_judges or self.plan.queries is not None:
            return None
        outputs = [
            self.plan.once(
                ("teacher outputs", part.where, self.plan.first_alpha < 1),
                partial(self._teacher_outputs, part, rows),
            )
            for part, rows in self._judged_parts
        ]
        if any(one is None for one in outputs):
            return None
        rows = joined([rows for _, rows in self._judged_parts])
        whole = np.concatenate([one for one in outputs if one is not None])
        losses = row_losses_of(whole, rows, is_calibrated=True)
        loss = float(np.average(losses, weights=rows.weight))
        self.run.trials.append({"who": "teacher", rows.task.loss_key: loss, "is_kept": False})
        if may_have_seen(self.plan, self.given.holds_out):
            self.run.trials[-1]["may_have_seen_the_rows"] = True
        return losses

    @property
    def _judged_parts(self) -> list[tuple[Inputs, Block]]:
        pairs = zip(self.parts, self.validations, strict=True)
        return [(part, rows) for part, rows in pairs if rows is not None]

    def _teacher_outputs(self, part: Inputs, rows: Block) -> FloatArray | None:
        labeller = part.labeller
        if labeller.teacher is not None:
            return labeller.outputs(rows.X)
        if rows.soft is not None and self.plan.first_alpha < 1:
            return rows.task.outputs_of(rows.soft, UNKNOWN_FLOOR)
        return None

    # --- labels and trainings ---

    def _forget_rows_but(self, best: Trial) -> None:
        """Free the encoded rows that only another student was trained on."""
        blocks = [block for fitting in best.fittings for block in fitting.rows.blocks]
        blocks += [rows for rows in self.validations if rows is not None]
        self.run.encoded.keep(best.setting.encoder, blocks)

    def _label(self, setting: Setting, cv: object) -> list[LabelledRows]:
        """The rows to learn, of each part: out of fold if `cv` is not None."""
        labelled = []
        for part, rows in zip(self.parts, self.validations, strict=True):
            with self.run.progress.within(part.where):
                own = part.in_folds(cv)
                labelled.append(label_once(own, setting, rows, cv, self.run, part.where))
        return labelled

    def _attempt(
        self, setting: Setting, rows: list[LabelledRows], who: str = "student"
    ) -> Steps[Trial | None]:
        """Train another student; None if there is no time, or if that training failed or ended."""
        if self.run.is_over:
            return None
        kept = f"that {who} is not used"
        with self.run.optional(f"training another {who}", kept):
            trial = yield from self._train(setting, rows, who, kept)
            return None if self.run.was_ended else trial
        return None

    def _train(
        self,
        setting: Setting,
        rows: list[LabelledRows],
        who: str = "student",
        kept: str | None = None,
    ) -> Steps[Trial]:
        """Train a student on the rows of each part."""
        run = self.run
        fittings = []
        for part, own, validation in zip(self.parts, rows, self.validations, strict=True):
            with run.progress.within(part.where):
                fitting = yield from self._fit(setting, part, own, validation, who, kept)
                fittings.append(fitting)
            # With the rows of another fold, or all rows, "auto" might choose another net.
            n_rows = fittings[0].examples.n_training
            setting = replace(setting, student=settle_recipe(setting.student, n_rows))
            if run.was_ended:
                break
        trial = Trial(setting, fittings, bool(self.plan.parameters.calibrate))
        if self._has_judges and len(fittings) == len(self.parts):
            run.trials.append(trial.summary)
            loss = f"{trial.mean_loss:.4f}"
            run.progress.say(f"{run.task.loss_name} on the rows held out: {loss}")
            trial.place = len(run.trials) - 1
        return trial

    def _fit(
        self,
        setting: Setting,
        part: Inputs,
        rows: LabelledRows,
        validation: Block | None,
        who: str,
        kept: str | None,
    ) -> Steps[Fitting]:
        """Train a student on the rows of one part."""
        run, teacher = self.run, part.labeller.teacher
        examples = make_examples(setting, rows.blocks, validation, teacher, run)
        later = later_rounds(setting, part, rows, examples, run)
        if later is not None and run.plan.queries is not None:
            examples, later = (yield from draw_by_students(later, run)), None
        trained = yield from train_student(setting, examples, run, who, kept, later)
        if later is not None:  # `rows` stays: another student begins with the same
            examples = later.examples
        return Fitting(trained.student, trained.history, rows, examples, later is not None)


def _mean_gap(rows: list[LabelledRows]) -> float | None:
    gaps = [one.leak_gap for one in rows if one.leak_gap is not None]
    return float(np.mean(gaps)) if gaps else None
