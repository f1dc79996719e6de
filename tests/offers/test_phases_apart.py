"""Speculative decoding and disaggregated prefill, as ``estimate`` answers them."""

import pytest
from msgspec.structs import replace

from breakeven.catalog.store import Catalogue
from breakeven.errors import Infeasible, InputError
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.question import Answered, Question, ask
from breakeven.offers.serving_specs import load_calibration
from breakeven.serving.spec import Shape
from tests.serving.specimens import instance

LOOKUP, CALIBRATION = ServingLookup(Catalogue.load()), load_calibration()
ASKED = Question(
    model="llama-3.1-70b-instruct", accelerator="h100-sxm5", accelerators=4, input_tokens=1000.0, output_tokens=500.0, evidence="model",
)  # fmt: skip
APART = replace(ASKED, prefill_accelerators=4)


def one(question: Question) -> Answered:
    (only,) = ask(question, LOOKUP, CALIBRATION)
    return only


def figure(answer: Answered, name: str) -> float:
    return float(answer.extras[name])


def test_a_target_that_only_speculation_meets() -> None:
    with pytest.raises(Infeasible, match="TPOT 12"):
        one(replace(ASKED, tpot_ms=12.0))
    fast = one(replace(ASKED, tpot_ms=12.0, draft_tokens=3, acceptance=0.7))
    assert fast.estimate.tpot_ms.typical <= 12.0
    assert fast.extras["speculation"] == "pays: without it the targets are not met"


def test_more_targets_are_met_by_speculation_than_without() -> None:
    loads = [one(replace(ASKED, tpot_ms=30.0, **more)).estimate.requests_per_s
             for more in ({}, {"draft_tokens": 3, "acceptance": 0.7})]  # fmt: skip
    assert loads[1] > loads[0]


def test_ttft_of_prefill_workers_follows_the_prompt() -> None:
    """A prompt of eight times the tokens takes about eight times as long on a worker of its own, and more with attention."""
    short, long = (figure(one(replace(APART, input_tokens=tokens)), "disaggregated_ttft_ms") for tokens in (1000.0, 8000.0))
    assert 6.0 < long / short < 12.0


@pytest.mark.parametrize("output", [1.0, 0.5])
def test_a_request_without_decoding_has_nothing_to_separate(output: float) -> None:
    with pytest.raises(InputError) as caught:
        one(replace(APART, output_tokens=output))
    if output == 1.0:
        assert caught.value.problems[0].path == "--prefill-accelerators"


def test_no_prefill_accelerators_blames_its_own_option() -> None:
    with pytest.raises(InputError) as caught:
        one(replace(APART, prefill_accelerators=0))
    assert [problem.path for problem in caught.value.problems] == ["--prefill-accelerators"]


def test_workers_sustain_what_decoding_asks_for() -> None:
    """Rate x service time / workers is how busy they are; output tokens come from the decode side alone."""
    apart = one(APART)
    rate = figure(apart, "disaggregated_requests_per_s")
    worker = instance("llama-3.1-70b-instruct", "h100-sxm", 4)
    budget = worker.resolved.scheduling.budget_tokens
    service_s = worker.step(Shape(1000.0, 500.0), decode_batch=0.0, prefill_tokens=budget).total * 1000.0 / budget
    busy = rate * service_s / figure(apart, "prefill_workers_per_decode_worker")
    assert busy == pytest.approx(figure(apart, "prefill_utilisation"))
    assert figure(apart, "disaggregated_output_tok_per_s") == pytest.approx(rate * 500.0)
    assert figure(apart, "prefill_utilisation") == 0.8
    total = 4 + figure(apart, "prefill_workers_per_decode_worker") * 4
    assert figure(apart, "output_tok_per_s_per_accelerator") == pytest.approx(rate * 500.0 / total)
    assert rate > apart.estimate.requests_per_s  # no prompt interrupts it


def test_a_tight_ttft_keeps_prefill_workers_idler() -> None:
    loose = one(replace(APART, input_tokens=8000.0, tpot_ms=30.0))
    tight = one(replace(APART, input_tokens=8000.0, tpot_ms=30.0, ttft_ms=1500.0))
    assert figure(tight, "prefill_utilisation") < figure(loose, "prefill_utilisation")
    assert figure(tight, "prefill_workers_per_decode_worker") > figure(loose, "prefill_workers_per_decode_worker")
    assert figure(tight, "disaggregated_ttft_ms") <= 1500.0
    assert figure(loose, "disaggregated_tpot_ms") == pytest.approx(30.0, rel=1e-3)


def test_whoever_finds_no_slot_on_the_decode_side_waits() -> None:
    crowd = one(replace(APART, concurrency=5000.0))
    rate, first = figure(crowd, "disaggregated_requests_per_s"), figure(crowd, "disaggregated_ttft_ms") / 1e3
    assert rate * (first + 499.0 * figure(crowd, "disaggregated_tpot_ms") / 1e3) == pytest.approx(5000.0, rel=1e-6)


def test_bursts_keep_prefill_workers_idler() -> None:
    calm, bursts = (one(replace(APART, ttft_ms=500.0, burstiness=cv2)) for cv2 in (1.0, 4.0))
    assert figure(bursts, "prefill_utilisation") < figure(calm, "prefill_utilisation")


def test_bad_luck_with_drafts_counts_at_the_percentile_apart_too() -> None:
    drafted = one(replace(APART, tpot_ms=12.0, draft_tokens=5, acceptance=0.7))
    assert figure(drafted, "disaggregated_tpot_ms") < 11.5


def test_a_ttft_that_only_larger_prefill_workers_meet() -> None:
    asked = replace(ASKED, model="llama-3.1-8b-instruct", accelerators=1, input_tokens=8000.0, ttft_ms=240.0)
    with pytest.raises(Infeasible):
        one(asked)
    apart = one(replace(asked, prefill_accelerators=4))
    assert figure(apart, "disaggregated_ttft_ms") <= 240.0
    assert "disaggregated_note" not in apart.extras
    assert any("prefill and decode together do not meet the targets" in note for note in apart.estimate.notes)


def test_speculation_is_not_said_to_meet_targets_that_nothing_meets() -> None:
    asked = replace(APART, ttft_ms=5.0, draft_tokens=3, acceptance=0.7)
    assert "without it" not in str(one(asked).extras["speculation"])


def test_drafting_cost_needs_drafts() -> None:
    with pytest.raises(InputError) as caught:
        one(replace(ASKED, draft_cost_share=0.05))
    assert caught.value.problems[0].path == "--draft-cost-share"
