"""A variant's accuracy as its model card shows it."""

from __future__ import annotations

from models.evaluation.formats import interval
from models.evaluation.grids import READINGS, Line
from models.evaluation.languages import GROUP_TITLES, NAMES
from models.evaluation.markdown import table
from models.evaluation.report import Report


def card_table(report: Report, variant: str) -> str:
    """Return a Markdown table: a line a language and a mean, a column a reading of the questions.

    In per cent, with 95 % intervals: Wilson, and for means a bootstrap over items.

    Args:
        report: of an evaluation.
        variant: ``direct`` or ``stilts``.
    """
    readings = list(report.readings.values())
    languages = zip(*(reading.languages for reading in readings), strict=True)
    means = zip(*(reading.means for reading in readings), strict=True)
    lines = [
        *(
            Line((NAMES[own[0].language], *(interval(each.accuracy[variant]) for each in own)))
            for own in languages
        ),
        *(
            Line(
                (GROUP_TITLES[own[0].group], *(interval(each.accuracy[variant]) for each in own)),
                strong=True,
            )
            for own in means
        ),
    ]
    return table(("language", *(READINGS[questions] for questions in report.readings)), lines)
