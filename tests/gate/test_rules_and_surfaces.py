"""Rules that need more than two costs, and surfaces under hostile text and at their hosts' limits."""

from __future__ import annotations

import hashlib
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pytest

from breakeven.cli.main import run
from tests.gate.bench import LIMIT, PROFILE, WAIVER, World, git, repository
from tests.gate.scene import Scene

CHECK = ["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main"]
HOSTILE = "a|b <img src=x> @team #1 ::error::x \x7f ]]> & \u202e"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = repository(tmp_path / "r")
    monkeypatch.chdir(found)
    return found


def based(folder: Path, rules: str, profile: str = PROFILE, more: str = "") -> None:
    (folder / "breakeven.policy.yaml").write_text(f"version: 1\nsubject: headline-api\nrules: {rules}\n{more}", encoding="utf-8")
    (folder / "chat.yaml").write_text(profile, encoding="utf-8")
    git(folder, "commit", "-q", "-a", "--allow-empty", "-m", "base")
    git(folder, "branch", "-f", "main", "HEAD")


def test_near_a_crossing_and_growing_into_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = PROFILE.replace("usd_per_gpu_hour: 12", "usd_per_gpu_hour: 10").replace("output_tokens: 500", "output_tokens: 500\n  demand: {growth_per_year: 100%}")
    based(folder, "{near_crossover: {within_share: 30%}, crossing_within: {months: 12}}", text)
    assert run(CHECK) == 1
    said = capsys.readouterr().out
    assert "lies within 30% of a crossing" in said
    assert re.search(r"the crossing at \S+ tokens/day comes in \d+ months", said)
    based(folder, "{near_crossover: {within_share: 0.1%}, crossing_within: {months: 0.1}}", text)
    assert run(CHECK) == 0


def test_a_market_that_rises_fails_only_its_own_rule(folder: Path) -> None:
    api = PROFILE.replace("{model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10, cached_input_usd_per_mtok: 0.2}}", "google/gemini-4-argon")
    for rule, code in (("cost_increase", 0), ("market_increase", 1)):
        based(folder, f"{{{rule}: {{max_share: 1%}}}}", api)
        (folder / "chat.yaml").write_text(api.replace("name: chat", "name: chat\nas_of: 2026-12-02"), encoding="utf-8")
        assert run(CHECK) == code


