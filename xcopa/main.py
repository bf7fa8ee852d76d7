"""The command line: ``xcopa serve | base | train | evaluate``.

This is where every part meets, so it alone may reach for training and evaluation code; it does
so inside the commands, and serving never loads them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console

from app.errors import StartError
from app.settings import Settings

app = typer.Typer(
    help="Multilingual causal reasoning with XLM-R.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

OptionalDataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="XCOPA_DATA_DIR",
        help="Directory with copa/, xcopa/, ...; without one the sets come from the hub.",
    ),
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


@contextmanager
def _needs(extra: str) -> Iterator[None]:
    """Say which extra of the package brings what cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise _failure(
            f"{error.name} is not installed; pip install 'xcopa-service[{extra}]' brings it"
        ) from error


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
    out: Annotated[Path, typer.Option(help="Where the finished variant is written.")],
    data: OptionalDataOption = None,
    work: Annotated[
        Path | None, typer.Option(help="Checkpoints and logs; default runs/<recipe name>.")
    ] = None,
) -> None:
    """Make a variant of a recipe. Interrupted, the same command goes on where it was."""
    settings = _settings()
    with _needs("train"):
        from app.main import embedded_base  # noqa: PLC0415
        from app.weights.loading import EMBEDDED_BASE, locate  # noqa: PLC0415
        from models.tasks.example import DataError  # noqa: PLC0415
        from models.training import TrainingRun, training_progress  # noqa: PLC0415
        from models.training import train as run_training  # noqa: PLC0415
        from models.training.recipe import RecipeError, load_recipe  # noqa: PLC0415

    try:
        read = load_recipe(recipe)
        if read.base == EMBEDDED_BASE:
            base_directory = embedded_base(settings)
        else:
            found = locate(read.base, lambda: embedded_base(settings), f"{recipe}: base")
            base_directory = found.full
        run = TrainingRun(read, base_directory, data, work or Path("runs") / read.name, out)
        with training_progress() as watch:
            run_training(run, watch)
    except (RecipeError, DataError, StartError) as error:
        raise _failure(str(error)) from error
    typer.echo(f"wrote {out}")


@app.command()
def evaluate(
    data: OptionalDataOption = None,
    split: Annotated[str, typer.Option(help="val or test.")] = "test",
    questions: Annotated[
        str, typer.Option(help="upstream, repaired, or both: how XCOPA's question is read.")
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
        typer.Option(metavar="DIR", help="Write report, figures and raw predictions there."),
    ] = None,
) -> None:
    """Measure both models by language, zero-shot, and compare them."""
    settings = _settings()
    with _needs("evaluate"):
        from app.main import embedded_base  # noqa: PLC0415
        from models.evaluation import command  # noqa: PLC0415
        from models.evaluation.ask.local import opener  # noqa: PLC0415
        from models.evaluation.ask.predictor import EvaluationError  # noqa: PLC0415
        from models.tasks.example import DataError  # noqa: PLC0415

    console = Console()
    try:
        options = command.Options.parse(data, split, questions, seeds or [], out)
        if against is not None:
            command.evaluate_service(options, against, console)
        else:
            load = opener(settings, lambda: embedded_base(settings))
            command.evaluate_here(options, settings.models.model_dump(), load, console)
    except (DataError, EvaluationError, StartError) as error:
        raise _failure(str(error)) from error


if __name__ == "__main__":
    main()
