"""Puts cross-validations where the project publishes them: logits with digests, and a table.

``python -m scripts.publish_folds direct=runs/folds-direct stilts=runs/folds-stilts`` after
``xcopa cross-validate --out`` of each. The table is computed from the logits as published.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from app.model_settings.sources import SHIPPED_MODELS
from models.compressed import COMPRESSED
from models.crossvalidation.outcome import OutOfFold
from models.crossvalidation.table import folds_table
from scripts.publish_evaluation import PAGE, replace_tables, write_digests

_PREFIX, _SUFFIX = "folds-", f".jsonl{COMPRESSED}"


def publish_folds(folders: Mapping[str, Path], models: Path = SHIPPED_MODELS) -> None:
    """Write the logits of cross-validations beside the models, and the digests anew.

    Args:
        folders: what ``xcopa cross-validate --out`` wrote, by variant.
        models: where the shipped variants are.
    """
    for variant, folder in folders.items():
        answers = OutOfFold.load(folder / "predictions.jsonl")
        answers.save(models / f"{_PREFIX}{variant}{_SUFFIX}")
    write_digests(models)


def published_folds(models: Path = SHIPPED_MODELS) -> dict[str, OutOfFold]:
    """Return the published answers out of fold, by variant."""
    paths = sorted(models.glob(f"{_PREFIX}*{_SUFFIX}"))
    return {
        path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX): OutOfFold.load(path)
        for path in paths
    }


def main() -> None:
    """Publish the cross-validations that the command line names."""
    named = (each.partition("=") for each in sys.argv[1:])
    publish_folds({variant: Path(folder) for variant, _, folder in named})
    page = replace_tables(PAGE.read_text("utf-8"), [folds_table(published_folds())])
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
