"""The options of the load, in locust's own page and on its command line."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from locust import events

from loadtests.items import load_items
from loadtests.mix import MixError, RequestMix, read_mix
from loadtests.same_answer import TOLERANCE

_DATA = os.environ.get("XCOPA_DATA_DIR")
ITEMS = load_items(Path(_DATA) if _DATA else None)

MIX_OPTIONS = {
    "languages": ("", f"languages, e.g. et,ta; of {', '.join(ITEMS)} (empty: all)"),
    "lengths": ("1", "how many times a premise is said, with weights, e.g. 1:8,4:1"),
    "variants": (
        "",
        "variants with weights, e.g. direct:3,stilts:1 (empty: the pair that ships)",
    ),
    "batch_sizes": ("8", "items of a batch, with weights, e.g. 8:4,64:1"),
    "choices": ("4", "choices of a ranking, with weights, e.g. 2:1,32:1"),
}
"""By the name of the option: what it is without being said, and its help."""


@events.init_command_line_parser.add_listener
def add_options(parser: argparse.ArgumentParser, **_: object) -> None:
    """Add the options; locust's page shows them, and its master sends them to its workers."""
    for name, (default, text) in MIX_OPTIONS.items():
        flag = "--" + name.replace("_", "-")
        parser.add_argument(flag, type=_mix_option(name), default=default, help=text)
    for flag, number, text in (
        ("--pause", 0.0, "seconds from an answer to the next question"),
        ("--tolerance", TOLERANCE, "by how much the logit of the same question may vary"),
        ("--p99-ms", 0.0, "the verdict also asks that the p99 is below this (0: it does not)"),
    ):
        parser.add_argument(flag, type=_number, default=number, help=text)
    parser.add_argument("--report", default="", help="folder for report.json and report.html")


def mix_of(options: argparse.Namespace | None) -> RequestMix:
    """Return the mix that the options say.

    Raises:
        MixError: an option was changed in the page to what cannot be read.
    """
    said = {name: getattr(options, name, default) for name, (default, _) in MIX_OPTIONS.items()}
    return _mix(**said)


@functools.cache
def _mix(languages: str, lengths: str, variants: str, batch_sizes: str, choices: str) -> RequestMix:
    return read_mix(ITEMS, languages, lengths, variants, batch_sizes, choices)


def _mix_option(name: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        try:
            mix_of(argparse.Namespace(**{name: text}))
        except MixError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return checked


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return number


def option(options: Any, name: str, default: float) -> float:
    """Return a number of the options; what no command line has said is the default."""
    return float(getattr(options, name, default))
