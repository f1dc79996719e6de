"""The facts that ship: every one sourced, dated, well-formed, and equal to figures checked by hand."""

from __future__ import annotations

import datetime as dt
import re
import statistics
from pathlib import Path

import pytest

from breakeven.catalog.excerpt import head, records_naming
from breakeven.catalog.fact_files import PACKAGED, fact_document
from breakeven.catalog.inventory import Item, items, records_in
from breakeven.catalog.records import KINDS, RentalProvider
from breakeven.catalog.store import Catalogue
from breakeven.catalog.trusted import construct
from breakeven.catalog.verification import verify
from breakeven.modelio import validate
from breakeven.yamlio import load_path

DAY = dt.date(2026, 11, 23)
FILES = [(kind, path) for kind in KINDS for path in sorted((PACKAGED / kind).glob("*.yaml"))]
IDS = [f"{kind}/{path.stem}" for kind, path in FILES]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.fixture(scope="module")
def every(catalogue: Catalogue) -> tuple[Item, ...]:
    return items(catalogue, tuple(KINDS), DAY)


def test_nothing_is_malformed_or_contradicts_itself(catalogue: Catalogue) -> None:
    found = verify(catalogue)
    assert found.malformed == () and found.wrong == ()
    assert found.files == len(FILES)


@pytest.mark.parametrize(("kind", "path"), FILES, ids=IDS)
def test_no_source_was_read_after_the_release(kind: str, path: Path, catalogue: Catalogue) -> None:
    """A report states both days: what the catalogue cites was read before it came out."""
    late = [where for where, _, record in records_in(catalogue.find(kind, path.stem)) if record.source.retrieved > catalogue.released]
    assert late == []


@pytest.mark.parametrize(("kind", "path"), FILES, ids=IDS)
def test_packaged_files_are_read_the_same_with_and_without_validation(kind: str, path: Path) -> None:
    document = fact_document(path)
    validated = validate(KINDS[kind], document)
    trusted = construct(KINDS[kind], document.data)
    assert trusted == validated
    assert trusted.model_fields_set == validated.model_fields_set
    assert repr(trusted) == repr(validated)  # 1 and 1.0 are equal, but print differently
    assert validated.id == path.stem


@pytest.mark.parametrize(("kind", "path"), FILES, ids=IDS)
def test_the_head_of_a_file_says_what_the_whole_file_says(kind: str, path: Path) -> None:
    whole = load_path(path).data
    cut = head(path.read_bytes(), str(path))
    assert {"id", "name"} <= set(cut)
    assert cut == {key: whole[key] for key in cut}
    assert {key for key, value in whole.items() if not isinstance(value, list)} <= set(cut), "plain keys come first"
    assert "aliases" not in whole or "aliases" in cut


def test_records_naming_one_accelerator_are_all_of_them(catalogue: Catalogue) -> None:
    seen = 0
    for path in sorted((PACKAGED / "rental").glob("*.yaml")):
        whole = load_path(path).data["prices"]
        for name in catalogue.ids("accelerators"):
            expected = [(index, record) for index, record in enumerate(whole) if record["accelerator"] == name]
            found = records_naming(path.read_bytes(), str(path), field="prices", key="accelerator", value=name)
            assert found == expected
            seen += len(found)
    assert seen == sum(len(provider.prices) for provider in catalogue.all("rental") if isinstance(provider, RentalProvider))


def test_every_record_says_where_it_comes_from_and_when(every: tuple[Item, ...]) -> None:
    assert len(every) > 1000
    for item in every:
        assert item.url or item.title, item.id
        assert item.retrieved is not None and item.retrieved <= dt.date(2026, 11, 24), item.id
        assert item.effective is not None or item.field == "trends", item.id
        if item.url:
            assert re.fullmatch(r"https?://[^\s<>\"]+\.[^\s<>\"]+", item.url), item.id


def test_nothing_that_is_not_yet_known_is_shipped_as_known(every: tuple[Item, ...]) -> None:
    announced = [item for item in every if item.effective and item.effective > DAY]
    assert all(item.kind in ("api", "history") for item in announced), "only price lists announce future prices"
    for item in every:
        if item.retrieved and item.kind not in ("api", "history"):
            assert item.effective is not None and item.effective <= item.retrieved, item.id


