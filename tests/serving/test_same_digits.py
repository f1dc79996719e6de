"""Sweeps by array and answers one by one are equal to the last digit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.serving.load import Requests, closed_loop
from breakeven.serving.memory import concurrency_cap
from breakeven.serving.spec import Shape
from breakeven.serving.vector import VECTOR
from tests.serving.specimens import instance

CASES = (
    ("llama-3.1-8b-instruct", "h100-sxm", 1, {}),
    ("gpt-oss-120b", "b200-sxm", 2, {"weight_precision": "mxfp4"}),
    ("deepseek-v3", "h200-sxm", 8, {"tp": 1, "ep": 8, "dp": 8, "weight_precision": "fp8", "engine": "sglang"}),
    ("gemma-3-27b-it", "a100-sxm-80gb", 2, {"engine": "tensorrt-llm"}),
)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(CASES),
    st.lists(st.floats(min_value=1, max_value=600), min_size=1, max_size=8),
    st.floats(min_value=1, max_value=20000),
    st.floats(min_value=2, max_value=4000),
)
def test_closed_loop(case, concurrencies, isl, osl):
    model, accelerator, n, degrees = case
    one = instance(model, accelerator, n, **degrees)
    shape = Shape(isl, osl)
    rules = one.resolved.memory
    count = len(concurrencies)
    cap = concurrency_cap(
        VECTOR, one.footprint, cache_share=rules.cache_share, reserve_bytes=rules.reserve_bytes,
            window_kept=rules.window_kept,
        input_tokens=np.full(count, isl), held_output=np.full(count, osl) * rules.growth_share,
    )  # fmt: skip
    cap = np.minimum(cap, one.resolved.scheduling.max_sequences * one.config.attention_ranks)
    r = one.requests(shape)
    together = closed_loop(
        VECTOR, one.work, one.resolved.step, one.resolved.scheduling,
        Requests(np.full(count, r.new_input), np.full(count, r.cached), np.full(count, r.output)),
        concurrency=np.array(concurrencies), cap=cap,
    )  # fmt: skip
    for i, concurrency in enumerate(concurrencies):
        alone = one.at(shape, concurrency)
        for field in ("requests_per_s", "tpot_s", "ttft_s", "decode_batch", "stall_s"):
            assert getattr(alone, field) == getattr(together, field)[i], field
