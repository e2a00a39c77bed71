"""The texts of the play page: one table for each language, one file of it for each section."""

from pathlib import Path

import yaml

_FOLDER = Path(__file__).parent / "texts"


def table(language: str) -> dict[str, dict[str, str]]:
    """All texts of a language: section to key to text.

    A text may hold places such as {count}, which the page's scripts fill in.
    """
    return {
        file.stem: yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in sorted((_FOLDER / language).glob("*.yaml"))
    }
