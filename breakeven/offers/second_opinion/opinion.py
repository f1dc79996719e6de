"""aiconfigurator beside an estimate: the same configuration, load and lengths, and how far apart the two are.

It is asked in its aggregated mode (``agg``: continuous batching, prompts in the steps that decode), which is what our model
describes; its static mode is one batch from start to end. The batch is what our instance has in service at the load, spread
over copies, attention ranks and pipeline stages, which it counts one batch each; the prompt tokens per step are those of our
engine's budget, not its default of one prompt, which starves short ones: at 128 tokens in and out it then answers 40 to
92 % less than was measured.
"""

from __future__ import annotations

import math
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import Problem
from breakeven.offers.second_opinion import Unanswered, names
from breakeven.offers.second_opinion.process import TIMEOUT_S, ask_child
from breakeven.serving.spec import Band, Estimate, ModelSpec, Shape

AICONFIGURATOR = "aiconfigurator"
OPTION = "--second-opinion"
_ROUNDING_SHARE = 0.15  # a batch that whole sequences miss by more is another load
_OLDEST_TOO_NEW = (3, 14)


class SecondOpinion(Struct, frozen=True):
    """What another estimator says, or the reason why it says nothing. Ratios are its figure over our typical one."""

    by: str
    reason: str | None = None
    version: str | None = None
    backend: str | None = None
    backend_version: str | None = None  # of the engine its measurements were taken with
    system: str | None = None
    model: str | None = None  # the checkpoint it was asked about
    batch_size: int | None = None  # sequences of one rank and stage
    batches: int | None = None  # copies x attention ranks x stages
    tpot_ms: float | None = None
    tpot_ratio: float | None = None
    tpot_in_band: bool | None = None
    output_tok_per_s: float | None = None  # of the whole instance
    output_tok_per_s_per_accelerator: float | None = None
    output_tok_per_s_ratio: float | None = None
    output_tok_per_s_in_band: bool | None = None
    caveat: str | None = None


class Asked(Struct, frozen=True):
    """One configuration at one load, as our model answered it."""

    model: str  # catalogue id
    is_moe: bool
    accelerator: str  # catalogue id
    estimate: Estimate
    shape: Shape
    budget_tokens: float  # per step and attention rank, prompts included
    model_config: Path | None = None  # where the model is a file and no id


def asked(
    model: ModelSpec, accelerator: str, estimate: Estimate, shape: Shape, *, budget_tokens: float, model_config: Path | None = None
) -> Asked:
    """The question behind an estimate."""
    return Asked(model.id, model.is_moe, accelerator, estimate, shape, budget_tokens, model_config)


def problem_with(name: str) -> Problem | None:
    """Why an estimator cannot be asked at all; None where it can."""
    if name != AICONFIGURATOR:
        return Problem(f"unknown estimator {name!r}", f"write {AICONFIGURATOR}", OPTION)
    if find_spec(AICONFIGURATOR) is not None:
        return None
    if sys.version_info >= _OLDEST_TOO_NEW:
        return Problem(f"needs {AICONFIGURATOR}, which runs on Python 3.11 to 3.13", "use one of these, with 'breakeven[aic]'", OPTION)
    return Problem(f"needs {AICONFIGURATOR}", "pip install 'breakeven[aic]'", OPTION)


def second_opinion(question: Asked, *, timeout_s: float = TIMEOUT_S) -> SecondOpinion:
    """What aiconfigurator says; where it cannot, the reason instead. Takes some 3 s. Never raises for its sake."""
    try:
        return _opinion(question, timeout_s=timeout_s)
    except Unanswered as why:
        return SecondOpinion(AICONFIGURATOR, reason=str(why))


def without(reason: str) -> SecondOpinion:
    """No opinion, for a reason that needs no asking."""
    return SecondOpinion(AICONFIGURATOR, reason=reason)


