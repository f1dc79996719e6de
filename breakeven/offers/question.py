"""One question of ``breakeven estimate``, checked and answered; the CLI only renders."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from breakeven.errors import Infeasible, InputError, Problem
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.market import current_quotes, why_no_quote
from breakeven.offers.points import Point, answer, choose
from breakeven.offers.sizing import wrong_count
from breakeven.serving.calibration import Calibration
from breakeven.serving.estimate import MODEL_ALONE
from breakeven.serving.instance import Instance
from breakeven.serving.spec import Estimate, LatencyTarget, Speculation

if TYPE_CHECKING:
    from breakeven.offers.second_opinion.opinion import SecondOpinion


class Question(Struct, frozen=True):
    """What was asked on the command line; None is blank."""

    model: str | None = None
    accelerator: str | None = None
    accelerators: int | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    concurrency: float | None = None
    max_throughput: bool = False
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    percentile: float = 95.0
    burstiness: float = 1.0
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    dp: int | None = None
    weight_precision: str | None = None
    kv_precision: str | None = None
    engine: str | None = None
    cached_input_share: float = 0.0
    draft_tokens: int | None = None
    acceptance: float | None = None
    draft_cost_share: float = 0.0  # time of drafting one token, over a plain decode step
    prefill_accelerators: int | None = None
    simulate: bool = False
    frontier: bool = False
    evidence: str = "best"
    own: Path | None = None
    second_opinion: str | None = None


class Rent(Struct, frozen=True):
    """What the accelerators cost per token at a load, and the quotes behind it."""

    usd_per_mtok: float
    usd_per_gpu_hour: float  # the median on-demand quote
    quotes: int
    as_of: dt.date
    sources: tuple[str, ...]


class Answered(Struct, frozen=True):
    """An estimate with the names it was asked by, its price where one is known, and extras."""

    model: str
    accelerator: str
    estimate: Estimate
    tdp_w: float | None = None
    rent: Rent | None = None
    unpriced: str | None = None  # why there is no rent
    on_frontier: bool = False
    extras: dict[str, float | str] = field(default_factory=dict)
    second_opinion: SecondOpinion | None = None  # None where nobody asked for one

    @property
    def usd_per_mtok(self) -> float | None:
        """Rent per million tokens at this load; None where nobody quotes the accelerator."""
        return None if self.rent is None else self.rent.usd_per_mtok


def ask(question: Question, lookup: ServingLookup, calibration: Calibration) -> list[Answered]:
    """Every answer: one for one accelerator, ranked by cost per token for ``all``."""
    check(question)
    assert question.model is not None and question.accelerator is not None
    if question.accelerator.strip().lower() == "all":
        from breakeven.offers.frontier import rank_accelerators

        return rank_accelerators(question, lookup, calibration)
    if question.frontier:
        from breakeven.offers.interactivity import interactivity_frontier

        return interactivity_frontier(question, lookup, calibration)
    return [ask_one(question, lookup, calibration)]


_MOST_SIMULATED = 10_000  # in flight: some ten seconds
_TOO_MUCH = 1e12  # tokens, requests or milliseconds that nobody means


def check(question: Question) -> None:
    """Refuse what is missing, contradictory or impossible, all problems at once."""
    problems = []
    for name, option in (
        ("model", "--model"), ("accelerator", "--accelerator"), ("input_tokens", "--input-tokens"),
        ("output_tokens", "--output-tokens"),
    ):  # fmt: skip
        if getattr(question, name) is None:
            problems.append(Problem("is missing", "name it, or give --points CSV", option))
    for name in ("input_tokens", "output_tokens", "concurrency", "ttft_ms", "tpot_ms"):
        value = getattr(question, name)
        if value is not None and not 0 < value < _TOO_MUCH:
            limit = f"below {_TOO_MUCH:g}" if value >= _TOO_MUCH else "above zero"
            problems.append(Problem(f"must be {limit}, not {value:g}", None, _option(name)))
    for name in ("accelerators", "tp", "pp", "ep", "dp", "prefill_accelerators"):
        wrong = None if getattr(question, name) is None else wrong_count(getattr(question, name))
        if wrong:
            problems.append(Problem(wrong, None, _option(name)))
    targets = question.ttft_ms is not None or question.tpot_ms is not None
    if sum((question.concurrency is not None, question.max_throughput, targets)) > 1:
        problems.append(
            Problem("one question at a time", "give --concurrency, or targets, or --max-throughput", "--concurrency")
        )
    if question.frontier and question.concurrency is not None:
        problems.append(Problem("varies the concurrency itself", "leave --concurrency out", "--frontier"))
    problems += _unheeded(question, targets=targets)
    if not 50 <= question.percentile < 100:
        problems.append(Problem("must be from 50 to below 100", "write 95", "--percentile"))
    if not 0 <= question.cached_input_share <= 1:
        problems.append(Problem("must lie between 0 and 1", "write 0.3 for 30 %", "--cached-input-share"))
    if not 0 < question.burstiness <= 100:
        problems.append(Problem("must be above 0 and at most 100", "Poisson arrivals are 1", "--burstiness"))
    if (question.draft_tokens is None) != (question.acceptance is None):
        problems.append(
            Problem(
                "speculative decoding needs both --draft-tokens and a measured --acceptance",
                "measure it (vLLM spec_decode_acceptance_length, SGLang accept_length)",
                "--acceptance",
            )
        )
    if question.acceptance is not None and not 0 <= question.acceptance < 1:
        problems.append(Problem("must be from 0 to below 1", None, "--acceptance"))
    if not 0 <= question.draft_cost_share < 1:
        problems.append(Problem("must be from 0 to below 1", "write 0.05 for 5 % of a plain step", "--draft-cost-share"))
    elif question.draft_cost_share and question.draft_tokens is None:
        problems.append(Problem("says nothing without --draft-tokens", None, "--draft-cost-share"))
    if question.draft_tokens is not None and not 1 <= question.draft_tokens <= 32:
        problems.append(Problem("must be from 1 to 32", None, "--draft-tokens"))
    if question.second_opinion is not None:
        from breakeven.offers.second_opinion.opinion import problem_with

        problems += filter(None, [problem_with(question.second_opinion)])
    if problems:
        raise InputError(problems)


_OF_ONE = ("tp", "pp", "ep", "dp", "draft_tokens", "prefill_accelerators", "simulate", "own", "second_opinion")


def _unheeded(question: Question, *, targets: bool) -> Iterator[Problem]:
    """Options that the rest of the question leaves nothing to do for: an answer that ignores one answers something else."""
    given = [name for name in _OF_ONE if getattr(question, name) not in (None, False)]
    if (question.accelerator or "").strip().lower() == "all":
        for name in given:
            yield Problem("is of one accelerator", "name it instead of 'all'", _option(name))
        if question.frontier:
            yield Problem("is of one accelerator", "name it; 'all' marks the frontier of its ranking", "--frontier")
    elif question.frontier:
        for name in given:
            if name not in ("tp", "pp", "ep", "dp"):
                yield Problem("is of one configuration, and --frontier is of many", "leave one of the two out", _option(name))
    if question.frontier and question.evidence == "best":
        # A measurement of one load would lift it over its neighbours, of which there is none.
        yield Problem("compares loads by the calibrated model alone", "leave --evidence out, or write model", "--evidence")
    if question.frontier and question.max_throughput:
        yield Problem("varies the load itself", "leave --max-throughput out", "--frontier")
    if question.own is not None and question.evidence == "model" and not question.frontier:
        yield Problem("model is the calibrated model alone, and --own is your benchmark", "leave one of the two out", "--evidence")
    if question.simulate and (question.concurrency or 0) > _MOST_SIMULATED:
        yield Problem(f"simulates at most {_MOST_SIMULATED:,} requests in flight", "lower --concurrency, or leave --simulate out", "--simulate")
    if question.simulate and question.draft_tokens is not None:
        yield Problem("simulates steps without speculation", "leave --draft-tokens out, or --simulate", "--simulate")
    if question.percentile != Question().percentile and (question.frontier or not targets):
        yield Problem("is of targets that a load has to stay within", "give --ttft-ms or --tpot-ms, without --frontier", "--percentile")
    if question.burstiness != 1.0 and (question.frontier or not (targets or question.simulate)):
        yield Problem("is of arrivals, and here there are none", "give --ttft-ms, --tpot-ms or --simulate, without --frontier", "--burstiness")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def to_point(question: Question, *, accelerator: str | None = None) -> Point:
    """The question as a point, for one accelerator."""
    assert question.model is not None and question.input_tokens is not None and question.output_tokens is not None
    target = None
    if question.ttft_ms is not None or question.tpot_ms is not None:
        target = LatencyTarget(question.ttft_ms, question.tpot_ms, question.percentile)
    return Point(
        model=question.model,
        accelerator=accelerator or str(question.accelerator),
        input_tokens=question.input_tokens,
        output_tokens=question.output_tokens,
        accelerators=question.accelerators,
        tp=question.tp,
        pp=question.pp,
        ep=question.ep,
        dp=question.dp,
        weight_precision=question.weight_precision,
        kv_precision=question.kv_precision,
        engine=question.engine,
        concurrency=question.concurrency,
        latency=target,
        cached_input_share=question.cached_input_share,
        speculation=speculation_of(question),
        arrival_cv2=question.burstiness,
    )


def speculation_of(question: Question) -> Speculation | None:
    """Drafts and their measured acceptance; None where none are asked for."""
    if question.draft_tokens is None or question.acceptance is None:
        return None
    return Speculation(question.draft_tokens, question.acceptance, question.draft_cost_share)


def ask_one(question: Question, lookup: ServingLookup, calibration: Calibration) -> Answered:
    """The answer on one accelerator, with what else was asked for."""
    point = to_point(question)
    model, accelerator = lookup.model(point.model), lookup.accelerator(point.accelerator)
    extras: dict[str, float | str] = {}
    try:
        estimate, pinned, instance = _together(question, point, lookup, calibration)
    except Infeasible as reason:
        if question.prefill_accelerators is None or point.latency is None:
            raise
        question = replace(question, ttft_ms=None, tpot_ms=None, concurrency=1.0)
        estimate, pinned, instance = _together(question, replace(point, latency=None, concurrency=1.0), lookup, calibration)
        pinned = replace(pinned, latency=point.latency, concurrency=None)
        said = f"prefill and decode together do not meet the targets ({reason.problems[0].message}): their figures are of one request at a time"
        estimate = replace(estimate, notes=(*estimate.notes, said))
    if point.speculation is not None:
        from breakeven.serving.speculation import comparison

        extras |= comparison(instance, point.shape, estimate, _without_drafts(question, lookup, calibration))
    if question.prefill_accelerators is not None:
        from breakeven.offers.disaggregated import disaggregate

        extras |= disaggregate(
            pinned, instance, estimate, question.prefill_accelerators, lookup, calibration
        )
    if question.simulate:
        from breakeven.serving.simulation import check_by_simulation

        # What is simulated are the model's steps: a measurement that corrects them is not in the queue.
        alone = estimate if estimate.evidence == MODEL_ALONE else answer(pinned, lookup, calibration)
        extras |= check_by_simulation(
            instance, point.shape, alone, arrival_cv2=question.burstiness, closed_loop=question.ttft_ms is None and question.tpot_ms is None
        )
        if alone is not estimate:
            extras["simulation_note"] = f"{extras['simulation_note']}. Neither counts the measurement that the answer above rests on"
    answered = priced(lookup, Answered(model.id, accelerator.id, estimate, accelerator.tdp_w, extras=extras))
    if question.second_opinion is None:
        return answered
    return replace(answered, second_opinion=_second_opinion(question, instance, estimate))


def _together(
    question: Question, point: Point, lookup: ServingLookup, calibration: Calibration
) -> tuple[Estimate, Point, Instance]:
    """(the estimate by the best evidence, the point with its layout, the instance), prefill and decode in one."""
    if question.own is not None:
        from breakeven.offers.own import own_evidence

        estimate = own_evidence(point, question.own, lookup, calibration)
    elif question.evidence == "best" and question.draft_tokens is None and question.prefill_accelerators is None:
        from breakeven.offers.evidence import best_evidence

        estimate = best_evidence(point, lookup, calibration)
    else:
        estimate = answer(point, lookup, calibration)
    pinned = replace(
        point, accelerators=estimate.config.accelerators, tp=estimate.config.tp, pp=estimate.config.pp,
        ep=estimate.config.ep, dp=estimate.config.dp,
    )  # fmt: skip
    instance = choose(pinned, lookup.model(point.model), lookup.accelerator(point.accelerator), calibration)
    return estimate, pinned, instance


def _without_drafts(question: Question, lookup: ServingLookup, calibration: Calibration) -> Estimate | None:
    """The best answer to the same question without speculation; None where the targets are then out of reach."""
    try:
        return ask_one(
            replace(question, draft_tokens=None, acceptance=None, prefill_accelerators=None, second_opinion=None, evidence="model"),
            lookup, calibration,
        ).estimate  # fmt: skip
    except Infeasible:
        return None


def _second_opinion(question: Question, instance: Instance, estimate: Estimate) -> SecondOpinion:
    """What another estimator says of the same instance at the same load, or why it says nothing."""
    from breakeven.offers.hf_config import config_file
    from breakeven.offers.second_opinion.opinion import asked, second_opinion, without

    if question.draft_tokens is not None:
        return without("it is asked without speculative decoding, and the figures above are with it")
    return second_opinion(
        asked(
            instance.model, instance.accelerator.id, estimate, to_point(question).shape,
            budget_tokens=float(instance.resolved.scheduling.budget_tokens), model_config=config_file(str(question.model)),
        )
    )  # fmt: skip


def priced(lookup: ServingLookup, answered: Answered) -> Answered:
    """The answer with its rent, or with the reason why it has none."""
    rent = rent_of(lookup, answered.accelerator, answered.estimate)
    if rent is not None:
        return replace(answered, rent=rent)
    message, _ = why_no_quote(lookup.catalogue, lookup.as_of, accelerator=answered.accelerator, term="on-demand")
    return replace(answered, unpriced=message)


def rent_of(lookup: ServingLookup, accelerator: str, estimate: Estimate) -> Rent | None:
    """The median of the current on-demand quotes over the tokens served at this load; None without a quote."""
    found = current_quotes(lookup.catalogue, lookup.as_of, accelerator=accelerator, term="on-demand")
    if not found or estimate.total_tok_per_s <= 0:
        return None
    hourly = statistics.median(rate for rate, _, _ in found)
    per_mtok = hourly * estimate.config.accelerators / (estimate.total_tok_per_s * 3600.0) * 1e6
    return Rent(per_mtok, hourly, len(found), lookup.as_of, tuple(source for _, source, _ in found))
