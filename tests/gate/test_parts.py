"""What moved a cost, part by part: the change's causes, the tool, the market, and that the parts sum to what is printed."""

from __future__ import annotations

import hashlib
import json
import math
import re
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from breakeven import __version__
from breakeven.cli.main import run
from breakeven.gate.attribution import CAUSES, shapley
from breakeven.render.gate_surfaces import GATE_FORMATS
from tests.gate.bench import PROFILE, World
from tests.gate.scene import DOUBLED, OWN, RENT, RISE, Scene

LISTED = PROFILE.replace("{model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10, cached_input_usd_per_mtok: 0.2}}", "google/gemini-4-argon")
DEARER_DAY = "2026-12-02"  # of an announced rise
OWNED = PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1", "own: hgx-h100-8, site: us-colo")
COSTS = st.floats(min_value=0, max_value=1e6, allow_nan=False)


# --- the values -------------------------------------------------------------------------------------


@given(st.integers(min_value=3, max_value=5), st.data())
@settings(max_examples=60, deadline=None)
def test_a_share_is_its_mean_effect_over_every_order(count: int, data: st.DataObject) -> None:
    """Against the definition, computed the slow way: each order of applying the causes counts once."""
    causes = "abcde"[:count]
    costs = data.draw(st.lists(COSTS, min_size=2**count, max_size=2**count))

    def cost(chosen: frozenset[str]) -> float:
        return costs[sum(1 << causes.index(name) for name in chosen)]

    orders = list(permutations(causes))
    for name, share in shapley(causes, cost).items():
        effects = (cost(frozenset(order[: order.index(name) + 1])) - cost(frozenset(order[: order.index(name)])) for order in orders)
        assert share == pytest.approx(math.fsum(effects) / len(orders), rel=1e-9, abs=1e-6)


def test_three_causes_that_need_each_other_share_equally_and_a_bystander_gets_nothing() -> None:
    """A glove game: only a with b with c costs anything, d adds 7 by itself."""
    shares = shapley("abcd", lambda s: (6.0 if {"a", "b", "c"} <= s else 0.0) + (7.0 if "d" in s else 0.0))
    assert shares == pytest.approx({"a": 2.0, "b": 2.0, "c": 2.0, "d": 7.0})
    majority = shapley("abc", lambda s: 1.0 if "a" in s and len(s) > 1 else 0.0)  # 2/3, 1/6, 1/6 by hand
    assert majority == pytest.approx({"a": 2 / 3, "b": 1 / 6, "c": 1 / 6})


# --- the names --------------------------------------------------------------------------------------

NAMED = {
    "volume": (PROFILE, "33333", "44444", "workload.requests_per_day"), "token mix": (PROFILE, "output_tokens: 500", "output_tokens: 600", "workload.output_tokens"),
    "calls per task": (PROFILE.replace("requests_per_day: 33333", "tasks_per_day: 3333\n  calls_per_task: 10"), "calls_per_task: 10", "calls_per_task: 12", "workload.calls_per_task"),
    "API price": (PROFILE, "output_usd_per_mtok: 10", "output_usd_per_mtok: 11", "api[0].prices.output_usd_per_mtok"),
    "hardware price": (PROFILE, "usd_per_gpu_hour: 12", "usd_per_gpu_hour: 13", "self_host.supply[0].usd_per_gpu_hour"),
    "throughput": (PROFILE, "total_tok_per_s: 9000", "total_tok_per_s: 300", "self_host.throughput.total_tok_per_s"),
    "power": (OWNED.replace("site: us-colo", "site: us-colo, electricity_usd_per_kwh: 0.1"), "kwh: 0.1", "kwh: 0.2", "self_host.supply[0].electricity_usd_per_kwh"),
    "finance": (OWNED.replace("site: us-colo", "site: us-colo, life_years: 5"), "life_years: 5", "life_years: 3", "self_host.supply[0].life_years"),
    "labour": (PROFILE.replace("  throughput", "  labour_fte: 0.1\n  throughput"), "labour_fte: 0.1", "labour_fte: 0.2", "self_host.labour_fte"),
    "operations": (PROFILE.replace("  throughput", "  network_usd_per_month: 100\n  throughput"), "month: 100", "month: 200", "self_host.network_usd_per_month"),
}  # fmt: skip
MORE = [
    ("power", OWNED.replace("site: us-colo", "site: us-colo, pue: 1.2"), "pue: 1.2", "pue: 1.6", "self_host.supply[0].pue"),
    ("power", OWNED, "site: us-colo", "site: us-colo, idle_w: 9000, active_w: 10000", "self_host.supply[0].active_w"),
    ("labour", PROFILE.replace("  throughput", "  labour_fte: 1\n  labour_usd_per_fte_year: 90000\n  throughput"), "90000", "100000", "self_host.labour_usd_per_fte_year"),
    ("finance", OWNED + "finance: {discount_rate: 8%}\n", "rate: 8%", "rate: 12%", "finance.discount_rate"),
]


