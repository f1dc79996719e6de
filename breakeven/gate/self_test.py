"""``check --self-test``: known sabotages against this very installation, each of which must be caught.

They run in a temporary directory through the same entry point as a CI job. Each has the exit code that it must
end in: 1 where the gate judges and refuses, 2 or 3 where it cannot judge. Any other is a hole in the gate, and
the self-test fails.
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

from breakeven.gate.self_test_repository import repository_cases
from breakeven.gate.self_test_texts import LONGER, POLICY, PROFILE, Case, waiver


def self_test_report() -> tuple[str, bool]:
    """(text, whether a case ended otherwise than it must). The clean case must pass, or catching proves nothing."""
    lines: list[str] = []
    left_out: list[str] = []
    run, holes = 0, 0
    with tempfile.TemporaryDirectory(prefix="breakeven-self-test-") as name:
        folder = Path(name)
        for label, expected, arguments in chain(_cases(folder), _with_history(folder / "repository", left_out)):
            code = _run(arguments, folder)
            run, holes = run + 1, holes + (code != expected)
            lines.append(f"ok   {label}: exit {code}" if code == expected else f"HOLE {label}: exit {code}, must be {expected}")
    # A case that did not run proved nothing: it is counted apart, and the count is in the last line.
    lines += left_out
    unproven = "; what needs git was left out" if left_out else ""
    lines.append(f"{run - holes} passed, {holes} failed{unproven}")
    return "\n".join(lines) + "\n", holes > 0


def _with_history(folder: Path, left_out: list[str]) -> Iterator[Case]:
    folder.mkdir()
    try:
        cases = repository_cases(folder)
    except (OSError, subprocess.SubprocessError) as error:
        left_out.append(f"left out: what needs git ({error})")
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


def _cases(folder: Path) -> Iterator[Case]:
    profile, policy, base = folder / "profile.yaml", folder / "policy.yaml", folder / "approved.json"
    profile.write_text(PROFILE, encoding="utf-8")
    policy.write_text(POLICY, encoding="utf-8")
    check = ["check", str(profile), "--policy", str(policy), "--baseline", str(base)]
    yield "a missing baseline", 2, check
    yield "the clean case approves", 0, ["check", str(profile), "--policy", str(policy), "--approve", "--approver", "B. Reviewer", "--reason", "self-test", "-o", str(base)]
    if not base.is_file():
        return  # reported above: nothing can be approved, so nothing below would prove anything
    good = base.read_text(encoding="utf-8")
    yield "the clean case passes", 0, check
    for label, code, old, new in (
        ("doubled prompt", 1, "input_tokens: 1000", "input_tokens: 2000"), ("more volume", 1, "33333", "40000"), ("dearer API", 1, "output_usd_per_mtok: 10", "output_usd_per_mtok: 12"),
        ("NaN", 2, "33333", ".nan"), ("infinity", 2, "33333", ".inf"), ("negative volume", 2, "33333", "-5"), ("unknown key", 2, "name:", "nmae: x\nname:"),
        ("duplicate key", 2, "name: self-test", "name: self-test\nname: self-test"), ("renamed profile", 1, "name: self-test", "name: other"),
    ):  # fmt: skip
        profile.write_text(PROFILE.replace(old, new), encoding="utf-8")
        yield label, code, check
    profile.write_text(PROFILE, encoding="utf-8")
    for label, text in (
        ("empty policy", ""), ("malformed policy", "version: [1"), ("newer policy", POLICY.replace("version: 1", "version: 2")),
        ("unknown rule", POLICY.replace("cost_increase", "cost_incraese")), ("policy with no rule on", "version: 1\nrules: {}\n"),
        ("all rules off", "version: 1\nrules: {cost_increase: {level: off}}\n"), ("NaN limit", POLICY.replace("1%", ".nan")),
        ("waiver without expiry", POLICY + "waivers: [{id: w, rule: cost_increase, scope: '*', reason: because, owner: a, approver: b}]\n"),
    ):  # fmt: skip
        policy.write_text(text, encoding="utf-8")
        yield label, 2, check
    policy.unlink()
    yield "missing policy", 2, check
    yield from _waived(profile, policy, check)
    policy.write_text(POLICY, encoding="utf-8")
    data = json.loads(good)
    for label, text in (
        ("empty baseline", ""), ("truncated baseline", good[: len(good) // 2]), ("edited baseline", good.replace('"usd_per_month": ', '"usd_per_month": 9')),
        ("newer baseline", json.dumps({**data, "schema_version": 99})), ("NaN baseline", good.replace("null", "NaN", 1)), ("another JSON file", "{}"),
    ):  # fmt: skip
        base.write_text(text, encoding="utf-8")
        yield label, 2, check
    base.write_text(good, encoding="utf-8")
    yield "no rule given", 2, ["check", str(profile), "--baseline", str(base)]
    yield "nothing to compare with", 2, ["check", str(profile), "--policy", str(policy)]
    yield "no profile", 2, ["check", "--policy", str(policy), "--baseline", str(base)]
    yield "a profile that is not there", 2, [*check, str(folder / "gone.yaml")]
    yield "a revision that is an option", 2, ["check", str(profile), "--fail-if", "increase > 5%", "--base-ref=--upload-pack=x"]
    yield "an unreadable rule", 2, ["check", str(profile), "--fail-if", "increase >> 5%", "--baseline", str(base)]


def _waived(profile: Path, policy: Path, check: list[str]) -> Iterator[Case]:
    """A rise that only a waiver lets pass: while it is in force, and on no day after."""
    profile.write_text(LONGER, encoding="utf-8")
    policy.write_text(POLICY + waiver(expires="2026-12-31"), encoding="utf-8")
    yield "a waiver in force covers its rise", 0, [*check, "--on", "2026-12-31"]
    yield "an expired waiver", 1, [*check, "--on", "2027-01-01"]
    yield "a waiver without a day to judge it by", 2, check
    policy.write_text(POLICY + waiver(expires="2099-12-31"), encoding="utf-8")
    yield "an endless waiver", 1, [*check, "--on", "2026-12-31"]
    policy.write_text(POLICY + waiver(expires="2026-12-31", max_share="1%"), encoding="utf-8")
    yield "a rise above the limit of its waiver", 1, [*check, "--on", "2026-12-31"]
    policy.write_text(POLICY + waiver(expires="2026-12-31", scope="other"), encoding="utf-8")
    yield "a waiver of another profile", 1, [*check, "--on", "2026-12-31"]
    profile.write_text(PROFILE, encoding="utf-8")
