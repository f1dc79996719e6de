"""Suppliers' quotes: what they cost on site, at which order, and when they cannot be taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakeven.catalog.store import Catalogue
from breakeven.compare.api import run as compare
from breakeven.compare.result import Comparison, OfferAtVolume
from breakeven.errors import FactNotFound, FactNotInForce, InputError
from breakeven.finance.capital import annuity_usd_per_day

SERVER: dict[str, Any] = {
    "effective": "2026-11-10", "ends": "2027-02-10", "source": "{title: q, retrieved: 2026-11-12, kind: quote}",
    "sells": "server", "accelerator": "h100-sxm", "gpus_per_unit": 8, "usd_per_unit": "$265k", "duty_share": "0", "tax_share": "0",
    "delivery_usd_per_unit": 4000, "support_usd_per_unit_year": "12k", "nameplate_w": 10200, "active_w": 6200, "idle_w": 2900,
}  # fmt: skip
RENTAL: dict[str, Any] = {
    "effective": "2026-11-10", "ends": "2027-02-10", "source": "{title: q, retrieved: 2026-11-12, kind: quote}",
    "sells": "rental", "accelerator": "h100-sxm", "gpus_per_unit": 8, "usd_per_gpu_hour": "$2.20", "tax_share": "0",
    "term": "reserved", "term_years": 1,
}  # fmt: skip
PROFILE: dict[str, Any] = {
    "name": "test",
    "workload": {"tokens_per_day": 100e6, "input_tokens": 1000, "output_tokens": 1000},
    "api": [{"model": "own/api", "prices": {"input_usd_per_mtok": 5, "output_usd_per_mtok": 5}}],
    "self_host": {
        "model": "openai/gpt-oss-120b", "hybrid": False, "throughput": {"total_tok_per_s": 1000},
        "supply": [{"own": "hgx-h100-8", "site": "us-va", "gpus": 8, "life_years": 4}, {"rent": "h100-sxm", "provider": "lambda"}],
    },
}  # fmt: skip


def quote(folder: Path, name: str, base: dict[str, Any], *more: dict[str, Any], **changes: Any) -> Path:
    """A quote file; a change to None leaves the line blank."""
    folder.mkdir(exist_ok=True)
    rows = [{**base, **changes}, *({**base, **changes, **one} for one in more)]
    text = f"kind: quotes\nname: {name.title()} quote\noffers:\n"
    for row in rows:
        lines = [f"{key}: {'' if value is None else value}" for key, value in row.items()]
        text += "  - " + "\n    ".join(lines) + "\n"
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def answer(folder: Path, **changes: Any) -> Comparison:
    return compare({**PROFILE, **changes}, [folder])


def the(result: Comparison, name: str) -> OfferAtVolume:
    return next(row for row in result.offers if row.offer.meta.get("quote") == name)


def line(row: OfferAtVolume, name: str) -> float:
    return next(one.usd_per_replica_day for one in row.offer.lines if one.id == name)


def test_a_server_costs_what_it_costs_on_site(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER, duty_share="5%", tax_share="20%")
    row = the(answer(tmp_path / "q"), "acme")
    landed = 265_000 * 1.05 * 1.2 + 4_000 * 1.2
    expected = annuity_usd_per_day(
        capex_usd=landed, residual_usd=0, discount_rate=0.1, life_years=4, timing="month_mid"
    )
    assert line(row, "capital") == pytest.approx(expected, rel=1e-12)
    assert line(row, "support") == pytest.approx(12_000 * 1.2 / 365, rel=1e-12)
    cited = {source for one in row.offer.lines for source in one.sources}
    assert "quotes/acme#offers[0]" in cited and row.offer.name == "Acme quote" and row.offer.eligible


def test_recoverable_tax_is_no_cost(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER)
    row = the(answer(tmp_path / "q"), "acme")
    expected = annuity_usd_per_day(
        capex_usd=269_000, residual_usd=0, discount_rate=0.1, life_years=4, timing="month_mid"
    )
    assert line(row, "capital") == pytest.approx(expected, rel=1e-12)


def test_the_quote_says_what_its_servers_draw(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER, idle_w=1450)
    quote(tmp_path / "q", "bull", SERVER)
    result = answer(tmp_path / "q")
    assert line(the(result, "acme"), "power-idle") == pytest.approx(line(the(result, "bull"), "power-idle") / 2)
    assert line(the(result, "acme"), "colocation") == line(the(result, "bull"), "colocation")


@pytest.mark.parametrize(("volume", "units", "price"), [(50e6, 1, 265), (300e6, 4, 250), (700e6, 9, 230)])
def test_price_breaks_follow_the_order(tmp_path: Path, volume: float, units: int, price: float) -> None:
    quote(
        tmp_path / "q",
        "acme",
        SERVER,
        price_breaks="[{from_units: 8, usd_per_unit: $230k}, {from_units: 3, usd_per_unit: $250k}]",
    )
    row = the(answer(tmp_path / "q", workload={**PROFILE["workload"], "tokens_per_day": volume}), "acme")
    assert row.offer.meta["units"] == row.replicas == units
    expected = annuity_usd_per_day(
        capex_usd=price * 1e3 + 4e3, residual_usd=0, discount_rate=0.1, life_years=4, timing="month_mid"
    )
    assert line(row, "capital") == pytest.approx(expected, rel=1e-12)
    assert any(note.startswith("price from") for note in row.offer.notes) == (price != 265)


def test_a_minimum_order_is_bought_whole(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER, minimum_units=3)
    quote(tmp_path / "q", "cloud", RENTAL, minimum_units=4)
    result = answer(tmp_path / "q", workload={**PROFILE["workload"], "tokens_per_day": 10e6})
    assert the(result, "acme").replicas == 3 and the(result, "cloud").replicas == 4
    assert any("minimum order of 3 units" in note for note in the(result, "acme").offer.notes)


def test_a_rental_is_held_by_whole_units_and_taxed(tmp_path: Path) -> None:
    quote(tmp_path / "q", "cloud", RENTAL, tax_share="10%", prepaid_share="25%")
    row = the(answer(tmp_path / "q"), "cloud")
    assert row.offer.gpus_per_replica == 8
    assert line(row, "rent") == pytest.approx(2.20 * 1.1 * 8 * 24 * 0.75, rel=1e-12)
    assert line(row, "prepaid-rent") > 0


def test_expired_future_and_incomplete_quotes_keep_their_cost(tmp_path: Path) -> None:
    quote(tmp_path / "q", "old", SERVER, ends="2026-11-23")  # that day excluded
    quote(tmp_path / "q", "new", SERVER, effective="2026-12-01")
    quote(tmp_path / "q", "thin", SERVER, tax_share=None, support_usd_per_unit_year=None)
    quote(tmp_path / "q", "good", SERVER)
    result = answer(tmp_path / "q")
    reasons = {name: the(result, name).offer.why_not for name in ("old", "new", "thin", "good")}
    assert reasons == {
        "old": ("quote expired on 2026-11-23",), "new": ("quote not valid before 2026-12-01",),
        "thin": (
            f"incomplete quote: no tax_share, support_usd_per_unit_year ({tmp_path}/q/thin.yaml:12:15: offers[0].tax_share)",
        ), "good": (),
    }  # fmt: skip
    assert all(the(result, name).usd_per_day is not None for name in reasons)
    assert [the(result, name).offer.eligible for name in reasons] == [False, False, False, True]
    assert sum("is not ranked" in warning for warning in result.warnings) == 3


@pytest.mark.parametrize("missing", ["usd_per_unit", "accelerator", "gpus_per_unit", "idle_w"])
def test_without_the_essentials_there_is_no_cost_and_no_crash(tmp_path: Path, missing: str) -> None:
    path = quote(tmp_path / "q", "thin", SERVER, **{missing: None})
    row = the(answer(tmp_path / "q"), "thin")
    assert row.usd_per_day is None and not row.offer.feasible and not row.offer.eligible
    assert missing in row.offer.why_not[0] and row.offer.why_not[0].startswith("incomplete quote")
    number = 1 + next(i for i, one in enumerate(path.read_text(encoding="utf-8").splitlines()) if one.strip() == f"{missing}:")
    assert f"({path}:{number}:" in row.offer.why_not[0] and row.offer.why_not[0].endswith(f": offers[0].{missing})")


def test_what_a_profile_lacks_for_a_quote_is_placed_at_the_offer(tmp_path: Path) -> None:
    """No key of the quote is at fault by itself: the place is the offer's."""
    path = quote(tmp_path / "q", "acme", SERVER, {"effective": "2026-11-20"}, accelerator="no-such-gpu")
    reason = the(answer(tmp_path / "q"), "acme").offer.why_not[0]
    assert reason.startswith("incomplete quote: ") and "no-such-gpu" in reason
    line = path.read_text(encoding="utf-8").splitlines().index("  - effective: 2026-11-20") + 1
    assert reason.endswith(f"({path}:{line}:16: offers[1])")


