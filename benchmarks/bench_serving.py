"""The serving model's speed, and its formula against an event simulation of the same steps.

    step evaluations, vectorised    against   the same count of one multiply-add       target 10 M/s
    breakeven estimate              against   python -c 'import typer, pydantic, ...'   target 0.5 s
    estimate --accelerator all      every accelerator of the catalogue, one process     target 1 s
    formula against simulation      the largest difference in TPOT and mean TTFT        printed

Prints each number with its target; nothing here gates anything.
"""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from timing import best_of, process_s

from breakeven.catalog.store import Catalogue
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.question import Question, ask
from breakeven.offers.serving_specs import load_calibration
from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.instance import Instance, prepare
from breakeven.serving.queueing import open_loop_latency
from breakeven.serving.simulation import simulate
from breakeven.serving.spec import ServingConfig, Shape
from breakeven.serving.step import step_time
from breakeven.serving.vector import VECTOR

ROOT = Path(__file__).resolve().parents[1]
RUNS = int(os.environ.get("BENCH_RUNS", "9"))
POINTS, BLOCK = 1 << 20, 1 << 12  # a block of a dozen columns stays in the second-level cache
LIBRARIES = [sys.executable, "-c", "import typer, pydantic, yaml, msgspec"]
QUESTIONS = {
    "dense, default evidence": "-m meta-llama/Llama-3.1-70B-Instruct -a h100-sxm -n 4",
    "the same, model alone": "-m meta-llama/Llama-3.1-70B-Instruct -a h100-sxm -n 4 --evidence model",
    "MoE with published rows": "-m openai/gpt-oss-120b -a b200-sxm --concurrency 32",
    "MoE within targets": "-m deepseek-ai/DeepSeek-R1-0528 -a b200-sxm -n 8 --ttft-ms 1000 --tpot-ms 40",
}
LENGTHS = ["--input-tokens", "1000", "--output-tokens", "1000"]
SIMULATED = (
    ("llama-3.1-8b-instruct", "h100-sxm", ServingConfig(1), Shape(1000, 200), 16),
    ("llama-3.1-8b-instruct", "l40s", ServingConfig(1), Shape(400, 400), 24),
    ("gpt-oss-120b", "h200-sxm", ServingConfig(1, weight_precision="mxfp4"), Shape(1000, 300), 16),
    ("llama-3.1-70b-instruct", "h200-sxm", ServingConfig(4, tp=4, weight_precision="fp8"), Shape(2000, 200), 12),
)


def steps_per_s(one: Instance) -> tuple[float, float]:
    """(step evaluations, plain multiply-adds) per second on one core, over random loads of one instance."""
    draw = np.random.default_rng(20261124)
    decode = draw.uniform(1.0, 256.0, POINTS)
    prefill = draw.uniform(0.0, 8192.0, POINTS)
    context = draw.uniform(100.0, 8000.0, POINTS)
    blocks = [slice(start, start + BLOCK) for start in range(0, POINTS, BLOCK)]

    def evaluate() -> None:
        for part in blocks:
            _ = step_time(
                VECTOR, one.work, one.resolved.step, decode=decode[part], prefill=prefill[part],
                prefill_rank=prefill[part], context=context[part], span=500.0, prompts=1.0,
            ).total  # fmt: skip

    def multiply_add() -> None:
        for part in blocks:
            _ = decode[part] * 1.5 + prefill[part]

    return POINTS / best_of(5, evaluate), POINTS / best_of(5, multiply_add)


def simulated(lookup: ServingLookup) -> tuple[float, float]:
    """The largest difference of the formula from the simulation: (TPOT, mean TTFT)."""
    calibration = load_calibration()
    tpot, ttft = [], []
    for model, accelerator, config, shape, concurrency in SIMULATED:
        one = prepare(
            model=lookup.model(model), accelerator=lookup.accelerator(accelerator), config=config,
            calibration=calibration,
        )  # fmt: skip
        state = one.at(shape, concurrency)
        formula = open_loop_latency(
            SCALAR, state, one.requests(shape), front_end_s=one.resolved.scheduling.front_end_s
        )
        seen = simulate(one, shape, requests_per_s=state.requests_per_s, requests=2000)
        tpot.append(abs(formula.tpot_mean_ms / seen.tpot_mean_ms - 1.0))
        ttft.append(abs(formula.ttft_mean_ms / seen.ttft_mean_ms - 1.0))
    return max(tpot), max(ttft)


def main() -> None:
    lookup, calibration = ServingLookup(Catalogue.load()), load_calibration()
    for model, n in (("llama-3.1-70b-instruct", 4), ("deepseek-v3", 8)):
        one = prepare(
            model=lookup.model(model), accelerator=lookup.accelerator("h200-sxm"),
            config=ServingConfig(n, tp=n, weight_precision="fp8"), calibration=calibration,
        )  # fmt: skip
        ours, limit = steps_per_s(one)
        print(f"steps of {model:24} {ours / 1e6:7.1f} M/s  (target 10; one multiply-add alone {limit / 1e6:,.0f} M/s)")

    process_s(LIBRARIES)
    for name, text in QUESTIONS.items():
        command = [sys.executable, "-m", "breakeven", "estimate", *text.split(), *LENGTHS]
        process_s(command)
        pairs = [(process_s(command), process_s(LIBRARIES)) for _ in range(RUNS)]
        mine, base = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"estimate, {name:24} {mine * 1e3:5.0f} ms   libraries {base * 1e3:4.0f} ms   (target 500 ms)")

    for name, targets in (("best throughput", {}), ("within targets", {"ttft_ms": 1000.0, "tpot_ms": 40.0})):
        question = Question(
            model="meta-llama/Llama-3.1-70B-Instruct", accelerator="all", input_tokens=1000, output_tokens=1000, **targets
        )
        found = len(ask(question, lookup, calibration))
        seconds = best_of(3, lambda question=question: ask(question, lookup, calibration))
        print(f"every accelerator, {name:18} {seconds * 1e3:5.0f} ms   {found} answered   (target 1,000 ms)")

    tpot, ttft = simulated(lookup)
    print(f"formula against simulation, {len(SIMULATED)} cases: TPOT within {tpot:.1%}, mean TTFT within {ttft:.1%}")


if __name__ == "__main__":
    main()
