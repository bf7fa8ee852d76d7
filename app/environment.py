"""The variables that settings are read from, as people, shells and clusters set them.

A process finds more in its environment than its user wrote: empty values of a compose file, the
quotes of an env file, the line end of a secret, and what Kubernetes adds for a Service that has
the name of this one. All of it is sorted out here, with the standard library alone.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

PREFIX = "XCOPA_"
NESTED = "__"
_LEAST_PREFIX = "XCOPA"

ELSEWHERE = frozenset({"XCOPA_API_KEY", "XCOPA_DATA_DIR", "XCOPA_PUBLISH"})
"""Variables of the prefix that others read: commands, the load test, the compose file."""

# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_LINK_NAME = re.compile(
    r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)
_LINK_PORT = re.compile(r"(tcp|udp|sctp)://\S+")
_QUOTED = re.compile(r"""(["'])(.*)\1""", re.DOTALL)
_NEAREST = 2


@dataclass(frozen=True)
class Variables:
    """What the environment says of the settings."""

    values: Mapping[str, str]
    """By lower-case name; what is empty is left out."""
    remarks: tuple[str, ...]
    """What was ignored and why, a sentence each."""


def read(environ: Mapping[str, str], settings: Collection[str]) -> Variables:
    """Sort out the variables of the prefix.

    Args:
        environ: all variables.
        settings: the names of those that are settings, in upper case.

    Returns:
        The settings' values. A name below a nested setting is among them although it is none:
        whoever checks the values refuses it, since a model under a wrong name must not be
        replaced by the shipped one.
    """
    values: dict[str, str] = {}
    links: list[str] = []
    remarks: list[str] = []
    # Sorted, a name in upper case comes before its other spellings.
    for name, raw in sorted(environ.items()):
        upper, value = name.upper(), clean(raw)
        if not value or upper in ELSEWHERE or not upper.startswith(_LEAST_PREFIX):
            continue
        if _is_link(upper, value):
            links.append(f"{name}={value}")
        elif upper.lower() in values:
            remarks.append(f"{name} is ignored beside {upper}: they differ in case alone")
        elif upper in settings or _is_nested(upper, settings):
            values[upper.lower()] = value
        else:
            remarks.append(f"{name} is no setting, and is ignored; {nearest(upper, settings)}")
    return Variables(values, (*_said_of(links), *remarks))


def clean(value: str) -> str:
    """Take off the white space around a value and then one pair of quotes.

    Secrets often end with a line end; ``docker run --env-file`` keeps quotes.
    """
    stripped = value.strip()
    quoted = _QUOTED.fullmatch(stripped)
    return quoted.group(2).strip() if quoted else stripped


def nearest(name: str, settings: Collection[str]) -> str:
    """Name the settings whose names are most like a name that is none."""
    found = difflib.get_close_matches(name.upper(), sorted(settings), _NEAREST, cutoff=0.0)
    return "the nearest are " + " and ".join(found)


def _is_link(name: str, value: str) -> bool:
    if _LINK_NAME.fullmatch(name):
        return True
    return name.endswith("_PORT") and bool(_LINK_PORT.fullmatch(value))


def _is_nested(name: str, settings: Collection[str]) -> bool:
    group, separator, _ = name.partition(NESTED)
    return bool(separator) and any(each.startswith(group + NESTED) for each in settings)


def _said_of(links: list[str]) -> list[str]:
    if not links:
        return []
    return [
        "ignored, since Kubernetes sets it for a Service of this name (enableServiceLinks: false "
        f"in the pod's spec ends that): {', '.join(links)}"
    ]
