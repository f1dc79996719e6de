"""Waiting behind prompts: exact where theory is exact, and against queues played out request by request."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.queueing import mean_wait, wait_percentile, waiting_share
from breakeven.serving.simulation import gaps


def waits(load: float, cv2: float, count: int = 200_000) -> list[float]:
    """Lindley's recursion with exponential service of mean 1."""
    generator = random.Random(11)
    wait, out = 0.0, []
    for gap in gaps(generator, rate=load, cv2=cv2, count=count):
        out.append(wait)
        wait = max(wait + generator.expovariate(1.0) - gap, 0.0)
    return out


@given(st.floats(0.01, 0.98))
def test_poisson_arrivals_wait_as_pollaczek_and_khinchine_say(load: float) -> None:
    assert waiting_share(SCALAR, load=load, arrival_cv2=1.0) == load
    wait = mean_wait(SCALAR, load=load, service_s=2.0, arrival_cv2=1.0, service_cv2=0.3)
    assert wait == pytest.approx(load / (1.0 - load) * 1.3 / 2.0 * 2.0)


@given(st.floats(0.01, 0.95), st.sampled_from([0.25, 0.5, 2.0, 4.0, 10.0]))
def test_the_share_is_a_root_and_bursts_wait_more(load: float, cv2: float) -> None:
    share = waiting_share(SCALAR, load=load, arrival_cv2=cv2)
    assert share == pytest.approx((1.0 + (1.0 - share) * cv2 / load) ** (-1.0 / cv2), rel=1e-6, abs=1e-8)
    assert (share > load) == (cv2 > 1.0)


@pytest.mark.parametrize(("load", "cv2"), [(0.2, 4.0), (0.5, 4.0), (0.3, 10.0), (0.7, 2.0), (0.6, 0.5)])
def test_bursts_wait_as_long_as_when_they_are_played_out(load: float, cv2: float) -> None:
    played = sorted(waits(load, cv2))
    wait = mean_wait(SCALAR, load=load, service_s=1.0, arrival_cv2=cv2, service_cv2=1.0)
    assert wait == pytest.approx(sum(played) / len(played), rel=0.06)
    share = waiting_share(SCALAR, load=load, arrival_cv2=cv2)
    late = wait_percentile(SCALAR, share=share, mean_wait_s=wait, percentile=95.0)
    assert late == pytest.approx(played[int(0.95 * len(played))], rel=0.08)
