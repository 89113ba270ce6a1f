"""Proof of what a student kept of its teacher: a report, and displays.

Needs nothing beyond the package but matplotlib, the extra `plot`, for displays and pages.
"""

from skdistill.inspection._fidelity import FidelityDisplay
from skdistill.inspection._heads import head_probabilities
from skdistill.inspection._history import HistoryDisplay
from skdistill.inspection._pareto_display import ParetoDisplay
from skdistill.inspection._quantile_display import QuantileDisplay
from skdistill.inspection._reliability import ReliabilityDisplay
from skdistill.inspection._report import DistillationReport
from skdistill.inspection._search_display import SearchDisplay
from skdistill.inspection._sections import Section, sections_of
from skdistill.inspection._segment_display import SegmentDisplay
from skdistill.inspection._verdict import Gap, Verdict, verdict

__all__ = [
    "DistillationReport",
    "FidelityDisplay",
    "Gap",
    "HistoryDisplay",
    "ParetoDisplay",
    "QuantileDisplay",
    "ReliabilityDisplay",
    "SearchDisplay",
    "Section",
    "SegmentDisplay",
    "Verdict",
    "head_probabilities",
    "sections_of",
    "verdict",
]
