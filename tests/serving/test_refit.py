"""What a fit to the user's own benchmark may move."""

from __future__ import annotations

import math

import pytest

from breakeven.serving.calibration import FITTED_FIELDS, SCHEDULING_FIELDS
from breakeven.serving.load import Scheduling
from breakeven.serving.refit import ERROR_SPREAD, GROUPS, PRIOR_SPREAD, SHARES, TIMES, adjusted, at_peak, refit
from breakeven.serving.step import StepParameters
from tests.serving.specimens import calibration

NO_TIME_AND_NO_RATE = {
    "wave_elements": "how much work a product rounds up to",
    "tile_rows": "how much work an expert rounds up to",
    "activation_traffic": "bytes; how fast they pass is dense_memory",
    "overlap": "a share of another term's time, which scales already",
    "expert_overlap": "a share of another term's time, which scales already",
    "bunching": "a share of the requests, which wait for times that scale",
    "budget_tokens": "a setting of the engine",
    "mixed": "a setting of the engine",
    "rank_balance": "a setting of the engine",
    "max_sequences": "a setting of the engine",
    "cache_share": "memory", "reserve_bytes": "memory", "growth_share": "memory",
}  # fmt: skip
IN_NO_GROUP = {"front_end_s": "ends before the first token: a time per token hardly sees it"}


def test_every_parameter_is_scaled_by_time_or_left_out_for_a_reason():
    """stage_step_s and product_s were forgotten, so that a pipeline's own figure was missed by a third."""
    known = {*FITTED_FIELDS, *SCHEDULING_FIELDS}
    assert known >= {*StepParameters.__struct_fields__, *Scheduling.__struct_fields__}
    assert sorted([*SHARES, *TIMES, *NO_TIME_AND_NO_RATE]) == sorted(known)
    units = {name: calibration().parameters[name].unit for name in FITTED_FIELDS}
    assert {name for name, unit in units.items() if unit == "s"} == set(TIMES)
    assert {units[name] for name in SHARES} == {"share"}


def test_every_share_and_time_is_in_one_group_or_left_out_for_a_reason():
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted([*grouped, *IN_NO_GROUP]) == sorted([*SHARES, *TIMES])
    for names in GROUPS.values():  # one factor speeds up shares and slows down times: a group is of one sort
        assert set(names) <= set(SHARES) or set(names) <= set(TIMES)


@pytest.mark.parametrize("factor", [0.3, 0.7, 1.5])
def test_time_scales_every_value_whatever_its_bounds(factor):
    slower = adjusted(calibration(), {"time": factor})
    for name in (*SHARES, *TIMES):
        for kind in calibration().parameters[name].base:
            asked = {"kind": kind, "engine": "vllm", "generation": "blackwell-rtx"}
            before, after = (c.parameters[name].value(**asked) for c in (calibration(), slower))
            assert after == pytest.approx(before / factor if name in SHARES else before * factor)


def test_a_group_leaves_a_share_at_most_one():
    faster = adjusted(calibration(), {"memory": 4.0, "compute": 4.0})
    for name in (*GROUPS["memory"], *GROUPS["compute"]):
        assert faster.parameters[name].value(kind="any", engine="vllm", generation="hopper") <= 1.0


def test_at_peak_shares_are_one_and_times_none():
    peak = at_peak(calibration())
    for name, parameter in peak.parameters.items():
        value = parameter.value(kind="f16", engine="sglang", generation="hopper")
        if name in SHARES:
            assert value == 1.0
        if name in TIMES:
            assert value == 0.0


def test_the_multipliers_are_where_the_cost_is_least():
    """Twelve rounds of coordinate descent were not: where two multipliers pull together it moves in small steps."""
    work_ms = ((6.0, 4.0), (6.6, 4.0), (7.2, 4.0))  # streaming and layers, at three loads
    measured = [1.5 * (streaming + layers) for streaming, layers in work_ms]

    def times(memory, layer):
        return [streaming / memory + layers * layer for streaming, layers in work_ms]

    def predict(which):
        shipped = calibration().parameters
        memory, layer = (which.parameters[n].base[k] / shipped[n].base[k] for n, k in (("dense_memory", "f16"), ("layer_s", "gqa")))
        return times(memory, layer)

    def cost(logs):
        errors = [math.log(p / m) for p, m in zip(times(*map(math.exp, logs)), measured, strict=True)]
        return sum((e / ERROR_SPREAD) ** 2 for e in errors) + sum((x / PRIOR_SPREAD) ** 2 for x in logs)

    steps = [i / 200 for i in range(-150, 151)]
    least = min(((memory, layer) for memory in steps for layer in steps), key=cost)
    found = refit(calibration(), predict, measured).multipliers
    assert [math.log(found[name]) for name in ("memory", "layer")] == pytest.approx(least, abs=0.03)
