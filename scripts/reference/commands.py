"""``docs/reference/cli.md``: every command with its arguments and options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from scripts.reference.markdown import GENERATED, page, table
from xcopa.main import app

_INTRODUCTION = """\
Settings come from `XCOPA_*` variables ([settings](settings.md)). A command that fails
prints one line with the reason and exits with 1."""


def commands() -> str:
    """Return the page."""
    root = typer.main.get_command(app)
    return page("# Command line", GENERATED, _INTRODUCTION, *_command("xcopa", root))


def _command(path: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _command(f"{path} {name}", child)
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join([path, *(argument.name.upper() for argument in arguments)])
    yield f"## {usage}\n\n{command.help}"
    rows = [(f"`{_spelling(p)}`", _said(p)) for p in (*arguments, *options)]
    if rows:
        yield table(("argument or option", "meaning"), rows)


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    if parameter.is_flag:
        return str(parameter.opts[0])
    return f"{parameter.opts[0]} {parameter.metavar or 'VALUE'}"


def _said(parameter: Any) -> str:
    said = [parameter.help or ""]
    if parameter.required:
        said.append("Required.")
    elif parameter.default is not False and parameter.default not in (None, [], ()):
        said.append(f"Default `{parameter.default}`.")
    if parameter.envvar:
        said.append(f"Or the variable `{parameter.envvar}`.")
    return " ".join(said)
