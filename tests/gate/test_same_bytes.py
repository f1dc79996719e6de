"""Same inputs, same bytes in every format: on another machine's folder, locale, time zone, hash seed and width."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from breakeven.render.gate_surfaces import GATE_FORMATS
from tests.gate.bench import LIMIT, PROFILE, WAIVER
from tests.gate.scene import DOUBLED, ROOT, Scene

MACHINES: dict[str, dict[str, str]] = {
    "c": {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C"},
    "tokyo": {"PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "COLUMNS": "200", "HOME": "/nowhere", "USER": "someone"},
    "kiritimati": {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE", "NO_COLOR": "1", "PYTHONUTF8": "0", "TERM": "dumb"},
}
POLICY = (
    "version: 1\nsubject: cheapest\nrules:\n  cost_increase: {max_share: 1%}\n  market_increase: {level: warn}\n  stale_fact: {level: warn, max_age_days: 0}\n"
    "  unsourced_assumption: {level: warn}\n  verdict_flipped: {level: warn}\n"
)
RANGES = "uncertainty:\n  ranges:\n    self_host.supply[0].usd_per_gpu_hour: {low: 2, high: 22}\n"


def named(name: str, text: str = PROFILE) -> str:
    return text.replace("name: chat", f"name: {name}")


def crowded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A change with something of everything that a report can say, several of each."""
    from tests.gate.bench import repository

    for key in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(key, "2026-11-24T12:00:00+0000")  # the commit is part of the report
    scene = Scene(repository(folder))
    monkeypatch.chdir(scene.folder)
    listed = PROFILE.replace("usd_per_gpu_hour: 12, ", "")
    files = {f"p{n}.yaml": named(f"p{n}", listed) for n in range(5)} | {f"old/gone{n}.yaml": named(f"gone{n}") for n in range(4)} | {"left.yaml": named("left")} | {f"moves{n}.yaml": named(f"moves{n}") for n in range(4)}
    waiver = WAIVER.format(rule="cost_increase", scope="p1", expires="2026-12-01", more=LIMIT)
    scene.base({**files, "breakeven.policy.yaml": POLICY + waiver})
    for n in range(4):
        (scene.folder / f"old/gone{n}.yaml").unlink()
        (scene.folder / f"moves{n}.yaml").rename(scene.folder / f".moves{n}.yaml")
        scene.write({f"other/new{n}.yaml": named(f"new{n}")})
    (scene.folder / "left.yaml").unlink()
    longer = listed.replace("input_tokens: 1000", "input_tokens: 1777").replace("33333", "41111").replace("output_usd_per_mtok: 10", "output_usd_per_mtok: 9.1")
    scene.write({"p0.yaml": named("p0", longer), "p1.yaml": named("p1", DOUBLED), "p2.yaml": named("p2", listed) + RANGES, "p3.yaml": named("p3", listed.replace("api:\n", "api:\n  - google/gemini-4-argon\n"))})
    scene.commit()
    scene.more = [f"p{n}.yaml" for n in range(5)]
    return scene


def written(scene: Scene, machine: str, out: Path) -> dict[str, bytes]:
    out.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "TZ", "PYTHON", "COLUMNS"))}
    reports = [f"--report={name}={out / name}" for name in GATE_FORMATS if name != "text"]
    command = ["check", "chat.yaml", *scene.more, "--policy", "breakeven.policy.yaml", "--on", "2026-11-24"]
    environment = {**kept, "PYTHONPATH": str(ROOT), **MACHINES[machine]}
    done = subprocess.run([sys.executable, "-m", "breakeven", *command, "--base-ref", "main", *reports], cwd=scene.folder, capture_output=True, check=False, env=environment)
    assert done.returncode == 1, done.stderr
    signed = ["--approve", "--approver", "bob", "--reason", "budget", "-o", str(out / "approved")]
    approved = subprocess.run([sys.executable, "-m", "breakeven", *command, *signed], cwd=scene.folder, capture_output=True, check=False, env=environment)
    assert approved.returncode == 0, approved.stderr
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())} | {"text": done.stdout}


def test_same_inputs_same_bytes_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a longer way").mkdir()
    folders = {"c": tmp_path / "a", "tokyo": tmp_path / "a longer way" / "b", "kiritimati": tmp_path / "c"}
    found = {machine: written(crowded(folder, monkeypatch), machine, tmp_path / f"out-{machine}") for machine, folder in folders.items()}
    first = found["c"]
    assert set(first) == {*GATE_FORMATS, "approved"}
    for name, raw in first.items():
        assert raw
        assert found["tokyo"][name] == raw, name
        assert found["kiritimati"][name] == raw, name
    # Something of everything was in it, or equal bytes prove little.
    for words in ("gone since the base, so not checked: old/gone0.yaml, old/gone1.yaml", "left (left.yaml) is gone", "new0.yaml, other/new1.yaml", "left_unchecked", "w1:", "uncertainty changes", "[warn] stale_fact", "  sum"):
        assert words.encode() in first["text"], words