def test_a_model_that_is_not_in_force_is_no_gap_of_the_quote(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER, effective="2019-01-01")
    host = {**PROFILE["self_host"], "supply": [{"quote": "acme", "site": "us-va"}]}
    del host["throughput"]
    with pytest.raises(FactNotInForce) as error:
        compare({**PROFILE, "self_host": host}, [tmp_path / "q"], as_of="2020-01-01")
    assert error.value.problems[0].field == "self_host.model"


def test_a_revised_quote_counts_from_its_day(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER, {"effective": "2026-11-20", "usd_per_unit": "$250k"})
    row = the(answer(tmp_path / "q"), "acme")
    assert any(term.value == 250_000 for one in row.offer.lines for term in one.terms)
    early = compare(PROFILE, [tmp_path / "q"], as_of="2026-11-15")
    assert any(term.value == 265_000 for one in the(early, "acme").offer.lines for term in one.terms)


def test_the_verdict_stays_about_the_profile(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER, usd_per_unit="$1000")
    result = answer(tmp_path / "q")
    assert result.headline.self_host == "owned:hgx-h100-8@us-va"
    assert compare(PROFILE).quotes == ()


def test_a_profile_may_name_a_quote_and_its_terms(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER)
    supply = [{"quote": "acme", "site": "us-va", "gpus": 8, "life_years": 5, "residual_share": 0.1}]
    result = answer(tmp_path / "q", self_host={**PROFILE["self_host"], "supply": supply})
    assert [row.offer.id for row in result.offers] == ["api:own/api", "owned:acme@us-va"]
    row = the(result, "acme")
    expected = annuity_usd_per_day(
        capex_usd=269_000, residual_usd=26_500, discount_rate=0.1, life_years=5, timing="month_mid"
    )
    assert line(row, "capital") == pytest.approx(expected, rel=1e-12)
    cheaper = answer(
        tmp_path / "q", self_host={**PROFILE["self_host"], "supply": [{**supply[0], "capex_usd": 100_000}]}
    )
    assert line(the(cheaper, "acme"), "capital") < line(row, "capital")
    flip = next(flip for flip in result.flips if flip.key == "self_host.supply[0].capex_usd")
    assert flip.now == 265_000 and (flip.flips_at is not None or flip.why_not)


def test_names_and_contradictions_are_input_errors(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER)
    with pytest.raises(FactNotFound, match="unknown supplier's quote 'acne'; did you mean 'acme'"):
        answer(tmp_path / "q", self_host={**PROFILE["self_host"], "supply": [{"quote": "acne"}]})
    with pytest.raises(InputError, match="is what the quote says"):
        answer(tmp_path / "q", self_host={**PROFILE["self_host"], "supply": [{"quote": "acme", "provider": "x"}]})
    for wrong, message in (
        ({"term": "reserved"}, "is not said of a server"),
        ({"price_breaks": "[{from_units: 2, usd_per_gpu_hour: 2}]"}, "of a server are in usd_per_unit"),
        ({"idle_w": 9000}, "is above active_w"),
        ({"gpus_per_unit": -1}, "must be a whole number"),
        ({"tax_share": 20}, "must be at most 1"),
    ):
        quote(tmp_path / "bad", "acme", SERVER, **wrong)
        with pytest.raises(InputError, match=message):
            Catalogue.load([tmp_path / "bad"]).find("quotes", "acme")
