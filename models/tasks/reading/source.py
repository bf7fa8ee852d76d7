"""Where the rows of a set come from: files of a data directory, or the hub."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from models.tasks.example import AnyExample, DataError
from models.tasks.reading.hub import HubSplit
from models.tasks.reading.numbered import by_number
from models.tasks.reading.row import DataRow
from models.tasks.reading.split import hold_out

E = TypeVar("E", bound=AnyExample)

log = logging.getLogger(__name__)


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
        rows = (row for file in self.files[split] for row in self._rows_of(data / file))
        return rows if self.parted_by is None else hold_out(list(rows), split, self.parted_by)

    def _rows_of(self, path: Path) -> Iterator[DataRow]:
        rows = iter(self.read(path))
        first = next(rows, None)
        if first is None:
            raise DataError(f"{path} has no rows")
        yield first
        yield from rows


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

        How many rows are left out, as the set's module says, goes to the log.

        Raises:
            DataError: no such split; a file is missing or the hub out of reach; a row is wrong;
                or nothing is left.
        """
        found = self._read(data, split)
        made = [found.make(row) for row in found.rows]
        examples = [each for each in made if each is not None]
        if not examples:
            raise DataError(f"{found.name} has {len(made)} rows, and none is an example")
        if left_out := len(made) - len(examples):
            log.info("%s: %d of %d rows are no examples", found.name, left_out, len(made))
        return examples

    def numbered(self, data: Path | None, split: str, first: int, most: int) -> dict[int, E]:
        """Load a split that leaves no row out, by the numbers that the whole set gives them.

        Args:
            data, split: as of ``load``.
            first, most: as of ``by_number``.

        Raises:
            DataError: as ``load`` and ``by_number``.
        """
        found = self._read(data, split)
        rows = by_number(list(found.rows), found.name, first, most)
        if len(rows) < most:
            log.warning("%s has %d of %d items", found.name, len(rows), most)
        made = {number: found.make(row) for number, row in rows.items()}
        return {number: each for number, each in made.items() if each is not None}

    def place(self, data: Path | None, split: str) -> str:
        """Name where a split is: its files, or the hub's name of it.

        Raises:
            DataError: no such split.
        """
        return self._read(data, split).name

    def _read(self, data: Path | None, split: str) -> _Split[E]:
        if data is None:
            self._require(split, self.hub)
            hub = self.hub[split]
            return _Split(f"{hub.id}, {hub.split}", hub.rows(), self.make or self.layouts[0].make)
        complete = (layout for layout in self.layouts if layout.stands_in(data))
        # If none is complete, the preferred one names the missing file.
        layout = next(complete, self.layouts[0])
        self._require(split, layout.files)
        name = ", ".join(str(data / file) for file in layout.files[split])
        return _Split(name, layout.rows(data, split), layout.make)

    def _require(self, split: str, splits: Mapping[str, object]) -> None:
        if split not in splits:
            raise DataError(f"{self.name} has no split {split!r}; it has {', '.join(splits)}")


@dataclass(frozen=True)
class _Split(Generic[E]):
    """One split as it was found."""

    name: str
    rows: Iterable[DataRow]
    make: Callable[[DataRow], E | None]
