"""Ways to fool the gate. None may end in exit code 0, and none may look like a crash."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run
from tests.gate.bench import LIMIT, POLICY, PROFILE, WAIVER, World, git, repository


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_clean_case_passes_or_catching_proves_nothing(world: World) -> None:
    assert world.check() == 0


DEARER = [
    ("input_tokens: 1000", "input_tokens: 2000"), ("output_tokens: 500", "output_tokens: 1000"), ("33333", "34000"), ("33333", "1M"),
    ("input_usd_per_mtok: 2", "input_usd_per_mtok: 2.2"), ("output_usd_per_mtok: 10", "output_usd_per_mtok: 11"),
    ("requests_per_day: 33333", "tokens_per_day: 60M"), ("requests_per_day: 33333", "tasks_per_day: 4000\n  calls_per_task: 10"),
    ("  - {model: own/price,", "  - {model: own/price, platform_fee_share: 5%,"), ("  - {model: own/price,", "  - {model: own/price, minimum_usd_per_month: 9000,"),
    ("workload:", "workload:\n  cache_write_share: 0%\n  cached_input_share: 0%\n  batch_share: 0%\n  reasoning_share: 0%\n  calls_per_task: 1"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), DEARER[:-1], ids=range(len(DEARER) - 1))
def test_a_dearer_profile_is_caught(world: World, old: str, new: str) -> None:
    world.edit(old, new)
    assert world.check() == 1


def test_writing_out_defaults_is_no_change(world: World) -> None:
    world.edit(*DEARER[-1])
    assert world.check() == 0


INVALID = [
    ("33333", ".nan"), ("33333", ".inf"), ("33333", "-.inf"), ("33333", "1e999"), ("33333", "-5"), ("33333", "0"), ("33333", "'33 kreq'"), ("33333", "null"),
    ("33333", "[5]"), ("33333", "{a: 1}"), ("33333", "true"), ("33333", "1e30"), ("input_tokens: 1000", "input_tokens: 0\n  outputtokens: 1"),
    ("name: chat", "name: chat\nname: chat"), ("name: chat", "nmae: chat"), ("name: chat", "name: ''"), ("name: chat", "- name"),
    ("workload:", "workload: &a [*a]\nworkloads:"), ("rent: h100-sxm", "rent: h1000-sxm"), ("rent: h100-sxm", "rent: h100-sxm, own: x"),
    ("gpus: 1", "gpus: -1"), ("gpus: 1", "gpus: 1.5"), ("usd_per_gpu_hour: 12", "usd_per_gpu_hour: .nan"), ("usd_per_gpu_hour: 12", "usd_per_gpu_hour: -12"),
    ("model: own/price, ", ""), ("model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10, cached_input_usd_per_mtok: 0.2}", "model: openai/gpt-nothing"),
    ("output_usd_per_mtok: 10", "output_usd_per_mtok: null"), ("{model: own/price", "{model: own/price, discount: 150%"), ("  throughput", "  <<: {a: 1}\n  throughput"),
    ("name: chat", "name: !!python/object/apply:os.system [echo]"), ("api:", "api: []\napis:"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), INVALID, ids=range(len(INVALID)))
def test_a_profile_that_became_invalid_is_an_error(world: World, old: str, new: str) -> None:
    world.edit(old, new)
    assert world.check() in (2, 3)


RAW: list[bytes] = [b"", b"# nothing\n", b"\x00\x01\x02", b"\xff\xfe\x00", b"[" * 9000, b"name: x\n" * 3, b"%YAML 9.9\n---\nx", b"a: " + b"x" * 3_000_000, b"\t\tname: x"]


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
def test_a_profile_that_is_no_profile_is_an_error(world: World, raw: bytes) -> None:
    world.profile.write_bytes(raw)
    assert world.check() == 2


POLICIES = [
    "", "# nothing\n", "version: [1", "[]", "version: 1\n", "rules: {}\n", "version: 1\nrules: {}\n", "version: 1\nrules: []\n", "version: 1\nrules: null\n",
    POLICY.replace("version: 1", "version: 2"), POLICY.replace("version: 1", "version: 0"), POLICY.replace("version: 1", "version: '1.0'"),
    POLICY.replace("cost_increase", "cost_incraese"), POLICY.replace("max_share", "max_shares"), POLICY.replace("1%", ".nan"), POLICY.replace("1%", ".inf"),
    POLICY.replace("1%", "-1%"), POLICY.replace("1%", "'lots'"), POLICY.replace("9k", "null"), POLICY.replace("rules:", "rules:\n  level: off"),
    POLICY.replace("{max_share: 1%}", "{level: maybe}"), POLICY.replace("{max_share: 1%}", "off"), "version: 1\nrules:\n  cost_increase: {level: off}\n",
    "version: 1\nrules:\n  infeasible: {level: warn}\n", POLICY + "version: 1\n", POLICY + "extra: 1\n", POLICY.replace("headline-api", "cheapset"),
    POLICY.replace("headline-api", "api:nobody/nothing"), POLICY + "waivers: {}\n", POLICY + "waivers: [1]\n",
    POLICY + WAIVER.format(rule="cost_increase", scope="*", expires="never", more=LIMIT), POLICY + WAIVER.format(rule="cost_incraese", scope="*", expires="2027-01-01", more=LIMIT),
    POLICY + WAIVER.format(rule="cost_increase", scope="", expires="2027-01-01", more=LIMIT), POLICY + WAIVER.format(rule="cost_increase", scope="*", expires="2027-02-30", more=LIMIT),
    POLICY + WAIVER.format(rule="waiver_expiry", scope="*", expires="2027-01-01", more=LIMIT), POLICY + WAIVER.format(rule="cost_increase", scope="*", expires="2027-01-01", more=LIMIT).replace("bob", "ann"),
    *(POLICY + WAIVER.format(rule="cost_increase", scope="*", expires=end, more=LIMIT) for end in ("1798761600", "2027-01-01T00:00:00Z", "true")),
    *(POLICY + WAIVER.format(rule="cost_increase", scope="*", expires="2027-01-01", more=LIMIT).replace("bob", who) for who in ("\uff41\uff4e\uff4e", "'an\u200bn'", "' Ann  '")),
    POLICY + WAIVER.format(rule="cost_increase", scope="*", expires="2027-01-01", more=LIMIT).replace("reason: launch week, ", ""),
    POLICY + "waivers: [{id: w, rule: cost_increase, scope: '*', reason: because, owner: a, approver: b}]\n",
]  # fmt: skip


@pytest.mark.parametrize("text", POLICIES, ids=range(len(POLICIES)))
def test_a_policy_that_is_no_policy_is_an_error(world: World, text: str) -> None:
    world.policy.write_text(text, encoding="utf-8")
    assert world.check("--on", "2026-11-24") == 2


def altered(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def apply(text: str) -> str:
        data = json.loads(text)
        change(data)
        return json.dumps(data)

    return apply


BASELINES: list[Callable[[str], str]] = [
    lambda t: "", lambda t: "{}", lambda t: "[]", lambda t: "null", lambda t: t[: len(t) // 2], lambda t: t + "x", lambda t: "\x00",
    lambda t: t.replace('"usd_per_month": ', '"usd_per_month": 9', 1), lambda t: t.replace("null", "NaN", 1), lambda t: t.replace("null", "Infinity", 1),
    altered(lambda d: d.pop("digest")), altered(lambda d: d.update(schema_version=99)), altered(lambda d: d.update(schema_version="1")),
    altered(lambda d: d.update(schema_version=0)), altered(lambda d: d.update(kind="other")), altered(lambda d: d["profiles"].clear()),
    altered(lambda d: d["profiles"]["chat"]["costs"].update(usd_per_month=1e9)), altered(lambda d: d["profiles"]["chat"].pop("profile")),
    altered(lambda d: d["profiles"]["chat"]["profile"]["workload"].update(requests_per_day=500000)), altered(lambda d: d.update(subject="cheapest")),
    lambda t: t.replace('"name"', '"name": 1, "name"', 1), lambda t: "[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("change", BASELINES, ids=range(len(BASELINES)))
def test_a_baseline_that_was_not_approved_is_an_error(world: World, change: Callable[[str], str]) -> None:
    world.edit("input_tokens: 1000", "input_tokens: 2000")
    world.baseline.write_text(change(world.baseline.read_text(encoding="utf-8")), encoding="utf-8")
    assert world.check() == 2


def test_a_missing_file_is_an_error(world: World) -> None:
    for path in (world.policy, world.baseline, world.profile):
        saved = path.read_bytes()
        path.unlink()
        assert world.check() == 2
        path.write_bytes(saved)
    assert world.check() == 0


def test_a_renamed_profile_does_not_slip_through_as_new(world: World) -> None:
    world.edit("name: chat", "name: chat-2")
    world.edit("33333", "5M")
    assert world.check() == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["--policy", "p"], ["chat.yaml"], ["chat.yaml", "--fail-if", "increase > 5%"], ["chat.yaml", "--fail-if", ""],
        ["chat.yaml", "--fail-if", "increase > 5", "--baseline", "approved.json"], ["chat.yaml", "--fail-if", "increase < 5%", "--baseline", "approved.json"],
        ["chat.yaml", "--fail-if", "incraese > 5%", "--baseline", "approved.json"], ["chat.yaml", "--fail-if", "increase > nan%", "--baseline", "approved.json"],
        ["chat.yaml", "--fail-if", "increase > -5%", "--baseline", "approved.json"], ["chat.yaml", "--fail-if", "cost > 5%", "--baseline", "approved.json"],
        ["chat.yaml", "--fail-if", "increase > 5% or true", "--baseline", "approved.json"], ["chat.yaml", "--fail-if", "increase > 1.2.3%", "--baseline", "approved.json"],
        *(["chat.yaml", "--fail-if", rule, "--baseline", "approved.json"] for rule in ("cost > 99,999,999,999,999,999", "increase > $99999999999999999999")),
        ["chat.yaml", "--policy", "policy.yaml", "--fail-if", "increase > 5%", "--baseline", "approved.json"],
        ["chat.yaml", "--policy", "policy.yaml", "--baseline", "approved.json", "--base-ref", "main"],
        ["chat.yaml", "chat.yaml", "--policy", "policy.yaml", "--baseline", "approved.json"], ["-", "--policy", "policy.yaml", "--baseline", "approved.json"],
        ["configs/*.yaml", "--policy", "policy.yaml", "--baseline", "approved.json"], [".", "--policy", "policy.yaml", "--baseline", "approved.json"],
        ["chat.yaml", "--policy", "policy.yaml", "--baseline", "approved.json", "--format", "pdf"], ["chat.yaml", "--policy", "policy.yaml", "--baseline", "approved.json", "--as-of", "tomorrow"],
        ["chat.yaml", "--policy", "policy.yaml", "--baseline", "approved.json", "--catalog", "nowhere"], ["chat.yaml", "--policy", "policy.yaml", "--baseline", "approved.json", "-o", "no/such/dir/x"],
        ["chat.yaml", "--policy", "policy.yaml", "--baseline", "approved.json", "--frobnicate"], ["chat.yaml", "--policy", "policy.yaml", "--baseline", "approved.json", "--on", "soon"],
        ["chat.yaml", "--policy", "policy.yaml", "--approve"], ["chat.yaml", "--approve", "-o", "x.json", "--fail-if", "increase > 5%"],
    ],
    ids=str,
)  # fmt: skip
def test_a_command_that_judges_nothing_is_an_error(world: World, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder)
    assert run(["check", *arguments]) == 2


@pytest.mark.parametrize("ref", ["", "-", "--upload-pack=x", "-n", "nothing", "main..change", "main\nchange", "HEAD:chat.yaml", "x" * 300, "main^{tree}", "@{nope}"])
def test_a_revision_that_is_none_is_an_error(tmp_path: Path, ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository(tmp_path / "r"))
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", f"--base-ref={ref}"]) == 2


@pytest.mark.parametrize("ref", ["^main", "^HEAD~0"])
def test_what_is_everything_but_a_commit_is_named_in_plain_words(tmp_path: Path, ref: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository(tmp_path / "r"))
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", f"--base-ref={ref}"]) == 2
    assert f"'{ref}' does not name one commit; write for example origin/main" in capsys.readouterr().err


@pytest.mark.parametrize(("said", "fails"), [("1", True), ("1.0", True), ("'1'", True), ("1.", True), ("100%", False), ("1%", False), ("0.99", False)])
def test_a_tolerance_of_one_says_one_of_what(tmp_path: Path, said: str, fails: bool, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    world.policy.write_text(POLICY.replace("max_share: 1%", f"max_share: {said}"), encoding="utf-8")
    assert world.check() == (2 if fails else 0)
    assert ("cost_increase.max_share: may mean 1% or 100%; write which" in capsys.readouterr().err) == fails


def test_outside_a_repository_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(world.folder.parent))
    assert run(["check", "chat.yaml", "--policy", "policy.yaml", "--base-ref", "main"]) == 2


def test_a_shallow_clone_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    origin = repository(tmp_path / "r")
    (origin / "x").write_text("x", encoding="utf-8")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "more")
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "change", origin.as_uri(), "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "origin/main"]) == 2
    assert "shallow" in capsys.readouterr().err


RISE = "version: 1\nsubject: headline-api\nrules: {cost_increase: {max_share: 1%}}\n"
BUDGET = "version: 1\nsubject: headline-api\nrules: {budget_month: {max_usd: 9k}}\n"


@pytest.mark.parametrize(
    ("policy", "old", "new"),
    [
        (RISE, "1%", "500%"), (RISE, "{max_share: 1%}", "{level: warn}"), (RISE, "{max_share: 1%}", "{max_share: 1%, ignore_below_usd_per_month: $1M}"),
        (RISE, "cost_increase: {max_share: 1%}", "budget_month: {max_usd: $1M}"), (RISE, "headline-api", "headline-self-host"), (BUDGET, "9k", "9M"),
        (BUDGET, "max_usd: 9k", "level: warn, max_usd: 9k"),
    ],
    ids=["tolerance", "level", "ignored", "another rule", "subject", "budget", "budget's level"],
)  # fmt: skip
def test_a_change_cannot_loosen_the_policy_that_judges_it(tmp_path: Path, policy: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    command = ["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main"]
    (folder / "breakeven.policy.yaml").write_text(policy, encoding="utf-8")
    git(folder, "commit", "-q", "-a", "-m", "one rule")
    git(folder, "branch", "-f", "main", "HEAD")
    assert old in policy
    (folder / "breakeven.policy.yaml").write_text(policy.replace(old, new), encoding="utf-8")
    (folder / "chat.yaml").write_text(PROFILE.replace("input_tokens: 1000", "input_tokens: 2000"), encoding="utf-8")
    assert run(command) == 1
    git(folder, "commit", "-q", "-a", "-m", "it lands")
    git(folder, "branch", "-f", "main", "HEAD~0")
    assert run(command) == 0  # the looser one judges what comes after it


def test_a_waiver_that_arrives_with_the_change_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    (folder / "breakeven.policy.yaml").write_text(POLICY + WAIVER.format(rule="cost_increase", scope="*", expires="2027-01-01", more=LIMIT), encoding="utf-8")
    (folder / "chat.yaml").write_text(PROFILE.replace("33333", "80000"), encoding="utf-8")
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main", "--on", "2026-11-24"]) == 1


def test_a_policy_that_is_new_or_broken_in_the_change_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    (folder / "new.policy.yaml").write_text(POLICY, encoding="utf-8")
    assert run(["check", "chat.yaml", "--policy", "new.policy.yaml", "--base-ref", "main"]) == 2
    (folder / "breakeven.policy.yaml").write_text("version: 1\nrules: {}\n", encoding="utf-8")
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main"]) == 2


def test_an_overlay_that_arrives_with_the_change_does_not_hide_its_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    (folder / "facts").mkdir()
    (folder / "facts" / "x.yaml").write_text(
        "kind: figures\nid: own\nname: x\nrecords:\n  - {effective: 2026-01-01, value: 1, unit: usd_per_fte_year, source: {title: t, retrieved: 2026-01-01, kind: quote}}\n",
        encoding="utf-8",
    )
    (folder / "chat.yaml").write_text(PROFILE.replace("33333", "80000"), encoding="utf-8")
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main", "--catalog", "facts"]) == 1


@pytest.mark.parametrize(
    ("scope", "more", "on", "code"),
    [
        ("chat", LIMIT, "2026-11-24", 0), ("other", LIMIT, "2026-11-24", 1), ("chat", LIMIT, "2027-01-02", 1), ("chat", ", max_share: 5%", "2026-11-24", 1),
        ("chat", ", max_share: 80%", "2026-11-24", 0), ("chat", ", max_usd_per_month: $10", "2026-11-24", 1), ("*", LIMIT, "2026-12-31", 0),
        ("chat", ", max_usd_per_month: $10, max_share: 80%", "2026-11-24", 1), ("chat", LIMIT, "", 2), ("chat", "", "2026-11-24", 2),
    ],
)  # fmt: skip
def test_waivers_cover_what_they_name_and_no_more(world: World, scope: str, more: str, on: str, code: int) -> None:
    world.policy.write_text(POLICY + WAIVER.format(rule="cost_increase", scope=scope, expires="2027-01-01", more=more), encoding="utf-8")
    world.edit("33333", "40000")
    assert world.check(*(["--on", on] if on else [])) == code


def test_a_full_disk_leaves_the_old_report(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    target = world.folder / "report.json"
    target.write_text("old", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    world.edit("33333", "40000")
    assert world.check("-f", "json", "-o", str(target)) == 2
    assert target.read_text(encoding="utf-8") == "old"
    assert [p.name for p in world.folder.iterdir() if p.name.endswith(".part")] == []


def test_there_are_at_least_a_hundred_sabotages() -> None:
    assert len(DEARER) - 1 + len(INVALID) + len(RAW) + len(POLICIES) + len(BASELINES) >= 100
