"""The options of ``xcopa study``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xcopa.start import needs, read_settings

StudyOut = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Directory for study.json, study.md, the pictures and what is needed to go on after "
        "an interruption.",
    ),
]
StudyData = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="XCOPA_DATA_DIR",
        help="Directory with copa/, xcopa/, ... Without it the sample of this project is run, and "
        "no cascade.",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="Within ten minutes: three comparisons, short runs, few blocks. It is marked as such "
        "and goes to DIR/quick.",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(min=0.1, metavar="N", help="Most minutes of everything, instead of 90, or 10."),
]
Blocks = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Most blocks of a comparison of the variants, instead of 8, or 3. What else is "
        "compared has 3 at most.",
    ),
]
Shapes = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,...",
        help="Which shapes of XLM-R are compared with the served one, with random weights: "
        "base,large unless the run is quick; --shapes= compares none.",
    ),
]
StudySeed = Annotated[
    int, typer.Option("--seed", metavar="N", help="Draws which side of a block begins.")
]
EvaluationReport = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="The report.json of xcopa evaluate --out for the accuracy; else the one that is "
        "shipped with the models.",
    ),
]
IntermediateReport = Annotated[
    Path | None,
    typer.Option(
        "--intermediate",
        metavar="FILE",
        help="The intermediate.json of `make intermediate`, for the claims about intermediate "
        "sets; else docs/results/intermediate.json, if it is there.",
    ),
]
PageAlone = Annotated[
    bool, typer.Option("--page", help="Measure nothing: write page and pictures from study.json.")
]


def study(
    out: StudyOut = Path("runs/study"),
    data: StudyData = None,
    quick: Quick = False,
    minutes: Minutes = None,
    blocks: Blocks = None,
    shapes: Shapes = None,
    seed: StudySeed = 0,
    report: EvaluationReport = None,
    intermediate: IntermediateReport = None,
    page: PageAlone = False,
) -> None:
    """Say whether intermediate training costs anything when the models answer, and what it buys.

    Exit status: 0 there is a verdict, 1 the study cannot go on, 3 it was too noisy or too
    short for one. The same command goes on after an interruption.
    """
    settings = read_settings()
    with needs("evaluate"):
        import scipy.stats  # type: ignore[import-untyped]  # noqa: F401 - of this extra alone
    with needs("loadtest"):
        from xcopa import study as studying

    effort = studying.StudyEffortOptions(quick, minutes, blocks)
    wanted = studying.WantedStudy(
        out / "quick" if quick else out, data, effort, shapes, seed, report, intermediate
    )
    if page:
        studying.write_page(wanted)
    else:
        studying.run(wanted, settings)
