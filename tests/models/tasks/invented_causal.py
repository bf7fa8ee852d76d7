"""Invented rows of the causal sets: COPA, XCOPA, Balanced COPA and e-CARE."""

from __future__ import annotations

from pathlib import Path

from models.tasks.sets.xcopa import LANGUAGES
from tests.models.tasks.writing import Fields, Invented, hub_rows, lines, twice, write

KETTLE = {
    "premise": "The kettle whistled.",
    "choice1": "The water boiled.",
    "choice2": "The cat slept.",
    "question": "cause",
    "label": 0,
}
RAIN = {
    "premise": " Rain fell on the chalk drawing.",
    "choice1": "The street was repaired.",
    "choice2": "The drawing washed away. ",
    "question": "effect",
    "label": 1,
}
COPA = Invented(
    files={
        "copa/train.jsonl": lines(KETTLE, RAIN),
        "copa/val.jsonl": lines(RAIN),
        "copa/test.jsonl": lines(KETTLE),
    },
    hub=hub_rows("aps/super_glue", twice({**KETTLE, "idx": 0}, {**RAIN, "idx": 1})),
)


def _ecare(row: Fields) -> Fields:
    return {
        "index": "train-0",
        "premise": row["premise"],
        "ask-for": row["question"],
        "hypothesis1": row["choice1"],
        "hypothesis2": row["choice2"],
        "label": row["label"],
    }


BELL = {**KETTLE, "premise": "The bell rang.", "label": 1}
ECARE = Invented(
    files={
        "ecare/train.jsonl": lines(_ecare(KETTLE)),
        "ecare/dev.jsonl": lines(_ecare(KETTLE), _ecare(BELL)),
    },
    hub=hub_rows("12ml/e-CARE", {"train": [KETTLE], "validation": [KETTLE, BELL]}),
)


def twins() -> list[Fields]:
    """Balanced COPA's thousand rows, in the order of the published file."""
    rows = []
    for number in range(1, 501):
        item = {**KETTLE, "id": number, "premise": f"Kettle {number} whistled."}
        twin = {**KETTLE, "id": 1000 + number, "premise": f"Cat {number} purred.", "label": 1}
        rows += [item, twin]
    return rows


def balanced_xml(rows: list[Fields]) -> str:
    """The format of COPA's own files: choices count from one."""
    items = "".join(
        f'<item id="{row["id"]}" asks-for="{row["question"]}"'
        f' most-plausible-alternative="{row["label"] + 1}"><p>{row["premise"]}</p>'
        f"<a1>{row['choice1']}</a1><a2>{row['choice2']}</a2></item>\n"
        for row in rows
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE copa-corpus SYSTEM "copa.dtd">\n'
    return f'{head}<copa-corpus version="1.0">\n{items}</copa-corpus>\n'


BALANCED_COPA = Invented(
    files={"balanced-copa/balacopa-dev-all.xml": balanced_xml(twins())},
    hub=hub_rows("pkavumba/balanced-copa", {"train": twins(), "test": [{**KETTLE, "id": 501}]}),
)

_LIVING = ("dog", "girl", "cook", "driver", "teacher", "bird", "farmer", "singer", "nurse", "king")
_THINGS = ("door", "bread", "lamp", "river", "song", "boat", "letter", "coat", "clock", "tree")


def copa_item(number: int, mirror: bool = False) -> Fields:
    """Item ``number`` of an invented COPA, or its twin: another premise, the other choice right."""
    who, what = _LIVING[number % 10], _THINGS[number // 10 % 10]
    label = number // 3 % 2
    return {
        "premise": f"The {who} {'lost' if mirror else 'found'} the {what} on day {number}.",
        "choice1": f"The {who} laughed.",
        "choice2": f"The {what} was gone.",
        "question": ("cause", "effect")[number % 2],
        "label": 1 - label if mirror else label,
    }


def xcopa_item(number: int, language: str) -> Fields:
    """Its translation. In Thai every question says ``effect``, as in the published files."""
    item = copa_item(number)
    words = {name: f"{language} {item[name]}" for name in ("premise", "choice1", "choice2")}
    return {**item, **words, **({"question": "effect"} if language == "th" else {})}


def write_measured(folder: Path, items: int) -> Path:
    """Write what an evaluation reads: some items of COPA and XCOPA, and all of Balanced COPA."""
    first = {"train": 1, "val": 401, "test": 501}
    files = {}
    for split, start in first.items():
        numbers = range(start, start + items)
        files[f"copa/{split}.jsonl"] = lines(*map(copa_item, numbers))
        for language in LANGUAGES if split != "train" else ():
            rows = (xcopa_item(number, language) for number in numbers)
            files[f"xcopa/{language}/{split}.{language}.jsonl"] = lines(*rows)
    pairs = [
        {**copa_item(number, mirror), "id": number + 1000 * mirror}
        for number in range(1, 501)
        for mirror in (False, True)
    ]
    files["balanced-copa/balacopa-dev-all.xml"] = balanced_xml(pairs)
    return write(files, folder)
