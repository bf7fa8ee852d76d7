"""Rows of a data set on the Hugging Face hub, through the ``datasets`` library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.tasks.example import DataError
from models.tasks.reading.row import DataRow


@dataclass(frozen=True)
class HubSplit:
    """One split of a set on the hub."""

    id: str
    split: str
    config: str | None = None
    revision: str | None = None
    """A commit where one is known, so that what was read once is what is read again."""

    def rows(self) -> Iterator[DataRow]:
        """Yield the rows, fetched once and then read from the library's cache.

        Raises:
            DataError: the hub or the set cannot be reached; names the id and the way out.
        """
        try:
            # Takes a second to import, is part of an extra, and only this function needs it.
            from datasets import load_dataset  # noqa: PLC0415

            loaded = load_dataset(self.id, self.config, split=self.split, revision=self.revision)
        except Exception as error:  # the library passes on what network and file formats raise
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise DataError(
                f"cannot load {self.id} from the Hugging Face hub ({reason}); "
                "to read local files instead, name the data directory with --data"
            ) from error
        for number, fields in enumerate(loaded):
            yield DataRow(f"{self.id}, {self.split}, row {number}", fields)


def is_cached(split: HubSplit) -> bool:
    """Whether a set is in the cache of the ``datasets`` library; asks no hub."""
    try:
        from datasets import config  # noqa: PLC0415 - as above
        from datasets.naming import camelcase_to_snakecase  # noqa: PLC0415
    except ImportError:  # without the library there is no cache
        return False

    owner, _, name = split.id.rpartition("/")
    folder = "___".join(part for part in (owner, camelcase_to_snakecase(name)) if part)
    # Below it: the configuration, its version, and a digest of the revision.
    cache = Path(config.HF_DATASETS_CACHE, folder)
    parts = [part.partition("[")[0] for part in split.split.split("+")]
    return all(any(True for _ in cache.glob(f"*/*/*/*-{part}*.arrow")) for part in parts)


def on_hub(
    name: str,
    splits: Mapping[str, str],
    *,
    config: str | None = None,
    revision: str | None = None,
) -> dict[str, HubSplit]:
    """Return the splits of one set, by our names of them, from the hub's."""
    return {ours: HubSplit(name, theirs, config, revision) for ours, theirs in splits.items()}


TRAIN_AND_VALIDATION = {"train": "train", "val": "validation"}
"""What most sets on the hub call their splits."""
