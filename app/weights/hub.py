"""Where a model source lives: a directory as it is, or a hub id fetched to one."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from app.errors import StartError

FETCHED = ("*.json", "*.safetensors")
"""Configuration, tokenizer and safetensors weights: nothing that could run."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


def resolve(source: str) -> Path:
    """Return the directory of a source, downloading a hub id (``owner/name[@revision]``).

    Raises:
        StartError: there is no such directory, or the hub has no such model, or is out of reach.
    """
    directory = Path(source).expanduser()
    if directory.is_dir():
        return directory
    if directory.is_absolute() or source.startswith((".", "~")) or not _HUB_ID.fullmatch(source):
        raise StartError(f"{source!r} is not a directory, and not a hub id either")
    repository, _, revision = source.partition("@")
    try:
        return Path(
            snapshot_download(repository, revision=revision or None, allow_patterns=list(FETCHED))
        )
    except GatedRepoError as error:
        raise StartError(f"{repository} is gated; accept its terms and set HF_TOKEN") from error
    except RevisionNotFoundError as error:
        raise StartError(f"{repository} has no revision {revision!r}") from error
    except RepositoryNotFoundError as error:
        raise StartError(
            f"no directory and no model of the hub is called {source!r} "
            "(a private model needs HF_TOKEN)"
        ) from error
    except LocalEntryNotFoundError as error:
        raise StartError(
            f"{source!r} is not a directory here, and the model hub cannot be reached"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StartError(f"cannot fetch {source!r}: {reason}") from error
