"""The decision over time: published forecasts, closed forms against sums, located errors."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.cli.app import invoke
from breakeven.compare.crossover_history import crossover_history
from breakeven.compare.forecast import Forecast
from breakeven.compare.forecast_profile import forecast_profile
from breakeven.compare.price_paths import decompose
from breakeven.errors import InputError
from breakeven.finance.discounting import log_rate, present_value_years
from breakeven.profile.load import from_document
from breakeven.yamlio import Document

from .profiles import simple

CATALOGUE = Catalogue.load()
DAYS = 730 / 24


def run(data: dict[str, Any], *overrides: str) -> Forecast:
    return forecast_profile(from_document(Document(data, "<test>", None), overrides), CATALOGUE)[2]


def compared(data: dict[str, Any]) -> Any:
    return breakeven.run(from_document(Document(data, "<test>", None)), CATALOGUE).offers


def staircase_forecaster() -> dict[str, Any]:
    """500k calls a month of 3,000 tokens, growing 6 % a month; clusters of 2.5B tokens at 60 %, $38k a month."""
    return simple(
        tokens_per_day=500_000 * 3000 / DAYS,
        price=3 + (18 - 3) * 0.4,
        usd_per_gpu_hour=38_000 / 730,
        tok_per_s=2.5e9 / 730 / 3600,
        workload={"demand": {"growth_per_year": 1.06**12 - 1}},
        self_host={"headroom_share": 0.4, "labour_fte": 1.5, "labour_usd_per_fte_year": 22_000 / DAYS * 365},
        forecast={"horizon_months": 24},
    )


def test_published_24_month_staircase() -> None:
    result = run(staircase_forecaster())
    totals = {row.kind: row.usd_total for row in result.offers}
    assert totals["api"] == pytest.approx(686_010, rel=1e-5)
    assert totals["rented"] == pytest.approx(3_224_000, rel=1e-9)
    assert result.decision is not None
    assert result.decision.switch_month is None  # "no cliff inside 24 months"
    assert [m.replicas for m in result.offers[1].months][:3] == [1, 2, 2]


@pytest.mark.parametrize("timing", ["month_mid", "month_end", "continuous"])
@pytest.mark.parametrize(
    ("falls", "mid", "end", "continuous"), [(3, 3.21, 3.36, 3.20), (10, 6.27, 6.90, 6.26), (50, 10.51, 12.36, 10.46)]
)
def test_crossover_multipliers_of_a_falling_api_price(
    timing: str, falls: float, mid: float, end: float, continuous: float
) -> None:
    expected = {"month_mid": mid, "month_end": end, "continuous": continuous}[timing]
    base = simple(tokens_per_day=10e6, price=6, usd_per_gpu_hour=2.5, tok_per_s=1e6,
                  finance={"timing": timing}, forecast={"api_price_change_per_year": 1 / falls - 1})  # fmt: skip
    result = run(base)
    assert result.npv_crossover_multiplier == pytest.approx(expected, abs=0.006)
    # At that multiple of today's crossing the two present values agree.
    tie = run({**base, "workload": {**base["workload"], "tokens_per_day": 10e6 * result.npv_crossover_multiplier}})
    made = tie.decision
    assert made is not None
    assert made.npv_api_usd == pytest.approx(made.npv_self_host_usd, rel=1e-9)


@pytest.mark.parametrize("timing", ["month_mid", "month_end", "year_end", "continuous"])
def test_present_value_of_a_path_has_its_closed_form(timing: str) -> None:
    data = simple(tokens_per_day=50e6, price=2, usd_per_gpu_hour=1, tok_per_s=1e6, finance={"timing": timing},
                  forecast={"api_price_change_per_year": -0.4, "horizon_months": 48})  # fmt: skip
    result = run(data)
    a = log_rate(rate_per_year=0.1) - log_rate(rate_per_year=-0.4)
    closed = 50 * 2 * DAYS * 12 * present_value_years(decay_per_year=a, years=4, timing=timing)
    assert result.offers[0].npv_usd == pytest.approx(closed, rel=1e-9)


def test_present_values_by_brute_force() -> None:
    """Growth, falling API price, rising rents on a one-year term, throughput gains: month by month, plainly."""
    data = simple(
        tokens_per_day=300e6, price=1.0, usd_per_gpu_hour=3, tok_per_s=100e6 / 86_400,
        workload={"demand": {"growth_per_year": 0.8}},
        self_host={"redundancy": 1, "labour_fte": 0.1, "labour_usd_per_fte_year": 200_000,
                   "supply": [{"rent": "h100-sxm", "usd_per_gpu_hour": 3, "gpus": 1, "term": "reserved-1yr"}]},
        forecast={"api_price_change_per_year": -0.2, "rental_price_change_per_year": 0.15,
                  "throughput_gain_per_year": 0.3, "horizon_months": 30},
    )  # fmt: skip
    result = run(data)
    fleet: list[tuple[int, int, float]] = []
    own = bought = 0.0
    for m in range(30):
        volume = 300 * 1.8 ** (m / 12)
        discount = 1.1 ** -((m + 0.5) / 12)
        bought += volume * DAYS * 0.8 ** ((m + 0.5) / 12) * discount
        fleet = [row for row in fleet if row[0] > m]
        needed = math.ceil(volume / (100 * 1.3 ** (m / 12)) - 1e-9) + 1
        have = sum(n for _, n, _ in fleet)
        if have < needed:
            fleet.append((m + 12, needed - have, 1.15 ** (m / 12)))
        own += (sum(n * p for _, n, p in fleet) * 72 + 20_000 / 365) * DAYS * discount
    by_kind = {row.kind: row.npv_usd for row in result.offers}
    assert by_kind["api"] == pytest.approx(bought, rel=1e-9)
    assert by_kind["rented"] == pytest.approx(own, rel=1e-9)


OWNED = {"own": "test-server", "accelerator": "h100-sxm", "gpus": 8, "capex_usd": 240_000, "life_years": 3,
         "electricity_usd_per_kwh": 0.1, "pue": 1.3, "idle_w": 2000, "active_w": 8000, "residual_share": 0.1}  # fmt: skip


def owned(tokens_per_day: float, **forecast: Any) -> dict[str, Any]:
    return simple(tokens_per_day=tokens_per_day, price=2.0, usd_per_gpu_hour=1, tok_per_s=10_000,
                  self_host={"supply": [OWNED]}, forecast=forecast)  # fmt: skip


@pytest.mark.parametrize("supply", [{"rent": "h100-sxm", "usd_per_gpu_hour": 3, "gpus": 1}, OWNED])
def test_a_compute_cost_of_the_users_own_is_in_every_month(supply: dict[str, Any]) -> None:
    data = simple(
        tokens_per_day=50e6, price=6.0, usd_per_gpu_hour=3, tok_per_s=10_000,
        self_host={"supply": [supply], "hybrid": False,
                   "extra_costs": [{"name": "probes", "category": "compute", "usd_per_replica_month": 730}]},
        forecast={"horizon_months": 3, "rental_price_change_per_year": 0.5, "hardware_price_change_per_year": 0.5},
    )  # fmt: skip
    today = next(row.usd_per_month for row in compared(data) if row.offer.kind in ("rented", "owned"))
    with_it = next(row for row in run(data).offers if row.kind in ("rented", "owned"))
    data["self_host"]["extra_costs"] = []
    without = next(row for row in run(data).offers if row.kind in ("rented", "owned"))
    assert with_it.months[0].usd == pytest.approx(today, rel=1e-12)
    extra = [mine.usd - theirs.usd for mine, theirs in zip(with_it.months, without.months, strict=True)]
    assert extra == pytest.approx([730.0] * 3, rel=1e-9)  # no price of machines moves it


def test_owned_capital_is_worth_its_price_over_a_whole_life() -> None:
    result = run(owned(400e6, horizon_months=36))
    hosted = next(row for row in result.offers if row.kind == "owned")
    cash = math.fsum(m.cash_usd * 1.1 ** -((i + 0.5) / 12) for i, m in enumerate(hosted.months))
    # Cash pays on the first day and gets the resale at the end; the annuity spreads both.
    first = hosted.months[0]
    running = first.cash_usd - 240_000
    assert running > 0
    npv_cash = 240_000 + math.fsum(running * 1.1 ** -((i + 0.5) / 12) for i in range(36)) - 24_000 * 1.1**-3
    assert hosted.npv_usd == pytest.approx(npv_cash, rel=1e-9)
    assert cash > 0
    assert result.decision is not None
    assert result.decision.payback_months is not None
    saved = 0.0
    for m in range(result.decision.payback_months):
        saved += result.offers[0].months[m].cash_usd - hosted.months[m].cash_usd
    assert saved > 0


def test_waiting_pays_when_demand_grows_into_the_machine() -> None:
    result = run({**owned(150e6, horizon_months=36), "workload": {"tokens_per_day": 60e6, "input_tokens": 1000,
                  "output_tokens": 1000, "demand": {"growth_per_year": 2.0}}})  # fmt: skip
    made = result.decision
    assert made is not None
    assert made.switch_month is not None
    assert 0 < made.switch_month < 36
    values = [start.npv_usd for start in made.starts]
    assert min(values) == made.npv_best_usd == values[made.switch_month]
    assert values[-1] == pytest.approx(made.npv_api_usd)
    assert values[0] == pytest.approx(made.npv_self_host_usd)


def test_a_horizon_past_the_machines_needs_a_refresh() -> None:
    with pytest.raises(InputError, match="outlives machines of 36 months"):
        run(owned(1e9, horizon_months=48))
    with pytest.raises(InputError, match="refreshed after 5 years but live 3"):
        run(owned(1e9, horizon_months=72, refresh_years=5))
    twice = run(owned(400e6, horizon_months=72, refresh_years=3, hardware_price_change_per_year=-0.2))
    hosted = next(row for row in twice.offers if row.kind == "owned")
    assert hosted.months[36].cash_usd - hosted.months[35].cash_usd == pytest.approx(240_000 * 0.8**3 - 24_000, rel=1e-9)
    assert hosted.months[36].usd < hosted.months[35].usd


def test_rebound_sells_more_when_prices_fall() -> None:
    data = simple(tokens_per_day=10e6, price=6, usd_per_gpu_hour=2.5, tok_per_s=1e6,
                  forecast={"api_price_change_per_year": -0.5, "demand_elasticity": -0.7})  # fmt: skip
    result = run(data)
    assert result.tokens_per_day[12] == pytest.approx(10e6 * 0.5**-0.7, rel=1e-9)


def test_named_paths_say_what_they_are_and_the_frontier_is_flat() -> None:
    base = simple(tokens_per_day=10e6, price=6, usd_per_gpu_hour=2.5, tok_per_s=1e6)
    same = run(base, "forecast.api_price_path=same-model")
    assert same.courses.api == 0.10
    assert any("retired" in note for note in same.notes)
    cheapest = run(base, "forecast.api_price_path=same-quality")
    assert math.exp(cheapest.courses.api) == pytest.approx(2.08, abs=0.01)
    flat = run(base, "forecast.api_price_path=frontier")
    assert flat.courses.api == 0.0
    assert "frontier" in flat.courses.label
    assert flat.npv_crossover_multiplier == 1.0


def test_only_the_drivers_that_reach_self_hosting_do() -> None:
    base = simple(tokens_per_day=10e6, price=6, usd_per_gpu_hour=2.5, tok_per_s=1e6)
    none = run(base, "forecast.api_price_path=same-quality", "forecast.drivers={competition: 1}")
    assert (none.courses.rental, none.courses.throughput) == (0.0, 0.0)
    half = run(base, "forecast.api_price_path=same-quality",
               "forecast.drivers={software: 30%, quantisation: 20%, hardware: 10%, competition: 40%}")  # fmt: skip
    assert half.courses.throughput == pytest.approx(0.5 * 0.73)
    assert half.courses.rental == pytest.approx(0.1 * 0.73)
    with pytest.raises(InputError, match="sum to 1"):
        run(base, "forecast.drivers={competition: 60%}")


def test_decomposition_against_the_dated_history() -> None:
    scope, own, _ = forecast_profile(from_document(Document(staircase_forecaster(), "<test>", None)), CATALOGUE)
    assert own is not None
    early = decompose(scope, years=2.02, factor=214.0)
    product = math.prod(gain for _, gain in early.explained)
    assert early.left_to_competition == pytest.approx(214 / product)
    # Before March 2025 the known drivers leave a tenfold decline unexplained; since then, none.
    assert early.left_to_competition > 5
    assert decompose(scope, years=1.65, factor=2.5).left_to_competition < 1
    past = crossover_history(scope, own, since=__import__("datetime").date(2024, 3, 1))
    assert [row.date for row in past.rows] == sorted(row.date for row in past.rows)
    opus = next(row for row in past.rows if row.model == "claude-3-opus")
    assert (opus.api_usd_per_mtok, opus.usd_per_gpu_hour) == (45.0, 2.85)
    assert all(not row.quality_class.startswith("UNVERIFIED") for row in past.rows)


def test_escalated_requests_of_the_past_pay_the_prices_of_the_past() -> None:
    """With everything else alike, 20 % handed back leaves 80 % of the difference per token to pay the machine with."""
    def rows(**host: Any) -> dict[str, Any]:
        data = simple(tokens_per_day=1e6, price=1.0, usd_per_gpu_hour=2.5, tok_per_s=1e6, self_host=host)
        data["api"][0]["minimum_usd_per_month"] = 9000
        scope, own, _ = forecast_profile(from_document(Document(data, "<test>", None)), CATALOGUE)
        assert own is not None
        past = crossover_history(scope, own, since=__import__("datetime").date(2024, 3, 1))
        return {(row.date, row.model): row.first_tokens_per_day for row in past.rows}

    alone, handed = rows(), rows(escalation_share=0.2)
    assert alone and handed.keys() == alone.keys()
    for key, first in alone.items():
        assert first is not None
        assert handed[key] == pytest.approx(first / 0.8), key


def test_a_rate_beside_a_named_path_says_that_it_takes_its_place() -> None:
    data = simple(tokens_per_day=10e6, price=6, usd_per_gpu_hour=2.5, tok_per_s=1e6)
    both = run(data, "forecast.api_price_path=same-quality", "forecast.api_price_change_per_year=-10%")
    assert both.courses.label.endswith("(the profile's own rate, in place of the path same-quality)")
    alone = run(data, "forecast.api_price_change_per_year=-10%")
    assert alone.courses.label.endswith("(the profile's own rate)")


def test_announced_prices_come_on_their_day() -> None:
    data = simple(tokens_per_day=10e6, price=6, usd_per_gpu_hour=2.5, tok_per_s=1e6)
    data["api"] = ["google/gemini-4-argon"]
    result = run(data)
    usd = [month.usd for month in result.offers[0].months]
    assert usd[1] == pytest.approx(2 * usd[0])  # doubles on 2026-12-01
    assert any("announced price" in note for note in result.notes)


@pytest.mark.parametrize("name", ["table", "json", "csv", "md"])
def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(staircase_forecaster()))
    assert invoke(["forecast", str(path), "--format", name, "--history", "--path", "same-quality"]) == 0
    out = capsys.readouterr().out
    assert "switching from api (own) to 1x h100-sxm at $52.0548/h never pays" in out or name == "csv"
    if name == "json":
        found = json.loads(out)
        assert found["horizon_months"] == 24
        assert len(found["offers"][0]["usd_per_month"]) == 24
        assert found["history"]["rows"]
    if name == "csv":
        assert out.splitlines()[0].startswith("month,date,tokens_per_day,offer")
        assert len(out.splitlines()) == 1 + 3 * 24


def test_a_total_loss_every_year_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump({**staircase_forecaster(), "finance": {"discount_rate": "-100%"}}))
    with pytest.raises(InputError, match=r"p.yaml:\d+:\d+: finance.discount_rate: must be above -1"):
        invoke(["forecast", str(path)])


def test_amounts_are_shown_in_the_profiles_currency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = staircase_forecaster()
    data["finance"] = {"currency": {"code": "EUR", "usd_per_unit": 1.25, "as_of": "2026-11-20", "source": "a dated rate"}}
    data["self_host"]["supply"][0]["name"] = "a cluster"
    data["uncertainty"] = {"ranges": {"self_host.labour_fte": {"low": 0, "high": 3}}}
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(data))
    assert invoke(["forecast", str(path)]) == 0
    assert "EUR 548,808" in capsys.readouterr().out  # 686,010 / 1.25
    assert invoke(["forecast", str(path), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["offers"][0]["usd_total"] == pytest.approx(686_010, rel=1e-5)
    assert found["currency"]["code"] == "EUR"
    for command in (["risk", str(path), "--draws", "64"], ["portfolio", str(path), str(path)]):
        assert invoke(command) == 0
        out = capsys.readouterr().out
        assert "EUR" in out
        assert "$" not in out


# --- hybrids ------------------------------------------------------------------------------------


def of_kind(found: Forecast, kind: str) -> Any:
    return next(row for row in found.offers if row.kind == kind)


@pytest.mark.parametrize("tokens_per_day", [20e6, 150e6, 1.3e9])
def test_a_hybrids_first_month_is_its_cost_today_and_every_month_is_a_fresh_run(tokens_per_day: float) -> None:
    """Rents on demand bind nothing, so month m is the comparison at its volume, prices and throughput."""
    data = simple(
        tokens_per_day=tokens_per_day, price=1.0, usd_per_gpu_hour=2.0, tok_per_s=700,
        workload={"demand": {"shape": "office-hours", "growth_per_year": 0.6}},
        self_host={"labour_fte": 0.01, "labour_usd_per_fte_year": 100_000},
        forecast={"horizon_months": 24, "api_price_change_per_year": -0.4, "rental_price_change_per_year": 0.1,
                  "throughput_gain_per_year": 0.25},
        finance={"timing": "month_end", "discount_rate": 0.1},
    )  # fmt: skip
    hybrid = of_kind(run(data), "hybrid")
    for m in (0, 5, 12, 23):
        years = m / 12
        price, rent, gain = 0.6**years, 1.1**years, 1.25**years
        then = simple(
            tokens_per_day=tokens_per_day * 1.6**years, price=price, usd_per_gpu_hour=2.0 * rent, tok_per_s=700 * gain,
            workload={"demand": {"shape": "office-hours"}},
            self_host={"labour_fte": 0.01, "labour_usd_per_fte_year": 100_000},
        )  # fmt: skip
        row = next(r for r in compared(then) if r.offer.kind == "hybrid")
        assert hybrid.months[m].replicas == row.replicas
        # What is bought is paid at the month's end, at the price of that day.
        own = row.usd_per_day - price * (1.0 - row.offer.meta["own_share"]) * tokens_per_day * 1.6**years / 1e6
        bought = 0.6 ** ((m + 1) / 12) / price * (row.usd_per_day - own)
        assert hybrid.months[m].usd == pytest.approx((own + bought) * DAYS, rel=1e-9)


def test_a_hybrid_beside_a_minimum_spend_is_a_fresh_run_every_month() -> None:
    def profile(volume: float, growth: float) -> dict[str, Any]:
        data = simple(
            tokens_per_day=volume, price=1.0, usd_per_gpu_hour=2.0, tok_per_s=1200,
            workload={"demand": {"shape": "office-hours", "growth_per_year": growth}}, forecast={"horizon_months": 24},
        )  # fmt: skip
        data["api"][0]["minimum_usd_per_month"] = 2500
        return data

    hybrid = of_kind(run(profile(60e6, 1.5)), "hybrid")
    fleets = []
    for m in (0, 6, 12, 18, 23):
        row = next(r for r in compared(profile(60e6 * 2.5 ** (m / 12), 0.0)) if r.offer.kind == "hybrid")
        assert hybrid.months[m].replicas == row.replicas
        assert hybrid.months[m].usd == pytest.approx(row.usd_per_day * DAYS, rel=1e-9)
        fleets.append(row.replicas)
    assert fleets[0] == 0 < fleets[-1]


def test_a_hybrid_with_nothing_to_run_costs_what_the_api_costs() -> None:
    found = run(simple(tokens_per_day=1e6, price=1.0, usd_per_gpu_hour=2.0, tok_per_s=700,
                       self_host={"migration_usd": 5000}, forecast={"horizon_months": 12}))  # fmt: skip
    hybrid, api = of_kind(found, "hybrid"), of_kind(found, "api")
    assert [month.usd for month in hybrid.months] == [month.usd for month in api.months]
    assert math.fsum(month.cash_usd for month in hybrid.months) == pytest.approx(api.usd_total)


def test_machines_bound_by_a_term_stay_when_the_load_is_gone() -> None:
    data = simple(tokens_per_day=200e6, price=1.0, usd_per_gpu_hour=2.0, tok_per_s=1200,
                  workload={"demand": {"growth_per_year": -0.95}}, forecast={"horizon_months": 24})  # fmt: skip
    data["self_host"]["supply"][0]["term"] = "reserved-1yr"
    hybrid = of_kind(run(data), "hybrid")
    held = [month.replicas for month in hybrid.months]
    assert held[0] >= 1
    assert held[:12] == [held[0]] * 12
    assert held[12] < held[0]


def test_a_quote_that_lacks_its_power_leaves_the_forecast_of_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An incomplete quote is listed by ``run``; here it has no machines, and none to outlive."""
    (tmp_path / "gap.yaml").write_text(
        "kind: quotes\nid: gap\nname: Gap\noffers:\n- {effective: 2026-11-12, sells: server, accelerator: h100-sxm, "
        "gpus_per_unit: 8, usd_per_unit: 290000, nameplate_w: 10200, "
        "source: {title: offer 18, retrieved: 2026-11-12, kind: quote}}\n"
    )
    args = ["forecast", str(Path(__file__).parents[2] / "configs" / "reference.yaml"), "-f", "json"]
    assert invoke(args) == 0
    alone = json.loads(capsys.readouterr().out)
    assert invoke([*args, "--catalog", str(tmp_path)]) == 0
    beside = json.loads(capsys.readouterr().out)
    assert [o["id"] for o in beside["offers"]] == [o["id"] for o in alone["offers"]]
