"""What every test of the gate may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.bench import repository
from tests.gate.scene import RISE, Scene


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    found = Scene(folder)
    found.base({"breakeven.policy.yaml": RISE})
    return found
