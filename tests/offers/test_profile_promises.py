"""What a profile states must count: its benchmark, what escalation means for requirements, names of requirements."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import pytest
from msgspec.structs import replace

import breakeven
from breakeven.catalog.pricebook import PriceBook
from breakeven.cli.inputs import load_catalogue
from breakeven.compare.comparison import compare, make_scope
from breakeven.compare.result import Comparison
from breakeven.errors import InputError
from breakeven.offers.build import build_offers
from breakeven.profile.load import load_profile

from .hf_configs import LLAMA_8B

REFERENCE = Path(__file__).resolve().parents[2] / "configs" / "reference.yaml"
FIT = """benchmark: mine.json
model: openai/gpt-oss-120b
accelerator: h100-sxm5
accelerators: 1
tp: 1
pp: 1
ep: 1
dp: 1
weight_precision: mxfp4
engine: vllm
multipliers: {time: 1.25}
input_tokens: [1000.0, 1100.0]
output_tokens: [1000.0, 1100.0]
concurrency: [1.0, 512.0]
worst_residual: 0.04
"""


def priced(place: Path, *overrides: str) -> Comparison:
    profile = place / "profile.yaml"
    profile.write_text(REFERENCE.read_text())
    return compare(load_profile(profile, overrides), load_catalogue([]))


def hosted(result: Comparison) -> breakeven.Offer:
    return next(row.offer for row in result.offers if row.offer.kind == "rented")


def test_the_profiles_own_benchmark_moves_the_capacity_and_earns_grade_a(tmp_path: Path) -> None:
    (tmp_path / "fit.yaml").write_text(FIT)
    alone, own = hosted(priced(tmp_path)), hosted(priced(tmp_path, "self_host.benchmark=fit.yaml"))
    assert alone.serving is not None and own.serving is not None
    assert (alone.serving.grade, own.serving.grade) == ("C", "A")
    assert own.tokens_per_day_per_replica == pytest.approx((alone.tokens_per_day_per_replica or 0) / 1.25, rel=0.05)
    assert "mine.json" in own.serving.evidence
    assert own.capacity_band is not None and alone.capacity_band is not None
    assert own.capacity_band[1] - own.capacity_band[0] < alone.capacity_band[1] - alone.capacity_band[0]


@pytest.mark.parametrize("time", [0.7, 1.3])
def test_a_rescaled_instance_does_the_same_in_as_much_more_time(tmp_path: Path, time: float) -> None:
    """With targets stretched alike it holds the same load: no share or time holds the factor back."""
    (tmp_path / "fit.yaml").write_text(FIT.replace("time: 1.25", f"time: {time}"))
    alone = hosted(priced(tmp_path, "latency.ttft_ms=1000", "latency.tpot_ms=20"))
    targets = f"latency.ttft_ms={1000 * time}", f"latency.tpot_ms={20 * time}"
    own = hosted(priced(tmp_path, "self_host.benchmark=fit.yaml", *targets))
    assert alone.serving is not None and own.serving is not None
    assert own.serving.config["concurrency"] == pytest.approx(alone.serving.config["concurrency"], rel=0.01)
    assert own.tokens_per_day_per_replica == pytest.approx((alone.tokens_per_day_per_replica or 0) / time, rel=0.01)


@pytest.mark.parametrize(
    ("fit", "override", "said"),
    [
        (FIT.replace("mxfp4", "bf16"), "name=x", "in bf16, not mxfp4"),
        (FIT, "workload.input_tokens=100k", "with 1000 to 1100 input tokens"),
        (FIT.replace("512.0", "2.0"), "name=x", "requests at once"),
        (FIT + "kv_precision: fp8\n", "name=x", "with the KV cache in fp8, not bf16"),
        (FIT + "kv_precision: bf16\n", "self_host.kv_precision=fp8", "with the KV cache in bf16, not fp8"),
        (FIT + "cached_input_share: 0.9\n", "name=x", "with 90% of the input in a prefix cache, not 0%"),
        (FIT.replace("accelerators: 1", "accelerators: 2").replace("tp: 1", "tp: 2"), "name=x", "on 2 accelerators, not 1"),
        (FIT.replace("accelerators: 1", "accelerators: 2").replace("dp: 1", "dp: 2"), "self_host.supply[0].gpus=1", "on 2"),
    ],
)
def test_grade_a_is_for_what_was_measured(tmp_path: Path, fit: str, override: str, said: str) -> None:
    (tmp_path / "fit.yaml").write_text(fit)
    own = hosted(priced(tmp_path, "self_host.benchmark=fit.yaml", override))
    assert own.serving is not None
    assert own.serving.grade in ("C", "D")
    assert any(said in note and "not its grade" in note for note in own.serving.notes)


def test_every_report_says_what_the_benchmark_was_used_for(tmp_path: Path) -> None:
    """What is in no note of an offer is seen by nobody who reads a table."""
    (tmp_path / "fit.yaml").write_text(FIT)
    result = priced(tmp_path, "self_host.benchmark=fit.yaml")
    assert any("throughput rests on your benchmark mine.json" in line for line in result.warnings)
    longer = priced(tmp_path, "self_host.benchmark=fit.yaml", "workload.input_tokens=4000")
    assert any("its multipliers are used, not its grade" in line for line in longer.warnings)


def test_the_band_of_a_benchmark_is_never_narrower_than_its_worst_residual(tmp_path: Path) -> None:
    bands = []
    for residual in (0.04, 0.25):
        (tmp_path / "fit.yaml").write_text(FIT.replace("worst_residual: 0.04", f"worst_residual: {residual}"))
        bands.append(hosted(priced(tmp_path, "self_host.benchmark=fit.yaml")).capacity_band)
    assert bands[0] is not None and bands[1] is not None
    assert bands[1] == pytest.approx((math.exp(-0.25), math.exp(0.25)))
    assert bands[0][0] > bands[1][0]


def test_a_benchmark_fixes_the_size_that_it_measured(tmp_path: Path) -> None:
    fit = FIT.replace("accelerators: 1", "accelerators: 2").replace("tp: 1", "tp: 2").replace("512.0", "4096.0")
    (tmp_path / "fit.yaml").write_text(fit)
    supply = "self_host.supply=[{rent: h100-sxm, usd_per_gpu_hour: 2}]"
    result = priced(tmp_path, "self_host.benchmark=fit.yaml", supply)
    own = hosted(result)
    assert own.serving is not None
    assert (own.serving.accelerators_per_replica, own.serving.sized_by, own.serving.grade) == (2, "benchmark", "A")
    assert not any(row.name == "instance size" for row in result.alternatives)
    assert not any("size the tool chose" in part for part in result.headline.conditions)
    chosen = priced(tmp_path, supply)
    assert any("size the tool chose" in part for part in chosen.headline.conditions)
    assert any(row.name == "instance size" for row in chosen.alternatives)


def test_speculation_counts_where_it_pays(tmp_path: Path) -> None:
    capacities = []
    for acceptance in (None, 0.0, 0.8):
        more = [] if acceptance is None else ["self_host.speculative_tokens=3", f"self_host.speculative_acceptance={acceptance}"]
        own = hosted(priced(tmp_path, "self_host.supply[0].gpus=1", "latency={tpot_ms: 12}", *more))
        capacities.append(own.tokens_per_day_per_replica or 0.0)
        assert own.serving is not None
        if acceptance == 0.0:
            assert any("does not pay" in note for note in own.serving.notes)
    assert capacities[0] == capacities[1]
    assert capacities[2] > capacities[0]
    with pytest.raises(InputError, match="speculative_tokens"):
        priced(tmp_path, "self_host.speculative_acceptance=0.8")


def test_a_profile_whose_target_only_speculation_meets(tmp_path: Path) -> None:
    size, target = "self_host.supply[0].gpus=1", "latency={tpot_ms: 4}"
    drafts = ("self_host.speculative_tokens=3", "self_host.speculative_acceptance=0.7")
    assert hosted(priced(tmp_path, size, target)).tokens_per_day_per_replica is None
    own = hosted(priced(tmp_path, size, target, *drafts))
    assert own.serving is not None and own.serving.grade == "D"
    assert own.serving.tpot_ms["typical"] <= 4.0
    assert any("only with speculative decoding" in note for note in own.serving.notes)


def test_a_benchmark_of_another_machine_or_count_says_so(tmp_path: Path) -> None:
    (tmp_path / "fit.yaml").write_text(FIT.replace("h100-sxm5", "h200-sxm"))
    other = hosted(priced(tmp_path, "self_host.benchmark=fit.yaml"))
    assert other.serving is not None
    assert other.serving.grade == "C"
    assert any("mine.json is of h200-sxm" in note for note in other.serving.notes)
    assert other.tokens_per_day_per_replica == hosted(priced(tmp_path)).tokens_per_day_per_replica
    (tmp_path / "fit.yaml").write_text(FIT.replace("accelerators: 1", "accelerators: 4"))
    count = hosted(priced(tmp_path, "self_host.benchmark=fit.yaml"))
    assert count.serving is not None
    assert count.serving.grade == "C"
    assert any("on 4 accelerators" in note for note in count.serving.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file"),
        ("name: x\n", "not a file of 'breakeven benchmark import'"),
        (FIT.replace("gpt-oss-120b", "gpt-oss-20b"), "is of openai/gpt-oss-20b"),
        (FIT.replace("vllm", "sglang"), "is of sglang"),
        (FIT.replace("1.25", "125"), "multipliers outside"),
        (FIT.replace("accelerators: 1", "accelerators: 0"), "no whole number"),
        (FIT.replace("[1.0, 512.0]", "[512.0, 1.0]"), "no range of concurrency"),
        (FIT.replace("worst_residual: 0.04", "worst_residual: -1"), "no worst_residual"),
    ],
)
def test_a_benchmark_that_is_not_of_this_is_refused_where_it_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "fit.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        priced(tmp_path, "self_host.benchmark=fit.yaml")
    first = error.value.problems[0]
    assert first.field == "self_host.benchmark"
    assert said in first.message


def with_config(place: Path, *, fit_of: str, model: str, benchmark: str = "fit.yaml", **other: int) -> breakeven.Offer:
    """The offer of a profile of m/l8.json, with a fit; m/other.json is the same with the given keys."""
    for name, changes in (("m/l8.json", {}), ("m/other.json", other), ("fits/m/l8.json", other)):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(json.dumps(LLAMA_8B | changes))
    (place / benchmark).write_text(FIT.replace("openai/gpt-oss-120b", fit_of).replace("mxfp4", "bf16"))
    return hosted(priced(place, f"self_host.model={model}", f"self_host.benchmark={benchmark}"))


@pytest.mark.parametrize(("fit_of", "model"), [
    ("m/l8.json", "m/l8.json"), ("./m/l8.json", "m/l8.json"), ("{}/m/l8.json", "m/l8.json"), ("m/l8.json", "./m/l8.json"),
    ("m/l8.json", "{}/m/l8.json"), ("m/other.json", "m/l8.json"), ("m/l8.json", "llama-3.1-8b-instruct"),
    ("llama-3.1-8b-instruct", "m/l8.json"),
])  # fmt: skip
def test_a_benchmark_of_a_config_is_of_the_model_that_it_describes(tmp_path: Path, fit_of: str, model: str) -> None:
    """A path was compared with the id that the file's name gives: "is of m/l8.json, not of m/l8.json"."""
    own = with_config(tmp_path, fit_of=fit_of.format(tmp_path), model=model.format(tmp_path))
    assert own.serving is not None and own.serving.grade == "A"


