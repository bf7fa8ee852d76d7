"""Compares intermediate tasks, as Phang et al. (2020) do, in small.

python -m models.intermediate --data DIR --work runs/intermediate
python -m models.intermediate --page        # writes the page from the JSON
"""

from __future__ import annotations

from models.intermediate.command import cli

if __name__ == "__main__":
    cli(prog_name="python -m models.intermediate")
