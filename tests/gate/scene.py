"""A repository under attack: what the base has, what the change does, and the texts both are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE, git

ROOT = Path(__file__).resolve().parents[2]
RISE = "version: 1\nsubject: headline-api\nrules:\n  cost_increase: {max_share: 1%}\n"
OWN = RISE.replace("headline-api", "headline-self-host")
DOUBLED = PROFILE.replace("input_tokens: 1000", "input_tokens: 2000")
HOURLY = PROFILE.replace("output_tokens: 500", "output_tokens: 500\n  demand: {shape: hourly, hourly_file: week.txt}").replace("usd_per_gpu_hour: 12", "usd_per_gpu_hour: 1")
FLAT, PEAKED = "1\n" * 24, "1\n" * 23 + "60\n"
RECORD = "{{effective: 2026-01-01, value: {value}, unit: usd_per_fte_year, source: {{title: t, retrieved: 2026-01-01, kind: quote}}}}"
WAGE = "kind: figures\nid: own\nname: x\nrecords:\n  - " + RECORD

RENT = (
    "kind: rental\nid: own\nname: Own deal\ntier: hyperscaler\nprices:\n  - {{effective: 2026-01-01, accelerator: h100-sxm, usd_per_gpu_hour: {price}, "
    "term: on-demand, gpus_per_sku: 1, source: {{title: deal, retrieved: 2026-01-01, kind: quote}}}}\n"
)


@dataclass
class Scene:
    """A repository whose base has some files, and a change that nothing has committed yet."""

    folder: Path
    more: list[str] = field(default_factory=list)

    def base(self, files: dict[str, str]) -> None:
        self.write(files)
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "--allow-empty", "-m", "base")
        git(self.folder, "branch", "-f", "main", "HEAD")

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")

    def commit(self) -> None:
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", "change")

    def check(self, *more: str, ref: str = "main") -> int:
        return run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", f"--base-ref={ref}", *self.more, *more])


Sabotage = Callable[[Scene], object]


class Register(dict[str, tuple[Sabotage, int, str]]):
    """Ways to fool the gate by name: each with the exit code that it must end in and what must be said."""

    def __call__(self, code: int, words: str) -> Callable[[Sabotage], Sabotage]:
        def register(function: Sabotage) -> Sabotage:
            self[function.__name__.replace("_", " ")] = (function, code, words)
            return function

        return register


def assert_caught(scene: Scene, case: tuple[Sabotage, int, str], capsys: pytest.CaptureFixture[str]) -> None:
    """The check ends with the case's code and says its reason: caught for another one, a sabotage proves nothing."""
    prepare, code, words = case
    prepare(scene)
    capsys.readouterr()
    found = scene.check()
    said = "".join(capsys.readouterr())
    assert found == code, said
    assert re.search(words, said), said
