"""``check --self-test``: known sabotages against this very installation, each of which must be caught.

They run in a temporary directory through the same entry point as a CI job. A sabotage that ends in
exit code 0 is a hole in the gate, and the self-test fails.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from itertools import chain
from pathlib import Path

PROFILE = """\
name: self-test
workload: {requests_per_day: 33333, input_tokens: 1000, output_tokens: 500}
api: [{model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10}}]
self_host:
  model: openai/gpt-oss-120b
  throughput: {total_tok_per_s: 9000}
  supply: [{rent: h100-sxm, usd_per_gpu_hour: 9, gpus: 1}]
"""
POLICY = "version: 1\nsubject: headline-api\nrules:\n  cost_increase: {max_share: 1%}\n  budget_month: {max_usd: 9k}\n"


def self_test_report() -> tuple[str, bool]:
    """(text, whether a sabotage got through). The clean case must pass, or catching proves nothing."""
    lines: list[str] = []
    run, holes = 0, 0
    with tempfile.TemporaryDirectory(prefix="breakeven-self-test-") as name:
        folder = Path(name)
        for label, expected_pass, arguments in chain(_cases(folder), _with_history(folder / "repository", lines)):
            code = _run(arguments, folder)
            good = (code == 0) if expected_pass else (code not in (0, 70))
            run, holes = run + 1, holes + (not good)
            lines.append(f"{'ok  ' if good else 'HOLE'} {label}: exit {code}")
    lines.append(f"{run - holes} passed, {holes} failed")
    return "\n".join(lines) + "\n", holes > 0


def _with_history(folder: Path, lines: list[str]) -> Iterator[tuple[str, bool, list[str]]]:
    from breakeven.gate.self_test_repository import repository_cases

    folder.mkdir()
    try:
        cases = repository_cases(folder, PROFILE, POLICY)
    except (OSError, subprocess.SubprocessError) as error:
        lines.append(f"left out: what needs git ({error})")
        return
    for case, prepare in cases:
        prepare()
        yield case


def _run(arguments: list[str], folder: Path) -> int:
    # The command table sits above the gate; the entry point is looked up, not imported.
    from importlib import import_module

    run: Callable[[list[str]], int] = import_module("breakeven.cli.main").run
    # The caller's working directory may stand in a repository, which would then be the one to judge by.
    with chdir(folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        return run(arguments)


def _cases(folder: Path) -> Iterator[tuple[str, bool, list[str]]]:
    profile, policy, base = folder / "profile.yaml", folder / "policy.yaml", folder / "approved.json"
    profile.write_text(PROFILE, encoding="utf-8")
    policy.write_text(POLICY, encoding="utf-8")
    check = ["check", str(profile), "--policy", str(policy), "--baseline", str(base)]
    yield "a missing baseline", False, check
    yield "the clean case approves", True, ["check", str(profile), "--policy", str(policy), "--approve", "--approver", "B. Reviewer", "--reason", "self-test", "-o", str(base)]
    if not base.is_file():
        return  # reported above: nothing can be approved, so nothing below would prove anything
    good = base.read_text(encoding="utf-8")
    yield "the clean case passes", True, check
    for label, old, new in (
        ("doubled prompt", "input_tokens: 1000", "input_tokens: 2000"), ("more volume", "33333", "40000"), ("dearer API", "output_usd_per_mtok: 10", "output_usd_per_mtok: 12"),
        ("NaN", "33333", ".nan"), ("infinity", "33333", ".inf"), ("negative volume", "33333", "-5"), ("unknown key", "name:", "nmae: x\nname:"),
        ("duplicate key", "name: self-test", "name: self-test\nname: self-test"), ("renamed profile", "name: self-test", "name: other"),
    ):  # fmt: skip
        profile.write_text(PROFILE.replace(old, new), encoding="utf-8")
        yield label, False, check
    profile.write_text(PROFILE, encoding="utf-8")
    for label, text in (
        ("empty policy", ""), ("malformed policy", "version: [1"), ("newer policy", POLICY.replace("version: 1", "version: 2")),
        ("unknown rule", POLICY.replace("cost_increase", "cost_incraese")), ("policy with no rule on", "version: 1\nrules: {}\n"),
        ("all rules off", "version: 1\nrules: {cost_increase: {level: off}}\n"), ("NaN limit", POLICY.replace("1%", ".nan")),
        ("waiver without expiry", POLICY + "waivers: [{id: w, rule: cost_increase, scope: '*', reason: because, owner: a, approver: b}]\n"),
    ):  # fmt: skip
        policy.write_text(text, encoding="utf-8")
        yield label, False, check
    policy.unlink()
    yield "missing policy", False, check
    policy.write_text(POLICY, encoding="utf-8")
    data = json.loads(good)
    for label, text in (
        ("empty baseline", ""), ("truncated baseline", good[: len(good) // 2]), ("edited baseline", good.replace('"usd_per_month": ', '"usd_per_month": 9')),
        ("newer baseline", json.dumps({**data, "schema_version": 99})), ("NaN baseline", good.replace("null", "NaN", 1)), ("another JSON file", "{}"),
    ):  # fmt: skip
        base.write_text(text, encoding="utf-8")
        yield label, False, check
    base.write_text(good, encoding="utf-8")
    yield "no rule given", False, ["check", str(profile), "--baseline", str(base)]
    yield "nothing to compare with", False, ["check", str(profile), "--policy", str(policy)]
    yield "no profile", False, ["check", "--policy", str(policy), "--baseline", str(base)]
    yield "a profile that is not there", False, [*check, str(folder / "gone.yaml")]
    yield "a revision that is an option", False, ["check", str(profile), "--fail-if", "increase > 5%", "--base-ref=--upload-pack=x"]
    yield "an unreadable rule", False, ["check", str(profile), "--fail-if", "increase >> 5%", "--baseline", str(base)]
