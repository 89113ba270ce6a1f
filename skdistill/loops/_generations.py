"""Students that teach the next one, until that is no better."""

from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from skdistill._fit.inputs import Arguments, check_containers
from skdistill._fit.several import fit_several
from skdistill._ladder.rows import split_rows
from skdistill._utils.auto import is_auto
from skdistill._utils.types import Table
from skdistill._utils.warn import FarBehind, naming
from skdistill.classifier import DistilledClassifier
from skdistill.loops._cohort import fit_on_labels

# Weights of the labels that are compared in each generation.
ALPHAS = (0.0, 0.3, 0.7)
# What a generation takes from the estimator.
PASSED_ON = (
    *("student", "encoder", "transfer", "calibrate", "class_weight", "early_stopping"),
    *("validation_fraction", "max_time", "n_jobs", "verbose", "random_state", "memory"),
)


@dataclass(frozen=True)
class Generation:
    """A student, and how good it is.

    Attributes
    ----------
    place : int
        0 is the one that learns of the labels alone.
    fitted : DistilledClassifier
    """

    place: int
    fitted: Any

    @property
    def loss(self) -> float:
        """Log loss on the rows held out."""
        return float(next(one["log_loss"] for one in self.fitted.trials_ if one["is_kept"]))

    def row(self, kept: "Generation") -> dict[str, Any]:
        """What `generations_` says of it."""
        return {
            "generation": self.place,
            "alpha": float(self.fitted.alpha_),
            "log_loss": self.loss,
            "is_kept": self is kept,
        }


@dataclass(frozen=True)
class Found:
    """What the generations leave."""

    kept: Generation
    table: list[dict[str, Any]]

    @property
    def decision(self) -> str:
        """Which one was kept, in one line."""
        kept, first = self.kept, self.table[0]["log_loss"]
        if kept.place == 0:
            why = "no later one has a lower log loss"
        else:
            why = f"at alpha {kept.fitted.alpha_:g}; that of labels alone has {first:.4f}"
        return f"kept generation {kept.place}: log loss {kept.loss:.4f} on the rows held out; {why}"


class Generations:
    """The generations of one fit.

    Parameters
    ----------
    estimator : SelfDistilledClassifier
    """

    def __init__(self, estimator: Any):
        self.estimator = estimator
        self.name = type(estimator).__name__
        alpha = estimator.alpha
        self.alphas = ALPHAS if is_auto(alpha) else (float(alpha),)

    def run(self, X: Table, y: Any, X_transfer: Any, rows: dict[str, Any]) -> Found:
        """Train them.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        X_transfer : array-like, DataFrame, tuple of one, or None
        rows : dict of str to object
            Other arguments of the fit.

        Returns
        -------
        Found
        """
        with naming(self.name):
            template = self._template(X, y, rows)
            control = clone(template).set_params(alpha=1.0, transfer=None)
            every = [Generation(0, fit_on_labels(control, X, y, self.name, **rows))]
            kept = every[0]
            rows = rows | {"X_transfer": X_transfer}
            for place in range(1, self.estimator.n_generations + 1):
                with catch_warnings():
                    # The table of generations tells it, and nobody has seen the rows held out.
                    simplefilter("ignore", FarBehind)
                    new = self._next(template, kept, place, X, y, rows)
                every += new
                best = min(new, key=lambda one: one.loss)
                if best.loss >= kept.loss:
                    break
                kept = best
        return Found(kept, [one.row(kept) for one in every])

    def _next(
        self, template: Any, before: Generation, place: int, X: Table, y: Any, rows: dict[str, Any]
    ) -> list[Generation]:
        """Students of the one before, at each weight of the labels."""
        teacher = FrozenEstimator(before.fitted.set_callbacks())  # they watch a fit that is over
        students = [clone(template).set_params(teacher=teacher, alpha=one) for one in self.alphas]
        if self.estimator._callbacks:  # they watch one fit at a time
            for one in students:
                one.fit(X, y, **rows)
        else:
            for error in fit_several(students, Arguments.of(X, y, rows)):
                if error is not None:
                    raise error
        return [Generation(place, one) for one in students]

    def _template(self, X: Table, y: Any, rows: dict[str, Any]) -> DistilledClassifier:
        """What all generations have in common: the rows held out, too."""
        own = self.estimator
        if own.early_stopping is False:
            raise ValueError(
                "`early_stopping=False` holds no rows out, so nothing tells when generations get "
                "worse: set it to 'auto' or True."
            )
        if rows.get("X_val") is not None and rows.get("y_val") is None:
            raise ValueError(
                "`X_val` without `y_val` cannot tell which generation is better: give `y_val`."
            )
        params = {name: getattr(own, name) for name in PASSED_ON}
        temperature = 1.0 if is_auto(own.temperature) else own.temperature
        template = DistilledClassifier(**params, temperature=temperature, cv=None, refit=False)
        template.set_callbacks(*own._callbacks)  # clones keep them
        given = check_containers(Arguments.of(X, y, {}))
        template._check_X(given.X, reset=True)
        labels = template._kind.check_target(y, given.X)
        if labels is None:
            raise ValueError(f"{self.name} requires y to be passed, but the target y is None.")
        split = split_rows(template, given.X, labels, rows)
        return template if split is None else template.set_params(validation_fraction=[split])
