"""What docs/catalogue.md shows is true: its examples verify, its Python runs, its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from breakeven.catalog.records import KINDS
from breakeven.catalog.store import Catalogue
from breakeven.catalog.verification import verify

PAGE = (Path(__file__).parents[2] / "docs/catalogue.md").read_text(encoding="utf-8")
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", YAML)
def test_the_examples_verify(tmp_path: Path, text: str) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(text if text.startswith("kind:") else "kind: rental\n" + text, encoding="utf-8")
    found = verify(Catalogue.load([path]), overlays_only=True)
    assert (found.malformed, found.wrong) == ((), ()) and found.records > 0


def test_the_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (text,) = PYTHON
    exec(compile(text, "docs/catalogue.md", "exec"), {})
    assert capsys.readouterr().out.startswith("80.0 accelerators/h100-sxm#specs[0] https://")


def test_every_kind_is_in_the_table() -> None:
    assert {kind for kind in KINDS if f"| `{kind}/` |" in PAGE} == set(KINDS)
