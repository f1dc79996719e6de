"""Start-up and the main job against the price of importing their libraries, in the same run.

    --version, --help    against   python -c 'import typer'                              target 1.5
    run reference        against   python -c 'import typer, rich..., genai_prices'       target 1.3

Commands alternate (A B A B ...), so that a machine whose speed drifts slows both; the ratio of
medians is printed. Nothing here gates anything.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = int(os.environ.get("BENCH_RUNS", "15"))
TYPER = [sys.executable, "-c", "import typer"]
LIBRARIES = [
    sys.executable, "-c", "import typer, rich.console, rich.table, pydantic, yaml, genai_prices",
]  # fmt: skip
BREAKEVEN = [sys.executable, "-m", "breakeven"]
PAIRS = (
    ("--version", [*BREAKEVEN, "--version"], TYPER, 1.5),
    ("--help", [*BREAKEVEN, "--help"], TYPER, 1.5),
    ("run configs/reference.yaml", [*BREAKEVEN, "run", str(ROOT / "configs" / "reference.yaml")], LIBRARIES, 1.3),
    ("run --format json", [*BREAKEVEN, "run", str(ROOT / "configs" / "reference.yaml"), "-f", "json"], LIBRARIES, 1.3),
)


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=environment)
    return time.perf_counter() - start


def main() -> None:
    for name, ours, theirs, target in PAIRS:
        seconds(ours), seconds(theirs)  # warm caches and byte code
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(RUNS)]
        mine, base = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{name:28} {mine * 1e3:7.0f} ms   libraries {base * 1e3:6.0f} ms   ratio {ratio:4.2f} (target {target})")


if __name__ == "__main__":
    main()
