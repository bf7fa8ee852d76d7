"""Write every dashboard."""

from __future__ import annotations

from observability.dashboards.files import FOLDER, texts

for name, text in texts().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
