"""What a fit chose, in words."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skdistill._base import BaseDistiller
from skdistill._utils.auto import is_auto
from skdistill._utils.named import named_parts
from skdistill._utils.types import FloatArray
from skdistill._utils.values import plain_value
from skdistill.task import TargetScaler
from skdistill.teacher import unfrozen

# Said in a sentence of their own, or no choices of the fit.
_SAID = {
    *("leak_gap_", "alpha_", "temperature_", "calibration_temperature_", "n_transfer_rows_"),
    *("transfer_", "classes_", "teacher_", "student_", "encoder_", "history_"),
    *("n_features_in_", "feature_names_in_", "class_offset_", "cv_", "trials_"),
    *("decision_", "target_scaler_", "teacher_spread_", "quantile_offset_", "quantiles_"),
    *("n_targets_", "objective_weights_", "refresh_"),  # its words end the decision
}
LONGEST = 200


def choices(clf: BaseDistiller) -> list[str]:
    """Sentences on what a fit chose.

    Parameters
    ----------
    clf : BaseDistiller
        Fitted; an attribute that it does not have is passed over.

    Returns
    -------
    list of str
    """
    tellers: dict[str, Callable[[BaseDistiller, Any], str]] = {
        "alpha_": _alpha,
        "objective_weights_": _objective_weights,
        "temperature_": _temperature,
        "leak_gap_": _leak,
        "n_transfer_rows_": _transfer,
        "calibration_temperature_": _calibration,
        "class_offset_": _prior,
        "target_scaler_": _target,
        "teacher_spread_": _spread,
        "quantile_offset_": _quantile_offset,
        "history_": _epochs,
        "trials_": _trials,
        "decision_": _decision,
    }
    told = [tell(clf, getattr(clf, name)) for name, tell in tellers.items() if hasattr(clf, name)]
    return [sentence for sentence in told if sentence]


def other_attributes(clf: BaseDistiller) -> dict[str, bool | int | float | str]:
    """Fitted attributes that no sentence is about, by name.

    Parameters
    ----------
    clf : BaseDistiller

    Returns
    -------
    dict of str to (bool, int, float or str)
    """
    names = [n for n in vars(clf) if n.endswith("_") and not n.startswith("_") and n not in _SAID]
    return {name: _plain(getattr(clf, name)) for name in sorted(names)}


def _objective_weights(clf: BaseDistiller, weights: dict[str, float]) -> str:
    told = ", ".join(f"{name} {weight:.3g}" for name, weight in weights.items())
    return f"The objectives had these weights: {told}." if told else ""


def _alpha(clf: BaseDistiller, alpha: float) -> str:
    if alpha == 0:
        return "The student learned from the teacher's answers alone (alpha 0)."
    if alpha == 1 and is_auto(getattr(clf, "alpha", None)):
        return "The student learned from the labels alone (alpha 1), as alpha='auto' chose."
    if alpha == 1:
        return "The student learned from the labels alone (alpha 1): it is its own control."
    return f"Labels weighed {alpha:g} in the loss and the teacher's answers {1 - alpha:g} (alpha)."


def _temperature(clf: BaseDistiller, temperature: float) -> str:
    if temperature == 1:
        return "Student and teacher were compared at temperature 1: neither was softened."
    effect = "softened" if temperature > 1 else "sharpened"
    return f"A temperature of {temperature:g} {effect} both student and teacher in training."


def _leak(clf: BaseDistiller, gap: float | None) -> str:
    if gap is None:
        return f"No leak was measured: {_why_no_leak(clf)}."
    text = (
        f"The teacher gave the true class {gap:+.3f} in probability on rows it was fitted on, "
        "against rows it was not (leak gap)"
    )
    if not clf._task.has_classes:
        way = "higher" if gap >= 0 else "lower"
        text = (
            f"The teacher's {clf._task.loss_name} was {abs(gap):.4f} {way} on rows it was not "
            "fitted on than on rows it was (leak gap)"
        )
    refresh = getattr(clf, "refresh_", None)
    if refresh is not None and refresh.is_kept:
        return f"{text}, at the first fit; the teacher has not seen the new rows."
    if getattr(clf, "cv_", None) is not None:
        return f"{text}; the student's labels are out of fold (cv {clf.cv_!r})."
    if getattr(clf, "alpha_", None) == 1:
        return f"{text}."
    if clf._task.has_classes and gap > 0.05 and not clf.n_transfer_rows_:
        return f"{text}: cv=5 labels the training rows out of fold."
    return f"{text}; the student's labels are of teachers that were fitted on the rows."


def _why_no_leak(clf: BaseDistiller) -> str:
    if getattr(clf, "teacher_", None) is None:
        return "there was no teacher, but soft targets"
    if not unfrozen(named_parts(clf.teacher, "teacher")):
        return "the teachers came fitted, and what rows they had seen is not known"
    if any("valid_loss" in epoch for epoch in clf.history_):
        return "soft targets were given in place of the teacher's answers"
    if isinstance(clf.early_stopping, str):
        return "of so few rows none was held out from the teacher"
    return f"no row was held out from the teacher (`early_stopping={clf.early_stopping}`)"


def _transfer(clf: BaseDistiller, n_rows: int) -> str:
    if not n_rows:
        return "There were no transfer rows: the student saw the training rows alone."
    samplers = [f"{name} = {sampler!r}" for name, sampler in getattr(clf, "transfer_", [])]
    source = f"; samplers: {', '.join(samplers)}" if samplers else ""
    return f"The teacher labelled {n_rows:,} transfer rows for the student{source}."


def _calibration(clf: BaseDistiller, temperature: float) -> str:
    if temperature == 1:
        return "The student's logits are as trained: no temperature was fitted to calibrate them."
    why = "too sure of itself" if temperature > 1 else "not sure enough"
    return (
        f"Its logits are divided by {temperature:.3f}, fitted on validation rows: it was {why} "
        "(calibration temperature)."
    )


def _prior(clf: BaseDistiller, offset: FloatArray | None) -> str:
    if offset is None:
        return "The shares of the classes are those it learned from: no `class_prior` was given."
    return f"Its logits are moved by {np.round(offset, 2).tolist()}, towards `class_prior`."


def _target(clf: BaseDistiller, scaler: TargetScaler) -> str:
    done = {"identity": "y", "log": "log(1 + y)"}
    what = done.get(scaler.kind, "Yeo and Johnson's power of y")
    return f"It learned {what}, brought to a mean of 0 and a standard deviation of 1."


def _spread(clf: BaseDistiller, spread: Any) -> str:
    if getattr(clf, "teacher_", None) is None:
        return "What told it quantiles is not stored with it."
    if spread is None:
        return "The quantiles it learned were those that the teachers told."
    return (
        "The quantiles it learned were the teacher's numbers and the errors of teachers that had "
        "not seen the row, over a scale for each row."
    )


def _quantile_offset(clf: BaseDistiller, offset: FloatArray | None) -> str:
    if offset is None:
        return "Its quantiles are as trained: no rows held out told how to calibrate them."
    largest = float(np.abs(offset).max())
    return (
        f"Its quantiles were moved by up to {largest:.3f} standard deviations of y, so that each "
        "covers its share of the rows held out (conformal)."
    )


def _epochs(clf: BaseDistiller, history: list[dict[str, Any]]) -> str:
    losses = [epoch["valid_loss"] for epoch in history if epoch.get("valid_loss") is not None]
    n_epochs = len(history)
    if not losses or len(losses) < n_epochs:
        return f"It trained for {n_epochs} epochs, without validation rows."
    best = int(np.argmin(losses)) + 1
    return f"It trained for {n_epochs} epochs; the validation loss was lowest in epoch {best}."


def _trials(clf: BaseDistiller, trials: list[dict[str, Any]]) -> str:
    if len(trials) < 2:
        return 'One student was trained: "auto" had nothing to compare, or nothing to compare by.'
    key, name = clf._task.loss_key, clf._task.loss_name
    told = "; ".join(f"{_trial(trial)} {trial[key]:.4f}" for trial in trials)
    return f"{name[0].upper()}{name[1:]} on the rows held out, by which it was chosen: {told}."


def _decision(clf: BaseDistiller, decision: str) -> str:
    return f"Why this student: {decision.rpartition('why: ')[2]}."


def _trial(trial: dict[str, Any]) -> str:
    if trial["who"] == "teacher":
        return "the teacher"
    words = ["the student that is kept:" if trial["is_kept"] else f"a {trial['who']}:"]
    if "n_groups" in trial:
        words.append(f"judged by all {trial['n_groups']} groups,")
    words.append(f"alpha {trial['alpha']:g},")
    if trial["temperature"] != 1:
        words.append(f"temperature {trial['temperature']:g},")
    if trial["cv"] is not None:
        words.append(f"labels out of fold (cv {trial['cv']!r}),")
    if trial["nominal"]:
        words.append(f"indicators for the values of columns {trial['nominal']},")
    return " ".join(words)


def _plain(value: Any) -> bool | int | float | str:
    plain = plain_value(value)
    if isinstance(plain, int) or (isinstance(plain, float) and np.isfinite(plain)):
        return plain
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
