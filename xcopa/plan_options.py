"""The options of ``xcopa plan``. They are many, so they have a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xcopa.start import read_settings

RateOption = Annotated[float, typer.Option(metavar="N", help="Requests a second, on average.")]
LatencyGoal = Annotated[
    float,
    typer.Option("--p99", metavar="S", help="Seconds within which 99 % of them are answered."),
]
Burst = Annotated[
    float,
    typer.Option(
        metavar="CV",
        help="Standard deviation of the gaps between requests over their mean: 0 is an even pace, "
        "1 is callers who do not know of each other, more is in clumps.",
    ),
]
LengthsOption = Annotated[
    str | None,
    typer.Option(
        metavar="TOKENS:SHARE,...",
        help="Tokens of a question, both rows together, and how often: 50:3,200:1.",
    ),
]
Languages = Annotated[
    str | None,
    typer.Option(
        metavar="LANGUAGE,...",
        help="Questions as long as those of XCOPA in these languages, such as et,ta; by default in "
        "all twelve.",
    ),
]
PolicyName = Annotated[
    str,
    typer.Option(
        metavar="POLICY",
        help="Which replica gets a request: jsq (the one with the fewest), two (the better of two "
        "at random) or random.",
    ),
]
ReplicasDown = Annotated[
    int, typer.Option(metavar="N", help="The p99 must hold while so many replicas are down.")
]
EngineCounts = Annotated[
    list[int] | None,
    typer.Option(
        metavar="N",
        help="Engines of a replica; repeat it to compare sizes. By default as many as the curve "
        "was measured with.",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A replica is as fast as the service that runs there."),
]
CurveFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A replica is as fast as this answer of GET /models says. Without it and --against, "
        "the models are measured here.",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="With --against: a file that holds the API key to send; else the variable "
        "XCOPA_API_KEY, if it is set.",
    ),
]
PlannedModel = Annotated[
    str | None, typer.Option(metavar="NAME", help="The model that is asked; else the default.")
]
PaceOption = Annotated[
    float,
    typer.Option(metavar="X", help="How many times as long as measured a batch takes in service."),
]
FrontTime = Annotated[
    float, typer.Option(metavar="MS", help="Time of a request in the process that speaks HTTP.")
]
Requests = Annotated[int, typer.Option(metavar="N", help="Requests of each simulation, at least.")]
RunsOption = Annotated[int, typer.Option(metavar="N", help="Simulations behind each interval.")]
Whole = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Largest fleet that is simulated whole each time. In place of a larger one so many "
        "replicas are, each under the same load; at the end the larger one is simulated once.",
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Of all chance; the same gives the same.")]
OutDirectory = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Directory for plan.json and the picture latency.png."),
]


def plan(
    rate: RateOption,
    p99: LatencyGoal,
    burst: Burst = 1.0,
    lengths: LengthsOption = None,
    languages: Languages = None,
    policy: PolicyName = "random",
    replicas_down: ReplicasDown = 0,
    engines: EngineCounts = None,
    against: Against = None,
    curve: CurveFile = None,
    key_file: KeyFile = None,
    model: PlannedModel = None,
    pace: PaceOption = 1.0,
    front_ms: FrontTime = 0.5,
    requests: Requests = 20_000,
    runs: RunsOption = 5,
    whole: Whole = 32,
    seed: Seed = 0,
    out: OutDirectory = None,
) -> None:
    """Say how many replicas a load needs: a simulation with the scheduler of the service."""
    settings = read_settings()
    from xcopa import plan as planning

    load = planning.LoadOptions(rate, burst, lengths, languages)
    replica = planning.ReplicaOptions(
        against, curve, key_file, model, pace, front_ms, engines or ()
    )
    goal = planning.GoalOptions(p99, replicas_down, policy)
    effort = planning.EffortOptions(requests, runs, seed, whole)
    planning.run(planning.PlanOptions(load, replica, goal, effort, out), settings)
