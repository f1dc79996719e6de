"""Ways to fool the gate by the files beside a profile, and by which profiles are named: a report says why it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE, git
from tests.gate.scene import FLAT, HOURLY, OWN, PEAKED, RENT, RISE, Register, Scene, assert_caught

FIT = (
    'benchmark: "b.json"\nmodel: "openai/gpt-oss-120b"\naccelerator: "h100-sxm"\naccelerators: 2\ntp: 2\npp: 1\nep: 1\ndp: 1\nweight_precision: "mxfp4"\nengine: "vllm"\n'
    "multipliers:\n  time: {}\ninput_tokens: [1000.0, 1000.0]\noutput_tokens: [500.0, 500.0]\nconcurrency: [1.0, 64.0]\nworst_residual: 0.05\n"
)
MEASURED = PROFILE.replace("  throughput: {total_tok_per_s: 9000}\n", "  benchmark: fit.yaml\n").replace(", gpus: 1", "").replace("33333", "30M")
SABOTAGES = sabotage = Register()


def submodule(scene: Scene, files: dict[str, str]) -> None:
    other = Scene(scene.folder.parent / "other")
    other.folder.mkdir()
    git(other.folder, "init", "-q", "-b", "main")
    other.write(files)
    other.commit()
    git(scene.folder, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.folder), "sub")


# --- a benchmark ----------------------------------------------------------------------------------------


@sabotage(1, "cost_increase: .*throughput \\+.*\\(self_host.benchmark\\)")
def a_slower_benchmark_under_the_same_name(scene: Scene) -> None:
    scene.base({"chat.yaml": MEASURED, "fit.yaml": FIT.format(1.0), "breakeven.policy.yaml": OWN})
    scene.write({"fit.yaml": FIT.format(3.0)})


@sabotage(1, "stale_branch: .*\\(fit.yaml\\)")
def a_benchmark_that_the_base_made_faster_since(scene: Scene) -> None:
    scene.base({"chat.yaml": MEASURED, "fit.yaml": FIT.format(1.0), "breakeven.policy.yaml": OWN})
    git(scene.folder, "checkout", "-q", "main")
    scene.write({"fit.yaml": FIT.format(0.5)})
    scene.commit()
    git(scene.folder, "checkout", "-q", "change")


@sabotage(1, "self_host.benchmark fit.yaml as at main -> absent")
def a_benchmark_that_is_no_longer_named(scene: Scene) -> None:
    scene.base({"chat.yaml": MEASURED, "fit.yaml": FIT.format(0.3), "breakeven.policy.yaml": OWN})
    scene.write({"chat.yaml": MEASURED.replace("  benchmark: fit.yaml\n", "")})
    (scene.folder / "fit.yaml").unlink()


@sabotage(2, "chat.yaml:10:14: self_host.benchmark: names fit.yaml, which is reached through a symbolic link; name the file itself")
def a_benchmark_that_becomes_a_link(scene: Scene) -> None:
    scene.base({"chat.yaml": MEASURED, "fit.yaml": FIT.format(1.0), "fast.yaml": FIT.format(0.1), "breakeven.policy.yaml": OWN})
    (scene.folder / "fit.yaml").unlink()
    (scene.folder / "fit.yaml").symlink_to("fast.yaml")


@sabotage(2, "self_host.benchmark: names ../fit.yaml, which lies outside the repository of the base revision; name a file inside it")
def a_benchmark_from_outside(scene: Scene) -> None:
    scene.base({"chat.yaml": MEASURED, "fit.yaml": FIT.format(1.0), "breakeven.policy.yaml": OWN})
    scene.write({"../fit.yaml": FIT.format(0.1), "chat.yaml": MEASURED.replace("fit.yaml", "../fit.yaml")})


@sabotage(2, "main:chat.yaml: points at ../fit.yaml, which lies outside the repository of the base revision")
def a_base_whose_benchmark_lies_outside(scene: Scene) -> None:
    scene.base({"chat.yaml": MEASURED.replace("fit.yaml", "../fit.yaml"), "breakeven.policy.yaml": OWN})
    scene.write({"fit.yaml": FIT.format(1.0), "chat.yaml": MEASURED})


@sabotage(2, "main:chat.yaml: points at fit.yaml, which the base revision lacks; have the file committed there: until then nothing can be compared with it")
def a_benchmark_that_nobody_committed(scene: Scene) -> None:
    scene.base({"chat.yaml": MEASURED, ".gitignore": "fit.yaml\n", "breakeven.policy.yaml": OWN})
    scene.write({"fit.yaml": FIT.format(1.0)})


@sabotage(1, "cost_increase: .*volume \\+.*\\(workload.demand.hourly_file\\)")
def a_series_named_by_its_whole_path(scene: Scene) -> None:
    """The base's profile would read the working tree's file, and both sides would cost the same."""
    scene.base({"chat.yaml": HOURLY.replace("week.txt", str(scene.folder / "week.txt")), "week.txt": FLAT, "breakeven.policy.yaml": OWN})
    scene.write({"week.txt": PEAKED})


@sabotage(1, "cost_increase: .*volume \\+.*\\(workload.demand.hourly_file\\)")
def a_series_named_by_a_way_out_of_the_repository_and_back(scene: Scene) -> None:
    scene.base({"chat.yaml": HOURLY.replace("week.txt", f"../{scene.folder.name}/week.txt"), "week.txt": FLAT, "breakeven.policy.yaml": OWN})
    scene.write({"week.txt": PEAKED})


@sabotage(2, "self_host.model: names ~/own.json, which lies outside the repository of the base revision")
def a_model_in_the_home_folder_beside_one_that_is_called_so(scene: Scene) -> None:
    scene.base({"chat.yaml": PROFILE.replace("openai/gpt-oss-120b", "~/own.json"), "~/own.json": "{}", "breakeven.policy.yaml": OWN})


# --- a submodule ----------------------------------------------------------------------------------------


@sabotage(2, "workload.demand.hourly_file: names sub/week.txt, which lies in a repository of its own \\(sub\\)")
def a_series_moved_into_a_submodule(scene: Scene) -> None:
    scene.base({"chat.yaml": HOURLY, "week.txt": PEAKED, "breakeven.policy.yaml": OWN})
    submodule(scene, {"week.txt": FLAT})
    scene.write({"chat.yaml": HOURLY.replace("week.txt", "sub/week.txt")})


@sabotage(2, "workload.demand.hourly_file: names sub/week.txt, which lies in a repository of its own \\(sub\\)")
def a_new_profile_that_reads_a_submodule(scene: Scene) -> None:
    submodule(scene, {"week.txt": FLAT})
    scene.write({"new.yaml": HOURLY.replace("week.txt", "sub/week.txt").replace("name: chat", "name: new")})
    scene.more = ["new.yaml"]


@sabotage(1, "left_unchecked: low \\(low.yaml\\) is gone, and profiles that change here are not checked: sub \\(a submodule\\) .*; .*.*remove the old one in a change of its own")
def a_profile_moved_into_a_submodule(scene: Scene) -> None:
    scene.base({"low.yaml": PROFILE.replace("name: chat", "name: low")})
    (scene.folder / "low.yaml").unlink()
    submodule(scene, {"low.yaml": PROFILE.replace("name: chat", "name: low").replace("33333", "90000")})
    scene.commit()
    git(scene.folder, "submodule", "deinit", "-q", "-f", "sub")  # as a runner has it that fetches none


@sabotage(1, "left_unchecked: low \\(low.yaml\\) is gone, and profiles that change here are not checked: sub \\(a submodule\\)")
def a_profile_moved_into_a_submodule_that_git_is_told_to_ignore(scene: Scene) -> None:
    scene.base({"low.yaml": PROFILE.replace("name: chat", "name: low")})
    (scene.folder / "low.yaml").unlink()
    submodule(scene, {"low.yaml": PROFILE.replace("name: chat", "name: low").replace("33333", "90000")})
    git(scene.folder, "config", "-f", ".gitmodules", "submodule.sub.ignore", "all")
    git(scene.folder, "add", "-f", ".gitmodules", "sub")
    scene.commit()


# --- text that git keeps otherwise ------------------------------------------------------------------------

ONE_LINE = (
    "{name: chat, description: %s, workload: {requests_per_day: 33333, input_tokens: %d, output_tokens: 500}\n%s, api: [{model: own/price, "
    "prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10}}]\n, self_host: {model: openai/gpt-oss-120b, throughput: {total_tok_per_s: 9000}, "
    "supply: [{rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1}]}}\n"
)


@sabotage(2, "chat.yaml: is not read here as git keeps it \\(the attribute ident rewrites it\\), so its next base would be another text; .*chat.yaml -ident")
def a_dear_text_that_git_keeps_behind_a_cheap_one(scene: Scene) -> None:
    """``$Id: ... $`` is replaced on the way into the working tree, and what is read after it with it."""
    hidden = '# ", workload: {requests_per_day: 33333, input_tokens: 1000, output_tokens: 500}\n'
    scene.base({"chat.yaml": ONE_LINE % ("x", 1000, "")})
    scene.write({"chat.yaml": ONE_LINE % ('"$Id: " # $\n', 4000, hidden), ".gitattributes": "chat.yaml ident\n"})
    scene.commit()
    (scene.folder / "chat.yaml").unlink()
    git(scene.folder, "checkout", "-q", "--", "chat.yaml")
    assert "input_tokens: 4000" in git(scene.folder, "show", "HEAD:chat.yaml")


@sabotage(2, "week.txt: is not read here as git keeps it \\(the attribute working-tree-encoding rewrites it\\)")
def a_series_in_another_encoding(scene: Scene) -> None:
    scene.base({"chat.yaml": HOURLY, "week.txt": FLAT, "breakeven.policy.yaml": OWN})
    scene.write({".gitattributes": "week.txt working-tree-encoding=UTF-16LE-BOM\n"})
    (scene.folder / "week.txt").write_bytes(FLAT.encode("utf-16"))


@sabotage(2, "own/rental/own.yaml: is not read here as git keeps it \\(the attribute filter rewrites it\\)")
def an_overlay_behind_a_filter(scene: Scene) -> None:
    scene.base({"own/rental/own.yaml": RENT.format(price=2)})
    scene.write({"own/rental/own.yaml": RENT.format(price=1), ".gitattributes": "own/** filter=cheaper\n"})
    scene.more = ["--catalog", "own"]


# --- which profiles are named ---------------------------------------------------------------------------


@sabotage(2, "one file is named twice: chat.yaml, alias.yaml; name it once")
def a_profile_and_a_link_to_it(scene: Scene) -> None:
    (scene.folder / "alias.yaml").symlink_to("chat.yaml")
    scene.more = ["alias.yaml"]


@sabotage(2, "one file is named twice: chat.yaml, .*chat.yaml; name it once")
def a_profile_given_twice(scene: Scene) -> None:
    scene.more = [str(scene.folder / "chat.yaml")]


@sabotage(2, "profile names are given twice: chat \\(chat.yaml, two.yaml\\); give each profile its own name")
def two_profiles_of_one_name(scene: Scene) -> None:
    scene.write({"two.yaml": PROFILE})
    scene.more = ["two.yaml"]


@sabotage(2, "cfg/low.yaml: is reached through a symbolic link")
def a_profile_that_is_a_link_at_the_base_too(scene: Scene) -> None:
    (scene.folder / "cfg").mkdir()
    (scene.folder / "cfg" / "low.yaml").symlink_to("../real/low.yaml")
    scene.base({"real/low.yaml": PROFILE.replace("name: chat", "name: low")})
    scene.more = ["cfg/low.yaml"]


# --- overlays and budgets -------------------------------------------------------------------------------


@sabotage(2, "unknown rental provider 'own'(.*\n)*.*and hold once it has landed; land a fact that comes with it first, then the profile that needs it; keep one that a profile needs")
def an_overlay_removed_that_a_profile_needs(scene: Scene) -> None:
    text = PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1", "rent: h100-sxm, provider: own, gpus: 1")
    scene.base({"chat.yaml": text, "facts/own.yaml": RENT.format(price=3), "facts/more.yaml": RENT.format(price=4).replace("id: own", "id: more")})
    (scene.folder / "facts" / "own.yaml").unlink()
    scene.more = ["--catalog", "facts"]


@sabotage(2, "rules.budget_month.max_usd: is in another currency \\('9k EUR'\\), and amounts are in USD; convert it and write for example")
def a_budget_in_another_currency(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + "  budget_month: {max_usd: 9k EUR}\n"})


@pytest.mark.parametrize("name", SABOTAGES)
def test_is_caught_for_its_own_reason(scene: Scene, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_caught(scene, SABOTAGES[name], capsys)


def test_a_tolerance_in_another_currency_says_which_counts(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert Path("chat.yaml").is_file()
    for rule in ("cost > €5000", "increase > 5 EUR"):
        assert run(["check", "chat.yaml", "--fail-if", rule, "--base-ref", "main"]) == 2
        assert "amounts are in USD" in capsys.readouterr().err


def test_what_a_sparse_checkout_leaves_out_is_not_gone(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """A dearer profile that is not on the disk is named as one that is not checked."""
    scene.base({"configs/a.yaml": PROFILE.replace("name: chat", "name: a"), "configs/b.yaml": PROFILE.replace("name: chat", "name: b")})
    scene.write({"configs/b.yaml": PROFILE.replace("name: chat", "name: b").replace("33333", "90000")})
    scene.commit()
    git(scene.folder, "sparse-checkout", "set", "--no-cone", "chat.yaml", "breakeven.policy.yaml")
    assert not (scene.folder / "configs").exists()
    assert scene.check() == 0
    said = capsys.readouterr().out
    assert "note: profiles that change here and are not among those checked: configs/b.yaml\n" in said
    assert "gone since the base" not in said


def test_a_series_named_by_its_whole_path_is_no_change_where_it_has_none(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"chat.yaml": HOURLY.replace("week.txt", str(scene.folder / "week.txt")), "week.txt": FLAT, "breakeven.policy.yaml": OWN})
    scene.write({"chat.yaml": HOURLY.replace("week.txt", str(scene.folder / "week.txt")).replace("33333", "33334")})
    assert scene.check() == 0
    said = capsys.readouterr().out
    assert "workload.requests_per_day 33333 -> 33334" in said
    assert "hourly_file" not in said


def test_attributes_that_rewrite_nothing_are_no_matter(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({".gitattributes": "* ident filter=absent working-tree-encoding=UTF-8\n", "chat.yaml": PROFILE.replace("33333", "33330")})
    scene.commit()
    assert scene.check() == 0, "".join(capsys.readouterr())
