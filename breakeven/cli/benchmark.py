"""``breakeven benchmark import``: your own benchmark beats the model."""

from __future__ import annotations

from pathlib import Path

import typer


def import_(
    file: Path = typer.Argument(..., metavar="RESULT.json", help="Of vLLM, SGLang, GuideLLM, AIPerf, GenAI-Perf, ..."),
    model: str | None = typer.Option(None, "--model", "-m", help="Where the file does not say."),
    accelerator: str | None = typer.Option(None, "--accelerator", "-a", help="Where the file does not say."),
    accelerators: int | None = typer.Option(None, "-n", "--accelerators", help="Where the file does not say."),
    tp: int | None = typer.Option(None, "--tp", help="Tensor parallel degree."),
    pp: int | None = typer.Option(None, "--pp", help="Pipeline stages."),
    ep: int | None = typer.Option(None, "--ep", help="Expert parallel degree."),
    dp: int | None = typer.Option(None, "--dp", help="Data parallel degree."),
    precision: str | None = typer.Option(None, "--precision", help="Of the weights."),
    kv_precision: str | None = typer.Option(None, "--kv-precision", help="Of the cache."),
    engine: str | None = typer.Option(None, "--engine", help="Where the file does not say."),
    output: Path | None = typer.Option(None, "-o", "--output", metavar="YAML", help="Write the fit for estimate --own."),
    format: str = typer.Option("table", "--format", "-f", help="table or json."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Normalise a result file, compare it with the model, refit the model to it, and print the residuals."""
    from breakeven.cli.inputs import load_catalogue
    from breakeven.cli.output import write
    from breakeven.offers.benchmarks.read import read_benchmark
    from breakeven.offers.hf_config import id_or_path
    from breakeven.offers.lookup import ServingLookup
    from breakeven.offers.own import Named, fit_own, own_fit
    from breakeven.offers.own_fit import named_from
    from breakeven.offers.serving_specs import load_calibration
    from breakeven.render.benchmark import render_own
    from breakeven.render.text import stdout_width

    rows = read_benchmark(file)
    facts = load_catalogue(catalog)
    named = Named(None if model is None else id_or_path(model, facts), accelerator, accelerators, tp, pp, ep, dp, precision, kv_precision, engine)
    own = fit_own(rows, named, ServingLookup(facts), load_calibration())
    write(render_own(own, format=format, width=stdout_width()), None)  # before -o: it shows why a fit is refused
    if output is not None:
        write(named_from(own_fit(own, name=file.name), output.parent).to_yaml(), output)
