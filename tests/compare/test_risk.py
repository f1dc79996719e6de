"""Risk: distributions, seeded draws, closed-form cases of every figure it prints, located errors."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

np = pytest.importorskip("numpy")
stats = pytest.importorskip("scipy.stats")

from breakeven.catalog.store import Catalogue  # noqa: E402
from breakeven.cli.app import invoke  # noqa: E402
from breakeven.compare.comparison import make_scope  # noqa: E402
from breakeven.compare.distributions import Distribution, normal_quantile, normal_share  # noqa: E402
from breakeven.compare.draws import correlated, uniform_draws  # noqa: E402
from breakeven.compare.risk import Risk, measure_first, risk, verdict  # noqa: E402
from breakeven.errors import InputError  # noqa: E402
from breakeven.profile.load import from_document, load_profile  # noqa: E402
from breakeven.yamlio import Document  # noqa: E402

from .profiles import simple  # noqa: E402

CONFIGS = Path(__file__).parents[2] / "configs"
CATALOGUE = Catalogue.load()
U = (np.arange(4096) + 0.5) / 4096


def weigh(data: dict[str, Any], **kwargs: Any) -> Risk:
    return risk(make_scope(from_document(Document(data, "<test>", None)), CATALOGUE), **kwargs)


def base(ranges: dict[str, Any], *, volume: float = 12e6, **changes: Any) -> dict[str, Any]:
    return simple(tokens_per_day=volume, price=6, usd_per_gpu_hour=2.5, tok_per_s=1e6,
                  uncertainty={"ranges": ranges, **changes})  # fmt: skip


# --- distributions and draws -------------------------------------------------------------------


def test_quantile_functions_are_the_published_ones() -> None:
    z = normal_quantile(U)
    assert np.max(np.abs(z - stats.norm.ppf(U))) < 1e-13
    assert np.max(np.abs(normal_share(z) - U)) < 1e-13
    far = np.array([1e-12, 1e-300, 1 - 1e-12])
    assert normal_quantile(far) == pytest.approx(stats.norm.ppf(far), rel=1e-12)
    found = Distribution(2.0, 3.0, 7.0).quantile(U)
    assert found == pytest.approx(stats.triang(c=0.2, loc=2, scale=5).ppf(U), rel=1e-12)
    assert Distribution(0.0, 0.0, 1.0).quantile(U) == pytest.approx(1 - np.sqrt(1 - U), abs=1e-12)
    assert Distribution(2.0, 3.0, 4.0, "uniform").quantile(U) == pytest.approx(2 + 2 * U)
    log = Distribution(0.8, 1.0, 1.5, "lognormal")
    assert log.quantile(np.array([0.1, 0.5, 0.9])) == pytest.approx([0.8, 1.0, 1.5], rel=1e-12)


def test_draws_are_seeded_and_even() -> None:
    one, two = (uniform_draws(dimensions=5, count=1 << 10, seed=3) for _ in range(2))
    assert one.tobytes() == two.tobytes()
    assert one.tobytes() != uniform_draws(dimensions=5, count=1 << 10, seed=4).tobytes()
    assert np.max(np.abs(one.mean(axis=0) - 0.5)) < 1e-3
    assert ((one > 0) & (one < 1)).all()


@pytest.mark.parametrize("rank", [-0.8, 0.3, 0.9])
def test_rank_correlation_is_what_was_asked(rank: float) -> None:
    points = correlated(uniform_draws(dimensions=3, count=1 << 13, seed=1), {(0, 2): rank}, where=[])
    assert stats.spearmanr(points[:, 0], points[:, 2]).statistic == pytest.approx(rank, abs=0.01)
    assert abs(stats.spearmanr(points[:, 0], points[:, 1]).statistic) < 0.01


# --- figures with known answers ----------------------------------------------------------------


def test_quantiles_and_probability_of_a_uniform_rate() -> None:
    """Rate uniform on 2..4: the crossing is uniform on 8..16M; at 12M self-hosting wins half of the time."""
    found = weigh(base({"self_host.supply[0].usd_per_gpu_hour": {"low": 2, "typical": 3, "high": 4, "distribution": "uniform"}}))
    assert found.first.p10 == pytest.approx(8.8e6, rel=1e-3)
    assert found.first.p50 == pytest.approx(12e6, rel=1e-3)
    assert found.first.p90 == pytest.approx(15.2e6, rel=1e-3)
    assert found.self_host_wins_probability == pytest.approx(0.5, abs=1e-3)
    (only,) = found.inputs
    assert only.total_effect_share == pytest.approx(1.0, abs=0.01)
    # Knowing the rate saves E[max(0, 72 - 24 rate)] against a fair coin: 6 dollars a day.
    assert only.perfect_information_usd_per_year == pytest.approx(6 * 365, rel=0.02)
    assert found.perfect_information_usd_per_year == pytest.approx(6 * 365, rel=0.01)
    assert "usd_per_gpu_hour first" in measure_first(found)


def test_total_effects_of_a_sum_are_its_variances() -> None:
    """own - api = 24 rate + 0.1 x salary / 365: shares follow from the two variances."""
    data = base(
        {
            "self_host.supply[0].usd_per_gpu_hour": {"low": 2, "typical": 3, "high": 4, "distribution": "uniform"},
            "self_host.labour_fte": {"low": 0, "typical": 0.1, "high": 0.2, "distribution": "uniform"},
        }
    )
    data["self_host"]["labour_usd_per_fte_year"] = 73_000
    found = weigh(data)
    rate, labour = (48**2 / 12), (40**2 / 12)
    shares = {row.name: row.total_effect_share for row in found.inputs}
    assert shares["self_host.supply[0].usd_per_gpu_hour"] == pytest.approx(rate / (rate + labour), abs=0.01)
    assert shares["self_host.labour_fte"] == pytest.approx(labour / (rate + labour), abs=0.01)


def test_correlation_moves_the_spread() -> None:
    ranges = {
        "self_host.supply[0].usd_per_gpu_hour": {"low": 2, "typical": 3, "high": 4},
        "self_host.labour_fte": {"low": 0, "typical": 0.1, "high": 0.2},
    }

    def spread(rank: float) -> float:
        given = [{"between": list(ranges), "rank_correlation": rank}] if rank else []
        cost = weigh(base(ranges, correlations=given)).offers[1].usd_per_day
        assert cost.p90 is not None and cost.p10 is not None
        return cost.p90 - cost.p10

    assert spread(-0.9) < spread(0) < spread(0.9)


def test_whole_numbers_stay_whole_and_facts_move() -> None:
    found = risk(make_scope(load_profile(CONFIGS / "owned-70b.yaml"), CATALOGUE), draws=1 << 10)
    names = {row.name for row in found.inputs}
    assert any(name.startswith("capex_usd (servers/") for name in names)
    assert "throughput estimate" in names
    counts = weigh(base({"self_host.redundancy": {"low": 0, "high": 2}}), draws=1 << 10)
    cost = next(row for row in counts.offers if row.offer == counts.self_host).usd_per_day
    assert {cost.p10, cost.p50, cost.p90} <= {60.0, 120.0, 180.0}


def test_price_path_counts_in_the_years_to_come() -> None:
    data = {**base({"self_host.labour_fte": {"low": 0, "high": 0.05}}, volume=30e6),
            "forecast": {"api_price_path": "same-quality"}}  # fmt: skip
    found = weigh(data)
    own = next(row for row in found.offers if row.offer == found.self_host)
    chances = own.cheapest_probability_by_year
    assert chances[0] == own.cheapest_probability == 1.0
    assert len(chances) == 4
    assert chances[0] > chances[1] > chances[3]


def test_reference_says_why_ten_million_is_optimistic_and_what_decides() -> None:
    found = risk(make_scope(load_profile(CONFIGS / "reference.yaml"), CATALOGUE))
    text = verdict(found)
    assert "optimistic" in text
    assert "What decides is self_host." in text
    assert "\n" not in text
    assert found.first_typical == pytest.approx(10.6e6)
    assert found.first.p10 is not None
    assert found.first.p10 > found.first_typical


def test_the_verdict_names_the_machine_it_is_about_and_a_better_one() -> None:
    """The headline's machine never pays, another of the profile always does: no "self-hosting never pays"."""
    data = base({"self_host.labour_fte": {"low": 0, "high": 0.01}}, volume=30e6)
    dear, cheap = ({"rent": "h100-sxm", "usd_per_gpu_hour": rate, "gpus": 1} for rate in (90.0, 2.65))
    text = verdict(weigh({**data, "self_host": {**data["self_host"], "supply": [dear, cheap]}}, draws=256))
    assert "in 0% of the draws" in text and "self-hosting" not in text
    assert "Of all offers, 1x h100-sxm at $2.65/h is the cheapest most often (100% of the draws)" in text


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    args = ["risk", str(CONFIGS / "reference.yaml"), "--draws", "1024"]
    assert invoke([*args, "-o", str(tmp_path / "a.json")]) == 0
    assert invoke([*args, "-o", str(tmp_path / "b.json")]) == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert invoke([*args, "-o", str(tmp_path / "c.json"), "--seed", "9"]) == 0
    assert (tmp_path / "a.json").read_bytes() != (tmp_path / "c.json").read_bytes()
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["draws"] == 1024
    assert math.fsum(row["cheapest_probability"] for row in found["offers"]) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["table", "md", "csv"])