def test_ids_and_names_are_unambiguous(catalogue: Catalogue) -> None:
    for kind in KINDS:
        owner: dict[str, str] = {}
        for name in catalogue.ids(kind):
            for alias in (name, *catalogue.also_called(kind, name)):
                assert owner.setdefault(alias, name) == name, f"{kind}: {alias}"


def test_rentals_name_accelerators_by_their_ids(catalogue: Catalogue) -> None:
    known = set(catalogue.ids("accelerators"))
    for provider in catalogue.all("rental"):
        assert isinstance(provider, RentalProvider)
        assert {record.accelerator for record in provider.prices} <= known


@pytest.mark.parametrize(
    ("accelerator", "bf16", "fp8", "fp4"),
    [
        ("h100-sxm", 989.4, 1978.9, None),
        ("h100-pcie", 756.5, 1513, None),
        ("h200-sxm", 989.4, 1978.9, None),
        ("b200-sxm", 2250, 4500, 9000),
        ("b300-sxm", 2250, 4500, 13500),
        ("gb200", 2500, 5000, 10000),
        ("a100-sxm-80gb", 312, None, None),
        ("l4", 121, 242.5, None),
        ("l40s", 362, 733, None),
        ("mi300x", 1307.4, 2614.9, None),
        ("mi355x", 2516.6, 5033, 10066),
        ("rtx-5090", 209.5, 419, 1676),
        ("gaudi3", 1835, 1835, None),
        ("tpu-v6e", 918, 918, None),
    ],
)
def test_rates_are_dense(
    catalogue: Catalogue, accelerator: str, bf16: float, fp8: float | None, fp4: float | None
) -> None:
    rates = catalogue.in_force("accelerators", accelerator, "specs", DAY).record.dense_tflops
    assert (rates.bf16, rates.fp8, rates.fp4) == (bf16, fp8, fp4)


def test_no_rate_is_a_sparse_one(catalogue: Catalogue) -> None:
    for name in catalogue.ids("accelerators"):
        for spec in catalogue.find("accelerators", name).specs:  # type: ignore[attr-defined]
            rates = spec.dense_tflops
            # A sparse rate beside a dense one shows as four times where formats differ by two; Blackwell
            # Ultra's FP4 is three times its FP8 (datasheets round, hence the margin).
            if rates.fp8 and rates.bf16:
                assert rates.fp8 <= 2.05 * rates.bf16, name
            if rates.int8 and rates.bf16:
                assert rates.int8 <= 4.05 * rates.bf16, name  # GeForce: FP32 accumulation halves the float rates
            if rates.fp4 and rates.fp8:
                assert rates.fp4 <= (3.01 if "300" in name else 4.01 if name == "rtx-5090" else 2.05) * rates.fp8, name


def test_links_are_given_one_way(catalogue: Catalogue) -> None:
    one_way = {"h100-sxm": 450, "a100-sxm-80gb": 300, "b200-sxm": 900, "h100-pcie": 64, "l40s": 32, "mi300x": 448}
    for name, value in one_way.items():
        spec = catalogue.in_force("accelerators", name, "specs", DAY).record
        assert spec.interconnect_gb_per_s_per_direction == value


def test_reported_memory_is_only_where_a_source_states_it(catalogue: Catalogue) -> None:
    spec = catalogue.in_force("accelerators", "h100-sxm", "specs", DAY).record
    assert spec.memory_gb == 80 and spec.usable_memory_bytes == 81_559 * 2**20
    stated = [
        name
        for name in catalogue.ids("accelerators")
        if catalogue.in_force("accelerators", name, "specs", DAY).record.usable_memory_bytes is not None
    ]
    assert stated == ["b200-sxm", "gb200", "gb300", "h100-sxm", "h200-nvl", "l4", "l40s", "rtx-pro-6000-bw-se"]


def test_the_accelerators_people_buy_and_rent_are_there(catalogue: Catalogue) -> None:
    wanted = {
        "a2", "a10", "a10g", "a16", "a30", "a100-sxm-40gb", "a100-sxm-80gb", "a100-pcie-80gb", "a40", "l4", "l40", "l40s", "h100-sxm",
        "h100-pcie", "h100-nvl", "h200-sxm", "h200-nvl", "gh200", "b200-sxm", "b300-sxm", "gb200", "gb300",
        "rtx-4090", "rtx-5090", "rtx-6000-ada", "rtx-pro-6000-blackwell", "rtx-pro-6000-bw-se", "mi300x", "mi325x",
        "mi355x", "gaudi3", "tpu-v5e", "tpu-v6e", "tpu-v7x", "t4", "v100-sxm2",
    }  # fmt: skip
    assert wanted <= set(catalogue.ids("accelerators"))


