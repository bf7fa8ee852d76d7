"""Puts a finished study where the documentation has it.

python -m loadtests.study.publish runs/study      # study.json into docs/results, page, pictures
python -m loadtests.study.publish                 # the page again, from docs/results/study.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loadtests.study import pictures, report
from loadtests.study.errors import StudyError
from loadtests.study.page import NOT_MEASURED, written

DOCS = Path(__file__).resolve().parents[2] / "docs"

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def page_of(docs: Path) -> str:
    """Return the page as it has to be: of the report that is there, or that there is none."""
    path = docs / "results" / report.FILE
    return written(report.load(path)) if path.exists() else NOT_MEASURED


@cli.command()
def publish(
    folder: Annotated[
        Path | None, typer.Argument(help="With a study.json; else that of docs/results.")
    ] = None,
    docs: Annotated[Path, typer.Option(hidden=True)] = DOCS,
) -> None:
    """Write docs/study.md and its pictures; a quick run is refused."""
    kept = docs / "results" / report.FILE
    try:
        made = report.load(kept if folder is None else folder / report.FILE)
    except StudyError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if made.setting.quick:
        typer.echo("a quick run is no result; run `make study` without --quick", err=True)
        raise typer.Exit(1)
    report.write(made, kept)
    pictures.draw(made, docs / "figures")
    (docs / "study.md").write_text(page_of(docs), encoding="utf-8")
    typer.echo(f"wrote {docs / 'study.md'}")


if __name__ == "__main__":
    cli(prog_name="python -m loadtests.study.publish")
