"""All that can go wrong with a run is looked for before its first step."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import XLMRobertaConfig

from app.weights.base import check_base
from models.training.done import DonePhase
from models.training.durable import nearest
from models.training.errors import TrainingError
from models.training.identity import DependsOn, Provenance, depends_on
from models.training.output import check_output, check_work
from models.training.phase import PhaseRun, Sets, check, load_sets
from models.training.recipe import Phase, Recipe
from models.training.space import bytes_in, phase_bytes, trained_bytes, variant_bytes

_MARGIN = 1.1
"""Of room for names, records, pictures and what a file system itself takes."""

_MB = 1e6


@dataclass(frozen=True)
class TrainingRun:
    """Where a run reads and writes."""

    recipe: Recipe
    base: Path
    data: Path | None
    """A data directory; None for the hub."""
    work: Path
    """Checkpoints and logs, for resuming; not committed."""
    out: Path
    """The finished variant."""
    force: bool = False
    """Whether phases that were made from something else are removed and made anew."""
    fold: str | None = None
    """In a cross-validation: the folder in ``work`` for the last phase, which alone differs."""

    @property
    def last_work(self) -> Path:
        """Where the last phase of each seed is."""
        return self.work if self.fold is None else self.work / self.fold

    def phase_folder(self, number: int, seed: int) -> Path:
        """Return the folder of a phase, which is counted from 1, as one seed runs it."""
        phases = self.recipe.phases
        work = self.last_work if number == len(phases) else self.work
        return phase_folder(work, number, phases[number - 1], seed)


@dataclass(frozen=True)
class PreparedRun:
    """A run of which everything is checked, with the data of all its phases."""

    run: TrainingRun
    provenance: Provenance
    sets: Mapping[Phase, Sets]
    config: XLMRobertaConfig
    """Of the base."""

    def phases(self, seed: int) -> Iterator[PhaseRun]:
        """Yield the phases of a seed, in order."""
        recipe = self.run.recipe
        seeds = recipe.phase_seeds(seed)
        for number, (phase, own) in enumerate(zip(recipe.phases, seeds, strict=True), start=1):
            yield PhaseRun(
                recipe,
                phase,
                own,
                self.run.base,
                self.sets[phase],
                self.run.phase_folder(number, own),
            )

    def depends_on(self, seeds: Sequence[int]) -> DependsOn:
        """Return what a phase depends on.

        Args:
            seeds: of the phases up to this one, in order.
        """
        recipe = self.run.recipe
        data = {
            f"phases.{place}.{name}": digest
            for place, phase in enumerate(recipe.phases[: len(seeds)])
            for name, digest in self.sets[phase].digests.items()
        }
        return depends_on(recipe, seeds, data, self.provenance)


def phase_folder(work: Path, number: int, phase: Phase, seed: int) -> Path:
    """Return the folder of a phase, which is counted from 1, as one seed runs it."""
    name = f"{number}-{'+'.join(phase.tasks)}".replace("/", "-")
    return work / f"seed-{seed}" / name[:80]


def prepare(run: TrainingRun, known: Mapping[Phase, Sets] | None = None) -> PreparedRun:
    """Check a run and load its data; writes nothing.

    Args:
        run: what to prepare.
        known: the data of phases that a run from the same place and base has loaded.

    Raises:
        TrainingError: the recipe asks for what cannot be, or nothing can be written where it says.
        DataError: a set of any phase cannot be had or is wrong.
        StartError: the base is none that the service would load.
    """
    check_work(run.work)
    check_output(run.out, run.work)
    check(run.recipe, run.base)
    config = check_base(run.base)
    loaded = known or {}
    sets = {
        phase: loaded.get(phase) or load_sets(run.recipe, phase, run.base, run.data)
        for phase in dict.fromkeys(run.recipe.phases)
    }
    return PreparedRun(run, Provenance.of(run.base), sets, config)


def check_room(prepared: PreparedRun) -> str:
    """Compare what will be written with what the disks have left, and say it.

    Raises:
        TrainingError: a disk has too little.
    """
    run = prepared.run
    made = _needed(prepared)
    variant = _largest_variant(prepared)
    needs = {run.work: max(0, made - bytes_in(run.work)), run.out: variant}
    by_disk: dict[int, list[Path]] = {}
    for path in needs:
        by_disk.setdefault(nearest(path).stat().st_dev, []).append(path)
    said = []
    for paths in by_disk.values():
        need = _MARGIN * sum(needs[path] for path in paths) / _MB
        free = shutil.disk_usage(nearest(paths[0])).free / _MB
        names = " and ".join(map(str, paths))
        if need > free:
            raise TrainingError(
                f"{names} will take {need:,.1f} MB more, and the disk has {free:,.0f} MB left"
            )
        said.append(
            f"{names} will take at most {need:,.1f} MB more, of {free:,.0f} MB that are left"
        )
    return "; ".join(said)


def _needed(prepared: PreparedRun) -> int:
    """Return the bytes of the work folder when it is fullest."""
    run = prepared.run
    trained = {
        phase: trained_bytes(prepared.config, run.recipe, sets.labels)
        for phase, sets in prepared.sets.items()
    }
    folders = {
        each.folder: each.phase for seed in run.recipe.seeds for each in prepared.phases(seed)
    }
    done = sum(trained[phase] for phase in folders.values())
    running = [
        phase_bytes(trained[phase], phase.evaluations)
        for folder, phase in folders.items()
        if not DonePhase.is_in(folder)
    ]
    variants = (len(run.recipe.seeds) + 1) * _largest_variant(prepared)
    return done + max(running, default=0) + variants


def _largest_variant(prepared: PreparedRun) -> int:
    recipe = prepared.run.recipe
    labels = prepared.sets[recipe.phases[-1]].labels
    trained = trained_bytes(prepared.config, recipe, labels)
    return variant_bytes(prepared.config, recipe, trained)
