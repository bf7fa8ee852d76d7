"""Invented rows of every set, as its publishers lay out their files and as the hub has them."""

from __future__ import annotations

import json

from tests.models.tasks.invented_causal import BALANCED_COPA, COPA, ECARE
from tests.models.tasks.writing import Fields, Invented, hub_rows, lines, twice

ANSWERS = {"answerA": "relieved", "answerB": "hungry", "answerC": "cross"}
LOST = {"context": "Ada found her key.", "question": "How does Ada feel?", **ANSWERS}
LATE = {"context": "Bo missed the tram.", "question": "What will Bo do next?", **ANSWERS}
SOCIALIQA = Invented(
    files={
        "socialiqa/train.jsonl": lines({**LOST, "label": 0}, {**LATE, "label": 2}),
        "socialiqa/dev.jsonl": lines({**LATE, "label": 2}),
    },
    # The hub counts from one, in text.
    hub=hub_rows("lighteval/siqa", twice({**LOST, "label": "1"}, {**LATE, "label": "3"})),
)


def _lettered(stem: str, letters: str, texts: list[str], answer: str) -> Fields:
    choices = [{"label": a, "text": b} for a, b in zip(letters, texts, strict=True)]
    return {"id": "x", "question": {"stem": stem, "choices": choices}, "answerKey": answer}


def _lettered_hub(name: str, row: Fields) -> Fields:
    choices = row["question"]["choices"]
    return {
        "id": row["id"],
        name: row["question"]["stem"],
        "choices": {
            "label": [choice["label"] for choice in choices],
            "text": [choice["text"] for choice in choices],
        },
        "answerKey": row["answerKey"],
    }


SHELF = _lettered("Where are books kept?", "ABCDE", ["shelf", "oven", "moon", "pond", "bed"], "A")
# The letters in another order, and the answer by its letter.
TIDE = _lettered("What moves the tide?", "ECABD", ["wind", "moon", "fish", "sand", "ships"], "C")
# Two choices read the same and one of them is right: no example.
VAGUE = _lettered("Where is it?", "ABCDE", ["here", "there", "away", "here", "far"], "D")
COMMONSENSEQA = Invented(
    files={
        "commonsenseqa/train_rand_split.jsonl": lines(SHELF, VAGUE, TIDE),
        "commonsenseqa/dev_rand_split.jsonl": lines(TIDE),
    },
    hub=hub_rows(
        "tau/commonsense_qa",
        {
            "train": [_lettered_hub("question", row) for row in (SHELF, VAGUE, TIDE)],
            "validation": [_lettered_hub("question", TIDE)],
        },
    ),
)
IRON = _lettered("A magnet attracts", "DCBA", ["wood", "an iron nail", "water", "wool"], "C")
MOSS = _lettered("Moss grows best in the", "ABCD", ["sun", "desert", "shade", "oven"], "C")
OPENBOOKQA = Invented(
    files={
        "openbookqa/train.jsonl": lines(IRON, MOSS),
        "openbookqa/dev.jsonl": lines(MOSS),
        "openbookqa/test.jsonl": lines(IRON),
    },
    hub=hub_rows(
        "allenai/openbookqa",
        {
            **twice(_lettered_hub("question_stem", IRON), _lettered_hub("question_stem", MOSS)),
            "test": [_lettered_hub("question_stem", IRON)],
        },
    ),
)

ENDINGS = ["stirs the soup.", "climbs a tree.", "[substeps] Rinse. Repeat.", "sings."]
SOUP = {"ctx": "A cook stands at a pot. she", "endings": ENDINGS, "label": 0}
HAIR = {"ctx": "[header] How to wash hair [title] Wet it.", "endings": ENDINGS, "label": 2}
HELLASWAG = Invented(
    files={
        "hellaswag/train.jsonl": lines(SOUP, HAIR),
        "hellaswag/val.jsonl": lines(HAIR),
    },
    hub=hub_rows("Rowan/hellaswag", twice({**SOUP, "label": "0"}, {**HAIR, "label": "2"})),
)


def _csv(header: list[str], *rows: Fields) -> str:
    cells = [[str(row[name]) for name in header] for row in rows]
    quoted = [
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [header, *cells]
    ]
    return "\r\n".join(quoted)


