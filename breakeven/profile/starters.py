"""The commented files that ``profile init`` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

FILES = {"profile": "starter.yaml", "quote": "starter_quote.yaml"}


def starter(what: Literal["profile", "quote"]) -> str:
    """The text of a starter."""
    return (Path(__file__).parent / FILES[what]).read_text(encoding="utf-8")
