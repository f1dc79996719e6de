"""What a report prints: amounts that a reader can have paid, names that are told apart, and what it gives away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE, World
from tests.gate.scene import RENT, RISE, Scene

SECRET = RENT.replace("gpus_per_sku: 1,", "gpus_per_sku: 1, confidential: true,")


def test_a_rise_of_less_than_a_cent_is_told_so_with_its_cause(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"breakeven.policy.yaml": RISE.replace("{max_share: 1%}", "{level: error}")})
    scene.write({"chat.yaml": PROFILE.replace("input_usd_per_mtok: 2,", "input_usd_per_mtok: 2.0000001,")})
    assert scene.check() == 1
    said = capsys.readouterr().out
    assert "this change costs less than a cent a month more (" in said
    assert "API price less than a cent (api[0].prices.input_usd_per_mtok)" in said


def test_cents_of_the_parts_sum_to_the_total(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorded cost that differs from its recomputation by less than a cent has no part of its own."""
    world = World(tmp_path)
    world.edit("33333", "33342")
    capsys.readouterr()
    for off in (0.0, 0.0049, -0.0049):
        monkeypatch.setattr("breakeven.gate.base_baseline.read_baseline", recorded(world, off))
        world.check("-f", "json")
        (row,) = json.loads(capsys.readouterr().out)["profiles"]
        assert row["total_cents"] == sum(part["cents"] for part in row["parts"]), off


def recorded(world: World, off: float) -> object:
    """The baseline, with every cost so much off."""
    from msgspec.structs import replace

    from breakeven.gate.baseline import read_baseline

    found = read_baseline(world.baseline)
    entry = found.profiles["chat"]
    moved = replace(entry, snapshot=replace(entry.snapshot, usd_per_month=(entry.snapshot.usd_per_month or 0.0) + off))
    return lambda _: replace(found, profiles={"chat": moved})


def test_names_that_read_the_same_are_refused(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"a.yaml": PROFILE.replace("name: chat", 'name: "ch at"'), "b.yaml": PROFILE.replace("name: chat", 'name: "ch\\tat"')})
    assert scene.check("a.yaml", "b.yaml") == 2
    assert "profile names read the same in a report: 'ch at', 'ch\\tat'; give each profile its own name" in capsys.readouterr().err


@pytest.mark.parametrize("surface", ["text", "md", "json", "github", "junit", "sarif"])
def test_a_report_says_that_it_gives_confidential_facts_away(scene: Scene, surface: str, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"chat.yaml": PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1", "rent: h100-sxm, provider: own, gpus: 1"), "facts/own.yaml": SECRET.format(price=3)})
    scene.more = ["--catalog", "facts"]
    assert scene.check("-f", surface) == 0
    assert "costs here rest on confidential facts" in capsys.readouterr().out
    assert run(["check", "chat.yaml", "--fail-if", "increase > 5%", "--base-ref", "main", "--catalog", "facts"]) == 0


HOSTILE = "<img src=//x.example/a.png> a|b #12 GH-3 www.x.example @ops"


def test_a_name_is_text_in_a_line_of_html_too(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """A host reads the line of a ``<summary>`` as HTML: Markdown's escapes would leave the tag one."""
    text = PROFILE.replace("name: chat", f"name: {json.dumps(HOSTILE)}")
    scene.base({"chat.yaml": text})
    scene.write({"chat.yaml": text.replace("input_tokens: 1000", "input_tokens: 1001")})
    scene.check("-f", "md")
    said = capsys.readouterr().out
    (line,) = [line for line in said.splitlines() if line.startswith("<details><summary>why ")]
    assert line == "<details><summary>why &lt;img src=//x.example/a.png&gt; a|b #\u200b12 GH\u200b-3 www\u200b.x.example @\u200bops changes</summary>"


def test_a_comment_refers_to_nothing_and_links_nowhere(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Hosts look for references and addresses in what is shown: a backslash before them is gone by then."""
    scene.base({"chat.yaml": PROFILE.replace("name: chat", f"name: {json.dumps(HOSTILE)}")})
    scene.write({"chat.yaml": PROFILE.replace("name: chat", f"name: {json.dumps(HOSTILE)}").replace("input_tokens: 1000", "input_tokens: 1001")})
    scene.check("-f", "md")
    said = capsys.readouterr().out.partition("\n")[2]
    assert not any(linked in said for linked in ("#12", "GH-3", "www.x", "@ops"))
