"""Ways to fool the gate by how a cost is counted: in which month, for which tasks, on which facts, by whose number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE, WAIVER
from tests.gate.scene import OWN, RENT, RISE, Register, Scene, assert_caught

TOKENS = PROFILE.replace("requests_per_day: 33333", "tokens_per_day: 50M")
ON = ["--on", "2026-11-24"]
NARROW = TOKENS.replace("model: own/price,", "model: own/price, max_input_tokens: 3000,")


def waived(limit: str, *, scope: str = "chat") -> str:
    """The policy with a waiver of the rise."""
    return RISE + WAIVER.format(rule="cost_increase", scope=scope, expires="2027-01-01", more=limit)


def found(scene: Scene, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    """The report of a check as data."""
    capsys.readouterr()
    scene.check("-f", "json", *more)
    return dict(json.loads(capsys.readouterr().out))


SABOTAGES = sabotage = Register()


# --- for which tasks --------------------------------------------------------------------------------


@sabotage(1, "\\[error\\] cost_increase: the same tasks would cost .*\\(452%; allowed 1%\\)")
def a_prompt_grown_fivefold_behind_a_waiver_of_the_plain_rise(scene: Scene) -> None:
    scene.base({"chat.yaml": TOKENS, "breakeven.policy.yaml": waived(", max_share: 40%")})
    scene.write({"chat.yaml": TOKENS.replace("50M", "69M").replace("input_tokens: 1000", "input_tokens: 4000").replace("output_tokens: 500", "output_tokens: 2000")})
    scene.more = ON


@sabotage(1, "infeasible: api:own/price cannot serve")
def a_prompt_that_no_longer_fits(scene: Scene) -> None:
    scene.base({"chat.yaml": NARROW})
    scene.write({"chat.yaml": NARROW.replace("input_tokens: 1000", "input_tokens: 4000")})


# --- in which month, over which years -----------------------------------------------------------------

SHORT = "finance: {hours_per_month: 1}\n"
BUDGET = RISE + "  budget_month: {max_usd: 6k}\n"


@sabotage(1, "new_profile: .*it adds \\$7,097 a month")
def a_new_profile_with_a_month_of_an_hour(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="new_profile", scope="new", expires="2027-01-01", more=", max_usd_per_month: $100")})
    scene.write({"new.yaml": PROFILE.replace("name: chat", "name: new") + SHORT})
    scene.more = ["new.yaml", *ON]


@sabotage(1, "budget_month: \\$7,097 a month is above the budget of \\$6,000")
def a_month_of_an_hour_that_has_landed_already(scene: Scene) -> None:
    scene.base({"chat.yaml": PROFILE.replace("33333", "20000") + SHORT, "breakeven.policy.yaml": BUDGET.replace("1%", "900%")})
    scene.write({"chat.yaml": PROFILE + SHORT})


MOVING = PROFILE.replace("  supply:", "  migration_usd: 60000\n  supply:")


@sabotage(1, "horizon_years goes from 3 to 30 \\(chat.yaml:14\\); both sides spread one-off costs over the base's 3(.*\n)*.*cost_increase")
def one_off_costs_spread_over_a_longer_time(scene: Scene) -> None:
    scene.base({"chat.yaml": MOVING, "breakeven.policy.yaml": OWN})
    scene.write({"chat.yaml": MOVING.replace("usd_per_gpu_hour: 12", "usd_per_gpu_hour: 13") + "finance: {horizon_years: 30}\n"})


# --- on which facts -----------------------------------------------------------------------------------

RENTED = PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1", "rent: h100-sxm, provider: own, gpus: 1")


def made_dearer(scene: Scene, rules: str) -> None:
    """An overlay of the change that makes what the profile rents ten times as dear once it has landed."""
    scene.base({"chat.yaml": RENTED, "facts/own.yaml": RENT.format(price=3), "breakeven.policy.yaml": f"version: 1\nsubject: headline-self-host\nrules: {rules}\n"})
    scene.write({"facts/own.yaml": RENT.format(price=30)})
    scene.more = ["--catalog", "facts"]


@sabotage(1, "budget_mtok: .* per Mtok with the overlays of this change is above the budget of \\$5.00")
def tokens_that_an_overlay_makes_dearer(scene: Scene) -> None:
    made_dearer(scene, "{budget_mtok: {max_usd: 5}}")


@sabotage(1, "budget_task: .* per task with the overlays of this change is above the budget of \\$0.005")
def tasks_that_an_overlay_makes_dearer(scene: Scene) -> None:
    made_dearer(scene, "{budget_task: {max_usd: 0.005}}")


@sabotage(1, "budget_crossed: .*was met before this change .*, and is not with the overlays of this change \\(\\$21,900\\)")
def a_budget_that_an_overlay_crosses(scene: Scene) -> None:
    made_dearer(scene, "{budget_month: {max_usd: 9k, level: warn}, budget_crossed: {level: error}}")


@sabotage(1, "verdict_flipped: the cheaper side was rented:.* and is api:.* with the overlays of this change")
def a_verdict_that_an_overlay_turns(scene: Scene) -> None:
    made_dearer(scene, "{verdict_flipped: {level: error}}")


# --- by whose number ----------------------------------------------------------------------------------

STRICT = "version: 1\nsubject: {}\nrules: {{cost_increase: {{max_share: 1%}}, unsourced_saving: {{level: error}}}}\n"


@sabotage(1, "unsourced_saving: .*rests on self_host.speculative_acceptance = 0.9")
def a_speculation_that_nobody_measured(scene: Scene) -> None:
    text = PROFILE.replace("  throughput: {total_tok_per_s: 9000}\n", "").replace("33333", "30M").replace("gpus: 1", "gpus: 2")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": STRICT.format("headline-self-host")})
    scene.write({"chat.yaml": text.replace("  supply:", "  speculative_acceptance: 0.9\n  speculative_tokens: 8\n  supply:")})


@sabotage(1, "unsourced_saving: \\$2,135 a month less \\(token mix\\) rests on workload.cached_input_share = 90%")
def a_longer_prompt_behind_a_cache_that_nobody_measured(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": STRICT.format("headline-api")})
    scene.write({"chat.yaml": PROFILE.replace("input_tokens: 1000", "input_tokens: 1300\n  cached_input_share: 90%")})


@sabotage(1, "unsourced_saving: .*rests on workload.batch_share = 80%")
def a_longer_prompt_behind_requests_that_may_wait(scene: Scene) -> None:
    text = PROFILE.replace("cached_input_usd_per_mtok: 0.2", "cached_input_usd_per_mtok: 0.2, batch_price_ratio: 0.5, source: s")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": STRICT.format("headline-api")})
    scene.write({"chat.yaml": text.replace("input_tokens: 1000", "input_tokens: 2000\n  batch_share: 80%")})


@sabotage(1, "unsourced_saving: .*rests on workload.demand.peak_to_mean = 1")
def a_longer_prompt_behind_a_peak_that_went(scene: Scene) -> None:
    text = PROFILE.replace("33333", "3M").replace("output_tokens: 500", "output_tokens: 500\n  demand: {shape: office-hours}")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": STRICT.format("headline-self-host")})
    scene.write({"chat.yaml": text.replace("input_tokens: 1000", "input_tokens: 1100").replace("office-hours", "office-hours, peak_to_mean: 1")})


@sabotage(1, "unsourced_saving: .*rests on self_host.labour_fte left out, which says 0")
def labour_left_out(scene: Scene) -> None:
    text = PROFILE.replace("  supply:", "  labour_fte: 0.2\n  supply:")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": STRICT.format("headline-self-host")})
    scene.write({"chat.yaml": PROFILE})


@sabotage(1, "unsourced_saving: .*rests on api\\[0\\].discount = 30%")
def a_discount_beside_a_fee_that_takes_it_back(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": STRICT.format("headline-api")})
    scene.write({"chat.yaml": PROFILE.replace("model: own/price,", "model: own/price, discount: 30%, platform_fee_share: 43%,")})


LIST = "api:\n  - {model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10, cached_input_usd_per_mtok: 0.2}}\n"


def offers(*entries: str) -> str:
    return PROFILE.replace(LIST, "api:\n" + "".join(f"  - {entry}\n" for entry in entries))


@sabotage(1, "unsourced_saving: \\$425.83 a month less \\(API price\\) rests on api\\[0\\].discount = 12%")
def a_discount_on_an_offer_in_place_of_one_named_alone(scene: Scene) -> None:
    scene.base({"chat.yaml": offers("openai/gpt-5.4-mini"), "breakeven.policy.yaml": STRICT.format("headline-api").replace("1%", "900%")})
    scene.write({"chat.yaml": offers("{model: anthropic/claude-haiku-4-5, discount: 12%}")})


@sabotage(1, "unsourced_saving: .*rests on api\\[1\\].discount = 20%")
def a_discount_on_an_entry_more_beside_a_dearer_first_one(scene: Scene) -> None:
    scene.base({"chat.yaml": offers("openai/gpt-5.4-mini"), "breakeven.policy.yaml": STRICT.format("cheapest").replace("1%", "900%")})
    scene.write({"chat.yaml": offers("anthropic/claude-haiku-4-5", "{model: openai/gpt-5.4-mini, platform_fee_share: 45%, discount: 20%}")})


@sabotage(1, "unsourced_saving: .*rests on api\\[2\\].prices")
def two_made_up_offers_that_hide_each_other(scene: Scene) -> None:
    fake = "prices: {input_usd_per_mtok: 0.9, output_usd_per_mtok: 4.6}"
    scene.base({"chat.yaml": offers("openai/gpt-5.4-mini"), "breakeven.policy.yaml": STRICT.format("cheapest").replace("1%", "900%")})
    scene.write({"chat.yaml": offers("anthropic/claude-haiku-4-5", f"{{model: own/a, {fake}}}", f"{{model: own/b, {fake}}}")})


@sabotage(1, "unsourced_saving: what it would cost \\(throughput\\) is unknown without self_host.throughput, which is new here")
def a_throughput_without_which_nothing_could_serve(scene: Scene) -> None:
    text = PROFILE.replace("  throughput: {total_tok_per_s: 9000}\n", "").replace("output_tokens: 500", "output_tokens: 500\nlatency: {ttft_ms: 0.001}")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": "version: 1\nsubject: headline-self-host\nrules: {budget_month: {max_usd: 90k}, unsourced_saving: {level: error}}\n"})
    scene.write({"chat.yaml": text.replace("  supply:", "  throughput: {total_tok_per_s: 9000}\n  supply:")})


@pytest.mark.parametrize("name", SABOTAGES)
def test_is_caught_for_its_own_reason(scene: Scene, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_caught(scene, SABOTAGES[name], capsys)


def test_tasks_that_nothing_has_room_for_are_no_saving(scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unknown is under no waiver's limit either."""
    monkeypatch.setattr("breakeven.gate.compared._subject_cost", lambda *_: None)
    scene.base({"chat.yaml": TOKENS, "breakeven.policy.yaml": waived(", max_share: 900%")})
    scene.write({"chat.yaml": TOKENS.replace("input_tokens: 1000", "input_tokens: 2000")})
    (finding,) = (item for item in found(scene, capsys, *ON)["findings"])
    assert finding["message"].startswith("the same tasks could not be served, so what they would cost is unknown")
    assert finding["waived_by"] is None


