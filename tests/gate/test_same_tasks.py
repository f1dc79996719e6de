"""Fewer, longer tasks: what is said of them, and that doing what is said helps."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE
from tests.gate.scene import OWN, RENT, Scene

ANY_RISE = "version: 1\nsubject: headline-api\nrules:\n  cost_increase: {}\n"
WHY_SAME = "the volume stays as written, so a task that takes more tokens or calls shows as fewer tasks"


def profile(volume: str, *, longer: bool = False, calls: float = 1) -> str:
    text = PROFILE.replace("requests_per_day: 33333", f"{volume}\n  calls_per_task: {calls}")
    return text.replace("input_tokens: 1000", "input_tokens: 2000") if longer else text


def same_tasks(scene: Scene, capsys: pytest.CaptureFixture[str]) -> dict[str, Any] | None:
    capsys.readouterr()
    scene.check("-f", "json")
    found = json.loads(capsys.readouterr().out)["findings"]
    return next((item for item in found if item["message"].startswith("the same tasks would cost")), None)


@pytest.mark.parametrize(("before", "after", "calls", "advice"), [
    ("tokens_per_day: 50M", "tokens_per_day: 50M", 1, "restate tasks_per_day: 33333.3333333333"), ("tokens_per_day: 50M", "requests_per_day: 16000", 1, "restate requests_per_day: 33333.3333333333"),
    ("tokens_per_day: 50M", "requests_per_day: 16000", 2, "restate tasks_per_day: 33333.3333333333"), ("tokens_per_day: 50M", "tasks_per_day: 9000", 3, "restate tasks_per_day: 33333.3333333333"),
    ("requests_per_day: 33333", "requests_per_day: 33333", 2, "restate tasks_per_day: 33333"), ("requests_per_day: 33333", "tokens_per_day: 50M", 1, "give requests_per_day"),
    ("requests_per_day: 33333", "tokens_per_day: 50M", 2, "restate tasks_per_day: 33333"), ("requests_per_day: 33333", "tasks_per_day: 16000", 2, "restate tasks_per_day: 33333"),
    ("tasks_per_day: 33333", "tokens_per_day: 50M", 1, "give tasks_per_day"), ("tasks_per_day: 33333", "requests_per_day: 16000", 1, "give tasks_per_day"),
])  # fmt: skip
def test_what_is_said_of_fewer_tasks_works(scene: Scene, before: str, after: str, calls: float, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"chat.yaml": profile(before), "breakeven.policy.yaml": ANY_RISE})
    scene.write({"chat.yaml": profile(after, longer=True, calls=calls)})
    finding = same_tasks(scene, capsys)
    assert finding is not None
    was, now = before.partition(":")[0], after.partition(":")[0]
    why = WHY_SAME if was == now else f"the base gives the volume as {was} and this change as {now}, so nothing says that fewer tasks are meant"
    assert finding["message"].endswith(f"allowed nothing): {why}")
    how, _, rest = advice.partition(" ")
    key = rest.partition(":")[0]
    if how == "give":
        assert finding["fix"] == f"give the volume as {key}, as the base does, and say how many are expected, or have a waiver approved"
    else:
        assert finding["fix"] == f"restate the base's volume first, in a change of its own ({rest} is the same), and then say here as {key} how many are expected, or have a waiver approved"
        scene.write({"chat.yaml": profile(re.search(r"\((.*) is the same\)", finding["fix"]).group(1))})  # type: ignore[union-attr]
        assert scene.check() == 0  # the change of its own passes where no rise at all is allowed
        scene.base({})
    scene.write({"chat.yaml": profile(f"{key}: 9000", longer=True, calls=calls)})
    assert same_tasks(scene, capsys) is None


def test_without_a_policy_no_waiver_is_named(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"chat.yaml": profile("tokens_per_day: 50M")})
    scene.write({"chat.yaml": profile("tokens_per_day: 50M", longer=True)})
    assert run(["check", "chat.yaml", "--fail-if", "increase > 1%", "--base-ref", "main"]) == 1
    assert "how many are expected, or allow more in --fail-if" in capsys.readouterr().out


def test_the_same_tasks_are_counted_on_the_facts_of_the_head(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """A rent that fell since the base's date is the market's doing: the outcome may not take it for the change's."""
    fallen = RENT.format(price=12) + RENT.format(price=1).partition("prices:\n")[2].replace("2026-01-01", "2026-06-01")
    text = profile("tokens_per_day: 700M").replace("rent: h100-sxm, usd_per_gpu_hour: 12", "rent: h100-sxm, provider: own")
    scene.base({"chat.yaml": f"as_of: 2026-02-01\n{text}", "own/rental/own.yaml": fallen, "breakeven.policy.yaml": OWN})
    scene.write({"chat.yaml": f"as_of: 2026-10-01\n{text.replace('input_tokens: 1000', 'input_tokens: 4000')}"})
    capsys.readouterr()
    assert scene.check("--catalog", "own") == 1
    said = capsys.readouterr().out
    assert "chat (chat.yaml): same cost, but dearer for the same tasks: +$1,460.00 a month\n" in said
    assert "cost_increase: the same tasks would cost $1,460 a month more" in said
