"""What the gate writes, against the schemas and parsers that their readers publish."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from jsonschema.validators import validator_for
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from breakeven.cli.main import run
from tests.gate.bench import LIMIT, PROFILE, WAIVER
from tests.gate.scene import DOUBLED, RISE, ROOT, Scene
from tests.gate.xsd import Schema

HERE = Path(__file__).resolve().parent / "schemas"
HOSTILE = "a|b <img src=x> @team #1 ::error::x \x7f ]]> & \u202e \u2028"


def test_every_schema_is_named_with_its_licence() -> None:
    notice, readme = ((ROOT / "NOTICE").read_text(encoding="utf-8"), (HERE / "README.md").read_text(encoding="utf-8"))
    for path in HERE.iterdir():
        if path.name != "README.md":
            assert path.name in notice, path.name
            assert f"`{path.name}`" in readme, path.name
    for name in re.findall(r"LICENSE\.[a-z-]+", notice + readme):
        assert len((HERE / name).read_text(encoding="utf-8")) > 900, name


def validator(name: str) -> Any:
    schema = json.loads((HERE / name).read_text(encoding="utf-8"))
    return validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())


def failing(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED})


def passing(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("33333", "20000")})


def unchanged(scene: Scene) -> None:
    """Nothing at all."""


def waived(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="cost_increase", scope="chat", expires="2026-12-01", more=LIMIT)})
    scene.write({"chat.yaml": DOUBLED})
    scene.more = ["--on", "2026-11-24"]


def expired(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="cost_increase", scope="chat", expires="2026-11-01", more=LIMIT)})
    scene.more = ["--on", "2026-11-24"]


def crowded(scene: Scene) -> None:
    text = PROFILE.replace("usd_per_gpu_hour: 12, ", "")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": "version: 1\nrules: {stale_fact: {max_age_days: 0}, verdict_flipped: {level: warn}}\n"})
    scene.write({"other/new.yaml": PROFILE.replace("name: chat", "name: new"), "fresh.yaml": PROFILE.replace("name: chat", "name: fresh")})
    scene.more = ["fresh.yaml"]


def hostile(scene: Scene) -> None:
    text = PROFILE.replace("name: chat", f"name: {json.dumps(HOSTILE)[:-1]}\U0001f600\"")
    scene.base({"chat.yaml": text, "other/x.yaml": text})
    scene.write({"chat.yaml": text.replace("33333", "66666"), "other/x.yaml": text.replace("33333", "5")})


STATES = [failing, passing, unchanged, waived, expired, crowded, hostile]
states = pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)


def surface(scene: Scene, state: Callable[[Scene], None], name: str, capsys: pytest.CaptureFixture[str]) -> str:
    state(scene)
    capsys.readouterr()
    assert scene.check("-f", name) in (0, 1)
    return capsys.readouterr().out


# --- SARIF ----------------------------------------------------------------------------------------


@states
def test_sarif_is_valid(scene: Scene, state: Callable[[Scene], None], capsys: pytest.CaptureFixture[str]) -> None:
    validator("sarif-2.1.0-rtm.5.json").validate(json.loads(surface(scene, state, "sarif", capsys)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.update(version="2.0.0"), lambda d: d["runs"][0].update(colour="red"), lambda d: d["runs"][0]["results"][0].pop("message"),
        lambda d: d["runs"][0]["results"][0].update(level="fatal"), lambda d: d["runs"][0]["tool"]["driver"].pop("name"),
        lambda d: d["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
    ],
    ids=range(6),
)  # fmt: skip
def test_the_sarif_schema_would_find_a_fault(scene: Scene, spoil: Callable[[Any], object], capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(surface(scene, failing, "sarif", capsys))
    spoil(data)
    assert not validator("sarif-2.1.0-rtm.5.json").is_valid(data)


def test_a_waived_finding_is_suppressed_and_an_open_one_is_not(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = json.loads(surface(scene, waived, "sarif", capsys))["runs"]
    by_rule = {result["ruleId"]: result for result in run["results"]}
    said = "waiver w1: cost_increase for chat, limit +80%, expires 2026-12-01 (near expiry, used); owner ann, approved by bob: launch week"
    assert by_rule["cost_increase"]["suppressions"] == [{"kind": "external", "status": "accepted", "justification": said}]
    assert "suppressions" not in by_rule["waiver_expiry"]


# --- JUnit ----------------------------------------------------------------------------------------

JUNIT = Schema(HERE / "junit-10.xsd")


@states
def test_junit_is_valid(scene: Scene, state: Callable[[Scene], None], capsys: pytest.CaptureFixture[str]) -> None:
    root = ET.fromstring(surface(scene, state, "junit", capsys))
    assert root.tag == "testsuites"
    assert list(JUNIT.faults(root)) == []
    (suite,) = root
    cases = suite.findall("testcase")
    counts = {"tests": len(cases), "failures": len(suite.findall("testcase/failure")), "skipped": len(suite.findall("testcase/skipped")), "errors": 0}
    assert {key: int(suite.attrib[key]) for key in counts} == counts
    assert {key: int(root.attrib[key]) for key in ("tests", "failures", "errors")} == {key: counts[key] for key in ("tests", "failures", "errors")}
    assert re.fullmatch(r"[0-9]{0,3}(\.[0-9]*)?", suite.attrib["time"])
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)


def test_a_rule_of_the_change_is_one_case(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    root = ET.fromstring(surface(scene, expired, "junit", capsys))
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    assert cases["breakeven.policy", "waiver_expiry w1"].find("failure") is not None
    assert cases["breakeven.policy", "stale_branch"].find("failure") is None
    assert not [key for key in cases if key[0] == "breakeven.chat" and key[1] in ("stale_branch", "waiver_expiry", "left_unchecked")]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("<testsuite name=", "<testsuite colour='red' name=", "testsuite may have no colour"), (' errors="0" skipped', " skipped", "testsuite lacks errors"),
        ("</testsuite>", "words</testsuite>", "text in testsuite"), ("</testsuite>", "<pass/></testsuite>", "testsuite may not hold .*pass"),
        ("<testcase ", "<testcase><testcase/></testcase><testcase ", "testcase may not hold testcase|testcase lacks name"),
        ("</failure>", "<b/></failure>", "failure may not hold b"), ('time="0">\n', 'time="soon">\n', "testsuites.time is 'soon'"),
        ("<system-out>", "<system-out lang='de'>", "system-out is only text"), ("testsuites", "results", "unknown element results"),
        ("<testcase ", "<properties><property name='x'/></properties><testcase ", "property lacks value"),
    ],
    ids=range(10),
)  # fmt: skip
def test_the_junit_schema_would_find_a_fault(scene: Scene, old: str, new: str, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = surface(scene, hostile, "junit", capsys)
    assert list(JUNIT.faults(ET.fromstring(text))) == []
    assert old in text
    assert re.search(fault, "\n".join(JUNIT.faults(ET.fromstring(text.replace(old, new)))))


def test_a_schema_with_what_nobody_reads_is_refused(tmp_path: Path) -> None:
    """A construct that is passed over would be one that is never checked."""
    text = (HERE / "junit-10.xsd").read_text(encoding="utf-8").replace('<xs:pattern value="', '<xs:maxLength value="')
    (tmp_path / "x.xsd").write_text(text, encoding="utf-8")
    with pytest.raises(NotImplementedError, match="maxLength"):
        list(Schema(tmp_path / "x.xsd").faults(ET.fromstring('<testsuites time="0"/>')))


# --- OpenMetrics, GitLab code quality, GitHub annotations --------------------------------------------


@states
def test_openmetrics_parses_strictly(scene: Scene, state: Callable[[Scene], None], capsys: pytest.CaptureFixture[str]) -> None:
    text = surface(scene, state, "openmetrics", capsys)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert text.endswith("# EOF\n")
    assert all(family.type == "gauge" and family.documentation for family in families.values())
    assert {sample.labels["level"] for sample in families["breakeven_findings"].samples} == {"error", "warn", "waived"}
    failed = sum(sample.value for sample in families["breakeven_findings"].samples if sample.labels["level"] == "error") > 0
    assert [sample.value for sample in families["breakeven_gate_failed"].samples] == [float(failed)]


def test_the_openmetrics_parser_would_find_a_fault() -> None:
    with pytest.raises(ValueError, match="EOF"):
        list(text_string_to_metric_families("# TYPE a gauge\na 1\n"))


@states
def test_code_quality_has_what_gitlab_documents(scene: Scene, state: Callable[[Scene], None], capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(surface(scene, state, "codequality", capsys))
    assert isinstance(found, list)
    for item in found:
        assert set(item) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert item["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert item["description"]
        assert not item["location"]["path"].startswith(("./", "/"))
        assert item["location"]["lines"]["begin"] >= 1
    assert len({item["fingerprint"] for item in found}) == len(found)


@states
def test_annotations_are_commands_within_the_limits(scene: Scene, state: Callable[[Scene], None], capsys: pytest.CaptureFixture[str]) -> None:
    lines = surface(scene, state, "github", capsys).splitlines()
    for line in lines:
        match = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
        assert match, line
        properties = dict(part.split("=", 1) for part in match[2].split(","))
        assert set(properties) <= {"file", "line", "title"}
        assert not re.search(r"%(?!25|3A|2C|0A|0D)", match[3])
        assert len(match[3]) <= 5000
    for command in ("error", "warning", "notice"):
        assert sum(line.startswith(f"::{command}") for line in lines) <= 10


@pytest.mark.parametrize("spelled", ["chat one.yaml", "./chat one.yaml", "{here}/chat one.yaml"])
def test_hosts_find_the_file_wherever_the_command_ran(scene: Scene, spelled: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"sub/chat one.yaml": PROFILE})
    scene.write({"sub/chat one.yaml": DOUBLED})
    monkeypatch.chdir(scene.folder / "sub")
    prints = set()
    for name in ("github", "codequality", "sarif", "junit", "json"):
        assert run(["check", spelled.format(here=Path.cwd()), "--policy", "../breakeven.policy.yaml", "--base-ref", "main", "-f", name]) == 1
        said = capsys.readouterr().out
        if name == "github":
            assert said.startswith("::error file=sub/chat one.yaml,line=4,")
        elif name == "sarif":
            (result,) = json.loads(said)["runs"][0]["results"]
            assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "sub/chat%20one.yaml"
        elif name == "junit":
            assert ">sub/chat one.yaml:4: this change costs" in said
        else:
            (item,) = json.loads(said) if name == "codequality" else json.loads(said)["findings"]
            assert (item["location"]["path"] if name == "codequality" else item["file"]) == "sub/chat one.yaml"
            prints.add(item["fingerprint"])
    assert len(prints) == 1


# --- the files teams copy --------------------------------------------------------------------------


def read(name: str) -> Any:
    """As YAML 1.2 reads it: ``on`` is a word."""
    return yaml.load((ROOT / name).read_text(encoding="utf-8"), Loader=Words)


class Words(yaml.SafeLoader):
    """PyYAML without the booleans of YAML 1.1."""


Words.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:bool"] + ([("tag:yaml.org,2002:bool", re.compile("true|false"))] if letter in "tf" else [])
    for letter, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

CI_FILES = [("action.yml", "github-action.json"), ("docs/ci/github.yml", "github-workflow.json"), ("docs/ci/gitlab.yml", "gitlab-ci.json")]


@pytest.mark.parametrize(("name", "schema"), CI_FILES)
def test_ci_files_are_what_their_hosts_publish(name: str, schema: str) -> None:
    validator(schema).validate(read(name))


@pytest.mark.parametrize(
    ("name", "schema", "spoil"),
    [
        ("action.yml", "github-action.json", lambda d: d["runs"].update(using="composit")), ("action.yml", "github-action.json", lambda d: d["runs"]["steps"][0].pop("shell")),
        ("docs/ci/github.yml", "github-workflow.json", lambda d: d["jobs"]["check"].pop("runs-on")), ("docs/ci/gitlab.yml", "gitlab-ci.json", lambda d: d["breakeven"].update(scirpt=["x"])),
    ],
    ids=range(4),
)  # fmt: skip
def test_their_schemas_would_find_a_fault(name: str, schema: str, spoil: Callable[[Any], object]) -> None:
    data = read(name)
    spoil(data)
    assert not validator(schema).is_valid(data)


def test_hooks_have_what_pre_commit_needs() -> None:
    keys = {"id", "name", "description", "entry", "language", "files", "require_serial", "pass_filenames", "types", "always_run", "stages"}
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    for hook in hooks:
        assert {"id", "name", "entry", "language"} <= set(hook) <= keys
        re.compile(hook["files"])
    assert len({hook["id"] for hook in hooks}) == len(hooks)


def test_the_workflow_and_the_action_agree() -> None:
    inputs = read("action.yml")["inputs"]
    step = next(step for step in read("docs/ci/github.yml")["jobs"]["check"]["steps"] if "breakeven@" in step.get("uses", ""))
    assert set(step["with"]) <= set(inputs)
    assert {name for name, entry in inputs.items() if entry.get("required")} <= set(step["with"])
    assert all((ROOT / path).is_file() for path in step["with"]["profiles"].split())
