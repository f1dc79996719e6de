"""A batch of requests handed over together, and finished when the last one is."""

from __future__ import annotations

from breakeven.serving.instance import Instance
from breakeven.serving.load import LoadState
from breakeven.serving.spec import Shape

# The longest of a few hundred natural outputs over their mean, where lengths end by themselves.
LONGEST_OVER_MEAN = 1.4


def burst_in_flight(requests: float) -> float:
    """Requests in flight on average while a batch of them drains."""
    return max(requests / LONGEST_OVER_MEAN, 1.0)


def burst_output_tok_per_s(instance: Instance, shape: Shape, *, requests: float) -> float:
    """Output tokens per second from the first prompt to the last token.

    The batch drains as requests end, so on average only mean / longest of it is in flight: the
    closed loop at that concurrency describes it, ramp included.
    """
    state = burst_state(instance, shape, requests=requests)
    return float(state.requests_per_s) * instance.config.copies * shape.output_tokens


def burst_state(instance: Instance, shape: Shape, *, requests: float) -> LoadState:
    """The closed loop that stands for the batch."""
    return instance.at(shape, burst_in_flight(requests))
