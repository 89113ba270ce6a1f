"""A report as one HTML page that needs nothing else, and as a piece of a notebook."""

from html import escape
from typing import TYPE_CHECKING

from skdistill.inspection._plots import draw
from skdistill.inspection._sections import WORDS, Section, sections_of
from skdistill.inspection._verdict import COMPILE, KEEP, NO_TEACHER, SERVE

if TYPE_CHECKING:
    from skdistill.inspection._report import DistillationReport

CAPTIONS = {
    "reliability": "Calibration: on the dotted line, probabilities are what they say.",
    "quantiles": "Calibration: on the dotted line, each quantile is above its share of the rows.",
    "residuals": "Residuals of the student: truth less prediction, 2,000 rows at most.",
    "fidelity": "Fidelity: a point a row, 2,000 at most; on the dotted line both say the same.",
    "segments": "Loss by segment; further left is better.",
    "history": "The training, by epoch.",
}
_LEFT, _WORDS = ' class="name"', ' class="name words"'
_TONES = {SERVE: "good", NO_TEACHER: "other", COMPILE: "other", KEEP: "bad"}

# Colours of text are those around the report, so that it is legible wherever it is shown.
_STYLE = """
.skd-report { font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
.skd-report h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .2rem; }
.skd-report h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
.skd-report p { margin: .3rem 0; max-width: 46rem; }
.skd-report .about { opacity: .75; }
.skd-report .verdict { border-left: 5px solid #7a8794; padding: .7rem 1.1rem; margin: 1.2rem 0;
  background: rgba(128, 128, 128, .1); border-radius: 4px; }
.skd-report .verdict strong { font-size: 1.2rem; }
.skd-report .verdict.good { border-color: #2e9e5b; }
.skd-report .verdict.other { border-color: #d39a1c; }
.skd-report .verdict.bad { border-color: #d0483e; }
.skd-report ul { margin: .4rem 0; padding-left: 1.2rem; max-width: 48rem; }
.skd-report .wide { overflow-x: auto; }
.skd-report table { border-collapse: collapse; font-size: .87rem; margin: .6rem 0;
  font-variant-numeric: tabular-nums; }
.skd-report th, .skd-report td { padding: .3rem .8rem .3rem 0; text-align: right;
  vertical-align: top; border-bottom: 1px solid rgba(128, 128, 128, .3); overflow-wrap: normal; }
.skd-report th, .skd-report td { white-space: nowrap; }
.skd-report td:has(.ends), .skd-report th:first-child, .skd-report td:first-child
  { white-space: normal; }
.skd-report th { font-weight: 600; }
.skd-report th:first-child, .skd-report td:first-child { text-align: left; }
@media (max-width: 40rem) {
  .skd-report th:first-child, .skd-report td:first-child
    { position: sticky; left: 0; background: var(--skd-page, Canvas); max-width: 8rem; }
}
.skd-report .name { text-align: left; }
.skd-report .words { white-space: normal; }
.skd-report span.ends { opacity: .7; white-space: nowrap; font-size: .92em; }
.skd-report figure { margin: 1rem 0; }
.skd-report figcaption { font-size: .87rem; opacity: .75; }
.skd-report svg { max-width: 100%; height: auto; display: block; }
.skd-report svg text { font-family: inherit !important; }
"""
_PAGE_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem;
  color: #1c2127; background: #fff; }
@media (prefers-color-scheme: dark) { body { color: #dfe4e9; background: #14181d; } }
@media print { body { color: #000; background: #fff; } .skd-report .wide { overflow: visible; } }
"""


def as_page(report: "DistillationReport") -> str:
    """The report as an HTML document.

    Parameters
    ----------
    report : DistillationReport

    Returns
    -------
    str
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Distillation report: {escape(report.verdict.answer)}</title>\n"
        f"<style>{_PAGE_STYLE}</style>\n</head>\n<body>\n"
        f"{as_fragment(report, with_plots=True)}\n</body>\n</html>\n"
    )


def as_fragment(report: "DistillationReport", with_plots: bool) -> str:
    """The report as an HTML element.

    Parameters
    ----------
    report : DistillationReport
    with_plots : bool

    Returns
    -------
    str
    """
    verdict = report.verdict
    pieces = [
        f"<style>{_STYLE}</style>",
        "<h1>Distillation report</h1>",
        *(
            f'<p class="about">{escape(text)}</p>'
            for text in (report.answers.summary, *report.about)
        ),
        f'<div class="verdict {_TONES.get(verdict.answer, "")}">'
        f"<strong>{escape(verdict.answer[:1].upper() + verdict.answer[1:])}</strong>",
        *(f"<p>{escape(text)}</p>" for text in verdict.summary),
        "</div>",
        _list(verdict.reasons),
    ]
    for section in sections_of(report):
        pieces.append(f"<h2>{escape(section.title)}</h2>")
        if section.words is report.choices:
            pieces.append(_list(section.words))
        else:
            pieces += [f"<p>{escape(text)}</p>" for text in section.words]
        pieces.append(_table(section))
        if with_plots:
            pieces += [_figure(name, draw(name, report)) for name in section.plots]
    return '<div class="skd-report">\n' + "\n".join(filter(None, pieces)) + "\n</div>"


def _list(texts: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    are_words = section.columns_of_words()
    heads = zip(section.header, are_words, strict=True)
    head = "".join(
        f"<th{_LEFT if left else ''}>{escape(text).replace(', ', ',<br>')}</th>"
        for text, left in heads
    )
    rows = [map(_cell, row, are_words) for row in section.rows]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str, is_words: bool) -> str:
    value, bracket, ends = text.partition(" [")
    if bracket and ends.endswith("]"):
        return f'<td>{escape(value)} <span class="ends">[{escape(ends)}</span></td>'
    style = "" if not is_words else _LEFT if len(text) <= WORDS else _WORDS
    return f"<td{style}>{escape(text)}</td>"


def _figure(name: str, svg: str | None) -> str:
    if svg is None:
        return ""
    return f"<figure>{svg}<figcaption>{escape(CAPTIONS[name])}</figcaption></figure>"
