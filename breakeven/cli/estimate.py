"""``breakeven estimate``: throughput and latency of a model on accelerators."""

from __future__ import annotations

from pathlib import Path

import typer

from breakeven.errors import InputError, Problem


def _tokens(text: str) -> float:
    """A number of tokens as a profile writes it: 1500, 1.5k, 100k."""
    from pydantic_core import PydanticCustomError

    from breakeven.units import parse_tokens

    try:
        return parse_tokens(text)
    except PydanticCustomError as error:
        raise typer.BadParameter(error.message()) from None


_BESIDE_POINTS = {"points", "output", "evidence", "as_of", "catalog", "format"}


def _refuse_beside_points(context: typer.Context, format: str | None) -> None:
    """A table holds its questions whole: an option beside it would go unheeded."""
    problems = [
        Problem("is not of a table of questions", "give it in a column of the CSV, or ask without --points", max(option.opts, key=len))
        for option in context.command.params
        if option.name not in _BESIDE_POINTS and str(context.get_parameter_source(str(option.name))).endswith("COMMANDLINE")
    ]
    if format not in (None, "table", "csv"):
        problems.append(Problem("writes a CSV", "leave --format out", "--points"))
    if problems:
        raise InputError(problems)


def estimate(
    context: typer.Context,
    model: str | None = typer.Option(None, "--model", "-m", help="Catalogue or Hugging Face id, or a config.json or its folder."),
    accelerator: str | None = typer.Option(None, "--accelerator", "-a", help="Catalogue id; 'all' ranks every one."),
    accelerators: int | None = typer.Option(None, "-n", "--accelerators", help="How many; blank: the fewest that fit."),
    input_tokens: float | None = typer.Option(None, "--input-tokens", metavar="N", parser=_tokens, help="Tokens in, per request (mean); 1k is 1000."),
    output_tokens: float | None = typer.Option(None, "--output-tokens", metavar="N", parser=_tokens, help="Tokens out, per request (mean)."),
    concurrency: float | None = typer.Option(None, "--concurrency", "-c", help="Requests always in flight."),
    max_throughput: bool = typer.Option(False, "--max-throughput", help="Best steady throughput, no target (default)."),
    ttft_ms: float | None = typer.Option(None, "--ttft-ms", help="Target: time to first token."),
    tpot_ms: float | None = typer.Option(None, "--tpot-ms", help="Target: time per output token."),
    percentile: float = typer.Option(95.0, "--percentile", help="Percentile of the targets."),
    burstiness: float = typer.Option(1.0, "--burstiness", help="Squared variation of arrivals; Poisson is 1."),
    tp: int | None = typer.Option(None, "--tp", help="Tensor parallel degree; blank: the best."),
    pp: int | None = typer.Option(None, "--pp", help="Pipeline stages."),
    ep: int | None = typer.Option(None, "--ep", help="Expert parallel degree."),
    dp: int | None = typer.Option(None, "--dp", help="Data parallel degree (attention only when --ep is above 1)."),
    precision: str | None = typer.Option(None, "--precision", help="Of the weights; blank: the model's own."),
    kv_precision: str | None = typer.Option(None, "--kv-precision", help="Of the cache; blank: what the checkpoint states."),
    engine: str | None = typer.Option(None, "--engine", help="vllm, sglang, tensorrt-llm, ..."),
    cached_input_share: float = typer.Option(0.0, "--cached-input-share", help="Share of input found in a prefix cache."),
    draft_tokens: int | None = typer.Option(None, "--draft-tokens", help="Speculative decoding: tokens drafted a step."),
    acceptance: float | None = typer.Option(None, "--acceptance", help="Measured acceptance per drafted token, 0..1."),
    draft_cost_share: float = typer.Option(0.0, "--draft-cost-share", help="Time to draft one token, over a plain step."),
    prefill_accelerators: int | None = typer.Option(
        None, "--prefill-accelerators", help="Disaggregated: accelerators per prefill worker."
    ),
    simulate: bool = typer.Option(False, "--simulate", help="Check the formula by an event simulation (seconds)."),
    frontier: bool = typer.Option(False, "--frontier", help="Cost per token against speed per user, best of every way."),
    evidence: str | None = typer.Option(
        None, "--evidence", help="model: the calibrated model alone, as --frontier; best: published too (default)."
    ),
    own: Path | None = typer.Option(None, "--own", metavar="YAML", help="Your benchmark, from 'benchmark import -o'."),
    second_opinion: str | None = typer.Option(
        None, "--second-opinion", metavar="NAME", help="What aiconfigurator says of the same; needs 'breakeven[aic]'."
    ),
    points: Path | None = typer.Option(None, "--points", metavar="CSV", help="Many questions, one per row."),
    output: Path | None = typer.Option(None, "-o", "--output", metavar="FILE", help="Write here instead of to standard output."),
    format: str | None = typer.Option(None, "--format", "-f", help="table or json."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Throughput, TTFT, TPOT, memory and power of one serving instance, with its limit, grade and band.

    With --points, rows of a CSV; -o then names the output file. Exit code 4 when infeasible.
    """
    from breakeven.cli.inputs import facts_date, load_catalogue
    from breakeven.cli.output import choose_format, write
    from breakeven.offers.lookup import ServingLookup
    from breakeven.offers.serving_specs import load_calibration

    if evidence not in (None, "model", "best"):
        raise InputError(Problem(f"unknown evidence {evidence!r}", "write model or best", "--evidence"))
    facts = load_catalogue(catalog)
    lookup = ServingLookup(facts, facts_date(as_of, facts))
    calibration = load_calibration()
    if points is not None:
        _refuse_beside_points(context, format)
        from breakeven.offers.points_csv import answer_rows, read_points, render_points

        write(render_points(answer_rows(read_points(points), lookup, calibration, evidence=evidence or "best")), output)
        return
    from breakeven.offers.hf_config import id_or_path
    from breakeven.offers.question import Question, ask
    from breakeven.render.serving import render_estimates
    from breakeven.render.text import stdout_width

    name = choose_format(format, output, ("table", "json"), default="table")
    question = Question(
        model=None if model is None else id_or_path(model, facts), accelerator=accelerator,
        accelerators=accelerators, input_tokens=input_tokens, output_tokens=output_tokens,
        concurrency=concurrency, max_throughput=max_throughput, ttft_ms=ttft_ms,
        tpot_ms=tpot_ms, percentile=percentile, burstiness=burstiness, tp=tp, pp=pp, ep=ep, dp=dp,
        weight_precision=precision, kv_precision=kv_precision, engine=engine, cached_input_share=cached_input_share,
        draft_tokens=draft_tokens, acceptance=acceptance, draft_cost_share=draft_cost_share, prefill_accelerators=prefill_accelerators,
        simulate=simulate, frontier=frontier, evidence=evidence or ("model" if frontier else "best"), own=own,
        second_opinion=second_opinion,
    )  # fmt: skip
    write(render_estimates(ask(question, lookup, calibration), format=name, width=stdout_width()), output)
