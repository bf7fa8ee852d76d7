"""The commands and their options: ``xcopa serve | base | predict | train | evaluate | plan | ...``.

A command imports what it needs when it runs. So serving loads no training code, and a missing extra
stops only the commands that need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.errors import StartError
from app.process import leave, leave_on_signals
from xcopa.plan_options import plan
from xcopa.start import failing_on, needs, read_settings
from xcopa.study_options import study

app = typer.Typer(
    help="Multilingual causal reasoning with XLM-R.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
reports = typer.Typer(help="Print the results of a finished evaluation.", no_args_is_help=True)
app.add_typer(reports, name="report")
data_sets = typer.Typer(help="Check or fetch the data sets.", no_args_is_help=True)
app.add_typer(data_sets, name="data")
api_keys = typer.Typer(help="Add, list and revoke API keys.", no_args_is_help=True)
app.add_typer(api_keys, name="keys")

OptionalDataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="XCOPA_DATA_DIR",
        help="Directory with copa/, xcopa/, ... Without it the command downloads the sets from "
        "the hub.",
    ),
]
ItemsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Measure a file of your own instead, in COPA's or XCOPA's format: JSON lines, "
        "CSV or XML; by language where rows have one. --data, --split and --questions then "
        "say nothing.",
    ),
]
KeysFileOption = Annotated[
    Path | None,
    typer.Option(
        "--file", metavar="FILE", help="The file of keys; else that of XCOPA_API_KEYS_FILE."
    ),
]
OwnKeyOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="With --against: a file that holds the API key to send; else the variable "
        "XCOPA_API_KEY, if it is set.",
    ),
]
WorkOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Directory for checkpoints and logs; default runs/<recipe name>."
    ),
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Remove phases in --work that were made from another recipe, base, code or other "
        "data, and make them anew. Without it the command names what differs and ends.",
    ),
]
ReportFile = Annotated[
    Path, typer.Argument(help="A report.json, as xcopa evaluate --out writes it.")
]


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def serve(
    ray: Annotated[
        bool,
        typer.Option(
            "--ray",
            help="Serve on Ray: on the cluster that RAY_ADDRESS names, else on one of this machine "
            "that ends with the command.",
        ),
    ] = False,
    replicas: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="With --ray: replicas at least; else one."),
    ] = None,
    max_replicas: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="With --ray: replicas at most; else as many as at least."
        ),
    ] = None,
) -> None:
    """Serve the models over HTTP. XCOPA_* variables are its settings."""
    wanted = {"replicas": replicas, "max_replicas": max_replicas}
    given = {name: count for name, count in wanted.items() if count is not None}
    if given and not ray:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise typer.BadParameter(f"{names}: only with --ray; without it there is one service")
    leave_on_signals()
    settings = read_settings(service=True)
    if ray:
        from app.scale.options import ScaleOptions
        from app.scale.run import serve_on_ray

        with failing_on(StartError):
            options = ScaleOptions.read(given)
        leave(serve_on_ray(settings, options))
    from app import server

    leave(server.serve(settings))


@app.command()
def base() -> None:
    """Assemble the embedded base model, if it is not there yet, and print its directory."""
    settings = read_settings()
    from app.weights.embedded import ensure_base

    with failing_on(StartError):
        typer.echo(ensure_base(settings.cache_dir))


@app.command()
def predict(
    file: Annotated[
        Path,
        typer.Argument(help="JSON lines or CSV, a question a row; - reads standard input."),
    ],
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Such as direct; else the default model.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask the service that runs there, over HTTP.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the answers go, else to standard output. Interrupted, the same command "
            "goes on in that file.",
        ),
    ] = None,
    key_file: OwnKeyOption = None,
) -> None:
    """Answer every row of a file, in order, as JSON lines; exits with 1 if a row failed."""
    settings = read_settings()
    from xcopa.predict import model_here, run_by_service, wanted_prediction

    wanted = wanted_prediction(file, out)
    if against is not None:
        run_by_service(wanted, against, model, key_file)
        return
    name = model_here(settings, model)
    from xcopa.predict_here import run_here

    run_here(wanted, settings, name)


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, such as models/recipes/stilts.toml.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory for the finished variant.")],
    data: OptionalDataOption = None,
    work: WorkOption = None,
    force: ForceOption = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check recipe, base, the data of all phases, folders and disk space, show the "
            "plan with steps, tokens, FLOPs, memory and time, and end. Fetches and writes nothing; "
            "names what a run would fetch.",
        ),
    ] = False,
) -> None:
    """Train a variant by a recipe. After an interruption, the same command resumes."""
    settings = read_settings()
    with needs("train"):
        from xcopa import train as training

    wanted = training.WantedTraining(recipe, out, data, work, force, dry_run)
    training.run(wanted, settings)


@app.command("cross-validate")
def cross_validate(
    recipe: Annotated[
        Path, typer.Argument(help="A recipe with balanced-copa/all in its last phase.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory for figures and logits.")],
    data: OptionalDataOption = None,
    work: WorkOption = None,
    force: ForceOption = False,
) -> None:
    """Train on four fifths of COPA 1-500 with mirrors, in turn, and measure the last fifth."""
    settings = read_settings()
    with needs("train"), needs("evaluate"):
        from xcopa import cross_validate as validating
        from xcopa.train import WantedTraining

    validating.run(WantedTraining(recipe, out, data, work, force), settings)


@app.command()
def evaluate(
    data: OptionalDataOption = None,
    split: Annotated[
        str, typer.Option(metavar="SPLIT", help="Items to measure on: val or test.")
    ] = "test",
    questions: Annotated[
        str,
        typer.Option(
            metavar="READING",
            help="Which `question` of XCOPA to use: upstream (as published), repaired (as in "
            "COPA), or both.",
        ),
    ] = "both",
    against: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Measure the running service at this address, over HTTP."),
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VARIANT=DIR",
            help="Also measure DIR/seed-*/variant as seeds of the variant. Repeat it for each "
            "variant.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Directory for report, pictures and predictions."),
    ] = None,
    items: ItemsOption = None,
    key_file: OwnKeyOption = None,
) -> None:
    """Measure the zero-shot accuracy of all models in every language, and compare them."""
    settings = read_settings()
    with needs("evaluate"):
        from xcopa import evaluate as evaluation

    evaluation.run(settings, data, split, questions, against, seeds or [], out, items, key_file)


app.command()(plan)
app.command()(study)


@app.command()
def export(
    variant: Annotated[str, typer.Argument(help="Such as direct or stilts.")],
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
    """Read every row of a data directory. Print which sets it has, and what each command lacks."""
    from xcopa import data as sets

    sets.run_check(data)


@data_sets.command()
def fetch(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory for the sets.")],
) -> None:
    """Download COPA, XCOPA and Balanced COPA from the Hugging Face hub."""
    with needs("evaluate"):
        import datasets  # noqa: F401 - imported here, so that one line says when it is missing

        from xcopa import data as sets

    sets.run_fetch(out)


@api_keys.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Whose key it is; for logs and metrics.")],
    file: KeysFileOption = None,
    weight: Annotated[
        int, typer.Option(metavar="N", help="Its share of the engine beside those of others.")
    ] = 1,
    tokens_per_second: Annotated[
        int | None, typer.Option(metavar="N", help="Most tokens a second; else any number.")
    ] = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="Its holder may change which models are served.")
    ] = False,
) -> None:
    """Draw a key, add its digest to the file, and print the key, once."""
    settings = read_settings()
    from xcopa import keys

    keys.add(keys.file_of(settings, file), name, weight, tokens_per_second, admin=admin)


@api_keys.command("list")
def list_keys(file: KeysFileOption = None) -> None:
    """Print the names of the keys, and what they may do."""
    settings = read_settings()
    from xcopa import keys

    keys.show(keys.file_of(settings, file))


@api_keys.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(help="Of the key.")], file: KeysFileOption = None
) -> None:
    """Mark a key as revoked. The service refuses it from then on."""
    settings = read_settings()
    from xcopa import keys

    keys.revoke(keys.file_of(settings, file), name)


@reports.command()
def markdown(file: ReportFile) -> None:
    """Print a report as Markdown."""
    with needs("evaluate"):
        from xcopa import report

    report.print_markdown(file)


@reports.command()
def card(
    file: ReportFile, variant: Annotated[str, typer.Argument(help="The variant, such as stilts.")]
) -> None:
    """Print the table of a variant's model card."""
    with needs("evaluate"):
        from xcopa import report

    report.print_card(file, variant)


@reports.command()
def recompute(
    directory: Annotated[
        Path,
        typer.Argument(help="The directory of xcopa evaluate --out, or models/ of this project."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write report and pictures there; may be the same one."),
    ] = None,
) -> None:
    """Compute every number again from the logits in predictions.jsonl(.xz), without a model."""
    with needs("evaluate"):
        from xcopa import report

    report.print_recomputed(directory, out)


if __name__ == "__main__":
    main()