def _opinion(question: Asked, *, timeout_s: float) -> SecondOpinion:
    call = arguments(question)
    reply = ask_child(call, model_config=question.model_config, timeout_s=timeout_s)
    estimate = question.estimate
    config = estimate.config
    # It counts the tokens after the first; a request has osl of them.
    requests_per_s = _figure(reply, "requests_per_s")
    output = requests_per_s * call["osl"] * config.copies
    tpot = _figure(reply, "tpot_ms")
    opinion = SecondOpinion(
        AICONFIGURATOR,
        version=str(reply.get("version")),
        backend=call["backend_name"],
        backend_version=str(reply.get("backend_version")),
        system=call["system_name"],
        model=question.model if question.model_config is not None else call["model_path"],
        batch_size=call["batch_size"],
        batches=_batches(question),
        tpot_ms=tpot,
        tpot_ratio=tpot / estimate.tpot_ms.typical,
        tpot_in_band=_within(estimate.tpot_ms, tpot),
        output_tok_per_s=output,
        output_tok_per_s_per_accelerator=output / config.accelerators,
        output_tok_per_s_ratio=output / estimate.output_tok_per_s.typical,
        output_tok_per_s_in_band=_within(estimate.output_tok_per_s, output),
    )
    if reply.get("overfull"):
        return replace(opinion, caveat="by its account of memory the cache does not hold this batch")
    return opinion


def arguments(question: Asked) -> dict[str, Any]:
    """The call of ``cli_estimate`` for a question. Raises Unanswered where a name or a number has no counterpart."""
    config, shape = question.estimate.config, question.shape
    if question.model_config is not None:
        path, modes = "", names.modes(config.weight_precision, is_moe=question.is_moe)
    else:
        path, modes = names.checkpoint(question.model, precision=config.weight_precision, is_moe=question.is_moe)
    isl, osl = max(round(shape.input_tokens), 1), round(shape.output_tokens)
    if osl < 2:
        raise Unanswered("it takes requests of two output tokens or more")
    batch = _batch(question)
    call: dict[str, Any] = {
        "model_path": path,
        "system_name": names.system(question.accelerator),
        "backend_name": names.engine(config.engine),
        "mode": "agg",
        "isl": isl,
        "osl": osl,
        "prefix": min(round(shape.cached_tokens), isl - 1),
        "batch_size": batch,
        # One sequence at least decodes beside the prompts of a step; a single one is prefilled at once.
        "ctx_tokens": min(round(question.budget_tokens), isl * (batch - 1)) if batch > 1 else isl,
        "tp_size": config.tp,
        "pp_size": config.pp,
        "attention_dp_size": config.attention_ranks,
        "kvcache_quant_mode": names.kv_mode(config.kv_precision),
        **modes,
    }
    if question.is_moe:
        width = config.tp * config.attention_ranks
        if width % config.ep:
            raise Unanswered(f"it spreads experts over a divisor of {width} accelerators, not over {config.ep}")
        call |= {"moe_tp_size": width // config.ep, "moe_ep_size": config.ep}
    return call


def _batches(question: Asked) -> int:
    config = question.estimate.config
    return config.copies * config.attention_ranks * config.pp


def _batch(question: Asked) -> int:
    """Sequences of one rank and stage, in whole numbers. Raises Unanswered where these are another load."""
    estimate, batches = question.estimate, _batches(question)
    in_service = min(estimate.concurrency, estimate.max_concurrency)
    batch = max(round(in_service / batches), 1)
    if abs(batch * batches / in_service - 1.0) > _ROUNDING_SHARE:
        spread = f" over {batches} ranks and stages" if batches > 1 else ""
        raise Unanswered(f"it takes whole sequences, and {in_service:,.3g} in flight{spread} are none")
    return batch


def _figure(reply: dict[str, Any], name: str) -> float:
    value = reply.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise Unanswered(f"its {name} is {value!r}")
    return float(value)


def _within(band: Band, value: float) -> bool:
    return band.low <= value <= band.high
