"""``skdistill compress``: from a teacher's file to a student's."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from skdistill import (
    DistillationReport,
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    model_card,
    to_onnx,
)
from skdistill._utils.files import write_whole
from skdistill._utils.types import Estimator
from skdistill.cli._errors import BarNotMetError, UsageError, check_outputs, tell
from skdistill.cli._figures import Bars, figures_of, gain_of, words_of_ladder, words_of_verdict
from skdistill.cli._rows import DATA, Roles, Rows, read, split
from skdistill.cli._show import show
from skdistill.cli._teachers import CLASSIFICATION, load_teacher, task_of, with_classes
from skdistill.ladder import BudgetNotMetError, StudentLadder
from skdistill.teacher import FittedTeacher, is_frozen

SIZES = {"default": MLPStudent, "fast": MLPStudent.fast, "accurate": MLPStudent.accurate}


@dataclass(frozen=True)
class Request:
    """What was asked for: the options of ``skdistill compress``, by their names."""

    teacher: Path
    data: Path
    target: str
    out: Path
    test: Path | None
    test_fraction: float
    transfer: Path | None
    drop: Sequence[str]
    teacher_only: Sequence[str]
    groups: str | None
    weight: str | None
    task: str | None
    classes: str | None
    size: str
    int8: bool
    layout: str
    max_latency_us: float | None
    max_bytes: int | None
    max_loss: float | None
    min_agreement: float | None
    min_retained: float | None
    max_time: float | None
    report: Path | None
    card: Path | None
    licence: str | None
    seed: int
    trust: bool
    trust_type: Sequence[str]
    dry_run: bool
    force: bool
    as_json: bool
    quiet: bool

    @property
    def has_budget(self) -> bool:
        """Whether the size is chosen by what a file costs."""
        return (self.max_latency_us, self.max_bytes, self.max_loss) != (None, None, None)

    @property
    def wants_control(self) -> bool:
        """Whether the same student is trained without the teacher, too."""
        return self.report is not None or self.min_retained is not None

    def check(self) -> None:
        """Refuse what can be refused before there is any work."""
        if self.has_budget and (self.size != "default" or self.int8):
            raise UsageError(
                "--size and --int8 do not go together with --max-latency-us, --max-bytes and "
                "--max-loss, by which the size is chosen: leave one or the other out."
            )
        inputs = [self.teacher, self.data, self.test, self.transfer]
        check_outputs([self.out, self.report, self.card], self.force, inputs)
        if self.report is not None and find_spec("matplotlib") is None:
            raise ImportError('--report needs matplotlib: pip install "skdistill[plot]"')
        if self.card is not None and find_spec("skops") is None:
            raise ImportError('--card needs skops: pip install "skdistill[card]"')


@dataclass(frozen=True)
class Job:
    """A teacher and its rows, read and checked.

    Attributes
    ----------
    teacher : object
    task : {"classification", "regression"}
    train, test : Rows
    transfer : DataFrame or None
    student_features : list of str
        The columns that the student reads; the teacher reads all.
    """

    teacher: Estimator
    task: str
    train: Rows
    test: Rows
    transfer: Any
    student_features: list[str]

    def as_dict(self) -> dict[str, Any]:
        """What a dry run shows."""
        inner = getattr(self.teacher, "estimator", self.teacher)
        return {
            "teacher": type(inner).__name__,
            "task": self.task,
            "train_rows": len(self.train),
            "test_rows": len(self.test),
            "transfer_rows": 0 if self.transfer is None else len(self.transfer),
            "columns": self.student_features,
            "teacher_only": [
                name for name in self.train.X.columns if name not in self.student_features
            ],
        }


def run_compress(request: Request) -> None:
    """Train a student, test its file, and write it if it is good enough.

    Parameters
    ----------
    request : Request

    Raises
    ------
    BarNotMetError
        If no student meets the bars and the budget; no student is written then.
    """
    request.check()
    job = prepare(request)
    if request.dry_run:
        show({"dry_run": True, **job.as_dict()}, request.as_json)
        return
    # Who prints is told to do so on stderr: stdout has the result alone.
    with redirect_stdout(sys.stderr):
        fitted = _fit(request, job)
        student = getattr(fitted, "best_estimator_", fitted)
        report = _report(student, job, request) if request.wants_control else None
        if report is not None:
            tell(f"verdict: {words_of_verdict(report)}")
        file = _file_of(fitted, student, report, request)
        figures = figures_of(file, student.teacher_, job.test, job.student_features)
        figures |= {} if report is None else gain_of(report)
        Bars(request.max_bytes, request.min_agreement, request.min_retained).check(
            {"bytes": len(file), **figures}
        )
        write_whole(file, request.out)
        if request.card is not None:
            model_card(request.out, report, path=request.card, overwrite=request.force)
    costs = {name: float(value) for name, value in getattr(fitted, "best_costs_", {}).items()}
    result = {"out": str(request.out), **costs, "bytes": len(file), **figures}
    show({**job.as_dict(), **result, "decision": fitted.decision_}, request.as_json)


def prepare(request: Request) -> Job:
    """Read teacher and rows, and ask the teacher for two of them.

    Parameters
    ----------
    request : Request

    Returns
    -------
    Job
    """
    teacher = load_teacher(request.teacher, request.trust, list(request.trust_type))
    task = task_of(teacher, request.task)
    known = getattr(teacher, "feature_names_in_", None)
    features = None if known is None else [str(name) for name in known]
    columns = request.target, request.groups, request.weight, request.drop, request.teacher_only
    roles = Roles(*columns, features)
    rows = roles.rows_of(request.data, DATA)
    student_features = roles.of_student(rows.X.columns.tolist())
    # Where the teacher knows no names, the other tables must have the columns of this one.
    roles = replace(roles, features=rows.X.columns.tolist())
    has_classes = task == CLASSIFICATION
    if has_classes:
        names = None if request.classes is None else request.classes.split(",")
        teacher = with_classes(teacher, rows.y, names)
    if request.test is None:
        train, test = split(rows, request.test_fraction, has_classes, request.seed)
    else:
        train, test = rows, roles.rows_of(request.test, "--test")
    _ask(teacher, test.X.iloc[:2], has_classes)
    transfer = None
    if request.transfer is not None:
        transfer = roles.features_of(read(request.transfer, "--transfer"), "--transfer")
    return Job(teacher, task, train, test, transfer, student_features)


def _ask(teacher: Estimator, X: Any, has_classes: bool) -> None:
    """Ask a fitted teacher for a few rows: it may not take such a table."""
    if not is_frozen(teacher):
        return
    asked = teacher if isinstance(teacher, FittedTeacher) else FittedTeacher(teacher)
    try:
        (asked.predict_proba if has_classes else asked.predict)(X)
    except Exception as error:  # each library has its own
        raise ValueError(f"the teacher does not answer for rows of --data: {error}") from error


def _fit(request: Request, job: Job) -> Any:
    """The student, or the ladder that has found it."""
    kind = DistilledClassifier if job.task == CLASSIFICATION else DistilledRegressor
    estimator = kind(
        job.teacher,
        SIZES[request.size](),
        student_features=job.student_features if request.teacher_only else None,
        max_time=request.max_time,
        random_state=request.seed,
        verbose=int(not request.quiet),
    )
    given: dict[str, Any] = {"groups": job.train.groups, "sample_weight": job.train.weight}
    given = {name: value for name, value in given.items() if value is not None}
    if job.transfer is not None:
        given["X_transfer"] = (job.transfer,)
    if not request.has_budget:
        return estimator.fit(job.train.X, job.train.y, **given)
    ladder = StudentLadder(
        estimator,
        max_latency_us=request.max_latency_us,
        max_bytes=request.max_bytes,
        max_loss=request.max_loss,
    )
    try:
        return ladder.fit(job.train.X, job.train.y, **given)
    except BudgetNotMetError as error:
        raise BarNotMetError(words_of_ladder(error.ladder, vars(request))) from error


def _file_of(
    fitted: Any, student: Any, report: DistillationReport | None, request: Request
) -> bytes:
    """The content of the file, with what it is to say of itself."""
    quantize = getattr(fitted, "best_quantize_", "int8" if request.int8 else None)
    # What int8 loses, a ladder has judged by the loss of its files.
    tolerance = np.inf if request.has_budget and quantize else None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "student.onnx"
        told = {"report": report, "licence": request.licence, "layout": request.layout}
        to_onnx(student, path, quantize=quantize, tolerance=tolerance, **told)
        return path.read_bytes()


def _report(student: Any, job: Job, request: Request) -> DistillationReport:
    """The report, against the same student without its teacher; it is written at once."""
    report = DistillationReport.from_estimator(
        student,
        job.test.X,
        job.test.y,
        control="fit",
        X_train=job.train.X,
        y_train=job.train.y,
        groups_train=job.train.groups,
        sample_weight=job.test.weight,
        sample_weight_train=job.train.weight,
        random_state=request.seed,
    )
    if request.report is not None:
        report.to_html(request.report, overwrite=request.force)
    return report