@pytest.mark.parametrize(("fit_of", "model", "benchmark", "said"), [
    ("m/other.json", "m/l8.json", "fit.yaml", "is of m/other.json, not of m/l8.json"),
    ("m/l8.json", "m/other.json", "fit.yaml", "is of m/l8.json, not of m/other.json"),
    ("m/l8.json", "m/l8.json", "fits/fit.yaml", "is of {}/fits/m/l8.json, not of m/l8.json"),
    ("openai/gpt-oss-20b", "m/l8.json", "fit.yaml", "is of openai/gpt-oss-20b, not of m/l8.json"),
    ("m/l8.json", "openai/gpt-oss-120b", "fit.yaml", "is of m/l8.json, not of openai/gpt-oss-120b"),
    ("n/l8.json", "m/l8.json", "fit.yaml", "fit.yaml: is of n/l8.json, and no such file lies in {}"),
])  # fmt: skip
def test_a_benchmark_of_another_config_is_refused_by_name(tmp_path: Path, fit_of: str, model: str, benchmark: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        with_config(tmp_path, fit_of=fit_of, model=model, benchmark=benchmark, num_hidden_layers=36)
    first = error.value.problems[0]
    assert (first.field, first.message) == ("self_host.benchmark", said.format(tmp_path))


@pytest.mark.parametrize(
    "requirement", ["no_third_party: true", "offline_site: true", "allowed_providers: [lambda]"]
)
def test_escalation_is_barred_with_the_api_it_goes_to(tmp_path: Path, requirement: str) -> None:
    owned = "self_host.supply=[{own: hgx-h100-8, site: us-va, life_years: 4, gpus: 8}]"
    rows = {}
    for share in (0, 0.05):
        result = priced(tmp_path, owned, f"requirements={{{requirement}}}", f"self_host.escalation_share={share}")
        rows[share] = next(row.offer for row in result.offers if row.offer.kind == "owned")
    assert rows[0].eligible and not rows[0.05].eligible
    assert any("escalation_share" in reason for reason in rows[0.05].why_not)


@pytest.mark.parametrize(
    ("override", "field"),
    [
        ("requirements.allowed_providers=[openi, lambda]", "requirements.allowed_providers"),
        ("requirements.data_residency=[atlantis]", "requirements.data_residency"),
    ],
)
def test_names_of_requirements_must_be_known(tmp_path: Path, override: str, field: str) -> None:
    with pytest.raises(InputError) as error:
        priced(tmp_path, override)
    assert (error.value.problems[0].field or "").startswith(field)


def test_a_provider_may_be_allowed_by_its_other_name(tmp_path: Path) -> None:
    result = priced(
        tmp_path, "self_host.supply=[{rent: h100-sxm, provider: lambda, gpus: 1}]",
        "requirements.allowed_providers=[lambda-labs, openai]",
    )  # fmt: skip
    assert hosted(result).eligible
    assert all(row.offer.eligible for row in result.offers if row.offer.kind == "api")


@pytest.mark.parametrize("word", ["own", "own-quote"])
def test_a_price_of_ones_own_can_be_allowed(tmp_path: Path, word: str) -> None:
    supply = "self_host.supply=[{rent: h100-sxm, usd_per_gpu_hour: 2, gpus: 1}]"
    result = priced(tmp_path, supply, f"requirements.allowed_providers=[{word}]")
    assert hosted(result).eligible
    assert not next(row.offer for row in result.offers if row.offer.kind == "api").eligible
    with pytest.raises(InputError):
        priced(tmp_path, f"requirements.allowed_providers=[{word}]")  # here nothing is one's own


def test_a_median_is_no_provider(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown provider"):
        priced(tmp_path, "self_host.supply=[{rent: h100-sxm, provider: median, gpus: 1}]",
               "requirements.allowed_providers=[median]")  # fmt: skip


def test_a_models_name_may_hold_the_sign_that_ends_in_a_date() -> None:
    """Cloudflare's models are called @cf/...; prices before the catalogue's own records come from the package."""
    book = PriceBook(load_catalogue([]))
    plain = book.source("genai-prices/cloudflare/@cf/openai/gpt-oss-120b")
    dated = book.source("genai-prices/cloudflare/@cf/openai/gpt-oss-120b@2025-08-05")
    assert plain.effective is None and dated.effective == dt.date(2025, 8, 5)
    assert plain.record == dated.record == "cloudflare/@cf/openai/gpt-oss-120b"
    for day in (dt.date(2026, 10, 15), dt.date(2026, 11, 1)):
        assert compare(load_profile(REFERENCE), load_catalogue([]), as_of=day).alternatives


def test_a_suppliers_name_holds_only_where_the_supplier_is(tmp_path: Path) -> None:
    """Two versions of a profile share what was looked up; one names a supplier of its own, the other does not."""
    profile = tmp_path / "profile.yaml"
    profile.write_text(REFERENCE.read_text())
    allowed = "requirements={allowed_providers: [acme, openai]}"
    supply = "self_host.supply[0]={rent: h100-sxm, gpus: 1, usd_per_gpu_hour: 3"
    scope = make_scope(load_profile(profile, [allowed, supply + ", provider: acme}"]), load_catalogue([]))
    assert all(offer.eligible for offer in build_offers(scope))
    other = replace(scope, loaded=load_profile(profile, [allowed, supply + "}"]))
    with pytest.raises(InputError, match="unknown provider 'acme'"):
        build_offers(other)
