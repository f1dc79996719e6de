"""Ways to fool the gate by what a change says, where it puts it and what it leaves out.

What cannot be told from an honest change is not blocked: it is said in the report, and that is tested.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from breakeven.cli.main import run
from tests.gate.bench import LIMIT, POLICY, PROFILE, WAIVER, World, git
from tests.gate.scene import DOUBLED, FLAT, HOURLY, OWN, RENT, RISE, ROOT, WAGE, Register, Scene, assert_caught

PRICES = "prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10, cached_input_usd_per_mtok: 0.2}"
FAKE = "api:\n  - {model: own/fake, prices: {input_usd_per_mtok: 0.001, output_usd_per_mtok: 0.001}}\n"
CHEAPEST = RISE.replace("headline-api", "cheapest")
STRICT = "version: 1\nsubject: cheapest\nrules: {cost_increase: {max_share: 1%}, unsourced_saving: {level: error}}\n"
LISTED = PROFILE.replace(f"{{model: own/price, {PRICES}}}", "google/gemini-4-argon")
RANGES = "uncertainty:\n  ranges:\n    self_host.supply[0].usd_per_gpu_hour: {low: 2.5, high: 22.5, distribution: uniform}\n"
TOKENS = PROFILE.replace("requests_per_day: 33333", "tokens_per_day: 50M")


def named(name: str, text: str = PROFILE) -> str:
    return text.replace("name: chat", f"name: {name}")


# --- caught ---------------------------------------------------------------------------------------

SABOTAGES = sabotage = Register()


@sabotage(1, "unsourced_saving.*api\\[0\\].prices")
def a_made_up_offer_that_is_the_cheapest(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": STRICT})
    scene.write({"chat.yaml": DOUBLED.replace("api:\n", FAKE)})


@sabotage(1, "unsourced_saving.*api\\[0\\].prices")
def a_made_up_offer_put_first(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": STRICT.replace("cheapest", "headline-api")})
    scene.write({"chat.yaml": DOUBLED.replace("api:\n", FAKE)})


@sabotage(1, "unsourced_saving.*discount = 90%")
def a_discount_that_nobody_gave(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": STRICT})
    scene.write({"chat.yaml": DOUBLED.replace("model: own/price,", "model: own/price, discount: 90%,")})


@sabotage(1, "unsourced_saving.*usd_per_gpu_hour = 0.01")
def a_rent_that_nobody_asks(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": STRICT})
    scene.write({"chat.yaml": PROFILE.replace("usd_per_gpu_hour: 12", "usd_per_gpu_hour: 0.01")})


@sabotage(1, "unsourced_saving.*throughput")
def a_throughput_that_nobody_measured(scene: Scene) -> None:
    slow = PROFILE.replace("usd_per_gpu_hour: 12", "usd_per_gpu_hour: 2").replace("total_tok_per_s: 9000", "total_tok_per_s: 300")
    scene.base({"breakeven.policy.yaml": STRICT, "chat.yaml": slow})
    scene.write({"chat.yaml": slow.replace("total_tok_per_s: 300", "total_tok_per_s: 90000")})


@sabotage(1, "unsourced_assumption.*discount")
def a_discount_without_a_source(scene: Scene) -> None:
    scene.base({
        "breakeven.policy.yaml": "version: 1\nrules: {unsourced_assumption: {level: error}}\n",
        "chat.yaml": LISTED.replace("google/gemini-4-argon", "{model: google/gemini-4-argon, discount: 40%}"),
    })  # fmt: skip


@sabotage(1, "left_unchecked.*moved from b/chat.yaml to c/chat.yaml")
def a_profile_moved_to_where_the_check_does_not_look(scene: Scene) -> None:
    scene.base({"b/chat.yaml": named("b"), "b/stays.yaml": named("stays")})
    (scene.folder / "c").mkdir()
    git(scene.folder, "mv", "b/chat.yaml", "c/chat.yaml")
    scene.write({"c/chat.yaml": named("b", DOUBLED)})
    scene.more = ["b/stays.yaml"]


@sabotage(1, r"left_unchecked: low \(low.yaml\) is gone, and profiles that change here are not checked: hidden/new.yaml")
def a_profile_moved_out_under_another_name(scene: Scene) -> None:
    scene.base({"low.yaml": named("low")})
    (scene.folder / "low.yaml").unlink()
    scene.write({"hidden/new.yaml": named("new", DOUBLED)})


@sabotage(1, "left_unchecked.*moved from low.yaml to .low.yaml")
def a_profile_hidden_by_a_dot(scene: Scene) -> None:
    scene.base({"low.yaml": named("low")})
    git(scene.folder, "mv", "low.yaml", ".low.yaml")


@sabotage(1, "stale_branch.*main is behind origin/main")
def a_local_base_that_lags_behind_the_fetched_one(scene: Scene) -> None:
    old = git(scene.folder, "rev-parse", "main").strip()
    scene.base({"breakeven.policy.yaml": RISE.replace("1%", "0.1%")})
    git(scene.folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(scene.folder, "reset", "-q", "--hard", old)
    git(scene.folder, "branch", "-f", "main", old)
    scene.write({"chat.yaml": PROFILE.replace("33333", "33400")})


@sabotage(1, "stale_branch.*main is behind up/trunk")
def a_local_base_that_lags_behind_its_upstream(scene: Scene) -> None:
    old = git(scene.folder, "rev-parse", "main").strip()
    scene.base({"chat.yaml": PROFILE.replace("33333", "20000")})
    git(scene.folder, "update-ref", "refs/remotes/up/trunk", "HEAD")
    git(scene.folder, "reset", "-q", "--hard", old)
    git(scene.folder, "branch", "-f", "main", old)
    for key, value in (("remote", "up"), ("merge", "refs/heads/trunk")):
        git(scene.folder, "config", f"branch.main.{key}", value)
    git(scene.folder, "config", "remote.up.url", "nowhere")
    git(scene.folder, "config", "remote.up.fetch", "+refs/heads/*:refs/remotes/up/*")


@sabotage(1, "stale_branch.*after this branch left it")
def a_branch_that_left_a_cheaper_base_behind(scene: Scene) -> None:
    git(scene.folder, "checkout", "-q", "main")
    scene.write({"chat.yaml": PROFILE.replace("33333", "40000")})
    scene.commit()
    git(scene.folder, "checkout", "-q", "change")
    scene.write({"chat.yaml": PROFILE.replace("33333", "39000")})


@sabotage(1, "facts_moved_back")
def facts_of_an_older_day(scene: Scene) -> None:
    scene.base({"chat.yaml": LISTED, "breakeven.policy.yaml": RISE})
    scene.write({"chat.yaml": LISTED.replace("name: chat", "name: chat\nas_of: 2026-10-01")})


@sabotage(1, "facts_moved_back")
def a_date_that_falls_back_to_the_release(scene: Scene) -> None:
    scene.base({"chat.yaml": LISTED.replace("name: chat", "name: chat\nas_of: 2026-12-05")})
    scene.write({"chat.yaml": LISTED})


@sabotage(1, "cost_increase")
def a_base_replaced_in_this_repository(scene: Scene) -> None:
    base = git(scene.folder, "rev-parse", "main").strip()
    scene.write({"chat.yaml": DOUBLED, "breakeven.policy.yaml": RISE.replace("1%", "900%")})
    scene.commit()
    git(scene.folder, "replace", base, "HEAD")


@sabotage(1, "cost_increase")
def a_blob_replaced_in_this_repository(scene: Scene) -> None:
    old = git(scene.folder, "rev-parse", "main:chat.yaml").strip()
    scene.write({"chat.yaml": DOUBLED})
    git(scene.folder, "replace", old, git(scene.folder, "hash-object", "-w", "chat.yaml").strip())


@sabotage(1, "stale_branch|cost_increase")
def a_history_grafted_together(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED})
    scene.commit()
    head, base = (git(scene.folder, "rev-parse", name).strip() for name in ("HEAD", "main"))
    (scene.folder / ".git" / "info" / "grafts").write_text(f"{head}\n{base} {head}\n", encoding="utf-8")


@sabotage(1, "cost_increase")
def values_behind_an_anchor(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("input_tokens: 1000", "input_tokens: &n 1000").replace("output_tokens: 500", "output_tokens: *n")})


@sabotage(2, "merge|<<")
def keys_merged_from_elsewhere(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("workload:\n", "workload:\n  <<: {calls_per_task: 9}\n")})


@sabotage(2, "merge|<<")
def a_policy_of_merged_keys(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": "version: 1\nrules:\n  cost_increase:\n    <<: {max_share: 500%}\n"})


@sabotage(2, "not a known key")
def a_key_in_letters_that_look_the_same(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED.replace("input_tokens", "\u0456nput_tokens")})


@sabotage(2, "not a known key")
def a_key_with_a_space_that_is_none(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("input_tokens:", "input_tokens\u00a0:")})


@sabotage(2, "cannot be read as a number")
def digits_that_are_none(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("33333", "\uff13\uff13")})


@sabotage(2, "given twice")
def a_key_given_twice_once_in_quotes(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("  input_tokens: 1000", '  "input_tokens": 9000\n  input_tokens: 1000')})


@sabotage(2, "several documents")
def a_second_document(scene: Scene) -> None:
    scene.write({"chat.yaml": f"{PROFILE}---\n{DOUBLED}"})


@sabotage(2, "at least 0")
def a_cost_below_zero(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("  supply:", "  extra_costs: [{name: credit, usd_per_month: -5000}]\n  supply:")})


@sabotage(1, "unknown|no eligible offer")
def requirements_that_leave_no_offer(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": CHEAPEST})
    scene.write({"chat.yaml": DOUBLED + "requirements: {no_third_party: true}\n"})


@sabotage(1, "cost_increase")
def a_dear_offer_made_eligible_only(scene: Scene) -> None:
    text = PROFILE.replace("name: chat", "name: chat\nrequirements: {no_third_party: false}").replace("rent: h100-sxm, usd_per_gpu_hour: 12", "own: hgx-h100-8, site: us-colo")
    scene.base({"breakeven.policy.yaml": CHEAPEST, "chat.yaml": text})
    scene.write({"chat.yaml": text.replace("no_third_party: false", "no_third_party: true")})


@sabotage(2, "is a link")
def a_link_inside_an_overlay(scene: Scene) -> None:
    scene.base({"facts/own.yaml": WAGE.format(value=5)})
    scene.write({"real.txt": WAGE.format(value=7)})
    (scene.folder / "facts" / "own.yaml").unlink()
    (scene.folder / "facts" / "own.yaml").symlink_to("../real.txt")
    scene.more = ["--catalog", "facts"]


@sabotage(2, "is a link")
def a_link_beside_the_profile_at_the_base(scene: Scene) -> None:
    (scene.folder / "week.txt").symlink_to("flat.txt")
    scene.base({"breakeven.policy.yaml": OWN, "chat.yaml": HOURLY, "flat.txt": FLAT})
    (scene.folder / "week.txt").unlink()
    scene.write({"week.txt": FLAT})


@sabotage(2, "lies in a repository of its own \\(sub\\)")
def a_repository_inside_the_repository(scene: Scene) -> None:
    inner = scene.folder / "sub"
    scene.write({"sub/chat.yaml": named("inner")})
    git(inner, "init", "-q", "-b", "main")
    git(inner, "add", "-A")
    git(inner, "commit", "-q", "-m", "inner")
    git(scene.folder, "add", "sub")
    scene.base({})
    scene.write({"sub/chat.yaml": named("inner", DOUBLED)})
    scene.more = ["sub/chat.yaml"]


@sabotage(2, "no breakeven.policy.yaml|has no|may not be removed")
def the_policy_moved_away(scene: Scene) -> None:
    git(scene.folder, "mv", "breakeven.policy.yaml", "loose.policy.yaml")
    scene.write({"loose.policy.yaml": RISE.replace("1%", "900%"), "chat.yaml": DOUBLED})


@sabotage(2, "the base revision main has no")
def a_policy_of_another_name(scene: Scene) -> None:
    scene.write({"loose.policy.yaml": RISE.replace("1%", "900%"), "chat.yaml": DOUBLED})
    scene.more = ["--policy", "loose.policy.yaml"]


@sabotage(2, "set the rule's level instead")
def a_waiver_that_no_scope_could_hold(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="left_unchecked", scope="*", expires="2027-01-01", more="")})
    scene.more = ["--on", "2026-11-24"]


@sabotage(1, "same tasks would cost")
def a_doubled_prompt_and_a_smaller_volume_in_another_unit(scene: Scene) -> None:
    scene.base({"chat.yaml": TOKENS})
    scene.write({"chat.yaml": DOUBLED.replace("requests_per_day: 33333", "requests_per_day: 16000")})


@sabotage(1, "cost_increase")
def two_profiles_that_swap_their_names(scene: Scene) -> None:
    scene.base({"big.yaml": named("big", PROFILE.replace("33333", "90000"))})
    scene.write({"chat.yaml": named("big", PROFILE.replace("33333", "90000")), "big.yaml": named("chat")})
    scene.more = ["big.yaml"]


@sabotage(2, "one of several offers of the same id: api:own/price, api:own/price#2")
def a_twin_put_before_the_offer_that_the_policy_names(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE.replace("headline-api", "'api:own/price'")})
    scene.write({"chat.yaml": DOUBLED.replace("api:\n", FAKE.replace("own/fake", "own/price"))})


@sabotage(2, "is not an offer of this profile")
def the_offer_that_the_policy_names_removed(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE.replace("headline-api", "'api:own/price'")})
    scene.write({"chat.yaml": PROFILE.replace("own/price", "own/other")})


@sabotage(2, "no regular file")
def a_pipe_in_place_of_a_profile(scene: Scene) -> None:
    (scene.folder / "chat.yaml").unlink()
    os.mkfifo(scene.folder / "chat.yaml")


@sabotage(2, "is a directory")
def a_folder_in_place_of_a_profile(scene: Scene) -> None:
    (scene.folder / "chat.yaml").unlink()
    (scene.folder / "chat.yaml").mkdir()


@sabotage(2, "the base's own profile")
def a_base_that_holds_only_a_pointer_to_the_file(scene: Scene) -> None:
    scene.base({"chat.yaml": "version: https://git-lfs.github.com/spec/v1\noid: sha256:4d7a\nsize: 12345\n"})
    scene.write({"chat.yaml": PROFILE})


@sabotage(2, "no commit is checked out here")
def a_branch_without_a_commit(scene: Scene) -> None:
    git(scene.folder, "checkout", "-q", "--orphan", "island")


@sabotage(2, "the history between main and HEAD is not here")
def a_branch_that_never_met_the_base(scene: Scene) -> None:
    git(scene.folder, "checkout", "-q", "--orphan", "island")
    scene.commit()


@sabotage(1, "cost_increase: this change costs \\$3,650 a month more")
def a_dearer_profile_behind_an_overlay_made_cheaper(scene: Scene) -> None:
    text = PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1", "rent: h100-sxm, provider: own, gpus: 1")
    limit = "version: 1\nsubject: headline-self-host\nrules: {cost_increase: {max_usd_per_month: $1000}}\n"
    scene.base({"chat.yaml": text, "facts/own.yaml": RENT.format(price=5), "breakeven.policy.yaml": limit})
    scene.write({"chat.yaml": text.replace("gpus: 1", "gpus: 2"), "facts/own.yaml": RENT.format(price=0.01)})
    scene.more = ["--catalog", "facts"]


def locked(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("usd_per_gpu_hour: 12, ", "")})
    assert run(["catalog", "lock", "chat.yaml", "-o", "x.lock"]) == 0
    scene.base({})
    scene.more = ["--locked", "x.lock"]


@sabotage(1, "facts_moved_back: facts are asked for as of 2026-11-20, and the base has them as of 2026-11-24")
def a_lock_set_back(scene: Scene) -> None:
    locked(scene)
    assert run(["catalog", "lock", "chat.yaml", "--as-of", "2026-11-20", "-o", "x.lock"]) == 0


@sabotage(1, "lock_drift: .*not locked")
def a_lock_emptied_of_its_facts(scene: Scene) -> None:
    locked(scene)
    scene.write({"x.lock": json.dumps({**json.loads(Path("x.lock").read_text(encoding="utf-8")), "facts": {}})})


@sabotage(2, "x.lock: no such file")
def a_lock_removed(scene: Scene) -> None:
    locked(scene)
    Path("x.lock").unlink()


@sabotage(2, "x.lock: is a damaged lock")
def a_lock_that_parses_and_says_nothing(scene: Scene) -> None:
    locked(scene)
    scene.write({"x.lock": Path("x.lock").read_text(encoding="utf-8").replace('"as_of": "2026-11-24"', '"as_of": "NaN"')})


@sabotage(2, "the base revision main has no x.lock")
def a_lock_that_arrives_with_the_change(scene: Scene) -> None:
    locked(scene)
    git(scene.folder, "rm", "-q", "--cached", "x.lock")
    git(scene.folder, "commit", "-q", "-m", "without")
    git(scene.folder, "branch", "-f", "main", "HEAD")


@sabotage(1, "new_profile")
def a_small_twin_under_the_old_path_and_the_big_one_under_another_case(scene: Scene) -> None:
    git(scene.folder, "mv", "chat.yaml", "Chat.yaml")
    scene.write({"Chat.yaml": DOUBLED, "chat.yaml": named("chatty")})
    scene.more = ["Chat.yaml"]


@sabotage(1, "cost_increase")
def a_path_that_reads_as_a_pattern(scene: Scene) -> None:
    scene.base({"a[1]*.yaml": named("b"), "a1.yaml": named("b", DOUBLED)})
    scene.write({"a[1]*.yaml": named("b", DOUBLED)})
    scene.more = ["a[1]*.yaml"]


@pytest.mark.parametrize("name", SABOTAGES)
def test_is_caught_for_its_own_reason(scene: Scene, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_caught(scene, SABOTAGES[name], capsys)


# --- reported -------------------------------------------------------------------------------------

REPORTED = reported = Register()


@reported(0, "\\[warn\\] unsourced_saving")
def a_made_up_price_where_no_policy_says_more(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED.replace("model: own/price,", "model: own/price, discount: 90%,")})


@reported(0, "judged cost was that of api:own/price and is that of api:own/fake, which the base does not have; api:own/price itself goes from \\$7,097 to \\$9,125 a month")
def an_offer_added_beside_a_longer_prompt(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": CHEAPEST})
    scene.write({"chat.yaml": DOUBLED.replace("api:\n", FAKE)})


@reported(0, "judged cost was that of api:own/price and is that of api:own/less, which the base does not have; api:own/price is gone")
def an_offer_replaced(scene: Scene) -> None:
    scene.write({"chat.yaml": PROFILE.replace("own/price", "own/less").replace("input_usd_per_mtok: 2,", "input_usd_per_mtok: 1,")})


@reported(0, "uncertainty changes here \\(chat.yaml:13\\)")
def ranges_narrowed_until_the_probability_fits(scene: Scene) -> None:
    scene.base({"chat.yaml": PROFILE + RANGES})
    scene.write({"chat.yaml": PROFILE + RANGES.replace("low: 2.5, high: 22.5", "low: 11, high: 13")})


@reported(0, "uncertainty changes here: it moves no cost")
def ranges_removed(scene: Scene) -> None:
    scene.base({"chat.yaml": PROFILE + RANGES})
    scene.write({"chat.yaml": PROFILE})


@reported(0, "as of 2027-06-01, after the catalogue's 2026-11-24: prices announced for then count already")
def facts_of_a_day_to_come(scene: Scene) -> None:
    scene.base({"chat.yaml": LISTED})
    scene.write({"chat.yaml": LISTED.replace("name: chat", "name: chat\nas_of: 2027-06-01")})


@reported(0, "as of 2026-11-24, after --on's 2020-01-01")
def a_clock_set_back_to_keep_a_waiver_alive(scene: Scene) -> None:
    scene.more = ["--on", "2020-01-01"]


@reported(0, "not among those checked: other/new.yaml")
def a_new_profile_where_the_check_does_not_look(scene: Scene) -> None:
    scene.write({"other/new.yaml": named("big", PROFILE.replace("33333", "3M"))})
    scene.commit()


@reported(0, "not among those checked: other/fresh.yml")
def a_new_profile_that_nothing_tracks_yet(scene: Scene) -> None:
    scene.write({"other/fresh.yml": named("fresh")})


@reported(0, "not among those checked: other/old.yaml")
def a_dearer_profile_where_the_check_does_not_look(scene: Scene) -> None:
    scene.base({"other/old.yaml": named("old")})
    scene.write({"other/old.yaml": named("old", DOUBLED)})


@reported(0, "gone since the base, so not checked: a/old.yaml\n.*not among those checked: b.yml")
def a_folder_of_profiles_moved_and_renamed(scene: Scene) -> None:
    scene.base({"a/old.yaml": named("old")})
    git(scene.folder, "mv", "a/old.yaml", "b.yml")
    scene.write({"b.yml": named("new", DOUBLED)})


@reported(0, "gone since the base, so not checked: low.yaml")
def a_profile_removed_in_a_change_of_its_own(scene: Scene) -> None:
    scene.base({"low.yaml": named("low"), "other/old.yaml": named("old")})
    (scene.folder / "low.yaml").unlink()


@reported(0, "overlay facts changes here.*\n?.*shown as market")
def an_overlay_made_cheaper_in_the_same_change(scene: Scene) -> None:
    scene.base({"facts/own.yaml": WAGE.format(value=200000), "chat.yaml": PROFILE.replace("  throughput", "  labour_fte: 0.1\n  throughput")})
    scene.write({"facts/own.yaml": WAGE.format(value=1)})
    scene.more = ["--catalog", "facts"]


@reported(0, "there is no change to judge")
def a_base_that_is_the_change_itself(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED})
    scene.base({})


@reported(0, "workload.demand.growth_per_year 100% -> 0%")
def a_growth_switched_off_to_escape_the_crossing(scene: Scene) -> None:
    text = PROFILE.replace("output_tokens: 500", "output_tokens: 500\n  demand: {growth_per_year: 100%}")
    scene.base({"chat.yaml": text})
    scene.write({"chat.yaml": text.replace("100%", "0%")})


@reported(0, "api\\[0\\].minimum_usd_per_month 9000 -> absent")
def a_minimum_spend_left_out(scene: Scene) -> None:
    text = PROFILE.replace("model: own/price,", "model: own/price, minimum_usd_per_month: 9000,")
    scene.base({"chat.yaml": text})
    scene.write({"chat.yaml": PROFILE})


@reported(0, "requirements.no_third_party")
def requirements_dropped(scene: Scene) -> None:
    text = PROFILE + "requirements: {no_third_party: true}\n"
    scene.base({"breakeven.policy.yaml": OWN, "chat.yaml": text})
    scene.write({"chat.yaml": PROFILE})


@pytest.mark.parametrize("name", REPORTED)
def test_is_said_in_the_report(scene: Scene, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    prepare, code, words = REPORTED[name]
    prepare(scene)
    capsys.readouterr()
    assert scene.check() == code
    said = capsys.readouterr().out
    assert re.search(words, said), said


def test_a_checkout_with_other_line_ends_is_no_change(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"breakeven.policy.yaml": OWN, "chat.yaml": HOURLY, "week.txt": FLAT, "facts/own.yaml": WAGE.format(value=5)})
    for name in ("breakeven.policy.yaml", "chat.yaml", "week.txt", "facts/own.yaml"):
        path = scene.folder / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    scene.more = ["--catalog", "facts"]
    assert scene.check() == 0
    said = capsys.readouterr().out
    assert "note:" not in said
    assert "unchanged: nothing that costs money changed" in said


def test_notes_reach_every_surface_that_has_a_place_for_them(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"other/new.yaml": named("big"), "chat.yaml": PROFILE + RANGES})
    scene.commit()
    for surface in ("text", "json", "md", "github", "junit", "sarif"):
        assert scene.check("-f", surface) == 0
        said = capsys.readouterr().out
        assert "other/new.yaml" in said, surface
        assert "uncertainty changes here" in said, surface


# --- a baseline and its policy are files of the change ---------------------------------------------


def test_a_baseline_says_that_only_review_protects_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    capsys.readouterr()
    for surface in ("text", "md", "github", "junit", "sarif", "json"):
        assert world.check("-f", surface) == 0
        assert "only review protects them" in capsys.readouterr().out, surface


def test_a_policy_loosened_since_the_approval_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    world.policy.write_text(f"# a comment changes nothing\n{POLICY}", encoding="utf-8")
    capsys.readouterr()
    assert world.check() == 0
    assert "is not the policy that" not in capsys.readouterr().out
    world.policy.write_text(POLICY.replace("1%", "500%"), encoding="utf-8")
    assert world.check() == 0
    assert re.search(r"note: \S+policy.yaml is not the policy that \S+approved.json was approved under", capsys.readouterr().out)


def test_a_baseline_approved_under_no_policy_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    world.policy.write_text(POLICY.replace("headline-api", "cheapest"), encoding="utf-8")
    assert run(["check", str(world.profile), "--approve", "--approver", "bob", "--reason", "start", "-o", str(world.baseline)]) == 0
    capsys.readouterr()
    assert world.check() == 0
    assert "does not say under which policy it was approved" in capsys.readouterr().out


def test_a_baseline_of_newer_facts_than_this_release_has_is_caught(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    monkeypatch.setattr("breakeven.gate.base_baseline.read_baseline", later(tmp_path))
    assert world.check() == 1
    assert "facts_moved_back: the catalogue here is of 2026.11.24, and the baseline was approved on that of 2999.01.01" in capsys.readouterr().out


def later(folder: Path) -> object:
    from msgspec.structs import replace

    from breakeven.gate.baseline import read_baseline

    found = replace(read_baseline(folder / "approved.json"), catalogue_version="2999.01.01")
    return lambda path: found


# --- the command itself ----------------------------------------------------------------------------


def test_modules_of_the_change_are_not_run_in_place_of_the_tool(scene: Scene) -> None:
    scene.write({"chat.yaml": DOUBLED, "yaml.py": "import sys; sys.exit(0)\n", "breakeven.py": "import sys; sys.exit(0)\n"})
    entry = "import sys; from breakeven.cli.main import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", entry, "check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main"],
        cwd=scene.folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr


@pytest.mark.parametrize("more", [["--report", "json=-"], ["--report", "json=-", "-o", "-"], ["--report", "json=x", "-o", "x"]], ids=str)
def test_two_surfaces_in_one_place_are_an_error(scene: Scene, more: list[str]) -> None:
    assert scene.check(*more) == 2
    assert scene.check("--report", "json=-", "-o", "text") == 0


@pytest.mark.parametrize(("version", "said"), [
    (0, "renew it with: breakeven check PROFILE... [--policy FILE] --approve --approver WHO --reason WHY -o"), (99, "upgrade breakeven"), ("1", "renew it with"),
])  # fmt: skip
def test_a_baseline_of_another_version_says_what_to_do(tmp_path: Path, version: object, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    data = json.loads(world.baseline.read_text(encoding="utf-8"))
    world.baseline.write_text(json.dumps({**data, "schema_version": version}), encoding="utf-8")
    capsys.readouterr()
    assert world.check() == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {world.baseline}: has schema version {version!r}, and this tool reads 1; ")
    assert said in error


def test_waivers_of_a_wide_scope_are_listed_with_it(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="cost_increase", scope="*", expires="2027-01-01", more=LIMIT)})
    assert scene.check("--on", "2026-11-24") == 0
    assert "w1: cost_increase for *, limit +80%" in capsys.readouterr().out


# --- whose number it is ------------------------------------------------------------------------------

TWICE = PROFILE.replace("model: own/price,", "model: own/price, discount: 10%,") + "    - {rent: h200-sxm, usd_per_gpu_hour: 20, gpus: 1}\n"
OWNED = PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1", "own: hgx-h100-8, site: us-colo")


def warned(scene: Scene, base: str, head: str, capsys: pytest.CaptureFixture[str], policy: str = OWN) -> list[str]:
    """What the rule about savings says of a change."""
    scene.base({"breakeven.policy.yaml": policy, "chat.yaml": base})
    scene.write({"chat.yaml": head})
    capsys.readouterr()
    assert scene.check("-f", "json") == 0
    return [item["about"] for item in json.loads(capsys.readouterr().out)["findings"] if item["rule"] == "unsourced_saving"]


def test_a_number_said_of_one_entry_is_not_said_of_another(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    discounted = TWICE.replace("usd_per_gpu_hour: 12,", "usd_per_gpu_hour: 12, discount: 10%,")
    assert warned(scene, TWICE, discounted, capsys) == ["self_host.supply[0].discount"]


def test_entries_that_move_within_their_list_say_nothing_new(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    lines = TWICE.replace("usd_per_gpu_hour: 12,", "usd_per_gpu_hour: 12, discount: 10%,").splitlines(keepends=True)
    swapped = "".join([*lines[:-2], lines[-1], lines[-2]]).replace("33333", "30000")
    assert warned(scene, "".join(lines), swapped, capsys, OWN.replace("1%", "900%")) == []


def test_the_same_number_said_twice_is_said_once_more() -> None:
    from breakeven.gate.lineage import new_claims

    entry = {"rent": "h100-sxm", "discount": 0.1}
    one, two = ({"self_host": {"supply": [entry] * count}} for count in (1, 2))
    assert [claim.loc for claim in new_claims(one, two)] == [("self_host", "supply", 1, "discount")]
    assert list(new_claims(two, one)) == []


@pytest.mark.parametrize(("place", "was", "is_now", "about"), [
    ("us-colo", "", ", life_years: 9", "self_host.supply[0].life_years"), ("us-colo", "", ", residual_share: 60%", "self_host.supply[0].residual_share"),
    ("us-colo", ", maintenance_share_per_year: 10%", ", maintenance_share_per_year: 1%", "self_host.supply[0].maintenance_share_per_year"),
    ("us-colo", ", spares_share: 10%", ", spares_share: 1%", "self_host.supply[0].spares_share"),
    ("us-colo", "", ", amortisation: straight_line", "self_host.supply[0].amortisation"), ("site: us-colo}\n", "finance: {discount_rate: 10%}\n", "finance: {discount_rate: 1%}\n", "finance.discount_rate"),
    ("site: us-colo}\n", "finance: {discount_rate: 30%}\n", "", "finance.discount_rate"),
    ("9000}", "\n  labour_fte: 1", "\n  labour_fte: 0.01", "self_host.labour_fte"), ("9000}", "\n  token_ratio: {output: 3}", "\n  token_ratio: {output: 1}", "self_host.token_ratio.output"),
])  # fmt: skip
def test_every_number_of_ones_own_that_saves_is_named(scene: Scene, place: str, was: str, is_now: str, about: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert place in OWNED
    assert warned(scene, OWNED.replace(place, place + was), OWNED.replace(place, place + is_now), capsys) == [about]


def test_a_prepaid_share_of_ones_own_is_named(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    from breakeven.gate.lineage import own_claims

    assert [claim.text for claim in own_claims({"self_host": {"supply": [{"rent": "h100-sxm", "prepaid_share": 0.5}]}})] == ["self_host.supply[0].prepaid_share = 0.5"]


def test_an_instance_said_to_be_smaller_than_the_catalogue_has_it_is_named(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    rented = OWNED.replace("own: hgx-h100-8, site: us-colo", "rent: h100-sxm, provider: aws, gpus: 1")
    assert warned(scene, rented, rented.replace("gpus: 1", "gpus: 1, gpus_per_sku: 1"), capsys) == ["self_host.supply[0].gpus_per_sku"]


OWED = PROFILE.replace("0.2}}", "0.2, source: s}, minimum_usd_per_month: 20k, platform_fee_share: 5%}").replace(
    "gpus: 1}", "gpus: 1, extra_costs: [{name: logs, usd_per_month: 900, source: s}, {name: lines, usd_per_month: 90, source: s}]}\n  migration_usd: 90k\n  escalation_share: 10%")  # fmt: skip


@pytest.mark.parametrize(("was", "is_now", "policy", "about"), [
    ("minimum_usd_per_month: 20k", "minimum_usd_per_month: 1", RISE, "api[0].minimum_usd_per_month"), ("minimum_usd_per_month: 20k, ", "", RISE, "api[0].minimum_usd_per_month"),
    ("{name: logs, usd_per_month: 900, source: s}, ", "", OWN, "self_host.supply[0].extra_costs"), ("  migration_usd: 90k\n", "", OWN, "self_host.migration_usd"),
    ("escalation_share: 10%", "escalation_share: 1%", OWN, "self_host.escalation_share"), ("migration_usd: 90k", "migration_usd: 80k", OWN, "self_host.migration_usd"),
])  # fmt: skip
def test_what_is_no_longer_owed_is_named(scene: Scene, was: str, is_now: str, policy: str, about: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A cost that is lowered or left out rests on no more than one that is claimed to be low."""
    base = OWED if policy is RISE else OWED.replace("minimum_usd_per_month: 20k, ", "")
    assert warned(scene, base, base.replace(was, is_now), capsys, policy) == [about]


