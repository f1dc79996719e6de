"""What a reader sees first, and that nothing said contradicts anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakeven.cli.main import run
from tests.gate.bench import LIMIT, PROFILE, WAIVER
from tests.gate.scene import DOUBLED, RISE, Scene

TOKENS = PROFILE.replace("requests_per_day: 33333", "tokens_per_day: 50M")


def named(name: str, text: str = PROFILE) -> str:
    return text.replace("name: chat", f"name: {name}")


def many(scene: Scene, count: int = 6) -> None:
    names = [f"p{number}.yaml" for number in range(count)]
    scene.base({name: named(name.removesuffix(".yaml")) for name in names})
    scene.more = names


def test_what_fails_stands_before_every_profile(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    many(scene)
    scene.write({"p4.yaml": named("p4", DOUBLED)})
    assert scene.check() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("breakeven check: FAILED: 1 error(s)")
    assert lines[3].startswith("  [error] p4 cost_increase: this change costs")
    assert "(p4.yaml:4)" in lines[3]


def test_a_finding_points_at_the_key_that_costs_and_leaves_out_what_costs_nothing(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """A harmless change put before the dear one draws nobody's eye away."""
    scene.write({"chat.yaml": PROFILE.replace("33333", "33334").replace("output_usd_per_mtok: 10", "output_usd_per_mtok: 13").replace("9000", "8000")})
    assert scene.check("-f", "github") == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("::error file=chat.yaml,line=7,")
    assert "API price +$1,521 (api[0].prices.output_usd_per_mtok); volume +$0.24 (workload.requests_per_day); undo it" in first
    assert "throughput" not in first


def test_a_profile_that_only_warns_takes_no_room_for_nothing(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    many(scene)
    scene.base({"breakeven.policy.yaml": RISE + "  budget_month: {level: warn, max_usd: 1}\n"})
    assert scene.check() == 0
    said = capsys.readouterr().out
    assert said.count("[warn] budget_month") == 7
    assert "this change, on the same facts" not in said


def test_a_saving_in_tokens_that_costs_more_a_task_is_not_called_harmless(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"chat.yaml": TOKENS})
    scene.write({"chat.yaml": TOKENS.replace("input_tokens: 1000", "input_tokens: 2000")})
    for surface in ("text", "md", "json", "junit"):
        assert scene.check("-f", surface) == 1
        said = capsys.readouterr().out
        assert "cheaper, but dearer for the same tasks" in said, surface
        assert "a decrease never blocks" not in said, surface


def test_a_comment_shows_errors_and_waivers_first_and_folds_warnings(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    waiver = WAIVER.format(rule="cost_increase", scope="other", expires="2027-01-01", more=LIMIT)
    scene.base({"breakeven.policy.yaml": RISE + "  budget_month: {level: warn, max_usd: 1}\n" + waiver})
    scene.write({"chat.yaml": DOUBLED})
    assert scene.check("-f", "md", "--on", "2026-11-24") == 1
    said = capsys.readouterr().out
    order = [said.index(part) for part in ("| error | cost_increase |", "#### Waivers", "<summary>why chat changes", "<summary>1 warning(s)</summary>", "| warn | budget_month |")]
    assert order == sorted(order)
    assert said.count("<details>") == said.count("</details>") == 2


@pytest.mark.parametrize("columns", ["80", "120", "200"])
def test_a_report_is_the_same_at_every_width_and_without_colour(scene: Scene, columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"chat.yaml": DOUBLED})
    assert scene.check() == 1
    first = capsys.readouterr().out
    assert "\x1b" not in first
    for name, value in (("COLUMNS", columns), ("FORCE_COLOR", "1"), ("CI", "true"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    assert scene.check() == 1
    assert capsys.readouterr().out == first


def test_lists_are_quoted_by_the_names_of_their_entries(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"chat.yaml": PROFILE.replace("self_host:", "  - {model: own/second, prices: {input_usd_per_mtok: 9, output_usd_per_mtok: 9}}\nself_host:")})
    assert scene.check() == 0
    assert "chat.yaml:6 api [own/price] -> [own/price, own/second]" in capsys.readouterr().out


def test_a_summary_stays_below_what_a_step_may_write(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"q{number}.yaml" for number in range(120)]
    scene.base({name: named(f"q{number}-{chr(0x1F600) * 150}") for number, name in enumerate(names)})
    for number, name in enumerate(names):
        Path(name).write_text(named(f"q{number}-{chr(0x1F600) * 150}", DOUBLED), encoding="utf-8")
    scene.more = names
    assert scene.check("-f", "md") == 1
    said = capsys.readouterr().out
    assert "Cut here" in said
    assert len(said.encode()) < 1 << 20
    assert len(said) < 65_536


def test_a_diff_says_too_that_the_same_tasks_cost_more(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Twice the prompt at a fixed volume in tokens is half the tasks: no saving."""
    scene.base({"chat.yaml": TOKENS})
    scene.write({"chat.yaml": TOKENS.replace("input_tokens: 1000", "input_tokens: 2000")})
    assert run(["diff", "--base-ref", "main", "chat.yaml"]) == 0
    said = capsys.readouterr().out
    assert "cheaper, but dearer for the same tasks: +$1,662.78 a month" in said  # the GPU's $12 x 730 h is then the cheapest, against $7,097.22
    assert "a decrease never blocks" not in said


def test_a_policy_among_the_profiles_is_named_for_what_it_is(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "chat.yaml", "./breakeven.policy.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main"]) == 2
    assert capsys.readouterr().err == (
        "error: ./breakeven.policy.yaml: is the policy, and is named among the profiles; leave it out of the profiles, for example by a folder for them\n"
    )


@pytest.mark.parametrize(("broken", "said"), [
    (PROFILE.replace("name: chat", "name: chat\nolder: 1"), "older: the base's own profile: is not a known key"),
    (PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12", "rent: h100-sxm, provider: gone"), "self_host.supply[0]"),
])  # fmt: skip
def test_a_base_that_cannot_be_read_can_be_left_behind(scene: Scene, broken: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Mended in its place it would be compared with itself again; what is advised works."""
    scene.base({"chat.yaml": broken, "breakeven.policy.yaml": RISE + "  new_profile: {level: warn}\n"})
    scene.write({"chat.yaml": PROFILE})
    assert scene.check() == 2
    err = capsys.readouterr().err
    assert said in err
    assert "main:chat.yaml: what the base has there can't be judged, so nothing can be compared with it; what takes its place needs another file and another name: it then counts as new\n" in err
    (scene.folder / "chat.yaml").unlink()
    scene.write({"talk.yaml": PROFILE.replace("name: chat", "name: talk")})
    assert run(["check", "talk.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main"]) == 0
    assert "new_profile: the base has no profile of this name or path" in capsys.readouterr().out
