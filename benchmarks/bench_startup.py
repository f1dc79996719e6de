"""Start-up and the main job against the price of importing their libraries, in the same run.

    --version, --help    against   python -c 'import typer'                              target 1.5
    run reference        against   python -c 'import typer, rich..., genai_prices'       target 1.3

Commands alternate (A B A B ...), so that a machine whose speed drifts slows both; the ratio of
medians is printed. Nothing here gates anything.
"""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

from timing import process_s

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


def main() -> None:
    for name, ours, theirs, target in PAIRS:
        process_s(ours), process_s(theirs)  # warm caches and byte code
        pairs = [(process_s(ours), process_s(theirs)) for _ in range(RUNS)]
        mine, base = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{name:28} {mine * 1e3:7.0f} ms   libraries {base * 1e3:6.0f} ms   ratio {ratio:4.2f} (target {target})")


if __name__ == "__main__":
    main()
