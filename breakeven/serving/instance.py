"""One serving instance, checked and ready to be asked about any load."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import Infeasible, InputError
from breakeven.serving import memory
from breakeven.serving.arithmetic import SCALAR, Number
from breakeven.serving.calibration import Calibration, Resolved, resolve
from breakeven.serving.load import (
    PLAIN,
    Drafting,
    LoadState,
    Requests,
    closed_loop,
    decode_round_s,
    pipeline_step_s,
    tokens_per_step,
)
from breakeven.serving.memory import Footprint
from breakeven.serving.precision import Numerics, numerics
from breakeven.serving.spec import AcceleratorSpec, ModelSpec, ServingConfig, Shape
from breakeven.serving.step import StepTime, step_time
from breakeven.serving.work import Work, work

# Concurrencies tried for the best throughput, as shares of what the cache holds: between them it is flat to half a per cent.
BEST_SHARES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.06)


class Instance(Struct, frozen=True):
    """A configuration with its work, memory and parameters. ``notes`` say what was assumed."""

    model: ModelSpec
    accelerator: AcceleratorSpec
    config: ServingConfig
    numerics: Numerics
    work: Work
    footprint: Footprint
    resolved: Resolved
    notes: tuple[str, ...]
    drafting: Drafting = PLAIN

    def requests(self, shape: Shape) -> Requests:
        return Requests(shape.new_input_tokens, shape.cached_tokens, shape.output_tokens)

    def concurrency_cap(self, shape: Shape) -> float:
        """Requests whose cache fits at once in one copy; the engine's own limit applies too."""
        rules = self.resolved.memory
        cap = memory.concurrency_cap(
            SCALAR,
            self.footprint,
            cache_share=rules.cache_share,
            reserve_bytes=rules.reserve_bytes,
            window_kept=rules.window_kept,
            input_tokens=shape.input_tokens,
            held_output=shape.output_tokens * rules.growth_share,
        )
        limit = self.resolved.scheduling.max_sequences * self.config.attention_ranks
        return float(min(cap, limit))

    def at(self, shape: Shape, concurrency: float, *, cap: float | None = None) -> LoadState:
        """Closed loop with ``concurrency`` requests in flight over all copies; rates are the mean of the copies.

        Fewer requests than copies leave copies idle: the busy ones serve one request each.
        """
        each = concurrency / self.config.copies
        state = closed_loop(
            SCALAR,
            self.work,
            self.resolved.step,
            self.resolved.scheduling,
            self.requests(shape),
            concurrency=max(each, 1.0),
            cap=self.concurrency_cap(shape) if cap is None else cap,
            drafting=self.drafting,
        )
        return state if each >= 1.0 else replace(state, requests_per_s=state.requests_per_s * each)

    def step(self, shape: Shape, *, decode_batch: float, prefill_tokens: float) -> StepTime:
        """The parts of one step of one stage."""
        ranks = self.config.attention_ranks
        requests = self.requests(shape)
        per_rank = max(prefill_tokens / ranks, min(prefill_tokens, requests.new_input))
        return step_time(
            SCALAR,
            self.work,
            self.resolved.step,
            decode=decode_batch / self.config.pp,
            prefill=prefill_tokens,
            prefill_rank=per_rank if prefill_tokens else 0.0,
            context=requests.context,
            span=requests.span,
            prompts=per_rank / requests.new_input if prefill_tokens else 0.0,
            rows=self.drafting.rows,
        )

    def emitted(self, shape: Shape) -> float:
        """Tokens a step emits of each sequence of such requests."""
        return float(tokens_per_step(SCALAR, self.drafting, max(shape.output_tokens - 1.0, 1e-9)))

    def decode_round_s(self, shape: Shape, batch: float) -> float:
        """Seconds in which each of ``batch`` sequences of one copy passes all stages once, and nothing is prefilled."""
        r = self.requests(shape)
        return float(decode_round_s(SCALAR, self.work, self.resolved.step, self.resolved.scheduling, r, self.drafting, batch))


