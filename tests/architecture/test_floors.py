"""Imports point down, facts stay in files, nothing reaches out: and each check is shown to fail."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "breakeven"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=directory, capture_output=True, text=True, check=False, timeout=120,
        env={"PYTHONPATH": str(directory), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_imports_point_down() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_import_check_fails_when_a_lower_floor_looks_up(tmp_path: Path) -> None:
    for source in SOURCES:
        target = tmp_path / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    units = tmp_path / "breakeven" / "units.py"
    units.write_text(units.read_text(encoding="utf-8") + "\nimport breakeven.compare.result\n", encoding="utf-8")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert "breakeven.units" in done.stdout + done.stderr


FORBIDDEN = {"socket", "ssl", "http", "urllib.request", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "asyncio"}


def imports_of(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def calls_of(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


CLOCKS = {"time.time", "datetime.now", "dt.datetime.now", "dt.date.today", "date.today", "datetime.datetime.now",
          "datetime.date.today", "dt.datetime.utcnow", "random.random", "uuid.uuid4", "random.seed"}  # fmt: skip


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_network_no_clock_no_unseeded_randomness(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not {name for name in imports_of(tree) if name in FORBIDDEN or name.split(".")[0] in FORBIDDEN}
    assert not calls_of(tree) & CLOCKS


def test_the_clock_check_catches_a_clock() -> None:
    assert calls_of(ast.parse("import datetime as dt\nx = dt.date.today()")) & CLOCKS
    assert {"socket"} <= imports_of(ast.parse("import socket"))


def test_plain_run_imports_neither_numpy_nor_the_heavy_extras() -> None:
    code = (
        "import sys, io, contextlib\n"
        "from breakeven.cli.main import run\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    assert run(['run', {str(ROOT / 'configs' / 'reference.yaml')!r}]) == 0\n"
        "print(sorted(m for m in ('numpy','scipy','xlsxwriter','duckdb','pandas','asyncio','sqlite3') if m in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    assert done.stdout.strip() == "[]"




def test_no_machine_paths_or_hosts_of_registries_in_the_tree() -> None:
    words = ("/wo" + "rk/", "pypi" + ".org", "file:///" + "opt", "/ro" + "ot/")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\n")
    files = [ROOT / name for name in listed if name] or SOURCES
    for path in files:
        if path.suffix in (".gz", ".png", ".parquet", ".zst") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not [word for word in words if word in text], path
