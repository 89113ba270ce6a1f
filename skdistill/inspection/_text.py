"""A report as plain text."""

import textwrap
from typing import TYPE_CHECKING

from skdistill.inspection._sections import Section, sections_of

if TYPE_CHECKING:
    from skdistill.inspection._report import DistillationReport

WIDTH = 98


def as_text(report: "DistillationReport") -> str:
    """The report as lines of text.

    Parameters
    ----------
    report : DistillationReport

    Returns
    -------
    str
    """
    lines = [f"Distillation report: {report.answers.summary}", *_wrapped(report.about), ""]
    lines += [f"Verdict: {report.verdict.answer}", *_wrapped(report.verdict.summary)]
    lines += ["", *_bullets(report.verdict.reasons)]
    for section in sections_of(report):
        lines += ["", section.title, "-" * len(section.title)]
        is_list = section.words is report.choices
        lines += _bullets(section.words) if is_list else _wrapped(section.words)
        lines += _grid(section)
    return "\n".join(lines)


def _wrapped(words: list[str]) -> list[str]:
    return [line for text in words for line in textwrap.wrap(text, WIDTH)]


def _bullets(words: list[str]) -> list[str]:
    return [
        line
        for text in words
        for line in textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ")
    ]


def _grid(section: Section) -> list[str]:
    """Columns of text: those of words to the left, numbers to the right."""
    if not section.rows:
        return []
    heads = [text.partition(", ") for text in section.header]
    above = [[first if rest else "" for first, _, rest in heads]]
    below = [rest or first for first, _, rest in heads]
    lines = [*(above if any(above[0]) else []), below, *section.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    are_words = section.columns_of_words()
    aligned = [
        [
            c.ljust(w) if left else c.rjust(w)
            for c, w, left in zip(line, widths, are_words, strict=True)
        ]
        for line in lines
    ]
    return ["  ".join(cells).rstrip() for cells in aligned]
