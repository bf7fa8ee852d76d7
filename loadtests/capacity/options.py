"""The options of the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from loadtests.cases import ROUTES
from loadtests.number_options import MOST_MS, MOST_RATE, MOST_S


def _of(known: Sequence[str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        for name in text.split(","):
            if name not in known:
                raise typer.BadParameter(f"{name!r} is not one of {', '.join(known)}")
        return text

    return checked


P99Option = Annotated[
    float,
    typer.Option(
        min=1.0,
        max=MOST_MS,
        help="99 % of the requests are answered within so many ms.",
    ),
]
ErrorsOption = Annotated[
    float,
    typer.Option(min=0.0001, max=0.5, help="Share of requests that may fail, at most."),
]
RoutesOption = Annotated[str, typer.Option(callback=_of(ROUTES), help="With commas between.")]
VariantsOption = Annotated[str, typer.Option(help="With commas between; empty: all.")]
AtLeastOption = Annotated[
    float,
    typer.Option(min=0.0, max=MOST_RATE, help="Exit with 1 if it is fewer requests a second."),
]
AgainstOption = Annotated[
    str | None, typer.Option(help="A service that runs; without one, one is started.")
]
LanguagesOption = Annotated[str, typer.Option(help="With commas between; empty: all.")]
RepetitionsOption = Annotated[str, typer.Option(help="Times a premise is said: 1:8,4:1.")]
BatchSizesOption = Annotated[str, typer.Option(help="Items of a batch: 8:4,64:1.")]
ChoicesOption = Annotated[str, typer.Option(help="Choices of a ranking: 2:1,32:1.")]
PrecisionOption = Annotated[
    float,
    typer.Option(min=0.01, max=1.0, help="How exact the answer is, as a share."),
]
ConfidenceOption = Annotated[
    float,
    typer.Option(min=0.5, max=0.999, help="How sure it is that the answer holds."),
]
RepeatsOption = Annotated[int, typer.Option(min=1, help="Trials of the answer at the end.")]
MostSecondsOption = Annotated[
    float,
    typer.Option(min=1.0, max=MOST_S, help="Seconds of a trial, at most."),
]
MostTrialsOption = Annotated[int, typer.Option(min=3, help="Trials of a case, at most.")]
OutOption = Annotated[Path | None, typer.Option(help="Folder for report.json and report.html.")]