def test_what_is_taken_back_is_no_cause(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    for base, head in ((MOVING, MOVING + "finance: {horizon_years: 30}\n"), (MOVING + "finance: {horizon_years: 30, discount_rate: 5%}\n", MOVING + "finance: {discount_rate: 5%, hours_per_month: 100}\n")):
        scene.base({"chat.yaml": base, "breakeven.policy.yaml": OWN})
        scene.write({"chat.yaml": head})
        (row,) = found(scene, capsys)["profiles"]
        assert (row["waterfall"], row["change_usd_per_month"]) == ([], 0.0)
        assert "horizon_years goes from" in str(row["notes"])


def test_a_baseline_counts_in_the_gates_month_too(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"chat.yaml": PROFILE + SHORT})
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--approve", "--approver", "bob", "--reason", "start", "-o", "approved.json"]) == 0
    capsys.readouterr()
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--baseline", "approved.json", "-f", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["profiles"]
    assert round(row["base"]["usd_per_month"], 2) == round(row["head"]["usd_per_month"], 2) == 7097.15
    assert row["market_usd_per_month"] == row["total_usd_per_month"] == 0.0


def test_a_result_of_another_month_is_computed_anew(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"chat.yaml": PROFILE + SHORT})
    assert run(["run", "chat.yaml", "--format", "json", "-o", "then.json"]) == 0
    capsys.readouterr()
    assert run(["diff", "then.json", "chat.yaml", "-f", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["profiles"]
    assert row["total_usd_per_month"] == 0.0
    assert row["base"]["usd_per_month"] > 5000


def test_a_waiver_of_a_crossed_budget_is_limited_by_what_the_overlay_does(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    made_dearer(scene, "{budget_month: {max_usd: 9k, level: warn}, budget_crossed: {level: error}}")
    policy = (scene.folder / "breakeven.policy.yaml").read_text(encoding="utf-8")
    scene.write({"facts/own.yaml": RENT.format(price=3)})
    scene.base({"breakeven.policy.yaml": policy + WAIVER.format(rule="budget_crossed", scope="*", expires="2027-01-01", more=", max_usd_per_month: $100")})
    scene.write({"facts/own.yaml": RENT.format(price=30)})
    (crossed,) = (item for item in found(scene, capsys, *ON)["findings"] if item["rule"] == "budget_crossed")
    assert crossed["waived_by"] is None


# --- which key it was -----------------------------------------------------------------------------------

TWO = PROFILE + "    - {rent: h200-sxm, usd_per_gpu_hour: 20, gpus: 1}\n"


@pytest.mark.parametrize(("subject", "keys", "line"), [
    ("cheapest", [("self_host.supply[1].usd_per_gpu_hour", 13), ("self_host.supply", 11)], 13),
    ("headline-self-host", [("self_host.supply", 11), ("self_host.supply[1].usd_per_gpu_hour", 13)], 11),
])  # fmt: skip
def test_entries_that_change_places_are_compared_with_themselves(
    scene: Scene, subject: str, keys: list[tuple[str, int]], line: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its place, each would have become the other. Where the first entry is what is judged, their order is what costs."""
    text = TWO.replace("usd_per_gpu_hour: 12", "usd_per_gpu_hour: 5")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": STRICT.format(subject)})
    lines = text.splitlines(keepends=True)
    scene.write({"chat.yaml": "".join([*lines[:-2], lines[-1], lines[-2].replace("hour: 5", "hour: 6")])})
    report = found(scene, capsys)
    (share,) = report["profiles"][0]["waterfall"]
    assert [(item["key"], item["line"]) for item in share["changes"]] == keys
    (rise,) = (item for item in report["findings"] if item["rule"] == "cost_increase")
    assert rise["line"] == line


def test_the_key_that_costs_it_comes_first(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    text = PROFILE.replace("  input_tokens: 1000\n", "  cached_input_share: 0%\n  cache_write_share: 0%\n  batch_share: 0%\n  batch_window_hours: 24\n  input_tokens: 1000\n")
    scene.base({"chat.yaml": text})
    scene.write({"chat.yaml": text.replace("cache_write_share: 0%", "cache_write_share: 0.1%").replace("batch_window_hours: 24", "batch_window_hours: 12").replace("cached_input_share: 0%", "cached_input_share: 0.1%").replace("input_tokens: 1000", "input_tokens: 2000")})
    (rise,) = (item for item in found(scene, capsys)["findings"] if item["rule"] == "cost_increase")
    assert "token mix +$2,02" in rise["message"]
    assert "(workload.input_tokens, " in rise["message"]
    assert rise["message"].endswith(", …)")
    assert rise["line"] == 8


def test_a_mix_of_nothing_is_the_base_and_of_everything_the_head() -> None:
    from breakeven.gate.keys import mixed

    base = {"api": ["a/x", {"model": "b/y", "discount": 0.1}], "self_host": {"supply": [{"rent": "a"}, {"rent": "b", "gpus": 1}]}}
    head = {"api": [{"model": "b/y", "discount": 0.2}, "a/x"], "self_host": {"supply": [{"rent": "b", "gpus": 2}, {"rent": "c"}]}, "name": "n"}
    assert mixed(base, head, lambda _: False) == base
    assert mixed(base, head, lambda _: True) == head
    longer = {"api": [{"model": "c/z"}, {"model": "b/y", "discount": 0.3}, "a/x"], "self_host": {"supply": [{"rent": "c"}, {"rent": "b", "gpus": 2}, {"rent": "d"}]}}
    assert mixed(base, longer, lambda _: False) == base
    assert mixed(base, longer, lambda _: True) == longer
    assert mixed(longer, base, lambda _: True) == base
    assert mixed(base, longer, lambda loc: loc == ("self_host", "supply"))["self_host"]["supply"] == [{"rent": "c"}, {"rent": "b", "gpus": 1}, {"rent": "d"}]
    assert mixed(base, longer, lambda loc: loc[-1:] == ("gpus",))["self_host"]["supply"] == [{"rent": "a"}, {"rent": "b", "gpus": 2}]


def test_a_candidate_more_hides_no_key_that_costs(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Lists of different length were one change, of one cause: the GPUs were said to be a price, and no line led to them."""
    scene.base({"breakeven.policy.yaml": OWN})
    scene.write({"chat.yaml": PROFILE.replace("gpus: 1}", "gpus: 2}") + "    - {rent: b200-sxm, provider: median, gpus: 1}\n"})
    report = found(scene, capsys)
    shares = {share["cause"]: share for share in report["profiles"][0]["waterfall"]}
    assert [(item["key"], item["line"]) for item in shares["throughput"]["changes"]] == [("self_host.supply[0].gpus", 12)]
    assert shares["throughput"]["cents"] == 876000
    assert shares["hardware price"]["cents"] == 0
    (rise,) = (item for item in report["findings"] if item["rule"] == "cost_increase")
    assert rise["line"] == 12


@pytest.mark.parametrize("edit", [
    ("name: chat", "name: chat"), ("output_tokens: 500", "output_tokens: 500\nlatency: {ttft_ms: 0.001}"), ("name: chat", "name: chat\nrequirements: {no_third_party: true}"),
    ("model: own/price,", "model: own/price, max_input_tokens: 10,"),
], ids=["served", "too slow", "not eligible", "too long"])  # fmt: skip
@pytest.mark.parametrize("subject", ["cheapest", "headline-api", "headline-self-host", "api:own/price"])
def test_a_cost_of_the_attribution_is_that_of_the_comparison(subject: str, edit: tuple[str, str]) -> None:
    from breakeven.catalog.store import Catalogue
    from breakeven.gate.compared import _subject_cost
    from breakeven.gate.facts import World
    from breakeven.gate.snapshot import snapshot
    from breakeven.profile.load import loads_profile

    world = World.of(Catalogue.load([]), None)
    loaded = loads_profile(TWO.replace("  throughput: {total_tok_per_s: 9000}\n", "" if "latency" in edit[1] else "  throughput: {total_tok_per_s: 9000}\n").replace(*edit).encode(), "chat.yaml")
    date = world.date_of(loaded)
    assert _subject_cost(world, loaded, subject, date) == snapshot(world.compare(loaded, date), subject).usd_per_month


def test_an_offer_named_alone_is_the_same_as_one_with_a_model(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """What it gains beside its name are keys of their own; nothing else of it changed."""
    scene.base({"chat.yaml": offers("openai/gpt-5.4-mini", "anthropic/claude-haiku-4-5")})
    scene.write({"chat.yaml": offers("{model: openai/gpt-5.4-mini, platform_fee_share: 5%}", "{model: anthropic/claude-haiku-4-5}")})
    (share,) = found(scene, capsys)["profiles"][0]["waterfall"]
    assert [item["key"] for item in share["changes"]] == ["api[0].platform_fee_share"]


def test_what_is_taken_back_is_what_the_base_says_of_the_same_entry() -> None:
    from breakeven.gate.savings import put_back

    base = {"api": ["a/x", {"model": "b/y", "discount": 0.1}], "self_host": {"labour_fte": 2, "supply": [{"rent": "a", "provider": "p", "usd_per_gpu_hour": 3}]}}
    head = {"api": [{"model": "c/z", "discount": 0.4}, {"model": "b/y", "discount": 0.2}, {"model": "a/x", "discount": 0.3}], "self_host": {"supply": [{"rent": "a", "provider": "q", "usd_per_gpu_hour": 1}]}}
    assert put_back(base, head, [("api", 1, "discount"), ("api", 2, "discount")])["api"] == [{"model": "c/z", "discount": 0.4}, {"model": "b/y", "discount": 0.1}, {"model": "a/x"}]
    assert put_back(base, head, [("api", 0)])["api"] == head["api"][1:]
    assert put_back(base, head, [("api",)]) == {**head, "api": base["api"]}
    assert put_back(base, head, [("self_host", "supply", 0, "usd_per_gpu_hour"), ("self_host", "labour_fte")])["self_host"] == {
        "supply": [{"rent": "a", "provider": "q", "usd_per_gpu_hour": 3}], "labour_fte": 2,
    }  # fmt: skip
    assert put_back(base, head, []) == head