def test_another_release_on_the_same_facts_is_the_tools_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    data = json.loads(world.baseline.read_text(encoding="utf-8"))
    data["tool_version"] = "0.0.1"
    data["profiles"]["chat"]["costs"]["usd_per_month"] -= 100.0
    body = {key: value for key, value in data.items() if key != "digest"}
    text = json.dumps(body, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    world.baseline.write_text(json.dumps({**body, "digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest()}), encoding="utf-8")
    capsys.readouterr()
    assert world.check("-f", "json") == 0
    row = json.loads(capsys.readouterr().out)["profiles"][0]
    assert row["tool_usd_per_month"] == pytest.approx(100.0)
    assert row["market_usd_per_month"] == row["change_usd_per_month"] == 0.0


@pytest.mark.parametrize("name", ["text", "json", "md", "github", "junit", "sarif", "codequality", "openmetrics"])
def test_hostile_text_is_inert(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = PROFILE.replace("name: chat", f"name: {json.dumps(HOSTILE)}")
    based(folder, "{cost_increase: {max_share: 1%}}", hostile)
    (folder / "chat.yaml").write_text(hostile.replace("33333", "66666"), encoding="utf-8")
    assert run([*CHECK, "-f", name]) == 1
    said = capsys.readouterr().out
    if name != "json":  # escaped there, as data
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", said)
    if name == "md":
        assert not re.search(r"(?<!\\)<img", said)
        assert "@team" not in said
        assert "| a\\|b" in said
    if name == "github":
        assert all(re.match(r"::(error|warning|notice) ", line) for line in said.splitlines())
        assert said.count("::error") == 1
    if name == "junit":
        assert ET.fromstring(said).find("testsuite") is not None
    if name in ("json", "sarif", "codequality"):
        json.loads(said)
    if name == "openmetrics":
        from prometheus_client.openmetrics.parser import text_string_to_metric_families

        assert list(text_string_to_metric_families(said))


def test_limits_of_the_hosts_are_kept_and_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    based(folder, "{stale_fact: {max_age_days: 0}}", PROFILE.replace("usd_per_gpu_hour: 12, ", ""))
    assert run([*CHECK, "-f", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("::error") for line in lines) == 10
    assert any("more finding(s)" in line for line in lines)


def test_a_long_comment_keeps_its_marker_and_what_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for number in range(150):
        name = f"q{number}.yaml"
        (folder / name).write_text(PROFILE.replace("name: chat", f"name: q{number}-{'x' * 200}"), encoding="utf-8")
        names.append(name)
    git(folder, "add", "-A")
    based(folder, "{cost_increase: {max_share: 1%}}")
    for name in names:
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("33333", "20000"), encoding="utf-8")
    (folder / "chat.yaml").write_text(PROFILE.replace("33333", "66666"), encoding="utf-8")
    assert run(["check", *names, *CHECK[1:], "-f", "md"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("<!-- breakeven-gate -->")
    assert len(said) < 65_536
    assert "cost_increase" in said.split("\n\n")[1]
    assert "Cut here" in said
    assert said.count("<details>") == said.count("</details>")


def test_one_run_writes_every_surface(folder: Path) -> None:
    based(folder, "{cost_increase: {max_share: 1%}}")
    (folder / "chat.yaml").write_text(PROFILE.replace("33333", "66666"), encoding="utf-8")
    assert run([*CHECK, "--report", "sarif=x.sarif", "--report", "junit=x.xml", "-o", "x.txt"]) == 1
    assert {path.name for path in folder.glob("x.*")} == {"x.sarif", "x.xml", "x.txt"}
    for bad in ("sarif", "sarif=", "pdf=x", "=x"):
        assert run([*CHECK, "--report", bad]) == 2
    assert run([*CHECK, "--report", "sarif=y", "--report", "junit=y"]) == 2


@pytest.mark.parametrize(("locked", "said"), [("input_usd", "not locked"), ("digest", "says something else"), ("as_of", "locked as of")])
def test_facts_that_drift_from_the_lock_fail(folder: Path, locked: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    listed = PROFILE.replace("usd_per_gpu_hour: 12, ", "")
    based(folder, "{cost_increase: {max_share: 1%}}", listed)
    assert run(["catalog", "lock", "chat.yaml"]) == 0
    git(folder, "add", "breakeven.lock")
    based(folder, "{cost_increase: {max_share: 1%}}", listed)
    command = [*CHECK, "--locked", "breakeven.lock", "--on", "2026-11-24"]
    assert run(command) == 0
    lock = json.loads(Path("breakeven.lock").read_text(encoding="utf-8"))
    fact = next(name for name in lock["facts"] if name.startswith("rental/"))
    if locked == "input_usd":
        del lock["facts"][fact]
    elif locked == "digest":
        lock["facts"][fact]["digest"] = "sha256:0"
    else:
        lock["as_of"] = "2026-11-20"
        command += ["--as-of", "2026-11-23"]
    Path("breakeven.lock").write_text(json.dumps(lock), encoding="utf-8")
    capsys.readouterr()
    assert run(command) in (1, 2)
    assert re.search(f"{said}|not 2026-11-23", "".join(capsys.readouterr()))


def test_waivers_are_listed_in_every_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    based(folder, "{cost_increase: {max_share: 1%}}", more=WAIVER.format(rule="cost_increase", scope="chat", expires="2027-01-01", more=LIMIT))
    (folder / "chat.yaml").write_text(PROFILE.replace("33333", "40000"), encoding="utf-8")
    for name in ("text", "json", "md", "junit", "sarif"):
        assert run([*CHECK, "--on", "2026-11-24", "-f", name]) == 0
        assert "w1" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "annotated"), [("back\\slash.yaml", "back\\slash.yaml"), ("two\nlines.yaml", "two%0Alines.yaml"), ("c,o:l%n.yaml", "c%2Co%3Al%25n.yaml")])
def test_a_host_gets_the_file_by_its_own_name(scene: Scene, name: str, annotated: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A backslash or a line end in it belongs to it: otherwise the finding would stand at another file."""
    scene.base({name: PROFILE.replace("name: chat", "name: odd")})
    scene.write({name: PROFILE.replace("name: chat", "name: odd").replace("input_tokens: 1000", "input_tokens: 2000")})
    capsys.readouterr()
    assert scene.check(name, "-f", "github") == 1
    assert f"::error file={annotated},line=4," in capsys.readouterr().out
    assert scene.check(name, "-f", "sarif") == 1
    (found,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert unquote(found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) == name