def test_twenty_five_quotes_of_an_h100_on_demand_have_the_median_checked_by_hand(catalogue: Catalogue) -> None:
    quotes = catalogue.quotes(accelerator="h100-sxm", term="on-demand", as_of=DAY)
    rates = sorted(cited.record.usd_per_gpu_hour.typical for cited in quotes)
    assert rates == [
        2.4024, 2.6, 2.6, 2.635, 2.6661, 2.69, 2.71, 2.95, 2.9572, 3.2, 3.3482, 3.49, 3.85, 3.9, 3.99, 3.99, 3.99, 4.29,
        4.4868, 4.5, 5.373, 6.155, 6.88, 10.9791, 12.29,
    ]  # fmt: skip
    assert statistics.median(rates) == 3.85
    assert len({cited.thing_id for cited in quotes}) >= 15


@pytest.mark.parametrize(
    ("provider", "accelerator", "term", "rate", "effective", "gpus_per_sku"),
    [
        ("aws", "h100-sxm", "on-demand", 6.88, "2026-11-09", 8),
        ("aws", "h200-sxm", "on-demand", 7.912, "2026-09-24", 8),
        ("index-semianalysis", "h100-sxm", "reserved-1yr", 2.65, "2026-06-01", 1),
        ("lambda", "b200-sxm", "on-demand", 6.69, "2026-09-20", 8),
        ("coreweave", "h100-sxm", "spot", 2.464, "2026-09-20", 8),
        ("qubrid", "b300-sxm", "reserved-1yr", 5.557, "2026-09-20", 8),
        ("tensorwave", "mi325x", "on-demand", 1.95, "2026-05-18", 1),
        ("modal", "h100-sxm", "serverless", 3.9492, "2026-05-07", 1),
        ("gcp", "tpu-v5e", "on-demand", 1.2, "2024-12-23", 1),
    ],
)
def test_rents_checked_by_hand(
    catalogue: Catalogue, provider: str, accelerator: str, term: str, rate: float, effective: str, gpus_per_sku: int
) -> None:
    found = [
        cited.record
        for cited in catalogue.rentals(accelerator=accelerator, as_of=DAY, provider=provider, term=term)
        if cited.record.gpus_per_sku == gpus_per_sku
    ]
    assert (rate, dt.date.fromisoformat(effective)) in [(r.usd_per_gpu_hour.typical, r.effective) for r in found]


def test_the_contract_index_moves_with_the_date(catalogue: Catalogue) -> None:
    def rate(day: dt.date) -> float:
        (cited,) = catalogue.rentals(accelerator="h100", as_of=day, provider="index-semianalysis", term="reserved-1yr")
        return cited.record.usd_per_gpu_hour.typical

    assert [rate(dt.date(2025, 12, 1)), rate(dt.date(2026, 4, 1)), rate(DAY)] == [1.7, 2.35, 2.65]


def test_old_rents_that_nobody_confirmed_are_out_of_force(catalogue: Catalogue) -> None:
    assert catalogue.rentals(accelerator="l40s", as_of=dt.date(2025, 12, 1), provider="aws", term="reserved-1yr")
    assert not catalogue.rentals(accelerator="l40s", as_of=DAY, provider="aws", term="reserved-1yr")


def test_no_hyperscaler_commitment_is_invented(catalogue: Catalogue) -> None:
    for provider in ("aws", "gcp", "azure"):
        for term in ("reserved-1yr", "reserved-3yr"):
            assert not catalogue.rentals(accelerator="h100-sxm", as_of=DAY, provider=provider, term=term)


def test_counts_of_providers_and_terms(catalogue: Catalogue) -> None:
    providers = [thing for thing in catalogue.all("rental") if isinstance(thing, RentalProvider)]
    assert len([thing for thing in providers if thing.tier != "index"]) >= 30
    records = [record for thing in providers for record in thing.prices]
    assert len(records) == 216
    terms = {record.term for record in records}
    assert {"on-demand", "spot", "reserved-1yr", "reserved-3yr", "capacity-block", "serverless"} <= terms


