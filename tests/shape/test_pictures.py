"""Pictures: each one that a page names is there, and each one that is there is named."""

from __future__ import annotations

import re

from settings import ROOT

PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 1_500_000  # of all together: everybody who clones carries them


def shown_in_readme() -> list[tuple[str, str]]:
    """Words and file of every picture in the README."""
    found: list[tuple[str, str]] = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    return found


def test_every_picture_of_the_readme_is_there_and_is_told_in_words() -> None:
    assert [name for words, name in shown_in_readme() if not (ROOT / name).is_file() or len(words) < 40] == []


def test_every_picture_that_is_there_is_shown() -> None:
    assert {f"docs/pictures/{file.name}" for file in PICTURES.iterdir()} <= {
        name for _, name in shown_in_readme()
    }


def test_the_pictures_are_small() -> None:
    assert sum(file.stat().st_size for file in PICTURES.iterdir()) < MOST_BYTES
