"""A report as plain text."""

import textwrap

from skdistill.inspection._sections import WORDS, sections_of

WIDTH = 98


def as_text(report):
    """The report as lines of text.

    Parameters
    ----------
    report : DistillationReport

    Returns
    -------
    str
    """
    n_rows, n_classes = len(report.answers.labels), len(report.answers.classes)
    lines = [f"Distillation report: {n_rows:,} rows, {n_classes} classes", ""]
    lines += [f"Verdict: {report.verdict.answer}", *_bullets(report.verdict.reasons)]
    for section in sections_of(report):
        lines += ["", section.title, "-" * len(section.title)]
        is_list = section.words is report.choices
        lines += _bullets(section.words) if is_list else _wrapped(section.words)
        lines += _grid(section.header, section.rows)
    return "\n".join(lines)


def _wrapped(words):
    return [line for text in words for line in textwrap.wrap(text, WIDTH)]


def _bullets(words):
    return [
        line
        for text in words
        for line in textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ")
    ]


def _grid(header, rows):
    """Columns of text: the first and those of words to the left, numbers to the right."""
    if not rows:
        return []
    heads = [text.partition(", ") for text in header]
    above = [[first if rest else "" for first, _, rest in heads]]
    lines = [*(above if any(above[0]) else []), [rest or first for first, _, rest in heads], *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    is_words = [i == 0 or any(len(row[i]) > WORDS for row in rows) for i in range(len(header))]
    aligned = [
        [
            c.ljust(w) if left else c.rjust(w)
            for c, w, left in zip(line, widths, is_words, strict=True)
        ]
        for line in lines
    ]
    return ["  ".join(cells).rstrip() for cells in aligned]
