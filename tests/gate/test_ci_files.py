"""The files teams copy into their CI run as their hosts would run them, against a local repository."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from breakeven.gate.policy import load_policy
from breakeven.yamlio import load_bytes, load_path
from tests.gate.bench import PROFILE, git, repository

ROOT = Path(__file__).resolve().parents[2]
DOUBLED = PROFILE.replace("input_tokens: 1000", "input_tokens: 2000")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clone on the branch of a change, as a runner checks it out."""
    origin = repository(tmp_path / "origin")
    git(tmp_path, "clone", "-q", "--branch", "change", str(origin), "clone")
    return tmp_path / "clone"


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "CI_", "BREAKEVEN"))}
    return {**kept, "PYTHONPATH": str(ROOT), "BREAKEVEN": f"{sys.executable} -m breakeven", **more}


def script(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / "docs" / "ci" / "check.sh")], cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env=environment(**{"BREAKEVEN_PROFILES": "chat.yaml", "BREAKEVEN_BASE_REF": "origin/main", **more}),
    )  # fmt: skip


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def program(folder: Path, text: str) -> str:
    """A program that stands for another, on a path of its own."""
    path = folder / "bin" / "stand-in"
    put(folder, "bin/stand-in", f"#!/usr/bin/env bash\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


# --- the plain script ------------------------------------------------------------------------------


def test_it_fails_a_dearer_change_and_writes_every_surface(folder: Path, tmp_path: Path) -> None:
    put(folder, "chat.yaml", DOUBLED)
    files = {name: tmp_path / f"x.{name}" for name in ("md", "sarif", "xml", "json")}
    done = script(
        folder, GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(tmp_path / "output"), GITHUB_STEP_SUMMARY=str(tmp_path / "step.md"),
        BREAKEVEN_SUMMARY=str(files["md"]), BREAKEVEN_SARIF=str(files["sarif"]), BREAKEVEN_JUNIT=str(files["xml"]), BREAKEVEN_CODEQUALITY=str(files["json"]),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "::error file=chat.yaml,line=4" in done.stdout
    assert (tmp_path / "output").read_text(encoding="utf-8") == "failed=true\n"
    text = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    assert text["md"].startswith("<!-- breakeven-gate -->")
    assert text["md"] == (tmp_path / "step.md").read_text(encoding="utf-8")
    assert json.loads(text["sarif"])["runs"][0]["results"]
    assert "<failure " in text["xml"]
    assert json.loads(text["json"])[0]["location"] == {"path": "chat.yaml", "lines": {"begin": 4}}


def test_it_passes_a_clean_change_and_fails_closed(folder: Path, tmp_path: Path) -> None:
    assert script(folder, GITHUB_OUTPUT=str(tmp_path / "output")).returncode == 0
    assert (tmp_path / "output").read_text(encoding="utf-8") == "failed=false\n"
    for more in (
        {"BREAKEVEN_BASE_REF": "--upload-pack=touch pwned"}, {"BREAKEVEN_BASE_REF": "origin/"}, {"BREAKEVEN_PROFILES": "gone.yaml"},
        {"BREAKEVEN_PROFILES": ""}, {"BREAKEVEN_PROFILES": " \n "}, {"BREAKEVEN_PROFILES": "$(touch pwned) chat.yaml"},
        {"BREAKEVEN_PROFILES": "`touch pwned`"}, {"BREAKEVEN_POLICY": "gone.yaml"}, {"BREAKEVEN_POLICY": ""}, {"BREAKEVEN_BASE_REF": ""}, {"BREAKEVEN_CATALOG": "gone"},
    ):  # fmt: skip
        (tmp_path / "output").write_text("", encoding="utf-8")
        done = script(folder, GITHUB_OUTPUT=str(tmp_path / "output"), GITHUB_ACTIONS="true", **more)
        assert done.returncode == 2, (more, done.stderr)
        assert "::error title=breakeven::the gate could not judge this change (exit code 2)" in done.stdout
        assert (tmp_path / "output").read_text(encoding="utf-8") == "failed=true\n"
    assert not (folder / "pwned").exists()
    assert git(folder, "status", "--porcelain") == ""


@pytest.mark.parametrize("variable", ["BREAKEVEN_SUMMARY", "BREAKEVEN_SARIF", "BREAKEVEN_JUNIT", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"])
@pytest.mark.parametrize("text", [PROFILE, DOUBLED], ids=["passes", "fails"])
def test_a_report_that_cannot_be_written_is_no_verdict(folder: Path, tmp_path: Path, variable: str, text: str) -> None:
    """Neither 0 nor 1, and the rest of the end is said: a folder stands where each file should go."""
    put(folder, "chat.yaml", text)
    output = tmp_path / "output"
    (tmp_path / "a folder").mkdir()
    done = script(folder, **{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output), variable: str(tmp_path / "a folder")})
    assert done.returncode == 2, done.stderr
    assert "irectory" in done.stderr
    if variable != "GITHUB_OUTPUT":
        assert "::error title=breakeven::the gate could not judge this change (exit code 2)" in done.stdout
        assert output.read_text(encoding="utf-8") == "failed=true\n"


@pytest.mark.parametrize("between", [" ", "\n", "\r\n", "\t", "\n\n  "], ids=repr)
def test_every_profile_of_a_list_is_checked(folder: Path, between: str) -> None:
    put(folder, "small.yaml", PROFILE.replace("name: chat", "name: small"))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "small")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    put(folder, "chat.yaml", DOUBLED)
    done = script(folder, BREAKEVEN_PROFILES=f"small.yaml{between}chat.yaml{between}")
    assert done.returncode == 1, done.stderr
    assert "2 profile(s) checked" in done.stdout


def test_patterns_find_files_and_nothing_else(folder: Path) -> None:
    put(folder, "a b/chat.yaml", DOUBLED.replace("name: chat", "name: spaced"))
    done = script(folder, BREAKEVEN_PROFILES="*/chat.yaml [c]hat.yaml")
    assert done.returncode == 1
    assert "2 profile(s) checked" in done.stdout
    assert script(folder, BREAKEVEN_PROFILES="nothing/*.yaml").returncode == 2


def test_no_surface_of_another_run_is_left_over(folder: Path) -> None:
    put(folder, "old.sarif", "{}")
    assert script(folder, BREAKEVEN_PROFILES="gone.yaml", BREAKEVEN_SARIF="old.sarif").returncode == 2
    assert not (folder / "old.sarif").exists()


def test_a_change_that_cannot_be_judged_replaces_what_an_older_comment_says(folder: Path) -> None:
    put(folder, "comment.md", "<!-- breakeven-gate -->\npassed\n")
    assert script(folder, BREAKEVEN_PROFILES="gone.yaml", BREAKEVEN_SUMMARY="comment.md").returncode == 2
    text = (folder / "comment.md").read_text(encoding="utf-8")
    assert text.startswith("<!-- breakeven-gate -->\n### breakeven: not judged\n")
    assert "exit code 2" in text
    assert "passed" not in text


@pytest.mark.parametrize(("text", "code"), [("exit 0", 2), ("echo passed; exit 0", 2), ("exit 3", 3), ("kill -9 $$", 137), ("exit 1", 2)])
def test_a_command_without_a_verdict_is_no_pass(folder: Path, tmp_path: Path, text: str, code: int) -> None:
    done = script(folder, BREAKEVEN=program(tmp_path, text), GITHUB_OUTPUT=str(tmp_path / "output"))
    assert done.returncode == code
    assert (tmp_path / "output").read_text(encoding="utf-8") == "failed=true\n"


def test_a_name_in_the_log_is_no_command_to_the_runner(folder: Path) -> None:
    put(folder, "chat.yaml", DOUBLED.replace("name: chat", "name: '::stop-commands::x'"))
    done = script(folder, GITHUB_ACTIONS="true")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    token = re.fullmatch(r"::stop-commands::(\S{12,})", lines[0])
    assert token is not None
    end = lines.index(f"::{token[1]}::")
    assert any(line.startswith("::stop-commands::x") for line in lines[1:end])
    assert not any(line.lstrip().startswith("::stop-commands") for line in lines[end:])
    assert any(line.startswith("::error file=chat.yaml,line=4,") for line in lines[end:])


def test_modules_of_the_change_do_not_stand_in_for_pythons_own(folder: Path, tmp_path: Path) -> None:
    """Without breakeven at hand it is installed; neither venv nor pip may come from the change."""
    for name in ("venv", "pip", "ensurepip", "sitecustomize"):
        put(folder, f"{name}.py", f"open({str(tmp_path / 'pwned')!r}, 'w').close()\n")
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "breakeven").exists())
    done = script(folder, BREAKEVEN="", PATH=path, PYTHONPATH="", BREAKEVEN_PYTHON=sys.executable, BREAKEVEN_SOURCE=str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert "nothing" in done.stderr  # it came as far as pip, Python's own
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("variable", ["BREAKEVEN_SUMMARY", "BREAKEVEN_SARIF"])
@pytest.mark.parametrize("target", ["chat.yaml", "./x/../chat.yaml", "breakeven.policy.yaml", "facts/own.yaml", ".git/HEAD", "../clone/.git/config"])
def test_the_script_spares_what_is_read_before_it_clears_old_reports(folder: Path, variable: str, target: str) -> None:
    (folder / "x").mkdir()
    put(folder, "facts/own.yaml", "kind: figures\n")
    before = {path: path.read_bytes() for path in (folder / target, folder / ".git" / "HEAD")}
    done = script(folder, BREAKEVEN_CATALOG="facts", **{variable: target})
    assert done.returncode == 2
    assert f"error: {target}: " in done.stderr
    assert "so no report may be written there; name another file" in done.stderr
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("more", [{}, {"BREAKEVEN_PROFILES": ""}, {"BREAKEVEN_PROFILES": "gone.yaml"}], ids=["judged", "early", "late"])
def test_a_report_replaces_a_link_of_the_change(folder: Path, tmp_path: Path, more: dict[str, str]) -> None:
    put(tmp_path, "secret", "of the runner")
    (folder / "comment.md").symlink_to(tmp_path / "secret")
    assert script(folder, BREAKEVEN_SUMMARY="comment.md", **more).returncode == (2 if more else 0)
    assert (tmp_path / "secret").read_text(encoding="utf-8") == "of the runner"
    assert not (folder / "comment.md").is_symlink()
    assert (folder / "comment.md").read_text(encoding="utf-8").startswith("<!-- breakeven-gate -->")


@pytest.mark.parametrize("more", [{}, {"BREAKEVEN_PROFILES": "gone.yaml"}], ids=["judged", "late"])
def test_a_report_leaves_a_pipe_in_its_place(folder: Path, tmp_path: Path, more: dict[str, str]) -> None:
    """A runner that is root would lose a device (``/dev/stdout``) that a report was sent to."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)  # of both ends, so that neither waits for the other
    try:
        assert script(folder, BREAKEVEN_SUMMARY=str(pipe), **more).returncode == (2 if more else 0)
        assert pipe.is_fifo()
        assert os.read(reader, 4096).startswith(b"<!-- breakeven-gate -->")
    finally:
        os.close(reader)


# --- the action ------------------------------------------------------------------------------------


def resolved(text: str, inputs: dict[str, str], base_ref: str) -> str:
    """The few expressions that the action uses, as its host evaluates them."""
    match = re.fullmatch(r"\$\{\{ (.*) \}\}", text)
    if match is None:
        return text
    for part in match[1].split(" || "):
        if part.startswith("inputs."):
            value = inputs[part.removeprefix("inputs.")]
        elif part == "format('origin/{0}', github.base_ref)":
            value = f"origin/{base_ref}"
        else:
            assert part == "github.action_path"
            value = str(ROOT)
        if value:
            return value
    return ""


def action(folder: Path, inputs: dict[str, str], *, base_ref: str = "main", **more: str) -> subprocess.CompletedProcess[str]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    given = {name: inputs.get(name, str(entry.get("default", ""))) for name, entry in found["inputs"].items()}
    step = found["runs"]["steps"][0]
    named = {key: resolved(value, given, base_ref) for key, value in step["env"].items()}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env=environment(GITHUB_ACTIONS="true", **named, **more),
    )  # fmt: skip


def test_the_action_fails_a_dearer_change_and_passes_a_clean_one(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    assert action(folder, {"profiles": "chat.yaml\n"}, GITHUB_OUTPUT=str(output)).returncode == 0
    put(folder, "chat.yaml", DOUBLED)
    done = action(folder, {"profiles": "chat.yaml\n", "sarif": "x.sarif"}, GITHUB_OUTPUT=str(output))
    assert done.returncode == 1, done.stderr
    assert output.read_text(encoding="utf-8") == "failed=false\nfailed=true\n"
    assert (folder / "breakeven-comment.md").read_text(encoding="utf-8").startswith("<!-- breakeven-gate -->")
    assert json.loads((folder / "x.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert action(folder, {"profiles": "chat.yaml", "base-ref": "HEAD~0"}).returncode == 1


def test_the_action_without_a_base_cannot_judge(folder: Path) -> None:
    done = action(folder, {"profiles": "chat.yaml"}, base_ref="")
    assert done.returncode == 2
    assert "::error title=breakeven::the gate could not judge this change (exit code 2)" in done.stdout


def test_the_action_comments_with_its_own_script_and_only_when_asked(tmp_path: Path) -> None:
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    comments = found["runs"]["steps"][1]
    assert comments["continue-on-error"] is True
    assert "inputs.comment-token != ''" in comments["if"]
    put(tmp_path, "c.md", "<!-- breakeven-gate -->\n")
    given = {"GH_TOKEN": "t", "BREAKEVEN_PR": "7", "BREAKEVEN_SUMMARY": "c.md", "BREAKEVEN_SOURCE": str(ROOT)}
    assert set(comments["env"]) == set(given)
    code, calls = comment(tmp_path, command=["bash", "-c", comments["run"]], **given)
    assert code == 0
    assert calls[1].endswith("comments -F body=@c.md")


def test_the_actions_inputs_are_what_the_host_knows() -> None:
    found = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    for name, entry in found["inputs"].items():
        assert set(entry) <= {"description", "required", "default"}, name
    used = set(re.findall(r"inputs\.([a-z-]+)", (ROOT / "action.yml").read_text(encoding="utf-8")))
    assert used == set(found["inputs"])


@pytest.mark.parametrize("name", ["action.yml", "docs/ci/github.yml"])
def test_no_input_is_ever_put_into_a_script(name: str) -> None:
    found = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    steps = found["runs"]["steps"] if "runs" in found else found["jobs"]["check"]["steps"]
    for step in steps:
        assert "${{" not in step.get("run", "")


# --- GitLab ----------------------------------------------------------------------------------------


def gitlab(folder: Path, *, shell: str = "bash", **more: str) -> subprocess.CompletedProcess[str]:
    job = yaml.safe_load((ROOT / "docs" / "ci" / "gitlab.yml").read_text(encoding="utf-8"))["breakeven"]
    given = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", **more}
    named = {key: re.sub(r"\$(\w+)", lambda match: given[match[1]], value) for key, value in job["variables"].items()}
    return subprocess.run(
        [shell, "-ec", "\n".join(job["script"])], cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env=environment(**{**given, **named, "BREAKEVEN_PROFILES": "chat.yaml"}),
    )  # fmt: skip


def test_the_gitlab_job_fails_a_dearer_change_and_leaves_its_artifacts(folder: Path) -> None:
    assert gitlab(folder).returncode == 0
    put(folder, "chat.yaml", DOUBLED)
    git(folder, "commit", "-q", "-a", "-m", "dearer")
    done = gitlab(folder)
    assert done.returncode == 1, done.stderr
    reports = yaml.safe_load((ROOT / "docs" / "ci" / "gitlab.yml").read_text(encoding="utf-8"))["breakeven"]["artifacts"]["reports"]
    assert "<failure " in (folder / reports["junit"]).read_text(encoding="utf-8")
    assert json.loads((folder / reports["codequality"]).read_text(encoding="utf-8"))


def test_the_gitlab_job_runs_where_the_only_shell_to_start_it_is_a_plain_one(folder: Path) -> None:
    assert gitlab(folder, shell="sh").returncode == 0
    put(folder, "chat.yaml", DOUBLED)
    done = gitlab(folder, shell="sh")
    assert done.returncode == 1, done.stderr
    assert "input_tokens 1000 -> 2000" in done.stdout


def test_the_gitlab_job_carries_the_script_as_it_is() -> None:
    text = (ROOT / "docs" / "ci" / "gitlab.yml").read_text(encoding="utf-8")
    assert text == runpy.run_path(str(ROOT / "scripts" / "gitlab_job.py"))["gitlab_job"](), "run `make docs`"
    assert (ROOT / "docs" / "ci" / "check.sh").read_text(encoding="utf-8") in "\n".join(yaml.safe_load(text)["breakeven"]["script"])


def test_the_gitlab_job_without_breakeven_says_what_to_set(folder: Path) -> None:
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "breakeven").exists())
    done = gitlab(folder, BREAKEVEN="", PATH=path, BREAKEVEN_PYTHON=sys.executable)
    assert done.returncode == 2
    assert "BREAKEVEN_SOURCE: breakeven is not installed: name a checkout or a requirement" in done.stderr


def test_the_gitlab_job_outside_a_merge_request_cannot_judge(folder: Path) -> None:
    for name in ("", "nowhere"):
        assert gitlab(folder, CI_MERGE_REQUEST_TARGET_BRANCH_NAME=name).returncode not in (0, 1)


def test_the_gitlab_job_judges_by_the_policy_that_the_target_has_now(folder: Path) -> None:
    """A branch that left before the policy was tightened is not judged by the one it remembers."""
    origin = folder.parent / "origin"
    git(origin, "checkout", "-q", "main")
    put(origin, "breakeven.policy.yaml", "version: 1\nrules: {cost_increase: {}}\n")
    git(origin, "commit", "-q", "-a", "-m", "tighter")
    put(folder, "chat.yaml", PROFILE.replace("33333", "33334"))
    git(folder, "commit", "-q", "-a", "-m", "a little dearer")
    done = gitlab(folder)
    assert done.returncode == 1, done.stderr
    assert "cost_increase" in done.stdout
    assert "stale_branch: the base changed this file after this branch left it" in done.stdout


# --- pre-commit ------------------------------------------------------------------------------------


def hook(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """A hook as pre-commit runs it: the entry split as a shell would, then the staged files that its pattern takes."""
    found = next(item for item in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")) if item["id"] == name)
    staged = git(folder, "diff", "--cached", "--name-only").split()
    program, *arguments = shlex.split(found["entry"])
    assert program == "breakeven"
    files = [path for path in staged if re.search(found["files"], path)]
    return subprocess.run([sys.executable, "-m", "breakeven", *arguments, *files], cwd=folder, capture_output=True, text=True, check=False, env=environment())


def test_the_hooks_stop_a_dearer_and_a_broken_profile(folder: Path) -> None:
    put(folder, "configs/chat.yaml", PROFILE.replace("name: chat", "name: kept"))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "configs")
    for text, codes in ((PROFILE.replace("33333", "30000"), (0, 0)), (DOUBLED, (0, 1)), (PROFILE.replace("33333", "-1"), (2, 2))):
        put(folder, "configs/chat.yaml", text.replace("name: chat", "name: kept"))
        git(folder, "add", "-A")
        done = [hook(folder, name) for name in ("breakeven-validate", "breakeven-check")]
        assert tuple(item.returncode for item in done) == codes, [item.stderr for item in done]


def test_a_new_profile_is_a_warning_of_the_hook(folder: Path) -> None:
    put(folder, "configs/fresh.yaml", PROFILE.replace("name: chat", "name: fresh"))
    git(folder, "add", "-A")
    done = hook(folder, "breakeven-check")
    assert done.returncode == 0, done.stderr
    assert "[warn] new_profile: the base has no profile of this name or path" in done.stdout
    assert "give --allow-new" not in done.stdout


# --- the sticky comment ----------------------------------------------------------------------------

COMMENT = ("bash", str(ROOT / "docs" / "ci" / "comment.sh"))
GH = """\
printf '%s\\n' "$*" >>"$LOG"
case "$*" in *--paginate*) printf '%s' "$IDS" ;; esac
[ -z "$BROKEN" ] || exit 1"""


def comment(folder: Path, *, ids: str = "", broken: str = "", number: str = "7", command: Sequence[str] = COMMENT, **more: str) -> tuple[int, list[str]]:
    stand_in = Path(program(folder, GH))
    stand_in.rename(stand_in.parent / "gh")
    log = folder / "log"
    log.write_text("", encoding="utf-8")
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        env=environment(PATH=f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}", LOG=str(log), IDS=ids, BROKEN=broken, GITHUB_REPOSITORY="o/r", **{"BREAKEVEN_PR": number, **more}),
    )  # fmt: skip
    return done.returncode, log.read_text(encoding="utf-8").splitlines()


def test_the_comment_is_made_once_and_then_kept_up_to_date(tmp_path: Path) -> None:
    assert comment(tmp_path) == (2, [])  # no report yet
    put(tmp_path, "breakeven-comment.md", "<!-- breakeven-gate -->\n")
    code, calls = comment(tmp_path)
    assert code == 0
    assert calls[1] == "api --silent --method POST repos/o/r/issues/7/comments -F body=@breakeven-comment.md"
    code, calls = comment(tmp_path, ids="41\n42\n")
    assert code == 0
    assert calls[1] == "api --silent --method PATCH repos/o/r/issues/comments/41 -F body=@breakeven-comment.md"
    assert '.user.type == "Bot"' in calls[0]
    assert 'startswith("<!-- breakeven-gate -->")' in calls[0]
    assert comment(tmp_path, broken="1")[0] != 0
    assert comment(tmp_path, number="7; touch x") == (2, [])


def test_only_a_report_of_the_gate_becomes_a_comment(tmp_path: Path) -> None:
    put(tmp_path, "secret", "<!-- breakeven-gate -->\nof the runner\n")
    (tmp_path / "breakeven-comment.md").symlink_to(tmp_path / "secret")
    assert comment(tmp_path) == (2, [])
    put(tmp_path, "c.md", "name: chat\n")
    assert comment(tmp_path, BREAKEVEN_SUMMARY="c.md") == (2, [])


# --- the policies that are shown -------------------------------------------------------------------


def test_the_policies_shown_are_valid() -> None:
    load_policy(load_path(ROOT / "breakeven.policy.yaml"))
    shown = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "gate.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    policy = load_policy(load_bytes(shown.group(1).encode(), "docs/gate.md"))
    assert policy.waivers[0].id == "launch-week"
