"""Where a model source lives: a directory as it is, or a hub id fetched to one."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, parse_hf_uri, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HfUriError,
    HFValidationError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from app.errors import StartError
from app.weights.hub_environment import check_hub, hide_credentials, variables_at_work

FETCHED = ("*.json", "*.safetensors")
"""Configuration, tokenizer and safetensors weights: nothing that could run."""

IN_FOLDERS = "*/*"
"""Earlier checkpoints of a training run, and other formats: not fetched."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a disk, a quota or a limit on files answers when there is no more room."""

_ADDRESSES = ("hf://", "https://", "http://")


@dataclass(frozen=True)
class HubId:
    """A model of the hub, and the branch, tag or commit that is wanted of it."""

    repository: str
    revision: str | None = None

    @classmethod
    def parse(cls, source: str) -> HubId:
        """Read ``name``, ``owner/name``, either with ``@revision``, or an address of the hub.

        Raises:
            StartError: the source is something else.
        """
        try:
            if source.startswith(_ADDRESSES):
                return cls._of_address(source)
            repository, _, revision = source.rstrip("/").partition("@")
            validate_repo_id(repository)
        except (HFValidationError, HfUriError) as error:
            raise StartError(
                f"{source!r} is not a directory, and not a hub id either (name, owner/name, or "
                "owner/name@revision)"
            ) from error
        return cls(repository, revision or None)

    @classmethod
    def _of_address(cls, source: str) -> HubId:
        found = parse_hf_uri(source)
        if found.type != "model" or found.path_in_repo:
            raise StartError(f"{source!r} is no model of the hub; name it as owner/name")
        return cls(found.id, found.revision)


def resolve(source: str) -> Path:
    """Return the directory of a source: one that is there, or one that is fetched from the hub.

    Raises:
        StartError: there is no such directory, or the hub has no such model, or is out of reach.
        OSError: the directory may not be entered.
    """
    source = source.strip()
    if (directory := _directory(source)) is not None:
        return directory
    wanted = HubId.parse(source)
    try:
        check_hub()
    except StartError as error:
        raise StartError(f"cannot fetch {source!r}: {error}") from error
    try:
        return _snapshot(wanted)
    except Exception as error:  # the client lets through whatever its own libraries raise
        raise StartError(hide_credentials(_why_not(error, source, wanted))) from error


def cached(source: str) -> Path | None:
    """Return the directory of a source if ``resolve`` need not fetch it; asks no hub.

    Raises:
        StartError: the source is no directory, and cannot be a hub id.
        OSError: the directory may not be entered.
    """
    source = source.strip()
    if (directory := _directory(source)) is not None:
        return directory
    wanted = HubId.parse(source)
    try:
        return _snapshot(wanted, local_files_only=True)
    except LocalEntryNotFoundError:
        return None


def _snapshot(wanted: HubId, *, local_files_only: bool = False) -> Path:
    found = snapshot_download(
        wanted.repository,
        revision=wanted.revision,
        allow_patterns=list(FETCHED),
        ignore_patterns=[IN_FOLDERS],
        local_files_only=local_files_only,
    )
    return Path(found)


def _directory(source: str) -> Path | None:
    """Return a directory that is there; None for what can only be a hub id.

    Raises:
        StartError: the source can only be a directory, and there is none.
    """
    if not source:
        raise StartError("the source is empty: name a directory, or a model of the hub")
    try:
        directory = Path(source).expanduser()
        directory.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        if Path(source).is_absolute() or source.startswith((".", "~")):
            raise StartError(f"{source!r} is not a directory: there is nothing there") from error
        return None
    except (RuntimeError, ValueError) as error:  # an unknown user's home, a NUL
        raise StartError(f"{source!r} is not a directory: {error}") from error
    if directory.is_dir():
        return directory
    raise StartError(f"{source!r} is not a directory but a file: name the directory that it is in")


def _why_not(error: Exception, source: str, wanted: HubId) -> str:
    """Say in one line why a model cannot be fetched, and what to do."""
    if isinstance(error, IncompleteSnapshotError):
        return f"{source!r} is not whole in {constants.HF_HUB_CACHE}, {_unreachable(error)}"
    if isinstance(error, LocalEntryNotFoundError):
        if isinstance(cause := error.__cause__, HfHubHTTPError):
            return _why_refused(cause, source, wanted)
        return f"{source!r} is not a directory here, and {_unreachable(error)}"
    if isinstance(error, HfHubHTTPError):
        return _why_refused(error, source, wanted)
    if isinstance(error, OSError) and (error.filename or error.errno in _FULL):
        return _why_not_kept(error, source)
    return f"cannot fetch {source!r}: {_line(error)}{variables_at_work()}"


def _why_refused(error: HfHubHTTPError, source: str, wanted: HubId) -> str:
    """Say what an answer of the hub means; the more special errors come first."""
    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        return f"{wanted.repository} is gated; accept its terms and set HF_TOKEN"
    if isinstance(error, RevisionNotFoundError):
        return f"{wanted.repository} has no revision {wanted.revision!r}"
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"no directory and no model of the hub is called {source!r} "
            "(a private model needs HF_TOKEN)"
        )
    hints = {
        401: "HF_TOKEN is wrong, or has expired",
        403: "HF_TOKEN may not read this model",
        404: "it has no such model, or is no hub",
        429: "too many requests: try again in some minutes, or set HF_TOKEN",
    }
    hint = hints.get(status, "the fault is the hub's, or a proxy's: try again later")
    return f"cannot fetch {source!r}: {constants.ENDPOINT} answers {status}; {hint}"


def _why_not_kept(error: OSError, source: str) -> str:
    where = f" at {error.filename}" if error.filename else ""
    need = "has room for the model" if error.errno in _FULL else "can be written"
    return (
        f"cannot keep {source!r}{where}: {error.strerror}; set HF_HOME to a folder that {need} "
        f"(the cache is {constants.HF_HUB_CACHE})"
    )


def _unreachable(error: LocalEntryNotFoundError) -> str:
    if isinstance(error.__cause__, OfflineModeIsEnabled):
        return (
            f"the model hub cannot be reached: HF_HUB_OFFLINE is set, and {constants.HF_HUB_CACHE} "
            "does not hold the model"
        )
    reason = _line(error.__cause__ or error)
    return (
        f"the model hub cannot be reached at {constants.ENDPOINT} ({reason}){variables_at_work()}"
    )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
