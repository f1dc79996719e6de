"""Where self-hosting wins, in words: the first stretch with its end, so that a thin one looks thin.

A first crossing just below the end of a replica's capacity is lost again at once, when the next replica starts.
A stretch is narrow where its end lies less than ``NARROW_SHARE`` of its start above it: a forecast of the volume
is hardly ever better than that, so nobody can plan to stay inside.
"""

from __future__ import annotations

from collections.abc import Callable

from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import percent, spoken

NARROW_SHARE = 0.10
NARROW = "the first stretch is narrow"  # how its remark begins


def first_stretch(found: Crossover) -> tuple[float, float] | None:
    """(from, to) in tokens/day of the first stretch that self-hosting wins and then loses again; None without one."""
    first = next((row for row in found.intervals if row.cheaper == found.self_host), None)
    if first is None or first.to_tokens_per_day is None:
        return None
    return first.from_tokens_per_day, first.to_tokens_per_day


def narrow_stretch(found: Crossover) -> tuple[float, float] | None:
    """The first stretch where it is narrow."""
    stretch = first_stretch(found)
    return stretch if stretch is not None and _width_share(stretch) < NARROW_SHARE else None


def narrow_words(found: Crossover) -> str | None:
    """What is said beside a crossing whose first stretch is narrow; None where it is not.

    >>> from breakeven.compare.crossover import Interval
    >>> stretches = (Interval(0.0, 70e6, "api"), Interval(70e6, 71e6, "gpu"), Interval(71e6, None, "api"))
    >>> narrow_words(Crossover("api", "gpu", "sometimes", 70e6, None, stretches, 3, None))
    'the first stretch is narrow, 70M to 71M tokens/day (1.4% of its start): just above it self-hosting is dearer again'
    """
    stretch = narrow_stretch(found)
    if stretch is None:
        return None
    low, high = apart(*stretch)
    wide = percent(_width_share(stretch))
    return f"{NARROW}, {low} to {high} tokens/day ({wide} of its start): just above it self-hosting is dearer again"


def where_it_wins(found: Crossover, say: Callable[[float], str] = spoken) -> str:
    """The volumes at which self-hosting is cheaper, of a crossing with a first volume; ``say`` words a volume.

    >>> from breakeven.compare.crossover import Interval
    >>> stretches = (Interval(0.0, 783e6, "api"), Interval(783e6, 789e6, "gpu"), Interval(789e6, 892e6, "api"),
    ...              Interval(892e6, None, "gpu"))
    >>> where_it_wins(Crossover("api", "gpu", "at", 783e6, 892e6, stretches, 4, None))
    'from 783M to 789M tokens/day, and for good only from 892M tokens/day'
    """
    first, settled = found.first_tokens_per_day, found.settled_tokens_per_day
    assert first is not None
    stretch = first_stretch(found)
    low, high = (say(first), None) if stretch is None else apart(*stretch)
    text = f"from {low} tokens/day" if high is None else f"from {low} to {high} tokens/day"
    if found.outcome == "sometimes":
        more = sum(1 for row in found.intervals if row.cheaper == found.self_host) > 1
        if stretch is None:
            return f"{text} on some stretches of volume, but never for good"
        return text + (", and on other stretches of volume, but never for good" if more else ", and at no other volume")
    if settled is not None and settled > first:
        return f"{text}, and for good only from {say(settled)} tokens/day"
    return f"{text} on"


def _width_share(stretch: tuple[float, float]) -> float:
    low, high = stretch
    return (high - low) / low if low > 0 else float("inf")


def apart(low: float, high: float) -> tuple[str, str]:
    """Both ends with as many digits as tell them apart."""
    for digits in range(3, 9):
        words = spoken(low, digits=digits), spoken(high, digits=digits)
        if words[0] != words[1]:
            break
    return words
