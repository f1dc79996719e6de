"""Every bad profile of the gallery as a user meets it: exit code and the lines on stderr.

``python -m tests.gallery.gallery`` writes ``expected.yaml`` anew; look at the difference before it is committed.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import yaml

from breakeven.cli.main import run

HERE = Path(__file__).parent
PROFILES = HERE / "profiles"
EXPECTED = HERE / "expected.yaml"
NAMES = tuple(sorted(path.name for path in PROFILES.iterdir()))


def met(name: str) -> dict[str, Any]:
    """What ``breakeven run`` answers, from the folder of the gallery."""
    out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with contextlib.chdir(PROFILES), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["run", name, "--no-chart"])
    out.flush()
    return {"exit": code, "stderr": err.getvalue().splitlines(), "report": bool(out.buffer.getvalue())}  # type: ignore[attr-defined]


if __name__ == "__main__":
    EXPECTED.write_text(
        yaml.safe_dump({name: met(name) for name in NAMES}, width=1000, allow_unicode=True), encoding="utf-8"
    )
