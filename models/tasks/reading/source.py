"""Where the rows of a set come from: files of a data directory, or the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from models.tasks.example import AnyExample, DataError
from models.tasks.reading.hub import HubSplit
from models.tasks.reading.row import DataRow
from models.tasks.reading.split import hold_out

E = TypeVar("E", bound=AnyExample)


@dataclass(frozen=True)
class Layout(Generic[E]):
    """Files of a data directory, and how their rows become examples."""

    files: Mapping[str, tuple[str, ...]]
    """The files of each split, relative to the directory."""
    read: Callable[[Path], Iterable[DataRow]]
    make: Callable[[DataRow], E | None]
    """None leaves a row out; the set's own module says which."""
    parted_by: str | None = None
    """The field that keeps rows together, where "train" and "val" are parts of the same files."""

    def stands_in(self, data: Path) -> bool:
        """Whether the directory has every file."""
        return all((data / file).is_file() for files in self.files.values() for file in files)

    def rows(self, data: Path, split: str) -> Iterable[DataRow]:
        """Read a split's files, and take the split's part of them."""
        rows = (row for file in self.files[split] for row in self.read(data / file))
        return rows if self.parted_by is None else hold_out(list(rows), split, self.parted_by)


@dataclass(frozen=True)
class Source(Generic[E]):
    """One set: the layouts its files may have, the preferred first, and its place on the hub."""

    name: str
    layouts: tuple[Layout[E], ...]
    hub: Mapping[str, HubSplit]
    make: Callable[[DataRow], E | None] | None = None
    """How a row of the hub becomes an example, if not as in the first layout."""

    @property
    def hub_splits(self) -> tuple[HubSplit, ...]:
        """Every split on the hub, training first."""
        return tuple(self.hub.values())

    def load(self, data: Path | None, split: str) -> list[E]:
        """Load a split from the data directory, or from the hub where there is none.

        Raises:
            DataError: no such split; a file is missing or the hub out of reach; a row is wrong.
        """
        return list(self._from_hub(split) if data is None else self._from_files(data, split))

    def _from_files(self, data: Path, split: str) -> Iterator[E]:
        complete = (layout for layout in self.layouts if layout.stands_in(data))
        # If none is complete, the preferred one names the missing file.
        layout = next(complete, self.layouts[0])
        self._require(split, layout.files)
        return _examples(layout.rows(data, split), layout.make)

    def _from_hub(self, split: str) -> Iterator[E]:
        self._require(split, self.hub)
        return _examples(self.hub[split].rows(), self.make or self.layouts[0].make)

    def _require(self, split: str, splits: Mapping[str, object]) -> None:
        if split not in splits:
            raise DataError(f"{self.name} has no split {split!r}; it has {', '.join(splits)}")


def _examples(rows: Iterable[DataRow], make: Callable[[DataRow], E | None]) -> Iterator[E]:
    return (example for row in rows if (example := make(row)) is not None)
