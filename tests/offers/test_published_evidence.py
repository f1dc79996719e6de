"""Grade B: what a published measurement says of its own load, of others, and when it is no evidence."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator
from functools import cache

import pytest
from msgspec.structs import replace

from breakeven.cli.main import run
from breakeven.offers import evidence
from breakeven.offers.evidence import Ratio, best_evidence, interpolate, published_ratios, sound
from breakeven.offers.measurements import Measurement, shipped
from breakeven.offers.points import Point, answer, choose
from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.spec import Estimate, Speculation
from breakeven.serving.step import PARAMETER_FIELDS, StepParameters, step_time
from tests.serving.specimens import calibration, lookup

# A share of the peak is 1 here, and what software adds is nothing: what is left is the hardware's own limit.
_ADDED = (
    "wave_elements", "overlap", "expert_overlap", "tile_rows", "activation_traffic", "collective_s", "collective_doubling_s",
    "expert_collective_s", "product_s", "layer_s", "expert_layer_s", "step_s", "sequence_s", "sequence_layer_s", "prefill_step_s",
)  # fmt: skip
PEAK = StepParameters(**{name: 0.0 if name in _ADDED else 1.0 for name in PARAMETER_FIELDS})
ASKED = Point("openai/gpt-oss-120b", "h100-sxm", 1000.0, 500.0, accelerators=4, tp=4, pp=1, ep=1, dp=1, engine="vllm", concurrency=64.0)


def best(point: Point) -> Estimate:
    return best_evidence(point, lookup(), calibration())


def request_ms(ttft_ms: float, tpot_ms: float, output_tokens: float) -> float:
    return ttft_ms + (output_tokens - 1.0) * tpot_ms


@cache
def rows() -> tuple[tuple[Measurement, Estimate, bool], ...]:
    """Each packaged row with the answer to its own question, and whether it may be evidence."""
    out = []
    for row in shipped():
        if row.regime == "offline-batch":
            continue
        alone = answer(row.point, lookup(), calibration())
        ratios = published_ratios(row.point, alone, lookup().model(row.point.model), lookup(), calibration())
        out.append((row, best(row.point), row.id in {ratio.id for ratio in sound(ratios)[0]}))
    return tuple(out)


def at_a_concurrency() -> Iterator[tuple[Measurement, Estimate]]:
    return ((row, got) for row, got, usable in rows() if usable and row.regime == "fixed-concurrency")


def test_a_packaged_row_is_reproduced_at_its_own_load() -> None:
    """Time per token, time to first token and the throughput that both imply; runs of one load differ from their mean."""
    misses: list[float] = []
    for row, got in at_a_concurrency():
        assert got.grade == "B", row.id
        assert row.measured_ttft_ms is not None and row.point.concurrency is not None
        implied = row.point.concurrency / request_ms(row.measured_ttft_ms, row.measured, row.point.output_tokens) * 1e3
        off = [
            abs(math.log(value))
            for value in (got.tpot_ms.typical / row.measured, got.ttft_ms_mean / row.measured_ttft_ms, got.requests_per_s / implied)
        ]
        assert max(off) < math.log(1.4), row.id
        misses.append(max(off))
    assert sum(miss < 1e-9 for miss in misses) > 0.9 * len(misses)


def test_a_row_at_capacity_is_reproduced() -> None:
    misses = []
    for row, got, usable in rows():
        if usable and row.regime == "max-throughput":
            misses.append(abs(math.log(got.output_tok_per_s.typical / row.measured)))
    assert max(misses) < math.log(1.3)
    assert statistics.median(misses) < 0.01


def test_few_packaged_rows_are_refused() -> None:
    refused = [row.id for row, _, usable in rows() if not usable]
    assert {f"ix-{n}" for n in range(3581, 3590)} <= set(refused)
    assert len(refused) < 0.02 * len(rows())


def beyond_the_hardware(point: Point, got: Estimate) -> str | None:
    """What no kernel could do: more operations than the peak rate, or a token faster than its bytes arrive."""
    instance = choose(point, lookup().model(point.model), lookup().accelerator(point.accelerator), calibration())
    work, config = instance.work, instance.config
    tokens_per_s = got.total_tok_per_s / config.copies
    busy = tokens_per_s * (work.dense_flop_s_per_token / config.attention_ranks + work.experts_per_token * work.expert_flop_s_per_row)
    if busy > 1.0:
        return f"{busy:.2f} of the peak FLOP/s"
    step = step_time(
        SCALAR, work, PEAK, decode=got.decode_batch / config.copies / config.pp, prefill=0.0, prefill_rank=0.0,
        context=point.input_tokens + point.output_tokens * 0.5, span=1.0, prompts=0.0,
    )  # fmt: skip
    least_ms = float(step.total) * config.pp * 1e3
    return f"{got.tpot_ms.typical:.3g} ms, at the least {least_ms:.3g}" if got.tpot_ms.typical < least_ms else None


def test_no_answer_is_beyond_the_hardware() -> None:
    """At the measured loads and between them, where the answer is still one of grade B."""
    for row, got, _ in rows():
        assert got.grade != "B" or beyond_the_hardware(row.point, got) is None, row.id
        if row.point.concurrency is not None:
            between = replace(row.point, concurrency=row.point.concurrency * 1.4)
            assert beyond_the_hardware(between, best(between)) is None, row.id


def test_every_answer_keeps_littles_law_and_its_rates_agree() -> None:
    for row, got, _ in rows():
        p = row.point
        in_flight = got.requests_per_s * request_ms(got.ttft_ms_mean, got.tpot_ms.typical, p.output_tokens) / 1e3
        assert in_flight == pytest.approx(got.concurrency, rel=1e-6), row.id
        assert got.output_tok_per_s.typical == pytest.approx(got.requests_per_s * p.output_tokens)
        assert got.total_tok_per_s == pytest.approx(got.requests_per_s * (p.input_tokens + p.output_tokens))
        assert got.decode_batch <= got.concurrency * 1.000001


def test_neighbouring_loads_tell_the_time_to_first_token_better_than_the_model() -> None:
    """Each load that lies between two others, answered from those."""
    ours, models = [], []
    for row, _ in at_a_concurrency():
        p = row.point
        alone = answer(p, lookup(), calibration())
        assert p.concurrency is not None and row.measured_ttft_ms is not None
        load_ = math.log(p.concurrency)
        ratios = published_ratios(p, alone, lookup().model(p.model), lookup(), calibration())
        kept = sound([r for r in ratios if r.log_concurrency is not None and abs(r.log_concurrency - load_) > 1e-9])[0]
        found = interpolate(kept, load_)
        if found is not None:
            ours.append(abs(math.log(alone.ttft_ms_mean * found.ttft / row.measured_ttft_ms)))
            models.append(abs(math.log(alone.ttft_ms_mean / row.measured_ttft_ms)))
    assert len(ours) > 300
    assert statistics.median(ours) < 0.5 * statistics.median(models)


def said(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    asked = ["estimate", "-m", "gpt-oss-120b", "-a", "h100-sxm", "-n", "8", "--tp", "8", "--input-tokens", "7372", "--output-tokens", "921"]
    assert run([*asked, *options, "-f", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["estimates"]
    return dict(found)


@pytest.mark.parametrize("concurrency", ["128", "256", "400", "512", "768"])
def test_a_run_that_did_not_hold_its_load_spoils_no_answer(capsys: pytest.CaptureFixture[str], concurrency: str) -> None:
    """4.45 ms a token at 512 in flight, 14 ms at 64: most of the 512 waited, and the run is of another limit."""
    got, alone = said(capsys, "-c", concurrency), said(capsys, "-c", concurrency, "--evidence", "model")
    assert got["grade"] == alone["grade"] != "B"
    assert got["tpot_ms"] == alone["tpot_ms"]
    refused = [note for note in got["notes"] if "not used: published measurement ix-3589 at 512 in flight" in note]  # type: ignore[attr-defined]
    assert len(refused) == (float(concurrency) >= 400)


def test_loads_beside_a_sound_row_stay_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert [said(capsys, "-c", load_)["grade"] for load_ in ("4", "48", "64", "90")] == ["B"] * 4


# --- one row at a time --------------------------------------------------------------------------


def published(point: Point, tpot_ms: float, ttft_ms: float | None, **changes: object) -> Measurement:
    config = answer(point, lookup(), calibration()).config
    said_ = replace(point, weight_precision=config.weight_precision, speculation=None, cached_input_share=0.0, **changes)
    return Measurement("row-1", said_, "fixed-concurrency", "tpot", tpot_ms, ttft_ms, "a source", "family", point.model, "vllm")


def only(monkeypatch: pytest.MonkeyPatch, *measured: Measurement) -> None:
    monkeypatch.setattr(evidence, "shipped", lambda: measured)


def test_both_times_are_the_rows_and_the_rate_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = answer(ASKED, lookup(), calibration())
    tpot_ms, ttft_ms = alone.tpot_ms.typical * 1.2, alone.ttft_ms_mean * 3.0
    only(monkeypatch, published(ASKED, tpot_ms, ttft_ms))
    got = best(ASKED)
    assert got.grade == "B"
    assert (got.tpot_ms.typical, got.ttft_ms_mean) == pytest.approx((tpot_ms, ttft_ms))
    assert got.requests_per_s == pytest.approx(64.0e3 / request_ms(ttft_ms, tpot_ms, 500.0))
    assert got.ttft_ms_p95 / alone.ttft_ms_p95 == pytest.approx(3.0)
    assert math.fsum(got.step_parts_ms.values()) == pytest.approx(1.2 * math.fsum(alone.step_parts_ms.values()))
    assert any("-17% time per token and -67% time to first token" in note for note in got.notes)


def test_a_row_without_a_time_to_first_token_leaves_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = answer(ASKED, lookup(), calibration())
    only(monkeypatch, published(ASKED, alone.tpot_ms.typical * 1.2, None))
    got = best(ASKED)
    assert got.grade == "B" and got.ttft_ms_mean == alone.ttft_ms_mean
    assert not any("time to first token" in note for note in got.notes)


@pytest.mark.parametrize(("tpot", "ttft", "why"), [
    (2.1, 1.0, "its time per token is 2.10 of the model's"),
    (1.0, 2000.0, "times fewer of its requests decode at once than by the model: the others waited"),
    (0.3, 1.0, "its time per token is 0.30 of the model's"),
])  # fmt: skip
def test_a_row_far_from_the_model_is_no_evidence_and_is_named(
    monkeypatch: pytest.MonkeyPatch, tpot: float, ttft: float, why: str
) -> None:
    alone = answer(ASKED, lookup(), calibration())
    only(monkeypatch, published(ASKED, alone.tpot_ms.typical * tpot, alone.ttft_ms_mean * ttft))
    got = best(ASKED)
    assert got.grade == alone.grade and got.tpot_ms == alone.tpot_ms
    assert any(note.startswith("not used: published measurement row-1 at 64 in flight: ") and why in note for note in got.notes)
    far = best(replace(ASKED, concurrency=8.0))
    assert not any("not used" in note for note in far.notes)


def ratio(name: str, concurrency: float | None, **changes: float) -> Ratio:
    logs = {"log_tpot": 0.0, "log_ttft": 0.0, "log_request": 0.0, "distance": 0.0, "tpot_ms": 10.0, **changes}
    where = None if concurrency is None else math.log(concurrency)
    return Ratio(id=name, source=name, log_concurrency=where, lengths=(1000.0, 500.0), **logs)  # type: ignore[arg-type]


def kept(*ratios: Ratio) -> set[str]:
    return {one.id for one in sound(ratios)[0]}


def test_of_loads_whose_time_per_token_falls_the_one_nearer_to_the_model_stays() -> None:
    slow = ratio("slow", 16.0, tpot_ms=12.0, log_tpot=0.3, log_request=0.3)
    assert kept(slow, ratio("next", 32.0)) == {"next"}
    assert kept(ratio("low", 16.0, tpot_ms=12.0), ratio("fast", 32.0, log_tpot=-0.3, log_request=-0.3)) == {"low"}
    assert kept(ratio("low", 16.0, tpot_ms=10.9), ratio("high", 32.0)) == {"low", "high"}


@pytest.mark.parametrize("load_", [16.0, None])
def test_of_runs_of_one_load_that_disagree_the_one_nearer_to_the_model_stays(load_: float | None) -> None:
    assert kept(ratio("a", load_, log_request=0.6, log_tpot=0.1), ratio("b", load_)) == {"b"}
    assert kept(ratio("a", load_, log_request=0.3, log_tpot=0.1), ratio("b", load_)) == {"a", "b"}


def test_a_wide_gap_is_not_bridged() -> None:
    ends = [ratio("low", 4.0, log_tpot=0.2, log_ttft=0.4), ratio("high", 32.0, log_tpot=0.4, log_ttft=-0.4)]
    middle = interpolate(ends, math.log(math.sqrt(4.0 * 32.0)))
    assert middle is not None and (middle.tpot, middle.ttft) == pytest.approx((math.exp(0.3), 1.0))
    assert middle.sources == ("high", "low")
    wider = [ends[0], ratio("high", 36.0)]
    assert interpolate(wider, math.log(12.0)) is None
    near = interpolate(wider, math.log(5.9))
    assert near is not None and near.sources == ("low",)
    assert interpolate(wider, math.log(25.0)).sources == ("high",)  # type: ignore[union-attr]
    assert interpolate(wider, math.log(55.0)) is None


def test_the_rows_with_the_closest_lengths_answer() -> None:
    found = interpolate([ratio("near", 16.0), ratio("far", 16.0, distance=0.1, log_tpot=0.3)], math.log(16.0))
    assert found is not None and found.tpot == 1.0 and found.sources == ("near",)


# --- questions that nobody measured -------------------------------------------------------------


def test_a_cached_share_that_was_not_measured_is_no_published_question(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, published(ASKED, answer(ASKED, lookup(), calibration()).tpot_ms.typical, 200.0))
    assert best(ASKED).grade == "B"
    cached = replace(ASKED, cached_input_share=0.9)
    assert best(cached).grade != "B"
    assert best(cached).tpot_ms == answer(cached, lookup(), calibration()).tpot_ms


def test_drafting_is_no_published_question(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, published(ASKED, answer(ASKED, lookup(), calibration()).tpot_ms.typical, 200.0))
    assert best(replace(ASKED, speculation=Speculation(3, 0.0))).grade != "B"


@pytest.mark.parametrize(("stated", "asked", "same"), [
    (None, None, True), (None, "bf16", True), (None, "fp8", False), ("fp8", None, False), ("fp8", "fp8", True), ("fp16", "bf16", True),
])  # fmt: skip
def test_the_cache_precision_has_to_be_the_measured_one(
    monkeypatch: pytest.MonkeyPatch, stated: str | None, asked: str | None, same: bool
) -> None:
    """Blank is what the engine keeps by itself: 16 bit for this model."""
    point = replace(ASKED, kv_precision=asked)
    tpot_ms = answer(point, lookup(), calibration()).tpot_ms.typical
    only(monkeypatch, published(point, tpot_ms, 200.0, kv_precision=stated))
    assert (best(point).grade == "B") == same
