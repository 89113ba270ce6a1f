"""How a fit makes, trains and calibrates the student."""

import warnings
from copy import deepcopy
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
from sklearn.base import clone

from skdistill._fit.checks import check_prior, check_views
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.named import named_parts
from skdistill._utils.process import usual_torch
from skdistill.objectives import prepare, rehearse_response, view_key
from skdistill.student import (
    MLPStudent,
    Rows,
    constructor_parameters,
    gives_probabilities,
    prepare_net,
    rehearse,
    student_module,
    train,
)
from skdistill.table import TabularEncoder
from skdistill.targets import LEAST_SHARE, fit_temperature, prior_offsets


@dataclass
class Examples:
    """Encoded rows and what the student is to learn of them.

    Attributes
    ----------
    training : Rows
    validation : Rows or None
        Rows to choose an epoch by.
    all : Rows or None
        Both, where the student is trained on both in the end.
    """

    training: Rows
    validation: Rows | None
    all: Rows | None


class StudentTrainingMixin:
    """What of `DistilledClassifier.fit` comes after the last row is labelled."""

    def _fit_encoder(self, X, y, weight):
        if self._passes_through():
            return None
        if isinstance(self.encoder, str):
            takes_codes = "cardinalities" in constructor_parameters(student_module(self.student))
            encoder = TabularEncoder(categories="codes" if takes_codes else "onehot")
        else:
            encoder = clone(self.encoder)
        if weight is not None and not weight.all():
            used = np.flatnonzero(weight)
            X, y, weight = safe_indexing(X, used), y[used], weight[used]
        if type(encoder) is TabularEncoder:
            uneven = weight if weight is not None and np.ptp(weight) else None
            return encoder._fit(X, y, "DistilledClassifier", self._first_width(), uneven)
        return encoder.fit(X, y)

    def _first_width(self):
        """Units of the student's first layer; None where its recipe does not tell."""
        recipe = MLPStudent() if self.student is None else self.student
        sizes = getattr(recipe, "hidden_layer_sizes", None)
        return sizes[0] if isinstance(sizes, (list, tuple)) and sizes else None

    def _net_and_loss(self, response, n_rows, n_inputs):
        """The net to train and the parameters of its loss."""
        cardinalities = getattr(self.encoder_, "cardinalities_", ())
        net = prepare_net(self.student, n_rows, n_inputs, len(self.classes_), cardinalities)
        loss = {
            "response": response,
            "objectives": clone(named_parts(self.objectives, "objectives"), safe=False),
            "temperature": self.temperature_,
            "alpha": self.alpha_,
            "gives_probabilities": gives_probabilities(net),
        }
        return net, loss

    @usual_torch()
    def _rehearse(self, response, X, has_validation):
        """Find what is wrong with the student's module, or the response, on a few rows."""
        few = self._encode(safe_indexing(X, slice(0, 2)))
        net, loss = self._net_and_loss(response, num_samples(X), few.shape[1])
        target = {"label": np.zeros(len(few), dtype=int), "weight": np.ones(len(few))}
        if self.alpha_ < 1:
            rehearse_response(response, len(self.classes_), self.temperature_)
        rehearse(net, loss, Rows.from_arrays(few, target), len(self.classes_), has_validation)

    def _examples(self, response, blocks, validation, refits, progress):
        """Encode the rows; those of X that were held out join the others where it `refits`."""
        n_rows = sum(len(block.labels) for block in blocks)
        held_out = [] if validation is None else [validation]
        with progress.task("encode-rows", f"encoding {n_rows} rows"):
            inputs = np.concatenate([self._encode(block.X) for block in [*blocks, *held_out]])
        views = self._teacher_views([*blocks, *held_out] if refits else blocks)
        first = {name: values[:n_rows] for name, values in views.items()}
        training = Rows.from_arrays(inputs[:n_rows], self._targets(response, blocks) | first)
        if validation is None:
            return Examples(training, None, None)
        everything = None
        if refits:
            target = self._targets(response, [*blocks, validation]) | views
            everything = Rows.from_arrays(inputs, target)
        if validation.is_labelled:  # the loss to choose by is that on the labels alone
            validation = replace(validation, soft=None)
        chosen_by = Rows.from_arrays(inputs[n_rows:], self._targets(response, [validation]))
        return Examples(training, chosen_by, everything)

    def _train_first(self, response, examples, run, who, kept):
        """Train a student on the training rows; returns it and its history.

        `who` is what progress calls it, `kept` what a warning says of it.
        """
        rows = examples.training
        net, loss = self._net_and_loss(response, len(rows), rows.inputs.shape[1])
        self._probabilities = loss["gives_probabilities"]
        weights = self.student_.module_.state_dict() if self._continues() else None
        text = f"training the {who} on {len(rows)} rows"
        if self.temperature_ != 1:
            text += f", at temperature {self.temperature_:g}"
        with run.progress.task(f"fit-{who}", text, n_steps=net.max_epochs) as step:
            student, history, was_ended = self._train(
                net,
                loss,
                rows,
                examples.validation,
                seed=run.seeds["student"],
                weights=weights,
                deadline=run.deadline,
                step=step,
                kept=kept,
            )
        run.was_ended = run.was_ended or was_ended
        return student, history

    def _refit_student(self, response, trial, run):
        """Train the student on all rows, for the share of the epochs that was best before.

        What was chosen on the rows held out holds for it: the epoch and the calibration.
        """
        if run.is_over:
            return
        rows, student = trial.examples.all, None
        text = f"training the student again, on all {len(rows)} rows"
        kept = "the student that was fitted without the rows held out is kept"
        with run.optional("training the student again", kept):
            student = self._train_for(
                trial.best_share, response, rows, run, "refit-student", text, kept
            )
        if student is not None and not run.was_ended:
            self.student_ = student

    def _train_for(self, share, response, rows, run, name, text, kept=None):
        """Train a student for a share of the epochs, without rows to choose one by.

        `name` and `text` are what progress calls it, `kept` what a warning says of it.
        """
        net, loss = self._net_and_loss(response, len(rows), rows.inputs.shape[1])
        planned = net.max_epochs
        n_epochs = max(1, round(share * planned))
        net.set_params(max_epochs=n_epochs)  # its schedule stays that of the whole training
        with run.progress.task(name, text, n_steps=n_epochs) as step:
            student, _, was_ended = self._train(
                net,
                loss,
                rows,
                None,
                seed=run.seeds["student"],
                deadline=run.deadline,
                step=step,
                kept=kept,
            )
        run.was_ended = run.was_ended or was_ended
        student.max_epochs = planned
        return student

    def _train(self, net, loss, rows, validation, **options):
        return train(
            net,
            loss,
            rows,
            validation,
            len(self.classes_),
            early_stopping=bool(self.early_stopping),
            verbose=max(0, self.verbose - 1),
            **options,
        )

    def _refits(self, given):
        """Whether the student is trained on the rows held out in the end.

        Not where the next fit goes on from it, as they would be held out again; nor a net or a
        recipe of the user's, whose callbacks may need validation rows.
        """
        may = bool(self.refit) and given.holds_out and not self.warm_start
        return may and self._is_student_ours()

    def _is_student_ours(self):
        """Whether the recipe is ours, so that training a student twice does nothing but that."""
        return type(self.student) in (type(None), MLPStudent) or isinstance(self.student, type)

    def _targets(self, response, blocks):
        target = {
            "label": np.concatenate([block.labels for block in blocks]),
            "weight": np.concatenate([block.weight for block in blocks]),
        }
        if blocks[0].soft is not None:
            soft = np.concatenate([block.soft for block in blocks])
            target["soft"] = prepare(response, soft, self.temperature_, target["weight"])
        return target

    def _teacher_views(self, blocks):
        views = {}
        for name, objective in named_parts(self.objectives, "objectives"):
            parts = [objective.teacher_view(self.teacher_, block.X) for block in blocks]
            if parts[0] is not None:
                check_views(name, parts, blocks)
                views[view_key(name)] = np.concatenate(parts)
        return views

    def _correct_prior(self, blocks):
        """Find what turns the shares of the classes among the targets into `class_prior`."""
        prior = check_prior(self.class_prior, self.classes_)
        if prior is not None:
            shares = sum(block.shares(len(prior), self.alpha_) for block in blocks)
            self.class_offset_ = prior_offsets(shares, prior)
            untaught = shares < LEAST_SHARE * shares.sum()
            if untaught.any():
                warnings.warn(
                    "DistilledClassifier: `class_prior` cannot bring out the classes "
                    f"{self.classes_[untaught][:10].tolist()}: neither a label nor a teacher told "
                    "the student of them. Give rows on which a teacher names them."
                )
                self.class_offset_[untaught] = 0.0

    def _attributes_so_far(self, net):
        """What a copy of the classifier answers with after an epoch, for callbacks that ask."""
        student = SimpleNamespace(module_=deepcopy(net.module_).eval(), device=net.device)
        return {"student_": student, "calibration_temperature_": 1.0, "class_offset_": None}

    def _calibrate(self, validation):
        self.calibration_temperature_, self.class_offset_ = 1.0, None
        if self.calibrate and validation is not None and validation.is_labelled:
            self.calibration_temperature_ = fit_temperature(
                self._logits(validation.X).astype(np.float64),
                validation.labels,
                validation.weight,
            )
