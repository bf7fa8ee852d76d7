"""The languages that are measured, and the groups that are averaged."""

from __future__ import annotations

from models.tasks.sets import xcopa
from models.tasks.sets.xcopa import ENGLISH

NAMES = {
    ENGLISH: "English",
    "et": "Estonian",
    "ht": "Haitian Creole",
    "id": "Indonesian",
    "it": "Italian",
    "qu": "Quechua",
    "sw": "Swahili",
    "ta": "Tamil",
    "th": "Thai",
    "tr": "Turkish",
    "vi": "Vietnamese",
    "zh": "Chinese",
}

UNSEEN = ("ht", "qu")
"""Not among the hundred languages of XLM-R's pretraining (Conneau et al. 2020, appendix A)."""

NINE, ELEVEN, TWO = "nine", "eleven", "two"

ALL = "all"
"""Every language of a file of one's own."""

GROUPS = {
    NINE: tuple(language for language in xcopa.LANGUAGES if language not in UNSEEN),
    ELEVEN: xcopa.LANGUAGES,
    TWO: UNSEEN,
}
"""The means that are reported; the nine that XLM-R has seen are the headline."""

POOL_TITLES = {
    ENGLISH: NAMES[ENGLISH],
    NINE: "the nine, all answers together",
    ALL: "all answers together",
}

GROUP_TITLES = {
    ENGLISH: NAMES[ENGLISH],
    NINE: "mean of the nine that XLM-R has seen",
    ELEVEN: "mean of the eleven",
    TWO: "mean of Haitian Creole and Quechua, not seen",
    ALL: "mean of all languages",
}


def language_name(language: str) -> str:
    """Return a language's name, or what a file calls it if that is no code of ours."""
    return NAMES.get(language, language)
