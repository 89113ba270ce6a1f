"""How a fit makes, trains and calibrates the student."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from skdistill._named import named_parts
from skdistill._validation import check_views
from skdistill.encoding import TabularEncoder
from skdistill.objectives import view_key
from skdistill.student import (
    Rows,
    constructor_parameters,
    gives_probabilities,
    prepare_net,
    rehearse,
    student_module,
    train,
)
from skdistill.targets import fit_temperature


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
            X, y = _safe_indexing(X, used), y[used]
        return encoder.fit(X, y)

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

    def _rehearse(self, response, X, has_validation):
        """Find what is wrong with the student's module on a few rows."""
        few = self._encode(_safe_indexing(X, slice(0, 2)))
        net, loss = self._net_and_loss(response, _num_samples(X), few.shape[1])
        target = {"label": np.zeros(len(few), dtype=int), "weight": np.ones(len(few))}
        rehearse(net, loss, Rows.from_arrays(few, target), len(self.classes_), has_validation)

    def _fit_student(self, response, blocks, validation, seed, deadline, progress):
        n_rows = sum(len(block.labels) for block in blocks)
        with progress.task("encode-rows", f"encoding {n_rows} rows"):
            inputs = np.concatenate([self._encode(block.X) for block in blocks])
        net, loss = self._net_and_loss(response, len(inputs), inputs.shape[1])
        self._probabilities = loss["gives_probabilities"]
        target = self._targets(response, blocks) | self._teacher_views(blocks)
        held_out = None
        if validation is not None:
            held_out = Rows.from_arrays(
                self._encode(validation.X), self._targets(response, [validation])
            )
        text = f"training the student on {n_rows} rows"
        with progress.task("fit-student", text, n_steps=net.max_epochs) as step:
            self.student_, self.history_ = train(
                net,
                loss,
                Rows.from_arrays(inputs, target),
                held_out,
                len(self.classes_),
                seed=seed,
                weights=self.student_.module_.state_dict() if self._continues() else None,
                deadline=deadline,
                early_stopping=bool(self.early_stopping),
                step=step,
                verbose=max(0, self.verbose - 1),
            )

    def _targets(self, response, blocks):
        target = {
            "label": np.concatenate([block.labels for block in blocks]),
            "weight": np.concatenate([block.weight for block in blocks]),
        }
        if blocks[0].soft is not None:
            soft = np.concatenate([block.soft for block in blocks])
            target["soft"] = response.prepare(
                soft, self.temperature_, sample_weight=target["weight"]
            )
        return target

    def _teacher_views(self, blocks):
        views = {}
        for name, objective in named_parts(self.objectives, "objectives"):
            parts = [objective.teacher_view(self.teacher_, block.X) for block in blocks]
            if parts[0] is not None:
                check_views(name, parts, blocks)
                views[view_key(name)] = np.concatenate(parts)
        return views

    def _calibrate(self, validation):
        self.calibration_temperature_ = 1.0
        if self.calibrate and validation is not None and validation.is_labelled:
            self.calibration_temperature_ = fit_temperature(
                self._logits(validation.X).astype(np.float64),
                validation.labels,
                validation.weight,
            )
