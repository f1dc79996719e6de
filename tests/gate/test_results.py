"""Results and facts as they are read: numbers are numbers, and facts are compared by their digests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.gate.baseline import read_baseline
from tests.gate.bench import PROFILE, World
from tests.gate.scene import RENT, RISE, Scene


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("chat.yaml").write_text(PROFILE, encoding="utf-8")
    assert run(["run", "chat.yaml", "-o", "a.json"]) == 0
    return tmp_path / "a.json"


@pytest.mark.parametrize(
    ("value", "said"),
    [("NaN", "NaN is not a number"), ("Infinity", "Infinity is not a number"), ("1e999", "1e999 is not a number"), ("1" + "0" * 400, "is not a result of"), ("-5", "is not a result of"),
     ("true", "is not a result of"), ('"12"', "is not a result of")],
    ids=["nan", "infinity", "beyond floats", "beyond integers", "negative", "true", "text"],
)  # fmt: skip
@pytest.mark.parametrize("side", [0, 1], ids=["before", "after"])
def test_a_result_with_a_cost_that_is_none_is_refused(result: Path, value: str, said: str, side: int, capsys: pytest.CaptureFixture[str]) -> None:
    text = result.read_text(encoding="utf-8")
    cost = json.loads(text)["offers"][0]["usd_per_month"]
    assert repr(cost) in text
    Path("b.json").write_text(text.replace(f'"usd_per_month": {cost!r}', f'"usd_per_month": {value}', 1), encoding="utf-8")
    capsys.readouterr()
    files = ["a.json", "a.json"]
    files[side] = "b.json"
    assert run(["diff", *files]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: b.json: ")
    assert said in error
    assert "breakeven run" in error  # what to do about it


def test_two_results_name_the_file_of_each_key(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("chat.yaml").write_text(PROFILE.replace("33333", "44444"), encoding="utf-8")
    assert run(["run", "chat.yaml", "-o", "b.json"]) == 0
    for name, words in (("text", "volume: b.json workload.requests_per_day 33333 -> 44444"), ("md", "b.json workload.requests\\_per\\_day 33333")):
        capsys.readouterr()
        assert run(["diff", "a.json", "b.json", "-f", name]) == 0
        assert words in capsys.readouterr().out


def test_a_result_costs_what_it_recorded(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = min(offer["usd_per_month"] for offer in json.loads(result.read_text(encoding="utf-8"))["offers"] if offer["eligible"] and offer["feasible"])
    capsys.readouterr()
    assert run(["diff", "a.json", "chat.yaml", "-f", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["profiles"][0]["base"]["usd_per_month"] == recorded


def test_facts_are_the_same_by_their_whole_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalogues whose digests only begin alike are two."""
    from msgspec.structs import replace

    world = World(tmp_path)
    capsys.readouterr()
    assert world.check("-f", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["catalog"] == report["base_catalog"]
    found = read_baseline(world.baseline)
    other = found.catalogue_digest[:19] + "0" * (len(found.catalogue_digest) - 19)
    monkeypatch.setattr("breakeven.gate.base_baseline.read_baseline", lambda path: replace(found, catalogue_digest=other))
    assert world.check("-f", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["base_catalog"] == f"{found.catalogue_version} {other}"
    assert report["catalog"] == f"{found.catalogue_version} {found.catalogue_digest}"


def test_which_facts_judge_does_not_follow_from_a_files_name(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Notes are for people: a policy whose name begins like a note about overlays changes no facts."""
    name = "the catalogue overlay.yaml"
    scene.base({name: RISE, "facts/own.yaml": RENT.format(price=5)})
    scene.write({name: RISE.replace("1%", "2%")})
    command = ["check", "chat.yaml", "--policy", name, "--base-ref", "main", "--catalog", "facts", "-f", "json"]
    capsys.readouterr()
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["profiles"][0]["head_facts_usd_per_month"] is None
    scene.write({"facts/own.yaml": RENT.format(price=6)})
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["profiles"][0]["head_facts_usd_per_month"] is not None


@pytest.mark.parametrize("names", [["main", "HEAD"], ["main:chat.yaml", "chat.yaml"]])
def test_a_revision_in_place_of_a_file_says_how_to_give_one(scene: Scene, names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", *names]) == 2
    assert "for a git revision: breakeven diff --base-ref REV PROFILE" in capsys.readouterr().err
