"""Ways to fool the gate through a repository: its files, its history, its links, its references, its arithmetic.

Each is caught for its own reason: the exit code alone would not show that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from breakeven.cli.main import run
from tests.gate.bench import LIMIT, PROFILE, WAIVER, git, repository
from tests.gate.scene import DOUBLED, FLAT, HOURLY, OWN, PEAKED, RISE, ROOT, WAGE, Register, Scene, assert_caught

SABOTAGES = sabotage = Register()


# --- what a cost is -------------------------------------------------------------------------------


@sabotage(1, "same tasks would cost")
def a_longer_prompt_behind_a_volume_in_tokens(scene: Scene) -> None:
    text = PROFILE.replace("requests_per_day: 33333", "tokens_per_day: 50M")
    scene.base({"chat.yaml": text})
    scene.write({"chat.yaml": text.replace("input_tokens: 1000", "input_tokens: 2000")})


@sabotage(1, "same tasks would cost")
def more_calls_for_each_task_behind_a_volume_in_requests(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("output_tokens: 500", "output_tokens: 500\n  calls_per_task: 4")})


@sabotage(1, "same tasks would cost")
def a_longer_prompt_with_the_volume_rewritten_in_tokens(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED.replace("requests_per_day: 33333", "tokens_per_day: 50M")})


@sabotage(1, "a month of 730 hours(.*\n)*.*cost_increase: this change costs")
def a_shorter_month(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED + "finance: {hours_per_month: 100}\n"})


@sabotage(1, "hourly_file")
def another_week_in_the_file_beside_the_profile(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": OWN, "chat.yaml": HOURLY, "week.txt": FLAT})
    scene.write({"week.txt": PEAKED})


@sabotage(1, "hourly_file")
def another_week_under_another_name(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": OWN, "chat.yaml": HOURLY, "week.txt": FLAT})
    git(scene.folder, "mv", "week.txt", "load.txt")
    scene.write({"load.txt": PEAKED, "chat.yaml": HOURLY.replace("week.txt", "load.txt")})


@sabotage(2, "week.txt")
def the_file_beside_the_profile_removed(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": OWN, "chat.yaml": HOURLY, "week.txt": FLAT})
    (scene.folder / "week.txt").unlink()


@sabotage(1, "from nothing")
def a_cost_that_rises_from_nothing(scene: Scene) -> None:
    free = PROFILE.replace("input_usd_per_mtok: 2,", "input_usd_per_mtok: 0,").replace("output_usd_per_mtok: 10,", "output_usd_per_mtok: 0,")
    scene.base({"chat.yaml": free})
    scene.write({"chat.yaml": PROFILE})


@sabotage(1, "unknown|cannot be known|no eligible offer can serve")
def a_subject_that_can_no_longer_serve(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": OWN, "chat.yaml": PROFILE.replace("  throughput: {total_tok_per_s: 9000}\n", "")})
    scene.write({"chat.yaml": PROFILE.replace("  throughput: {total_tok_per_s: 9000}\n", "") + "latency: {ttft_ms: 0.001}\n"})


@sabotage(1, "cost_increase")
def a_rise_that_a_price_cut_of_the_market_hides(scene: Scene) -> None:
    scene.base({"chat.yaml": PROFILE.replace("name: chat", "name: chat\nas_of: 2026-11-01")})
    scene.write({"chat.yaml": DOUBLED.replace("name: chat", "name: chat\nas_of: 2026-11-20")})


@sabotage(1, "cost_increase")
def a_rise_above_one_limit_and_below_the_other(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE.replace("1%", "1%, max_usd_per_month: $5k")})
    scene.write({"chat.yaml": DOUBLED})


@sabotage(1, "cost_increase")
def a_rise_above_the_dollars_and_below_the_share(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE.replace("1%", "90%, max_usd_per_month: $100")})
    scene.write({"chat.yaml": DOUBLED})


@sabotage(1, "allowed nothing|allowed 0%")
def the_smallest_rise_where_nothing_is_allowed(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE.replace("{max_share: 1%}", "{level: error}")})
    scene.write({"chat.yaml": PROFILE.replace("33333", "33334")})


# --- which file is compared with which ------------------------------------------------------------


@sabotage(2, "link")
def a_profile_replaced_by_a_link_to_a_dearer_one(scene: Scene) -> None:
    scene.base({"big.yaml": DOUBLED.replace("name: chat", "name: big")})
    (scene.folder / "chat.yaml").unlink()
    (scene.folder / "chat.yaml").symlink_to("big.yaml")


@sabotage(2, "link")
def a_folder_replaced_by_a_link_to_dearer_profiles(scene: Scene) -> None:
    scene.base({"a/p.yaml": PROFILE.replace("name: chat", "name: p"), "b/p.yaml": DOUBLED.replace("name: chat", "name: p")})
    (scene.folder / "a" / "p.yaml").unlink()
    (scene.folder / "a").rmdir()
    (scene.folder / "a").symlink_to("b")
    scene.more = ["a/p.yaml"]


@sabotage(2, "link")
def a_policy_replaced_by_a_link_to_a_looser_one(scene: Scene) -> None:
    scene.base({"loose.yaml": RISE.replace("1%", "900%")})
    (scene.folder / "breakeven.policy.yaml").unlink()
    (scene.folder / "breakeven.policy.yaml").symlink_to("loose.yaml")
    scene.write({"chat.yaml": DOUBLED})


@sabotage(2, "link")
def a_link_that_the_base_has_already(scene: Scene) -> None:
    scene.write({"real.yaml": PROFILE})
    (scene.folder / "chat.yaml").unlink()
    (scene.folder / "chat.yaml").symlink_to("real.yaml")
    scene.base({})
    (scene.folder / "chat.yaml").unlink()
    scene.write({"chat.yaml": DOUBLED})


@sabotage(1, "new_profile|cost_increase")
def a_profile_moved_and_made_dearer(scene: Scene) -> None:
    git(scene.folder, "mv", "chat.yaml", "moved.yaml")
    scene.write({"moved.yaml": DOUBLED, "chat.yaml": PROFILE.replace("name: chat", "name: small")})
    scene.more = ["moved.yaml"]


@sabotage(2, "policy")
def the_policy_removed_by_the_change(scene: Scene) -> None:
    (scene.folder / "breakeven.policy.yaml").unlink()
    scene.write({"chat.yaml": DOUBLED})


@sabotage(2, "twice")
def two_profiles_of_one_name(scene: Scene) -> None:
    scene.write({"copy.yaml": DOUBLED})
    scene.more = ["copy.yaml"]


@sabotage(2, "outside the repository")
def a_profile_outside_the_repository(scene: Scene) -> None:
    (scene.folder.parent / "far.yaml").write_text(PROFILE.replace("name: chat", "name: far"), encoding="utf-8")
    scene.more = ["../far.yaml"]


@sabotage(2, "outside the repository")
def an_overlay_outside_the_repository(scene: Scene) -> None:
    (scene.folder.parent / "far.yaml").write_text(WAGE.format(value=1), encoding="utf-8")
    scene.more = ["--catalog", "../far.yaml"]


@sabotage(2, "base")
def a_base_that_is_not_valid(scene: Scene) -> None:
    scene.base({"chat.yaml": PROFILE.replace("33333", "-1")})
    scene.write({"chat.yaml": PROFILE})


# --- what the base revision is --------------------------------------------------------------------


@sabotage(2, "more than one thing")
def a_tag_with_the_name_of_the_base_branch(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED})
    scene.commit()
    git(scene.folder, "tag", "main")


@sabotage(2, "more than one thing")
def an_annotated_tag_with_the_name_of_the_base_branch(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED})
    scene.commit()
    git(scene.folder, "tag", "-a", "-m", "x", "main")


@sabotage(1, "cost_increase")
def attributes_that_hide_or_change_the_base(scene: Scene) -> None:
    scene.base({".gitattributes": "* export-ignore\n*.yaml export-subst\n"})
    scene.write({"chat.yaml": DOUBLED})


@sabotage(1, "cost_increase")
def a_replacement_object_for_the_base(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED})
    scene.commit()
    git(scene.folder, "replace", git(scene.folder, "rev-parse", "main").strip(), "HEAD")


@sabotage(1, "cost_increase")
def line_endings_that_differ(scene: Scene) -> None:
    git(scene.folder, "config", "core.autocrlf", "true")
    (scene.folder / "chat.yaml").write_bytes(DOUBLED.replace("\n", "\r\n").encode())


@sabotage(1, "cost_increase")
def an_index_and_environment_that_point_elsewhere(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED})
    git(scene.folder, "add", "-A")


# --- policy and waivers ---------------------------------------------------------------------------


@sabotage(2, "percentage")
def a_tolerance_of_five_that_means_five_hundred_percent(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE.replace("1%", "5")})
    scene.write({"chat.yaml": DOUBLED})


@sabotage(2, "no tolerance|at most")
def a_tolerance_without_a_bound(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE.replace("1%", "9999999%")})


@sabotage(2, "budget_month")
def a_budget_that_can_only_be_crossed(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": "version: 1\nrules: {budget_crossed: {level: error}}\n"})


@sabotage(2, "limit")
def a_waiver_without_a_limit(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="cost_increase", scope="*", expires="2027-01-01", more="")})
    scene.write({"chat.yaml": DOUBLED})
    scene.more = ["--on", "2026-11-24"]


@sabotage(1, "366 days")
def a_waiver_for_ever(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="cost_increase", scope="*", expires="9999-12-31", more=LIMIT)})
    scene.write({"chat.yaml": DOUBLED})
    scene.more = ["--on", "2026-11-24"]


@sabotage(2, "two people")
def a_waiver_approved_by_its_owner_in_capitals(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="cost_increase", scope="*", expires="2027-01-01", more=LIMIT).replace("bob", "' ANN '")})
    scene.more = ["--on", "2026-11-24"]


@sabotage(1, "expired")
def an_expired_waiver_that_nothing_uses(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="cost_increase", scope="*", expires="2026-11-01", more=LIMIT)})
    scene.more = ["--on", "2026-11-24"]


@sabotage(1, "cost_increase")
def a_waiver_of_another_rule(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="infeasible", scope="*", expires="2027-01-01", more="")})
    scene.write({"chat.yaml": DOUBLED})
    scene.more = ["--on", "2026-11-24"]


@sabotage(1, "cost_increase")
def a_profile_renamed_into_the_scope_of_a_waiver(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="cost_increase", scope="launch-*", expires="2027-01-01", more=LIMIT)})
    scene.write({"chat.yaml": DOUBLED.replace("name: chat", "name: launch-chat")})
    scene.more = ["--on", "2026-11-24"]


@sabotage(1, "budget_month")
def a_waiver_of_a_rise_for_a_budget_far_exceeded(scene: Scene) -> None:
    scene.base({
        "chat.yaml": DOUBLED,
        "breakeven.policy.yaml": "version: 1\nsubject: headline-api\nrules: {budget_month: {max_usd: $100}}\n"
        + WAIVER.format(rule="budget_month", scope="*", expires="2027-01-01", more=", max_usd_per_month: $200"),
    })  # fmt: skip
    scene.more = ["--on", "2026-11-24"]


# --- facts ----------------------------------------------------------------------------------------


@sabotage(1, "stale_fact")
def the_date_of_the_facts_set_back_to_make_them_young(scene: Scene) -> None:
    text = PROFILE.replace("usd_per_gpu_hour: 12, ", "")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": "version: 1\nrules: {stale_fact: {max_age_days: 400}}\n"})
    scene.write({"chat.yaml": text.replace("name: chat", "name: chat\nas_of: 2026-11-20")})
    scene.more = ["--on", "2028-06-01"]


@sabotage(1, "has no source")
def a_price_of_ones_own_without_a_source(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": "version: 1\nrules: {unsourced_assumption: {level: error}}\n"})


@sabotage(1, "throughput has no source")
def a_throughput_of_ones_own_without_a_source(scene: Scene) -> None:
    text = PROFILE.replace("output_usd_per_mtok: 10,", "output_usd_per_mtok: 10, source: contract 7,").replace("usd_per_gpu_hour: 12, ", "")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": "version: 1\nrules: {unsourced_assumption: {level: error}}\n"})


@sabotage(2, "no fact files|no such|base")
def an_overlay_that_the_change_removes(scene: Scene) -> None:
    scene.base({"facts/own.yaml": WAGE.format(value=1)})
    (scene.folder / "facts" / "own.yaml").unlink()
    scene.more = ["--catalog", "facts"]


@sabotage(2, "number|value")
def an_overlay_that_the_change_breaks(scene: Scene) -> None:
    scene.base({"facts/own.yaml": WAGE.format(value=1), "chat.yaml": PROFILE.replace("  throughput", "  labour_fte: 0.1\n  throughput")})
    scene.write({"facts/own.yaml": WAGE.format(value=".nan").replace("id: own", "id: own")})
    scene.more = ["--catalog", "facts"]


# --- the run itself -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SABOTAGES)
def test_is_caught_for_its_own_reason(scene: Scene, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_caught(scene, SABOTAGES[name], capsys)


def test_each_scene_passes_without_its_sabotage(scene: Scene) -> None:
    assert scene.check() == 0
    scene.base({"breakeven.policy.yaml": OWN, "chat.yaml": HOURLY, "week.txt": FLAT})
    assert scene.check() == 0


@pytest.mark.parametrize("reader", ["true", "head -c 1"])
def test_a_reader_that_goes_away_does_not_turn_a_failure_into_a_pass(scene: Scene, reader: str) -> None:
    scene.write({"chat.yaml": DOUBLED})
    command = f"{sys.executable} -m breakeven check chat.yaml --policy breakeven.policy.yaml --base-ref main -f sarif | {reader} >/dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=scene.folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout.strip() == "1", done.stderr


def test_a_full_device_is_an_error(scene: Scene) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    assert scene.check("-o", "/dev/full") == 2


def test_a_killed_run_leaves_no_report(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("breakeven.gate.engine.judge", killed)
    scene.write({"chat.yaml": DOUBLED})
    assert scene.check("-o", "report.json", "-f", "json") == 130
    assert not Path("report.json").exists()


KILLED = """
import os, sys, time
from breakeven.cli.main import main
def written(handle):
    print("complete but not in place", flush=True)
    time.sleep(60)
