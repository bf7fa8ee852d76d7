"""The command line: ``xcopa serve | base | train | evaluate``.

This is where every part meets, so it alone may reach for training and evaluation code; it does
so inside the commands, and serving never loads them.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from app.errors import StartError
from app.settings import Settings

app = typer.Typer(
    help="Multilingual causal reasoning with XLM-R.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

DataOption = Annotated[
    Path,
    typer.Option("--data", envvar="XCOPA_DATA_DIR", help="Directory with copa/, xcopa/, ecare/."),
]


def main() -> None:
    """Run the command line."""
    app()


def _settings() -> Settings:
    """Read the settings, or exit with one line that names the variable."""
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "XCOPA_" + "__".join(str(part) for part in first["loc"]).upper()
        raise _failure(f"{name}: {first['msg']} (got {first['input']!r})") from error
    except SettingsError as error:
        raise _failure(f"{error}; the models are XCOPA_MODELS__DIRECT and __STILTS") from error
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for noisy in ("httpx", "huggingface_hub", "filelock", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return settings


def _failure(message: str) -> typer.Exit:
    typer.echo(f"xcopa cannot go on: {message}", err=True)
    return typer.Exit(1)


@app.command()
def serve() -> None:
    """Serve both models over HTTP; settings come from XCOPA_* variables."""
    settings = _settings()
    from app.server import serve as run_server  # noqa: PLC0415

    raise typer.Exit(run_server(settings))


@app.command()
def base() -> None:
    """Assemble the embedded base, unless it is there, and print where it is."""
    from app.main import embedded_base  # noqa: PLC0415

    try:
        typer.echo(embedded_base(_settings()))
    except StartError as error:
        raise _failure(str(error)) from error


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, such as models/recipes/stilts.toml.")],
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Where the finished variant is written.")],
    work: Annotated[
        Path | None, typer.Option(help="Checkpoints and logs; default runs/<recipe name>.")
    ] = None,
) -> None:
    """Make a variant of a recipe. Interrupted, the same command goes on where it was."""
    settings = _settings()
    from app.engine.hub import resolve  # noqa: PLC0415
    from app.engine.model import EMBEDDED_BASE  # noqa: PLC0415
    from app.main import embedded_base  # noqa: PLC0415
    from models.recipe import RecipeError, load_recipe  # noqa: PLC0415
    from models.tasks.example import DataError  # noqa: PLC0415
    from models.training import TrainingRun  # noqa: PLC0415
    from models.training import train as run_training  # noqa: PLC0415

    try:
        read = load_recipe(recipe)
        if read.base == EMBEDDED_BASE:
            base_directory = embedded_base(settings)
        else:
            base_directory = resolve(read.base, str(recipe))
        run_training(TrainingRun(read, base_directory, data, work or Path("runs") / read.name, out))
    except (RecipeError, DataError, StartError) as error:
        raise _failure(str(error)) from error
    typer.echo(f"wrote {out}")


@app.command()
def evaluate(
    data: DataOption,
    split: Annotated[str, typer.Option(help="val or test.")] = "test",
    questions: Annotated[
        str, typer.Option(help="upstream, repaired, or both: how XCOPA's question is read.")
    ] = "both",
    out: Annotated[Path | None, typer.Option(help="Write the figures here as JSON.")] = None,
) -> None:
    """Print the accuracy of both models by language, with 95 % intervals."""
    settings = _settings()
    from app.main import load_models  # noqa: PLC0415
    from models import evaluation  # noqa: PLC0415
    from models.tasks.example import DataError  # noqa: PLC0415
    from models.tasks.xcopa import Questions  # noqa: PLC0415

    known: dict[str, tuple[Questions, ...]] = {
        "upstream": ("upstream",),
        "repaired": ("repaired",),
        "both": ("upstream", "repaired"),
    }
    if questions not in known:
        raise _failure(f"--questions must be one of {', '.join(known)}")
    if split not in ("val", "test"):
        raise _failure("--split must be val or test")
    console = Console()
    columns = ("scoring", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        variants = load_models(settings)
        total = evaluation.items_to_score(data, split, len(known[questions]), len(variants))
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("", total=total)
            report = evaluation.evaluate(
                variants,
                data,
                split,
                known[questions],
                advance=lambda items: progress.advance(task, items),
            )
    except (DataError, StartError) as error:
        raise _failure(str(error)) from error
    evaluation.print_report(report, console)
    if out is not None:
        out.write_text(json.dumps(report.to_json(), indent=2) + "\n", encoding="utf-8")
        console.print(f"wrote {out}")


if __name__ == "__main__":
    main()