def check_degrees(model: ModelSpec, config: ServingConfig) -> None:
    """Refuse parallel degrees that no engine can run, saying which would."""
    for name in ("accelerators", "tp", "pp", "ep", "dp"):
        if getattr(config, name) < 1:
            raise InputError(f"{name} must be at least 1, not {getattr(config, name)}")
    if config.tp * config.pp * config.dp != config.accelerators:
        raise InputError(
            f"tp x pp x dp = {config.tp} x {config.pp} x {config.dp} is not the {config.accelerators} accelerators",
            fix="leave the degrees blank, or make their product the number of accelerators",
        )
    if model.query_heads % config.tp:
        fits = [
            tp for tp in range(1, config.tp + 1) if model.query_heads % tp == 0 and config.accelerators % tp == 0
        ]
        raise InputError(
            f"{model.query_heads} attention heads of {model.id} do not divide by tp = {config.tp}",
            fix=f"use tp = {fits[-1]}",
        )
    if config.pp > model.layers:
        raise InputError(f"pp = {config.pp} is more than the {model.layers} layers of {model.id}")
    if model.is_moe and config.ep > 1 and (config.ep > model.experts or config.ep > config.accelerators):
        raise InputError(
            f"ep = {config.ep} is more than the experts or the accelerators",
            fix=f"use at most {min(model.experts, config.accelerators)}",
        )


def check_shape(shape: Shape) -> None:
    """Refuse lengths that are not requests."""
    if not shape.input_tokens >= 1:
        raise InputError(f"input_tokens must be at least 1, not {shape.input_tokens:g}")
    if not shape.output_tokens >= 1:
        raise InputError(f"output_tokens must be at least 1, not {shape.output_tokens:g}")
    if not 0.0 <= shape.cached_input_share <= 1.0:
        raise InputError("cached_input_share must lie between 0 and 1")


def check_context(model: ModelSpec, shape: Shape) -> None:
    """Refuse requests longer than the model reads: an engine turns them away, whatever the memory."""
    if model.max_context_tokens and shape.most_tokens > model.max_context_tokens:
        one = "the longest request" if shape.longest_tokens else "a request"
        raise Infeasible(
            f"{model.id} reads at most {model.max_context_tokens:,} tokens, and {one} has {shape.most_tokens:,.0f} (in and out)",
            fix="choose a model with a longer context, or shorter requests; where yours is extended (RoPE scaling), name its config.json",
        )


def check_fits(instance: Instance, shape: Shape, *, as_the_engine_divides: bool = False) -> None:
    """Refuse requests of which the longest is beyond the model's context, or does not fit beside the weights.

    The limit is the memory itself; ``as_the_engine_divides`` takes off what the engine keeps for itself too, for
    an instance that somebody is told to run.
    """
    check_context(instance.model, shape)
    f, rules = instance.footprint, instance.resolved.memory
    # Layers with a window give back what lies outside of it, where an engine can: the least that has to be held.
    held = float(memory.sequence_bytes(SCALAR, f, tokens=shape.most_tokens, window_kept=0.0))
    left = float(f.memory - f.weights)
    if as_the_engine_divides:
        left = float(memory.cache_bytes(SCALAR, f, cache_share=rules.cache_share, reserve_bytes=rules.reserve_bytes))
    if held > left:
        raise Infeasible(
            f"one request of {shape.most_tokens:,.0f} tokens needs {held / 1e9:.1f} GB of cache per accelerator, and "
            f"{instance.model.id} on {instance.config.accelerators} x {instance.accelerator.id} has {left / 1e9:.1f} left for it",
            fix="use more of them, fewer bytes per weight or per cached token, or shorter requests",
        )


