"""Knowledge distillation for tabular data, the scikit-learn way.

Importing the package is cheap: torch and skorch are loaded when a name that needs them is
first used (PEP 562).
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0.dev0"

_HOMES = {
    "AcrossSplits": "transfer",
    "AttentionTransfer": "objectives",
    "BalancedHinton": "objectives",
    "Batch": "objectives",
    "Brier": "objectives",
    "CKA": "objectives",
    "Cascade": "cascade",
    "ContinualClassifier": "loops",
    "DIST": "objectives",
    "DKD": "objectives",
    "DarkExperience": "loops",
    "DepthHeads": "objectives",
    "Disagreement": "transfer",
    "Discriminator": "objectives",
    "DistillationReport": "inspection",
    "DistilledClassifier": "classifier",
    "DistilledClassifierCV": "search",
    "DistilledRegressor": "regressor",
    "DistilledRegressorCV": "search",
    "FSP": "objectives",
    "FidelityDisplay": "inspection",
    "FittedTeacher": "teacher",
    "FromNet": "transfer",
    "FromSchema": "transfer",
    "FromTrees": "transfer",
    "Gibbs": "transfer",
    "GivenRows": "transfer",
    "Heads": "objectives",
    "Hint": "objectives",
    "Hinton": "objectives",
    "HistoryDisplay": "inspection",
    "Huber": "objectives",
    "HydraStudent": "student",
    "InputGradient": "objectives",
    "LeafHint": "objectives",
    "LearningWithoutForgetting": "loops",
    "LogitMatching": "objectives",
    "MLP": "modules",
    "MLPStudent": "student",
    "Marginals": "transfer",
    "Mixup": "transfer",
    "ModelMetadata": "scorer",
    "Munge": "transfer",
    "MutualClassifier": "loops",
    "NKD": "objectives",
    "Near": "transfer",
    "NeighbourhoodGraph": "objectives",
    "Objective": "objectives",
    "PKT": "objectives",
    "ParetoDisplay": "inspection",
    "PatientTeacher": "teacher",
    "PrunedStudent": "student",
    "QuantileDisplay": "inspection",
    "QuantizedStudent": "student",
    "RKD": "objectives",
    "RandomTeacher": "objectives",
    "RefreshResult": "refresh",
    "RegressorPool": "teacher",
    "ReliabilityDisplay": "inspection",
    "Replay": "loops",
    "Response": "objectives",
    "Rounds": "transfer",
    "RowWeights": "teacher",
    "Scorer": "scorer",
    "SearchDisplay": "inspection",
    "SegmentDisplay": "inspection",
    "SelfCheck": "scorer",
    "SelfDistilledClassifier": "loops",
    "Similarity": "objectives",
    "SquaredError": "objectives",
    "StandardizedLogits": "objectives",
    "StoredRows": "loops",
    "StudentEnsemble": "loops",
    "StudentLadder": "ladder",
    "StudentOutput": "objectives",
    "SyntheticReplay": "loops",
    "TableSchema": "transfer",
    "TabularEncoder": "encoding",
    "TargetScaler": "task",
    "TeacherPool": "teacher",
    "TorchTeacher": "teacher",
    "TransferContext": "transfer",
    "TransferSampler": "transfer",
    "data_hash": "export",
    "head_probabilities": "inspection",
    "model_card": "export",
    "register_skl2onnx_converter": "export",
    "self_check": "scorer",
    "show_versions": "_versions",
    "to_onnx": "export",
}
# For `skops.io.load(file, trusted=...)`, beside the types of the teacher if it is stored too.
TRUSTED_TYPES = [
    "skdistill.cascade.Cascade",
    "skdistill.classifier.DistilledClassifier",
    "skdistill.encoding.TabularEncoder",
    "skdistill.loops.CohortFit",
    "skdistill.loops.CohortLoss",
    "skdistill.loops.ContinualClassifier",
    "skdistill.loops.DarkExperience",
    "skdistill.loops.LearningWithoutForgetting",
    "skdistill.loops.MutualClassifier",
    "skdistill.loops.ReplayPool",
    "skdistill.loops.SelfDistilledClassifier",
    "skdistill.loops.StoredRows",
    "skdistill.loops.StudentEnsemble",
    "skdistill.loops.SyntheticReplay",
    "skdistill.modules.CohortMLP",
    "skdistill.modules.HydraMLP",
    "skdistill.modules.MLP",
    "skdistill.modules.QuantileMLP",
    "skdistill.refresh.RefreshResult",
    "skdistill.regressor.DistilledRegressor",
    "skdistill.search.DistilledClassifierCV",
    "skdistill.search.DistilledRegressorCV",
    "skdistill.scorer.Scorer",
    "skdistill.spread.Spread",
    "skdistill.student.CohortStudent",
    "skdistill.student.HydraStudent",
    "skdistill.student.MLPStudent",
    "skdistill.student.PrunedStudent",
    "skdistill.student.QuantizedMLP",
    "skdistill.student.QuantizedStudent",
    "skdistill.student.softmax",
    "skdistill.table.ColumnSelection",
    "skdistill.task.TargetScaler",
    "skdistill.teacher.Member",
    "skdistill.teacher.NumberMember",
    "skdistill.teacher.RegressorPool",
    "skdistill.teacher.RowWeights",
    "skdistill.teacher.TeacherPool",
    *(
        f"skdistill.{home}.{name}"
        for name, home in _HOMES.items()
        if home in ("objectives", "transfer")
    ),
]
__all__ = [*sorted(_HOMES), "TRUSTED_TYPES", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