FILM = {
    "startphrase": "He opens the door. He",
    "ending0": "steps out, slowly.",
    "ending1": 'says "no".',
    "ending2": "melts.",
    "ending3": "barks.",
}
DANCE = {**FILM, "startphrase": "The music starts. Two people"}
SWAG = Invented(
    files={
        "swag/train.csv": _csv([*FILM, "label"], {**FILM, "label": 0}, {**DANCE, "label": 1}),
        "swag/val.csv": _csv([*FILM, "label"], {**DANCE, "label": 1}),
    },
    hub=hub_rows("allenai/swag", twice({**FILM, "label": 0}, {**DANCE, "label": 1})),
)

STORY = {
    "id": "q1",
    "context": "We drove all night , and\nthe baby slept .",
    "question": "Why did they drive ?",
    "answer0": "None of the above choices .",
    "answer1": "To arrive early , he said .",
    "answer2": "To buy a baby .",
    "answer3": "To sleep .",
}
COSMOSQA = Invented(
    files={
        "cosmosqa/train.csv": _csv([*STORY, "label"], {**STORY, "label": 1}, {**STORY, "label": 0}),
        "cosmosqa/valid.csv": _csv([*STORY, "label"], {**STORY, "label": 0}),
    },
    hub=hub_rows("Samsoup/cosmos_qa", twice({**STORY, "label": 1}, {**STORY, "label": 0})),
)

GLUE = {"goal": "mend a cup", "sol1": "glue it ", "sol2": "boil it"}
WARM = {"goal": "warm your hands", "sol1": "wet them", "sol2": "wear gloves"}
PIQA = Invented(
    files={
        "piqa/train.jsonl": lines(GLUE, WARM),
        "piqa/train-labels.lst": "0\n1\n",
        "piqa/valid.jsonl": lines(WARM),
        "piqa/valid-labels.lst": "1\n",
    },
    hub=hub_rows("baber/piqa", twice({**GLUE, "label": 0}, {**WARM, "label": 1})),
)

RULE = {
    "id": 7,
    "answer": 1,
    "text": "Every lamp in the house is on.",
    "type": {"Categorical Reasoning": True},
    "question": "Which follows?",
    "options": ["No lamp is on.", "The hall lamp is on.", "It is day.", "It is night."],
}
TRAINS = {**RULE, "id": 8, "answer": 3, "text": "Trains run by day or by night."}
LOGIQA2 = Invented(
    files={
        "logiqa2/train.txt": lines(RULE, TRAINS),
        "logiqa2/dev.txt": lines(TRAINS),
        "logiqa2/test.txt": lines(RULE),
    },
    hub=hub_rows("jeggers/logiqa2_formatted", {**twice(RULE, TRAINS), "test": [RULE]}),
)


def _gold(premise: str, hypothesis: str, label: str) -> Fields:
    return {"sentence1": premise, "sentence2": hypothesis, "gold_label": label, "pairID": "1n"}


def _pair(premise: str, hypothesis: str, label: int) -> Fields:
    return {"premise": premise, "hypothesis": hypothesis, "label": label}


DOG = ("A dog runs.", "An animal moves.")
MNLI = Invented(
    files={
        "mnli/multinli_1.0_train.jsonl": lines(
            _gold(*DOG, "entailment"), _gold(*DOG, "-"), _gold("A", "", "neutral")
        ),
        "mnli/multinli_1.0_dev_matched.jsonl": lines(_gold(*DOG, "neutral")),
    },
    hub=hub_rows(
        "nyu-mll/multi_nli",
        {
            "train": [_pair(*DOG, 0), _pair(*DOG, -1), _pair("A", "", 1)],
            "validation_matched": [_pair(*DOG, 1)],
        },
    ),
)


def _anli(label: str) -> Fields:
    return {"uid": "u", "context": "It is noon.", "hypothesis": "It is dark.", "label": label}


NOON = ("It is noon.", "It is dark.")
ANLI_MNLI_SNLI = Invented(
    files={
        **MNLI.files,
        **{f"anli/R{number}/train.jsonl": lines(_anli(x)) for number, x in enumerate("enc", 1)},
        **{f"anli/R{number}/dev.jsonl": lines(_anli("c")) for number in (1, 2, 3)},
        "snli/snli_1.0_train.jsonl": lines(_gold(*NOON, "-"), _gold(*NOON, "contradiction")),
        "snli/snli_1.0_dev.jsonl": lines(_gold(*NOON, "neutral")),
    },
    hub={
        **MNLI.hub,
        **hub_rows(
            "facebook/anli",
            {
                **{f"train_r{number + 1}": [_pair(*NOON, number)] for number in range(3)},
                **{f"dev_r{number}": [_pair(*NOON, 2)] for number in (1, 2, 3)},
            },
        ),
        **hub_rows(
            "stanfordnlp/snli",
            {"train": [_pair(*NOON, -1), _pair(*NOON, 2)], "validation": [_pair(*NOON, 1)]},
        ),
    },
)