def test_formats(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["risk", str(CONFIGS / "reference.yaml"), "--draws", "256", "--format", name]) == 0
    assert "self_host.redundancy" in capsys.readouterr().out.replace("\n", "") or name == "table"


# --- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uncertainty", "message"),
    [
        ({"ranges": {"self_host.labour_fte": {"low": 1, "high": 0}}}, r"p.yaml:\d+:\d+: .*upside down"),
        ({"ranges": {"self_host.labour_fte": {"low": 0, "typical": 3, "high": 1}}}, r"p.yaml:\d+.*lies outside"),
        ({"ranges": {"self_host.labour_ftes": {"low": 0, "typical": 0.5, "high": 1}}}, "did you mean 'labour_fte'"),
        ({"ranges": {"self_host.headroom_share": {"low": 0, "high": 2}}}, "at most 0.999"),
        ({"ranges": {"self_host.labour_fte": {"low": 0, "typical": 0.1, "high": 1, "distribution": "lognormal"}}},
         r"p.yaml:\d+.*above zero"),
        ({"ranges": {"self_host.labour_fte": {"low": 0, "high": 1}},
          "correlations": [{"between": ["self_host.labour_fte", "nosuch"], "rank_correlation": 0.5}]},
         r"p.yaml:\d+.*'nosuch' is not uncertain"),
        ({"ranges": {"self_host.labour_fte": {"low": 0, "high": 1}, "self_host.headroom_share": {"low": 0, "high": 0.5}},
          "correlations": [{"between": ["self_host.labour_fte", "self_host.headroom_share"], "rank_correlation": 1.5}]},
         r"p.yaml:\d+.*is not a correlation"),
        ({"ranges": {"self_host.labour_ftee": {"low": 0, "high": 1}}}, r"p.yaml:\d+.*labour_ftee: is not a known key; did you mean 'labour_fte'"),
        ({"ranges": {"self_host.model": {"low": 0, "high": 1}}}, r"p.yaml:\d+.*self_host.model: must be text"),
        ({"ranges": {"self_host.labour_usd_per_fte_year": {"low": 0, "high": 1}}}, r"p.yaml:\d+.*has no typical value; add typical"),
    ],
)  # fmt: skip
def test_bad_ranges_and_correlations_are_located(tmp_path: Path, uncertainty: dict[str, Any], message: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump({**base({}), "uncertainty": uncertainty}))
    with pytest.raises(InputError, match=message):
        invoke(["risk", str(path)])


