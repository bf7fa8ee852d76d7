"""The commands and their options: ``xcopa serve``, ``export``, ``train``, ``evaluate`` and so on.

A command imports what it needs when it runs, so that serving loads no training code and an extra
that is not installed is missed by its own commands alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.errors import StartError
from xcopa.start import failing_on, needs, read_settings

app = typer.Typer(
    help="Multilingual causal reasoning with XLM-R.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
reports = typer.Typer(help="Make tables of an evaluation that was written.", no_args_is_help=True)
app.add_typer(reports, name="report")
data_sets = typer.Typer(help="Check or fetch the data sets.", no_args_is_help=True)
app.add_typer(data_sets, name="data")

OptionalDataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="XCOPA_DATA_DIR",
        help="Directory with copa/, xcopa/, ...; without one the sets come from the hub.",
    ),
]
ReportFile = Annotated[Path, typer.Argument(help="A report.json.")]


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def serve() -> None:
    """Serve both models over HTTP; settings come from XCOPA_* variables."""
    settings = read_settings()
    from app import server

    raise typer.Exit(server.serve(settings))


@app.command()
def base() -> None:
    """Assemble the embedded base, unless it is there, and print where it is."""
    settings = read_settings()
    from app.weights.embedded import ensure_base

    with failing_on(StartError):
        typer.echo(ensure_base(settings.cache_dir))


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, such as models/recipes/stilts.toml.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the finished variant is written.")
    ],
    data: OptionalDataOption = None,
    work: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Checkpoints and logs; default runs/<recipe name>."),
    ] = None,
) -> None:
    """Make a variant of a recipe. Interrupted, the same command goes on where it was."""
    settings = read_settings()
    with needs("train"):
        from xcopa import train as training

    training.run(recipe, out, data, work, settings)
    typer.echo(f"wrote {out}")


@app.command()
def evaluate(
    data: OptionalDataOption = None,
    split: Annotated[str, typer.Option(metavar="SPLIT", help="val or test.")] = "test",
    questions: Annotated[
        str,
        typer.Option(
            metavar="READING", help="upstream, repaired, or both: how XCOPA's question is read."
        ),
    ] = "both",
    against: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Measure the service that runs there, over HTTP."),
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VARIANT=DIR", help="Measure DIR/seed-*/variant as well; for each variant."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write report, pictures and raw predictions there."),
    ] = None,
) -> None:
    """Measure both models by language, zero-shot, and compare them."""
    settings = read_settings()
    with needs("evaluate"):
        from xcopa import evaluate as evaluation

    evaluation.run(settings, data, split, questions, against, seeds or [], out)


@app.command()
def export(
    variant: Annotated[str, typer.Argument(help="direct or stilts.")],
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; new, or empty.")],
) -> None:
    """Write a model, its adapter merged, as a checkpoint that transformers loads."""
    settings = read_settings()
    from xcopa import export as exporting

    exporting.run(settings, variant, out)
    typer.echo(f"wrote {out}")


@data_sets.command()
def check(
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", envvar="XCOPA_DATA_DIR", help="The data directory."),
    ],
) -> None:
    """Say which sets a directory has, and what each command lacks; reads every row."""
    from xcopa import data as sets

    sets.run_check(data)


@data_sets.command()
def fetch(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the sets are written.")],
) -> None:
    """Take COPA, XCOPA and Balanced COPA from the Hugging Face hub."""
    with needs("evaluate"):
        import datasets  # noqa: F401 - asked for here, so that its absence is said in one line

        from xcopa import data as sets

    sets.run_fetch(out)


@reports.command()
def markdown(file: ReportFile) -> None:
    """Print a report as Markdown."""
    with needs("evaluate"):
        from xcopa import report

    report.print_markdown(file)


@reports.command()
def card(
    file: ReportFile, variant: Annotated[str, typer.Argument(help="direct or stilts.")]
) -> None:
    """Print the table of a variant's model card."""
    with needs("evaluate"):
        from xcopa import report

    report.print_card(file, variant)


@reports.command()
def recompute(
    directory: Annotated[Path, typer.Argument(help="Where xcopa evaluate --out wrote.")],
) -> None:
    """Compute every number again from the logits in predictions.jsonl; no model is needed."""
    with needs("evaluate"):
        from xcopa import report

    report.print_recomputed(directory)


if __name__ == "__main__":
    main()
