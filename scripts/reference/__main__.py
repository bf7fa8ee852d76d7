"""Write every page."""

from __future__ import annotations

from scripts.reference.pages import PAGES, ROOT

for name, page in PAGES.items():
    (ROOT / name).write_text(page(), encoding="utf-8")