def _asked(first: str | None, second: str | None, label: int | None) -> Fields:
    return {"question1": first, "question2": second, "label": label}


QQP = Invented(
    files={
        # A quotation mark that never closes, a pair without a question, a row torn by a line break.
        "qqp/train.tsv": (
            "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
            '1\t2\t3\tWhat is a "quark?\tWhat are quarks?\t1\n'
            "2\t3\t4\tHow do I?\t\t0\n"
            "3\t4\t5\tWhy is the sky\n"
            "4\t5\t6\tWho sings?\tWho dances?\t0\n"
        ),
        "qqp/dev.tsv": (
            "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n5\t6\t7\tWho?\tWhom?\t0"
        ),
    },
    hub=hub_rows(
        "nyu-mll/glue",
        {
            "train": [
                _asked('What is a "quark?', "What are quarks?", 1),
                _asked("How do I?", "", 0),
                _asked("Who sings?", "Who dances?", 0),
            ],
            "validation": [_asked("Who?", "Whom?", 0)],
        },
    ),
)

TOWER = "\nThe tower of Ys, built in 1204, fell in 1310."


def _tree(*questions: Fields) -> str:
    paragraph = {"context": TOWER, "qas": list(questions)}
    return json.dumps({"version": "x", "data": [{"title": "Ys", "paragraphs": [paragraph]}]})


def _question(text: str, *answers: tuple[str, int]) -> Fields:
    return {
        "id": "q",
        "question": text,
        "answers": [{"text": answer, "answer_start": start} for answer, start in answers],
        "is_impossible": not answers,
    }


def _flat(text: str, *answers: tuple[str, int]) -> Fields:
    return {
        "id": "q",
        "title": "Ys",
        "context": TOWER,
        "question": text,
        "answers": {
            "text": [answer for answer, _ in answers],
            "answer_start": [start for _, start in answers],
        },
    }


FALL = ("When did it fall?", ("1310", TOWER.index("1310")), ("in 1310", TOWER.index("in 1310")))
BUILT = ("When was it built?", ("1204", TOWER.index("1204")))
WHO = ("Who built it?",)
SQUAD1 = Invented(
    files={
        "squad1/train-v1.1.json": _tree(_question(*FALL), _question(*BUILT)),
        "squad1/dev-v1.1.json": _tree(_question(*BUILT)),
    },
    hub=hub_rows("rajpurkar/squad", twice(_flat(*FALL), _flat(*BUILT))),
)
SQUAD2 = Invented(
    files={
        "squad2/train-v2.0.json": _tree(_question(*FALL), _question(*WHO)),
        "squad2/dev-v2.0.json": _tree(_question(*WHO)),
    },
    hub=hub_rows("rajpurkar/squad_v2", twice(_flat(*FALL), _flat(*WHO))),
)

CCG = Invented(
    files={
        "ccg/train.txt": "Bo|NNP|N sleeps|VBZ|S\\NP .|.|.\nThe|DT|NP/N cat|NN|N\n",
        "ccg/dev.txt": "The\tDT\tNP/N\ncat\tNN\tN\n\nslept\t(S\\NP)/X\n",
    }
)

SETS = {
    "copa": COPA,
    "balanced-copa": BALANCED_COPA,
    "ecare": ECARE,
    "socialiqa": SOCIALIQA,
    "commonsenseqa": COMMONSENSEQA,
    "hellaswag": HELLASWAG,
    "swag": SWAG,
    "cosmosqa": COSMOSQA,
    "piqa": PIQA,
    "openbookqa": OPENBOOKQA,
    "logiqa2": LOGIQA2,
    "mnli": MNLI,
    "anli-mnli-snli": ANLI_MNLI_SNLI,
    "qqp": QQP,
    "squad1": SQUAD1,
    "squad2": SQUAD2,
    "ccg": CCG,
}
