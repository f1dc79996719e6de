"""Pooled fleets: peaks in different hours share machines; the pool's crossover against its parts'."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from breakeven.catalog.store import Catalogue
from breakeven.cli.app import invoke
from breakeven.compare.portfolio import Pool, portfolio
from breakeven.errors import Infeasible
from breakeven.profile.load import from_document
from breakeven.render.portfolio import render
from breakeven.yamlio import Document

from .profiles import simple

CATALOGUE = Catalogue.load()
DAY = [1.0] * 12 + [0.0] * 12
NIGHT = [0.0] * 12 + [1.0] * 12


def workload(name: str, volume: float, hours: list[float], **changes: Any) -> dict[str, Any]:
    data = simple(tokens_per_day=volume, price=1.0, usd_per_gpu_hour=70 / 24, tok_per_s=100e6 / 86_400,
                  workload={"demand": {"shape": "hourly", "hourly": hours}}, **changes)  # fmt: skip
    return {**data, "name": name}


def pool_of(*profiles: dict[str, Any]) -> Pool:
    loaded = [from_document(Document(data, f"<{data['name']}>", None)) for data in profiles]
    (pool,) = portfolio(loaded, CATALOGUE).pools
    return pool


def test_machines_that_are_not_pooled_are_named() -> None:
    one = workload("one", 90e6, DAY)
    supply = one["self_host"]["supply"]
    two = {**one, "name": "two", "self_host": {**one["self_host"], "supply": [*supply, *supply]}}
    loaded = [from_document(Document(data, f"<{data['name']}>", None)) for data in (one, two)]
    found = portfolio(loaded, CATALOGUE)
    assert len(found.notes) == 1 and "run compares the others of two" in found.notes[0]
    assert "run compares the others of two" in " ".join(render("table", found, width=100).split())
    assert not portfolio(loaded[:1], CATALOGUE).notes


def test_day_and_night_share_their_machines() -> None:
    """Two workloads of 90 Mtok in opposite half days: each peaks at 1.8 replicas, together still at 1.8."""
    pool = pool_of(workload("day", 90e6, DAY), workload("night", 90e6, NIGHT))
    assert (pool.replicas_apart, pool.replicas_pooled) == (4, 2)
    assert (pool.peak_replicas_apart, pool.peak_replicas_pooled) == (pytest.approx(3.6), pytest.approx(1.8))
    assert (pool.apart_usd_per_day, pool.pooled_usd_per_day) == (pytest.approx(280), pytest.approx(140))
    assert pool.cheapest == "pooled"
    # Apart each needs 70 of its 50 Mtok a replica: never. Together one replica carries 100: from 70 on.
    assert pool.crossover.first_tokens_per_day == pytest.approx(70e6)
    assert pool.apart_first_tokens_per_day is None
    assert all(member.crossover.outcome == "never" for member in pool.members)


def test_costs_of_other_names_are_not_one_cost() -> None:
    """A gateway that both need is paid once; the store of one is not the vault of the other."""
    gateway = {"name": "gateway", "usd_per_month": 730}
    pool = pool_of(
        workload("day", 90e6, DAY, self_host={"extra_costs": [{"name": "store", "usd_per_month": 365}, gateway]}),
        workload("night", 90e6, NIGHT, self_host={"extra_costs": [gateway, {"name": "vault", "usd_per_month": 1095}]}),
    )
    assert pool.pooled_usd_per_day == pytest.approx(140 + 12 + 24 + 36)
    assert pool.apart_usd_per_day == pytest.approx(280 + 12 + 24 + 24 + 36)


def test_equal_peaks_share_only_the_last_replica() -> None:
    pool = pool_of(workload("a", 30e6, DAY), workload("b", 30e6, DAY))
    assert pool.peak_replicas_pooled == pytest.approx(pool.peak_replicas_apart)
    assert (pool.replicas_apart, pool.replicas_pooled) == (2, 2)
    half = pool_of(workload("a", 20e6, DAY), workload("b", 20e6, DAY))
    assert (half.replicas_apart, half.replicas_pooled) == (2, 1)


def test_separate_fleets_cross_where_brute_force_says() -> None:
    flat = [1.0] * 24
    pool = pool_of(workload("a", 120e6, flat), workload("b", 60e6, flat))

    def gap(total: float) -> float:
        a, b = total * 2 / 3, total / 3
        return total / 1e6 - 70 * (math.ceil(a / 100e6 - 1e-12) + math.ceil(b / 100e6 - 1e-12))

    first = pool.apart_first_tokens_per_day
    assert first == pytest.approx(140e6)
    assert first is not None
    assert all(gap(first * i / 200) <= 0 for i in range(1, 200))
    assert gap(first * 1.001) > 0
    assert pool.crossover.first_tokens_per_day == pytest.approx(70e6)


def test_a_pool_of_one_is_the_profile_itself() -> None:
    pool = pool_of(workload("a", 150e6, [1.0] * 24))
    (member,) = pool.members
    assert pool.pooled_usd_per_day == pytest.approx(member.own_usd_per_day)
    assert pool.crossover.first_tokens_per_day == pytest.approx(member.crossover.first_tokens_per_day)
    assert pool.apart_first_tokens_per_day == pytest.approx(member.crossover.first_tokens_per_day)


def test_other_models_and_machines_are_other_pools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for name, host in (("a", {}), ("b", {"model": "qwen3-32b"}), ("c", {})):
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(workload(name, 50e6, DAY, self_host=host)))
        files.append(str(path))
    assert invoke(["portfolio", *files, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [len(pool["members"]) for pool in found["pools"]] == [2, 1]
    for name in ("table", "md", "csv"):
        assert invoke(["portfolio", *files, "--format", name]) == 0
        assert "pooled" in capsys.readouterr().out


def test_nothing_to_pool() -> None:
    data = workload("a", 50e6, DAY, self_host={"throughput": None, "supply": [{"rent": "l4", "usd_per_gpu_hour": 1, "gpus": 1}],
                    "model": "deepseek-v3"})  # fmt: skip
    with pytest.raises(Infeasible, match="none of these profiles"):
        pool_of(data)


def contract(name: str, volume: float, minimum_per_day: float, **host: Any) -> dict[str, Any]:
    data = workload(name, volume, [1.0] * 24, self_host=host)
    data["api"][0]["minimum_usd_per_month"] = minimum_per_day * 730 / 24
    return data


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("minimums", [(0.0, 50.0), (130.0, 50.0), (90.0, 10.0)])
def test_minimum_spends_cross_where_brute_force_says(minimums: tuple[float, float], share: float) -> None:
    """$1 per Mtok against replicas of $70 for 100 Mtok; each profile owes its own minimum, escalated or not."""
    pool = pool_of(*(contract(name, volume, minimum, escalation_share=share)
                     for name, volume, minimum in zip(("a", "b"), (120e6, 60e6), minimums, strict=True)))  # fmt: skip

    def at_api(total: float, part: float) -> float:
        return sum(max(least, part * total * s / 1e6) for least, s in zip(minimums, (2 / 3, 1 / 3), strict=True))

    def owed(total: float) -> float:
        return at_api(total, share) if share else 0.0

    def pooled(total: float) -> float:
        return 70 * math.ceil(total / 100e6 - 1e-12) + owed(total)

    def apart(total: float) -> float:
        return 70 * (math.ceil(total * 2 / 300e6 - 1e-12) + math.ceil(total / 300e6 - 1e-12)) + owed(total)

    assert pool.api_usd_per_day == pytest.approx(at_api(180e6, 1.0))
    assert (pool.apart_usd_per_day, pool.pooled_usd_per_day) == (pytest.approx(apart(180e6)), pytest.approx(pooled(180e6)))
    grid = [i * 1e6 + 0.5 for i in range(600)]
    for first, own in ((pool.crossover.first_tokens_per_day, pooled), (pool.apart_first_tokens_per_day, apart)):
        won = [total for total in grid if own(total) < at_api(total, 1.0) - 1e-9]
        if first is None or first > grid[-1]:
            assert not won
        else:
            assert won and won[0] == pytest.approx(first, abs=1.1e6)
    for total in grid:
        cheaper = next(i.cheaper for i in pool.crossover.intervals
                       if i.to_tokens_per_day is None or total <= i.to_tokens_per_day)  # fmt: skip
        gap = at_api(total, 1.0) - pooled(total)
        if abs(gap) > 1e-6:
            assert (cheaper == pool.crossover.self_host) is (gap > 0), total


def test_what_a_requirement_bars_is_not_recommended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Buying is the cheapest by far, and barred for one of the two."""
    files = []
    for name, volume in (("a", 1e6), ("b", 2e6)):
        data = workload(name, volume, [1.0] * 24)
        data["self_host"]["supply"][0]["region"] = "eu-central"
        if name == "b":
            data["requirements"] = {"data_residency": ["eu"]}
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(data))
        files.append(str(path))
    loaded = [from_document(Document(yaml.safe_load(Path(file).read_text()), file, None)) for file in files]
    (pool,) = portfolio(loaded, CATALOGUE).pools
    assert min(pool.api_usd_per_day, pool.apart_usd_per_day) == pool.api_usd_per_day
    assert pool.cheapest != "api"
    assert invoke(["portfolio", *files]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Barred is buying from the APIs: b: " in said
    assert "is cheapest of what the requirements allow" in said


def test_an_api_bought_in_units_is_left_out_and_said() -> None:
    data = workload("units", 50e6, DAY)
    data["api"] = [{"model": "azure/gpt-5.2", "provisioned": {"unit": "ptu"}}]
    loaded = [from_document(Document(item, "<x>", None)) for item in (data, workload("tokens", 50e6, DAY))]
    made = portfolio(loaded, CATALOGUE)
    assert len(made.pools[0].members) == 1
    assert made.not_pooled and "bought in units" in made.not_pooled[0]


def test_profiles_of_other_currencies_are_shown_in_dollars_and_it_is_said() -> None:
    both = [workload("a", 50e6, DAY), workload("b", 50e6, DAY)]
    both[0]["finance"] = {"currency": "EUR"}

    def made(*data: dict[str, Any]) -> str:
        return render("table", portfolio([from_document(Document(item, "<x>", None)) for item in data], CATALOGUE), width=80)

    assert "amounts are in USD: the profiles ask for EUR and USD" in made(*both)
    both[1]["finance"] = {"currency": "EUR"}
    assert "EUR" in made(*both) and "amounts are in USD" not in made(*both)


def test_words_for_one_profile_and_for_several() -> None:
    one = portfolio([from_document(Document(workload("a", 150e6, [1.0] * 24), "<a>", None))], CATALOGUE)
    assert "a is the only profile on these machines" in render("table", one, width=200)
    two = [from_document(Document(workload(name, 90e6, hours), name, None)) for name, hours in (("a", DAY), ("b", NIGHT))]
    text = render("table", portfolio(two, CATALOGUE), width=200)
    assert "the pool first beats the APIs" in text and "separate fleets never beat the APIs" in text