def test_a_fee_that_is_left_out_with_its_entrys_keys_is_named(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    listed = PROFILE.replace("{model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10, cached_input_usd_per_mtok: 0.2}}", "{model: openai/gpt-6.1-sol, platform_fee_share: 5%}")
    alone = listed.replace("{model: openai/gpt-6.1-sol, platform_fee_share: 5%}", "openai/gpt-6.1-sol")
    assert warned(scene, listed, alone, capsys, RISE) == ["api[0].platform_fee_share"]


def test_costs_in_another_order_or_under_another_name_are_no_saving(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    logs, lines = "{name: logs, usd_per_month: 900, source: s}", "{name: lines, usd_per_month: 90, source: s}"
    assert warned(scene, OWED, OWED.replace(f"{logs}, {lines}", f"{lines}, {logs}").replace("name: logs", "name: journal"), capsys) == []


def test_a_cost_under_another_name_is_still_listed(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a source it is a claim of its own, too: taken back first, it made the old name's look like a saving."""
    base = OWED.replace("usd_per_month: 900, source: s", "usd_per_month: 900")
    assert warned(scene, base, base.replace("name: logs", "name: journal"), capsys) == []
    assert "self_host.supply[0].extra_costs" in warned(scene, base, base.replace("name: logs, usd_per_month: 900", "name: journal, usd_per_month: 800"), capsys)


def test_a_cost_said_of_each_machine_in_place_of_all_is_still_paid(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    line = "extra_costs: [{name: logs, usd_per_month: 900}]"
    two = PROFILE + "    - {rent: h200-sxm, usd_per_gpu_hour: 20, gpus: 1}\n"
    of_all, of_each, of_one = two + f"  {line}\n", two.replace("gpus: 1}", f"gpus: 1, {line}}}"), two.replace("12, gpus: 1}", f"12, gpus: 1, {line}}}")
    cheapest = OWN.replace("headline-self-host", "rented:own-quote/h200-sxm/on-demand")
    assert warned(scene, of_all, of_each, capsys) == []
    assert warned(scene, of_each, of_all, capsys) == []
    assert warned(scene, of_all, of_one, capsys, cheapest) == ["self_host.extra_costs"]
    more = of_each + "    - {rent: b200-sxm, provider: median, gpus: 1, throughput: {total_tok_per_s: 9000, source: run of May}}\n"
    assert warned(scene, of_all, more, capsys, cheapest) == ["self_host.extra_costs"]
    assert warned(scene, of_each, of_one, capsys, cheapest) == ["self_host.supply[1].extra_costs"]


def test_what_no_catalogue_holds_lands_by_a_waiver_and_says_so(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    strict = OWN + "  unsourced_saving: {level: error}\n"
    leased = OWNED.replace("site: us-colo", "site: us-colo, lease_usd_per_month: 9k")
    scene.base({"breakeven.policy.yaml": strict, "chat.yaml": leased})
    scene.write({"chat.yaml": leased.replace("9k", "5k")})
    assert scene.check() == 1
    assert "have it reviewed (where the rule is an error, by a waiver): neither a profile nor a catalogue has a place for its source" in capsys.readouterr().out
    scene.base({"breakeven.policy.yaml": strict + WAIVER.format(rule="unsourced_saving", scope="chat", expires="2027-01-01", more=""), "chat.yaml": leased})
    scene.write({"chat.yaml": leased.replace("9k", "5k")})
    assert scene.check("--on", "2026-11-24") == 0


def test_a_place_is_compared_by_its_steps_and_not_by_its_letters() -> None:
    """``supply[1]`` is not part of ``supply[10]``, nor ``usd`` of ``usd_per_gpu_hour``."""
    from breakeven.gate.rules import _one_in_the_other

    assert _one_in_the_other(("self_host", "supply", 1), ("self_host", "supply", 1, "discount"))
    assert not _one_in_the_other(("self_host", "supply", 1), ("self_host", "supply", 10, "discount"))
    assert not _one_in_the_other(("api", 0, "discount"), ("api", 0, "discounts"))
