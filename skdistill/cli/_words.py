"""Warnings of a fit, with remedies in the words of the command line."""

from skdistill._utils.warn import (
    ColumnNote,
    FarBehind,
    LabelsAlone,
    MaybeFarBehind,
    Remark,
    StrongColumns,
    UnevenGroups,
)

_CANNOT = (
    "the teacher may use what the student cannot: a column of identifiers or free text (--drop, or "
    "--teacher-only if the teacher reads it), rows that belong together (--groups), or more than a "
    "net of this size learns (--size accurate, or a higher bar where bars choose the size)."
)
_REMEDIES: dict[type[Remark], str] = {
    FarBehind: f"Perhaps {_CANNOT}",
    MaybeFarBehind: (
        "If the teacher was fitted on these rows, this says nothing: judge by the scores on rows "
        f"that are new to it (--test). Else {_CANNOT}"
    ),
    StrongColumns: (
        "compare with a student of a teacher that was fitted without it, and give rows without a "
        "target (--transfer), by which it teaches most."
    ),
    LabelsAlone: "Only in Python can it be made to follow the teacher all the same, by `alpha`.",
    UnevenGroups: "The test rows are not among these.",
    ColumnNote: "--drop leaves a column out, or --teacher-only if the teacher reads it.",
}


def words_of(warning: Warning | str) -> str:
    """What a warning says to who has no parameters of Python.

    Parameters
    ----------
    warning : Warning or str

    Returns
    -------
    str
    """
    if not isinstance(warning, Remark):
        return str(warning)
    return f"{warning.finding} {_REMEDIES.get(type(warning), warning.remedy)}"