def accelerators_needed(model: ModelSpec, accelerator: AcceleratorSpec, numbers: Numerics) -> int:
    """The smallest power of two of accelerators whose memory holds the weights."""
    count = 1
    while count < 4096:
        tp = count
        while tp > 1 and model.query_heads % tp:
            tp //= 2
        config = ServingConfig(count, tp=tp, pp=max(1, count // tp))
        weights = memory.weight_bytes_per_accelerator(model=model, config=config, numerics=numbers)
        if weights <= accelerator.usable_memory_bytes - memory.runtime_bytes(accelerator.usable_memory_bytes):
            return count
        count *= 2
    return count


def prepare(
    *, model: ModelSpec, accelerator: AcceleratorSpec, config: ServingConfig, calibration: Calibration
) -> Instance:
    """Check the configuration and compute what does not depend on the load."""
    check_degrees(model, config)
    numbers = numerics(model, accelerator, weights=config.weight_precision, kv=config.kv_precision)
    print_of = memory.footprint(model=model, accelerator=accelerator, config=config, numerics=numbers)
    runtime = memory.runtime_bytes(accelerator.usable_memory_bytes)
    if print_of.weights > accelerator.usable_memory_bytes - runtime:
        needed = accelerators_needed(model, accelerator, numbers)
        raise Infeasible(
            f"{model.id} in {config.weight_precision} needs {print_of.weights / 1e9:.0f} GB per accelerator, "
            f"{accelerator.id} has {accelerator.usable_memory_bytes / 1e9:.0f}, of which engines take {runtime / 1e9:.1f} for themselves",
            fix=f"use {needed} of them, or fewer bytes per weight",
        )
    notes = [numbers.note] if numbers.note else []
    if config.accelerators_per_copy > accelerator.scale_up_count:
        notes.append(
            f"more than the {accelerator.scale_up_count} accelerators one fast interconnect joins: "
            "the network between nodes is not calibrated"
        )
    return Instance(
        model=model,
        accelerator=accelerator,
        config=config,
        numerics=numbers,
        work=work(
            model=model,
            accelerator=accelerator,
            config=config,
            numerics=numbers,
        ),
        footprint=print_of,
        resolved=resolve(calibration, model=model, accelerator=accelerator, config=config, numerics=numbers),
        notes=tuple(notes),
    )


def best_throughput(instance: Instance, shape: Shape) -> tuple[float, LoadState]:
    """The concurrency (all copies) of the best steady throughput, and the state there."""
    cap = instance.concurrency_cap(shape)
    most = max(cap, 1.0) * instance.config.copies
    return best_load(instance, shape, most=most, state=instance.at(shape, most, cap=cap))


def best_load(instance: Instance, shape: Shape, *, most: float, state: LoadState) -> tuple[float, LoadState]:
    """The concurrency (all copies) of the best throughput at ``most``, where ``state`` is the state, or below it.

    Throughput rises with concurrency until the cache or the prefill is full, and falls where a longer queue helps
    nobody: down the ladder of :data:`BEST_SHARES`, past dips of two loads (where prompts fill another step).
    """
    cap = instance.concurrency_cap(shape)
    dips = 0
    for share in BEST_SHARES:
        lower = cap * share
        if not 1.0 <= lower < most / instance.config.copies:
            continue
        there = instance.at(shape, lower * instance.config.copies, cap=cap)
        if there.requests_per_s > state.requests_per_s:
            most, state, dips = lower * instance.config.copies, there, 0
            continue
        dips += 1
        if dips > 2:
            break
    return most, state


def parts_ms(instance: Instance, shape: Shape, state: LoadState) -> Mapping[str, Number]:
    """Milliseconds of each part of the time per output token: of a decode step, and its share of prefill."""
    decode = instance.step(shape, decode_batch=state.decode_batch, prefill_tokens=0.0)
    mixed = instance.step(
        shape,
        decode_batch=state.decode_batch * instance.resolved.scheduling.mixed,
        prefill_tokens=state.prefill_tokens,
    )
    added = max(mixed.total - decode.total * instance.resolved.scheduling.mixed, 1e-12)
    stages = instance.config.pp
    prefill = max(state.stalled_tpot_s, 0.0)
    emitted = state.tokens_per_step
    out: dict[str, float] = {}
    for name in StepTime.__struct_fields__:
        alone = getattr(decode, name) * stages / emitted
        extra = getattr(mixed, name) - getattr(decode, name) * instance.resolved.scheduling.mixed
        out[name] = (alone + max(extra, 0.0) / added * prefill) * 1e3
    if instance.drafting.cost_share:
        plain = replace(instance, drafting=PLAIN).step(shape, decode_batch=state.decode_batch, prefill_tokens=0.0)
        out["drafting"] = float(instance.drafting.cost_share * plain.total) * stages / emitted * 1e3
    out["overhead"] += float(pipeline_step_s(SCALAR, instance.work, instance.resolved.scheduling)) * stages / emitted * 1e3
    return out