os.fsync = written
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("command", "target"), [
    (["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main", "-f", "json"], "report.json"),
    (["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--approve", "--approver", "bob", "--reason", "budget"], "approved.json"),
], ids=["a report", "an approval"])  # fmt: skip
def test_killed_between_writing_and_placing_the_old_file_stays(scene: Scene, command: list[str], target: str) -> None:
    Path(target).write_text("old", encoding="utf-8")
    running = subprocess.Popen([sys.executable, "-c", KILLED, *command, "-o", target], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert running.stdout is not None
    assert running.stdout.readline().startswith(b"complete")
    running.kill()
    assert running.wait(30) == -9
    running.stdout.close()
    assert Path(target).read_text(encoding="utf-8") == "old"
    assert run([*command, "-o", target]) == 0  # and what was left behind does not disturb the next run
    assert Path(target).read_text(encoding="utf-8").startswith("{")


@pytest.mark.parametrize("surface", ["text", "json", "md", "github", "junit", "sarif", "codequality", "openmetrics"])
@pytest.mark.parametrize("text", [PROFILE, DOUBLED], ids=["would pass", "would fail"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_stdout_is_an_error(scene: Scene, surface: str, text: str, unbuffered: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    scene.write({"chat.yaml": text})
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "breakeven", "check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main", "-f", surface],
            cwd=scene.folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            # Empty: buffered as by default, so that what fails is a flush, which the interpreter tries again as it ends.
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "error: No space left on device; check the path, permissions and free space\n"


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["check", "--self-test"]])
def test_no_command_ends_with_the_interpreters_own_code(argv: list[str]) -> None:
    """Buffered output that cannot be written is an error of ours (2), not the interpreter's 120."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "breakeven", *argv], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "error: No space left on device; check the path, permissions and free space\n")


def test_a_crash_is_no_verdict(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("breakeven.gate.engine.judge", broken)
    assert scene.check() == 70


def test_git_variables_of_the_caller_do_not_redirect_the_base(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = repository(tmp_path / "other")
    (other / "chat.yaml").write_text(DOUBLED, encoding="utf-8")
    git(other, "commit", "-q", "-a", "-m", "x")
    git(other, "branch", "-f", "main", "HEAD")
    scene.write({"chat.yaml": DOUBLED})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert scene.check() == 1


@pytest.mark.parametrize(
    "expression",
    ["increase > 0,5%", "increase > 5,00%", "increase > 1,0000%", "increase > 5%%", "increase > $5%", "increase >= 5%", "increase > 5% ; increase > 1%", "increase > 99999%", "increase > \u0665%",
     "increase > 1e9%", "increase\n> 5%", "cost > -1", "cost > $", "max > 5%"],
)  # fmt: skip
def test_an_expression_that_could_be_read_two_ways_is_an_error(scene: Scene, expression: str) -> None:
    scene.write({"chat.yaml": DOUBLED})
    assert run(["check", "chat.yaml", "--fail-if", expression, "--base-ref", "main"]) == 2


def approve(*more: str) -> int:
    return run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--approve", "-o", "approved.json", *more])


SIGNED = ("--approver", "bob", "--reason", "budget 2027")


@pytest.mark.parametrize("missing", [[], ["--approver", "bob"], ["--reason", "budget"], ["--approver", " ", "--reason", "budget"]], ids=str)
def test_a_baseline_nobody_signed_is_an_error(scene: Scene, missing: list[str]) -> None:
    assert approve(*missing) == 2
    assert not Path("approved.json").exists()


def test_a_baseline_carries_the_files_beside_the_profile(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"breakeven.policy.yaml": OWN, "chat.yaml": HOURLY, "week.txt": FLAT})
    assert approve(*SIGNED) == 0
    command = ["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--baseline", "approved.json"]
    assert run(command) == 0
    scene.write({"week.txt": PEAKED})
    assert run(command) == 1
    assert "hourly_file" in capsys.readouterr().out


def test_a_baseline_that_would_give_away_a_confidential_fact_is_refused(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "kind: rental\nid: own\nname: Own deal\ntier: hyperscaler\nprices:\n  - {effective: 2026-01-01, accelerator: h100-sxm, usd_per_gpu_hour: 1.5, term: on-demand, gpus_per_sku: 1, confidential: true, source: {title: deal, retrieved: 2026-01-01, kind: quote}}\n"
    scene.base({"facts/own.yaml": secret, "chat.yaml": PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12", "rent: h100-sxm, provider: own")})
    assert approve(*SIGNED, "--catalog", "facts") == 2
    assert "confidential" in capsys.readouterr().err
    assert not Path("approved.json").exists()


def test_a_baseline_where_nothing_can_serve_is_refused(scene: Scene) -> None:
    text = PROFILE.replace("  throughput: {total_tok_per_s: 9000}\n", "") + "latency: {ttft_ms: 0.001}\nrequirements: {no_third_party: true}\n"
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": RISE.replace("headline-api", "cheapest")})
    assert approve(*SIGNED) == 2


def test_a_failed_approval_leaves_the_old_baseline(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("approved.json").write_text("old", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert approve(*SIGNED) == 2
    assert Path("approved.json").read_text(encoding="utf-8") == "old"


def test_findings_that_look_alike_are_told_apart(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"chat.yaml": PROFILE.replace("usd_per_gpu_hour: 12, ", ""), "breakeven.policy.yaml": "version: 1\nrules: {stale_fact: {max_age_days: 0}}\n"})
    assert scene.check("-f", "codequality") == 1
    found = [item["fingerprint"] for item in json.loads(capsys.readouterr().out)]
    assert len(found) > 3
    assert len(found) == len(set(found))


def test_there_are_enough_of_them() -> None:
    assert len(SABOTAGES) >= 40


def test_a_rule_of_the_command_line_names_only_what_it_can_do_itself(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no policy that could hold a waiver or another level."""
    scene.write({"fresh.yaml": PROFILE.replace("name: chat", "name: fresh"), "chat.yaml": DOUBLED})
    command = ["check", "chat.yaml", "fresh.yaml", "--fail-if", "increase > 5%", "--base-ref", "main"]
    assert run(command) == 1
    said = capsys.readouterr().out
    assert "[error] new_profile: the base has no profile of this name or path: it adds" in said
    assert "give --allow-new, or check it by a policy" in said
    assert "undo it, or allow more in --fail-if" in said
    assert "waiver" not in said
    assert run([*command, "--allow-new"]) == 1  # it allows the new one, not the rise beside it
    said = capsys.readouterr().out
    assert "[warn] new_profile" in said
    assert "[error] cost_increase" in said
    scene.write({"chat.yaml": PROFILE})
    assert run([*command, "--allow-new"]) == 0
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--allow-new", "--base-ref", "main"]) == 2
    assert "in a policy write rules: {new_profile: {level: warn}}" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_clone_that_leaves_objects_out_says_how_to_complete_it(scene: Scene, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing here fetches, and a base that is not all here is no base."""
    git(scene.folder, "config", "uploadpack.allowFilter", "true")
    scene.write({"chat.yaml": DOUBLED})
    scene.commit()
    git(tmp_path, "clone", "-q", f"--filter={kind}", "--branch", "change", f"file://{scene.folder}", "part")
    monkeypatch.chdir(tmp_path / "part")
    command = ["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "origin/main"]
    assert run(command) == 2
    said = capsys.readouterr().err
    assert "this clone leaves some out (it was made with --filter)" in said
    assert "run: git fetch --refetch --no-filter origin, or clone without --filter" in said
    git(tmp_path / "part", "fetch", "-q", "--refetch", "--no-filter", "origin")
    assert run(command) == 1