def test_every_cause_has_its_change() -> None:
    assert set(NAMED) == set(CAUSES)


@pytest.mark.parametrize(("cause", "base", "old", "new", "key"), [*((cause, *case) for cause, case in NAMED.items()), *MORE], ids=str)
def test_a_key_is_charged_to_its_own_cause(scene: Scene, cause: str, base: str, old: str, new: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    own = key.startswith(("self_host", "finance"))
    scene.base({"chat.yaml": base, "breakeven.policy.yaml": OWN if own else RISE})
    assert old in base
    scene.write({"chat.yaml": base.replace(old, new)})
    row = profile(scene.check("-f", "json"), 1, capsys)
    (share,) = row["waterfall"]
    assert share["cause"] == cause
    assert share["cents"] == row["change_cents"] > 0
    assert key in {change["key"] for change in share["changes"]}


def profile(code: int, expected: int, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    out = capsys.readouterr().out
    assert code == expected, out
    (row,) = json.loads(out)["profiles"]
    parts = row["parts"]
    assert sum(part["cents"] for part in parts) == row["total_cents"]
    assert math.fsum(part["usd_per_month"] for part in parts) == pytest.approx(row["total_usd_per_month"], abs=0.005)
    assert row["total_usd_per_month"] == pytest.approx(row["after_usd_per_month"] - row["base"]["usd_per_month"], abs=1e-9)
    return dict(row)


def parts(row: dict[str, Any]) -> dict[str, int]:
    return {part["cause"]: part["cents"] for part in row["parts"]}


# --- the tool ---------------------------------------------------------------------------------------


def rewritten(world: World, *, version: str, less: float, digest: str | None = None) -> None:
    """A baseline as another release of the tool would have written it."""
    data = json.loads(world.baseline.read_text(encoding="utf-8"))
    data["tool_version"] = version
    data["profiles"]["chat"]["costs"]["usd_per_month"] -= less
    if digest is not None:
        data["catalog"]["digest"] = digest
    body = {key: value for key, value in data.items() if key != "digest"}
    text = json.dumps(body, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    world.baseline.write_text(json.dumps({**body, "digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest()}), encoding="utf-8")


@pytest.fixture
def older(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> World:
    world = World(tmp_path)
    rewritten(world, version="0.0.9", less=1000.0)
    capsys.readouterr()
    return world


@pytest.mark.parametrize("surface", GATE_FORMATS)
def test_what_another_release_did_is_a_cause_on_every_surface(older: World, surface: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert older.check("-f", surface) == 0
    said = capsys.readouterr().out
    assert "unchanged: nothing that costs money changed" not in said
    if surface == "openmetrics":
        families = {family.name: family for family in text_string_to_metric_families(said)}
        (sample,) = families["breakeven_part_usd_per_month"].samples
        assert (sample.labels, sample.value) == ({"profile": "chat", "cause": "tool version"}, pytest.approx(1000.0))
        assert [sample.value for sample in families["breakeven_tool_usd_per_month"].samples] == [pytest.approx(1000.0)]
        return
    assert "tool version" in said
    assert re.search(r"0\.0\.9 -(>|&gt;) " + re.escape(__version__), said.replace("\\", ""))
    assert re.search(r"1,000(\.00)?|100000", said)


def test_the_tool_is_one_of_the_parts_and_no_part_of_the_change(older: World, capsys: pytest.CaptureFixture[str]) -> None:
    row = profile(older.check("-f", "json"), 0, capsys)
    assert (row["change_cents"], row["waterfall"]) == (0, [])
    assert parts(row) == {"tool version": 100_000}
    (part,) = row["parts"]
    assert [(change["before"], change["after"]) for change in part["changes"]] == [("0.0.9", __version__)]
    assert part["changes"][0]["path"].startswith(str(older.baseline))
    assert row["outcome"] == "its own keys change nothing; tool version +$1,000.00"


def test_the_parts_of_a_change_the_market_and_the_tool_sum_to_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    world.profile.write_text(LISTED, encoding="utf-8")
    approve = ["check", str(world.profile), "--policy", str(world.policy), "--approve", "--approver", "bob", "--reason", "start", "-o", str(world.baseline)]
    assert run(approve) == 0
    rewritten(world, version="0.0.9", less=123.456)
    world.profile.write_text(LISTED.replace("name: chat", f"name: chat\nas_of: {DEARER_DAY}").replace("33333", "50001").replace("output_tokens: 500", "output_tokens: 777"), encoding="utf-8")
    capsys.readouterr()
    row = profile(world.check("-f", "json"), 1, capsys)
    assert list(parts(row)) == ["volume", "token mix", "tool version", "market", "change and market together"]
    assert all(parts(row).values())
    world.check()
    said = capsys.readouterr().out
    (line,) = (line for line in said.splitlines() if line.startswith("  in all: "))
    total, *each = (round(float(text.replace(",", "").replace("$", "")) * 100) for text in re.findall(r"[+-]\$[0-9,.]+[0-9]", line))
    assert total == sum(each) == row["total_cents"]
    assert f"  change and market together, beyond each alone: -${-parts(row)['change and market together'] / 100:,.2f} a month" in said
    world.check("-f", "md")
    said = capsys.readouterr().out
    table = [[cell.strip().replace("\\", "") for cell in line.strip("|").split("|")] for line in said.splitlines() if line.startswith("|")]
    titles, shown = next(row for row in table if "outcome" in row), next(row for row in table if row[0] == "chat" and len(row) == 8)
    assert titles[3:7] == ["this change", "the market", "change and market together", "the tool version"]
    before, after, *moved = (round(float(re.sub(r" \(.*|[$,+]", "", text)) * 100) for text in shown[1:7])
    assert abs(after - before - sum(moved)) <= 2  # each is rounded by itself in that table; below it they sum exactly
    rows = [row for row in table if row[0].lstrip("*").startswith(("+$", "-$"))]
    *each, total = (round(float(re.sub(r"[*$,]", "", row[0])) * 100) for row in rows)
    assert total == sum(each) == row_total(world, capsys)


def row_total(world: World, capsys: pytest.CaptureFixture[str]) -> int:
    return int(profile(world.check("-f", "json"), 1, capsys)["total_cents"])


def test_a_release_with_other_facts_is_not_told_apart_from_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    rewritten(world, version="0.0.9", less=1000.0, digest="sha256:" + "0" * 64)
    capsys.readouterr()
    assert parts(profile(world.check("-f", "json"), 0, capsys)) == {"tool version with its facts": 100_000}


def test_a_result_of_another_release_shows_its_part_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("chat.yaml").write_text(PROFILE, encoding="utf-8")
    assert run(["run", "chat.yaml", "-o", "a.json"]) == 0
    data = json.loads(Path("a.json").read_text(encoding="utf-8"))
    for offer in data["offers"]:
        offer["usd_per_month"] -= 500
    data["tool"]["version"] = "0.0.9"
    Path("b.json").write_text(json.dumps(data), encoding="utf-8")
    capsys.readouterr()
    assert parts(profile(run(["diff", "b.json", "chat.yaml", "-f", "json"]), 0, capsys)) == {"tool version": 50_000}


# --- the market -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("price", "usd", "share"), [(1.5, 365.0, 0.5), (0.1, -657.0, -0.9), (2.0, 730.0, 1.0)])
def test_an_overlay_that_changes_is_a_share_of_the_cost_on_the_bases_facts(scene: Scene, price: float, usd: float, share: float, capsys: pytest.CaptureFixture[str]) -> None:
    """A rent of $1 an hour is $730 in a month of 730 hours."""
    rented = PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1", "rent: h100-sxm, provider: own, gpus: 1")
    rule = "version: 1\nsubject: headline-self-host\nrules: {market_increase: {level: warn, max_share: 49%}}\n"
    scene.base({"chat.yaml": rented, "facts/own.yaml": RENT.format(price=1.0), "breakeven.policy.yaml": rule})
    scene.write({"facts/own.yaml": RENT.format(price=price)})
    scene.more = ["--catalog", "facts"]
    row = profile(scene.check("-f", "json"), 0, capsys)
    assert (row["base"]["usd_per_month"], row["head"]["usd_per_month"], row["after_usd_per_month"]) == pytest.approx((730.0, 730.0, 730.0 + usd))
    assert row["market_usd_per_month"] == pytest.approx(usd)
    assert row["market_share"] == pytest.approx(share)
    assert row["both_usd_per_month"] == 0.0
    assert parts(row) == {"market": round(usd * 100)}
    assert scene.check() == 0
    said = capsys.readouterr().out
    assert f"$730.00 -> ${730 + usd:,.2f} ($730.00 on the facts that judge) a month" in said
    assert f"the market, on the same profile: {'+' if usd > 0 else '-'}${abs(usd):,.2f} a month ({share:+.0%})" in said
    assert "together" not in said
    assert ("[warn] market_increase: the facts make it $" in said) is (share >= 0.5)
    if share > 0:
        assert f"a month more ({share:.0%}; allowed 49%)" in said


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_a_rise_since_an_approval_is_a_share_of_what_was_approved(tmp_path: Path, replicas: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a head that the change makes dearer it would look smaller, and pass the rule."""
    monkeypatch.chdir(tmp_path)
    rented = PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1", "rent: h100-sxm, provider: own, gpus: 1, min_replicas: 1")
    for name, text in {"chat.yaml": rented, "facts.yaml": RENT.format(price=1.0), "p.yaml": "version: 1\nsubject: headline-self-host\nrules: {market_increase: {max_share: 39%}}\n"}.items():
        Path(name).write_text(text, encoding="utf-8")
    check = ["check", "chat.yaml", "--policy", "p.yaml", "--catalog", "facts.yaml"]
    assert run([*check, "--approve", "--approver", "bob", "--reason", "start", "-o", "approved.json"]) == 0
    Path("facts.yaml").write_text(RENT.format(price=1.4), encoding="utf-8")
    Path("chat.yaml").write_text(rented.replace("min_replicas: 1", f"min_replicas: {replicas}"), encoding="utf-8")
    row = profile(run([*check, "--baseline", "approved.json", "-f", "json"]), 1, capsys)
    assert row["market_share"] == pytest.approx(0.4)
    assert sum(parts(row).values()) == row["total_cents"] == round((1.4 * replicas - 1.0) * 73000)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_the_market_is_that_of_the_heads_profile(scene: Scene, factor: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Twice the volume pays twice the rise of the price, and the base's volume once is the change's part of it."""
    scene.base({"chat.yaml": LISTED, "breakeven.policy.yaml": RISE.replace("1%", "900%")})
    costs = {}
    for day in ("2026-11-24", DEARER_DAY):
        scene.write({"chat.yaml": LISTED.replace("name: chat", f"name: chat\nas_of: {day}")})
        costs[day] = profile(scene.check("-f", "json"), 0, capsys)["head"]["usd_per_month"]
    then, now = costs.values()
    assert now > then
    scene.write({"chat.yaml": LISTED.replace("name: chat", f"name: chat\nas_of: {DEARER_DAY}").replace("33333", str(33333 * factor))})
    row = profile(scene.check("-f", "json"), 0, capsys)
    assert row["market_usd_per_month"] == pytest.approx(factor * (now - then))
    assert row["market_share"] == pytest.approx((now - then) / then)
    assert row["change_usd_per_month"] == pytest.approx((factor - 1) * now)
    assert row["both_usd_per_month"] == pytest.approx(-(factor - 1) * (now - then), abs=0.005)


@pytest.mark.parametrize("surface", ["text", "md"])
def test_both_dates_of_the_facts_are_printed(scene: Scene, surface: str, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"chat.yaml": LISTED.replace("name: chat", "name: chat\nas_of: 2026-11-20"), "breakeven.policy.yaml": RISE.replace("1%", "900%")})
    scene.write({"chat.yaml": DOUBLED.replace("name: chat", f"name: chat\nas_of: {DEARER_DAY}")})
    assert scene.check("-f", surface) in (0, 1)
    assert f"facts as of {DEARER_DAY} (base 2026-11-20)" in capsys.readouterr().out.replace("\\", "")


@pytest.mark.parametrize("surface", ["json"])
def test_both_dates_are_in_the_data(scene: Scene, surface: str, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"chat.yaml": LISTED.replace("name: chat", "name: chat\nas_of: 2026-11-20"), "breakeven.policy.yaml": RISE.replace("1%", "900%")})
    scene.write({"chat.yaml": LISTED.replace("name: chat", f"name: chat\nas_of: {DEARER_DAY}")})
    row = profile(scene.check("-f", surface), 0, capsys)
    assert (row["as_of"], row["base_as_of"]) == (DEARER_DAY, "2026-11-20")
