"""Own the base load, buy the peak: how many servers, from the load-duration curve.

A server pays while its slice of the curve is busy enough: the n-th server carries what lies
between (n - 1) k and n k, and earns (price - own variable cost) on it. Slices only get emptier, so
the rule "mean utilisation of the slice >= f / ((p - v) k)" finds the best number without a search.
The same rule orders a mix: the steady bottom owned, a shoulder rented, the peak bought.
Source: screening curves of electricity planning; docs/model.md, equation ``screening``.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from msgspec import Struct


class Hours(Struct, frozen=True):
    """A load-duration curve of equal hours, each at its own load, times a volume.

    Sorted once, with running sums, so that what a fleet serves takes two look-ups at any volume.
    """

    loads: tuple[float, ...]  # ascending
    sums: tuple[float, ...]  # sums[i]: the i quietest hours together
    volume: float = 1.0

    @classmethod
    def of(cls, loads: Sequence[float]) -> Hours:
        """From the loads in any order."""
        ordered = sorted(loads)
        return cls(tuple(ordered), (0.0, *accumulate(ordered)))

    @property
    def peak(self) -> float:
        """The highest load."""
        return self.loads[-1] * self.volume

    @property
    def mean(self) -> float:
        """Mean load."""
        return self.sums[-1] / len(self.loads) * self.volume

    def scaled(self, factor: float) -> Hours:
        """The same shape at another volume."""
        return Hours(self.loads, self.sums, self.volume * factor)

    def below(self, level: float) -> float:
        """Mean of min(load, level): what capacity ``level`` serves."""
        if self.volume == 0.0:
            return 0.0
        relative = level / self.volume
        quiet = bisect_right(self.loads, relative)
        return (self.sums[quiet] + relative * (len(self.loads) - quiet)) / len(self.loads) * self.volume

    def slice_utilisation(self, low: float, high: float) -> float:
        """Mean utilisation of the capacity between two levels."""
        return (self.below(high) - self.below(low)) / (high - low)

    def volume_serving(self, wanted: float, level: float) -> float | None:
        """The volume at which capacity ``level`` serves ``wanted``; None if it never serves so much.

        With the busiest m of n hours cut at the level, served = level m / n + volume x (the rest),
        so each m is solved in closed form. For loads at volume 1.
        """
        count = len(self.loads)
        for cut in range(count):
            quiet = self.sums[count - cut]
            if quiet <= 0.0:
                return None
            rest = wanted - level * cut / count
            if cut and rest <= 0.0:  # the cut hours alone serve more: this many are cut at no volume, nor are more
                return None
            volume = rest * count / quiet
            if volume * self.loads[count - 1 - cut] <= level * (1.0 + 1e-12):
                return volume
        return None


def worth_it_utilisation(*, usd_per_server_day: float, saving_usd_per_mtok: float, mtok_per_server_day: float) -> float:
    """f / ((p - v) k): the share of the time a server must be busy to pay; inf if it never can.

    >>> round(worth_it_utilisation(usd_per_server_day=584.0, saving_usd_per_mtok=0.317,
    ...                            mtok_per_server_day=2333.3333), 4)
    0.7895
    """
    earned = saving_usd_per_mtok * mtok_per_server_day
    return usd_per_server_day / earned if earned > 0 else math.inf


def optimal_servers(curve: Hours, *, width: float, needed_utilisation: float, base: float = 0.0) -> int:
    """How many servers of capacity ``width`` pay: the last whose slice is busy for the needed share.

    ``base`` is the load that other capacity carries below them.

    A load that falls evenly from 1000 to 0 and servers of 10 that need half of the time: 50.

    >>> optimal_servers(Hours.of([hour + 0.5 for hour in range(1000)]), width=10.0, needed_utilisation=0.5)
    50
    """
    if not needed_utilisation <= 1.0:
        return 0
    top = max(0, math.ceil((curve.peak - base) / width))
    low, high = 0, top  # slices get emptier, so the last that pays is found by halving
    while low < high:
        middle = (low + high + 1) // 2
        busy = curve.slice_utilisation(base + (middle - 1) * width, base + middle * width)
        if busy >= needed_utilisation * (1.0 - 1e-12):
            low = middle
        else:
            high = middle - 1
    return low


class Source(Struct, frozen=True):
    """One kind of supply: USD per day to hold capacity for one Mtok/day, and per Mtok served."""

    name: str
    usd_per_mtok_capacity: float
    usd_per_mtok: float


def envelope(sources: Sequence[Source]) -> list[tuple[Source, float]]:
    """(source, the share of time from which it is cheapest), from busy to idle."""
    here = 1.0
    now = min(sources, key=lambda s: (s.usd_per_mtok_capacity + s.usd_per_mtok, s.usd_per_mtok_capacity, s.name))
    edges: list[tuple[Source, float]] = []
    while True:
        best: tuple[float, Source] | None = None
        for other in sources:
            if other.usd_per_mtok_capacity >= now.usd_per_mtok_capacity or other.usd_per_mtok <= now.usd_per_mtok:
                continue
            share = (now.usd_per_mtok_capacity - other.usd_per_mtok_capacity) / (other.usd_per_mtok - now.usd_per_mtok)
            if share <= here and (best is None or share > best[0]):
                best = (share, other)
        if best is None:
            edges.append((now, 0.0))
            return edges
        edges.append((now, best[0]))
        here, now = best