@pytest.mark.parametrize(
    ("server", "low", "typical", "high", "grade"),
    [
        ("hgx-h100-8", 250_000, 310_000, 400_000, "quote"),
        ("hgx-h200-8", 394_000, 394_000, 394_000, "derived"),
        ("hgx-b200-8", 492_000, 492_000, 492_000, "derived"),
        ("gb200-nvl72", 3_000_000, 3_050_000, 3_100_000, "quote"),
    ],
)
def test_server_prices(
    catalogue: Catalogue, server: str, low: float, typical: float, high: float, grade: str
) -> None:
    record = catalogue.in_force("servers", server, "prices", DAY).record
    assert (record.capex_usd.low, record.capex_usd.typical, record.capex_usd.high) == (low, typical, high)
    assert record.source.kind == grade


def test_figures_checked_by_hand(catalogue: Catalogue) -> None:
    def figure(name: str, which: str | None = None) -> tuple[float, float, float, str]:
        record = catalogue.figure(name, as_of=DAY, figure=which).record
        return record.value.low, record.value.typical, record.value.high, record.unit

    assert figure("licence-nvidia-ai-enterprise") == (4500, 4500, 4500, "usd_per_gpu_year")
    assert figure("gpu-replacement") == (0.025, 0.04, 0.06, "share_per_year")
    assert figure("operations-fte-per-server") == (0.5, 1.0, 1.5, "fte")
    assert figure("residual-h100-3y") == (0.25, 0.30, 0.35, "share")
    assert figure("useful-life") == (4, 5.5, 6, "years")
    assert figure("pue-survey") == (1.54, 1.54, 1.54, "ratio")
    assert figure("power-share-of-tdp-batch-64-256")[1] == 0.817
    assert figure("exchange-rates", "eur")[1] == 1.0763
    assert figure("owned-cost-per-gpu-hour", "h100-sxm-neocloud")[1] == 1.69
    assert figure("resale-factors", "age-3-years")[1] == 0.46


def test_prices_in_other_currencies_are_the_source_times_a_dated_rate(catalogue: Catalogue) -> None:
    for site, currency, local in (("de", "eur", 0.233), ("eu-average", "eur", 0.1902), ("sg", "sgd", 0.262)):
        rate = catalogue.figure("exchange-rates", as_of=DAY, figure=currency).record.value.typical
        found = [
            cited.record
            for cited in catalogue.records("sites", site, "figures", DAY)
            if cited.record.electricity_usd_per_kwh is not None
        ]
        assert found[-1].electricity_usd_per_kwh.typical == pytest.approx(local * rate, abs=5e-5)
        assert found[-1].source.kind == "derived" and currency.upper() in (found[-1].source.note or "")


def test_every_site_can_power_a_server(catalogue: Catalogue) -> None:
    assert len(catalogue.ids("sites")) >= 40
    for site in catalogue.ids("sites"):
        records = [cited.record for cited in catalogue.records("sites", site, "figures", DAY)]
        for field in ("electricity_usd_per_kwh", "pue"):
            assert any(getattr(record, field) is not None for record in records), f"{site}: {field}"


def test_history_holds_no_unlocated_claim(catalogue: Catalogue) -> None:
    history = catalogue.find("history", "api-prices")
    observations = history.observations  # type: ignore[attr-defined]
    assert len(observations) == 78
    gpt4 = next(row for row in observations if row.model == "gpt-4 8k")
    assert (gpt4.date, gpt4.input_usd_per_mtok, gpt4.output_usd_per_mtok) == (dt.date(2023, 3, 14), "30", "60")
    for row in observations:
        assert re.fullmatch(r"[0-9]+(\.[0-9]+)?", row.input_usd_per_mtok), row
    held = {trend.id: trend.held_constant for trend in history.trends}  # type: ignore[attr-defined]
    assert held["price-of-intelligence-matched-model"] == "same-model"
    assert held["a16z-llmflation"] == "same-quality"


def test_notes_speak_of_facts_and_not_of_how_they_were_gathered() -> None:
    hidden = re.compile(r"stored|AUDIT|file id|this research|in the brief|recalled|excerpt|from memory", re.IGNORECASE)
    for kind, path in FILES:
        if kind in ("accelerators", "rental", "servers", "sites", "figures", "history"):
            match = hidden.search(path.read_text(encoding="utf-8"))
            assert match is None, f"{path}: {match.group() if match else ''}"