def test_impossible_correlations_are_refused(tmp_path: Path) -> None:
    keys = ["self_host.labour_fte", "self_host.headroom_share", "self_host.supply[0].usd_per_gpu_hour"]
    pairs = [(0, 1, 0.9), (1, 2, 0.9), (0, 2, -0.9)]
    uncertainty = {
        "ranges": {key: {"low": 0, "typical": 0.1, "high": 0.9} for key in keys},
        "correlations": [{"between": [keys[a], keys[b]], "rank_correlation": r} for a, b, r in pairs],
    }
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump({**base({}), "uncertainty": uncertainty}))
    with pytest.raises(InputError, match=r"p.yaml:\d+:\d+: uncertainty.correlations: .*cannot hold together"):
        invoke(["risk", str(path)])


def test_nothing_uncertain_is_said(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(base({})))
    with pytest.raises(InputError, match="nothing is uncertain here"):
        invoke(["risk", str(path)])


def test_a_range_is_written_as_its_key_is() -> None:
    numbers = base({"self_host.supply[0].usd_per_gpu_hour": {"low": 2.0, "high": 3.0}, "self_host.headroom_share": {"low": 0.0, "high": 0.3}})
    written = base({"self_host.supply[0].usd_per_gpu_hour": {"low": "$2.00", "high": "$3"}, "self_host.headroom_share": {"low": "0%", "high": "30%"}})
    assert weigh(numbers).inputs == weigh(written).inputs
    with pytest.raises(InputError, match=r"cannot be read as a number .'ten'.; write for example 10M, 30% or"):
        weigh(base({"self_host.supply[0].usd_per_gpu_hour": {"low": "ten", "high": 20}}))
