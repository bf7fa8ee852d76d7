"""The two variants that are compared, as the settings describe them: source and prompt."""

from __future__ import annotations

from app.errors import StartError
from app.model_settings.variant_settings import VariantSettings
from app.settings import DIRECT, STILTS, Settings
from app.weights.checkpoint import Checkpoint
from app.weights.variant import locate_variant

PAIR = (DIRECT, STILTS)


def wanted(name: str, settings: Settings) -> VariantSettings:
    """Return what the settings say of a variant, in variables or in the file of models.

    Raises:
        StartError: they leave it out.
    """
    if (found := settings.variants.get(name)) is None:
        raise StartError(
            f"the study compares {DIRECT} and {STILTS}, and the settings leave {name} out"
        )
    return found


def checkpoint_of(name: str, settings: Settings) -> Checkpoint:
    """Find the files of a variant, to be asked as the settings say.

    Raises:
        StartError: the settings leave it out, or it has no files.
    """
    return locate_variant(name, wanted(name, settings), settings.cache_dir)


def checkpoints_of_pair(settings: Settings) -> dict[str, Checkpoint]:
    """Find the files of both variants; see ``checkpoint_of``."""
    return {name: checkpoint_of(name, settings) for name in PAIR}
