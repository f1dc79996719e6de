"""Who is cheaper over a stretch of volumes, as alternating runs, most of them never written out.

Between two offers the gap D(V) = C_api(V) - C_self_host(V) is a staircase on top of a line. On
step j of its width the gap runs from a_j to b_j, both affine in j, so the steps on which
self-hosting wins nowhere, somewhere and everywhere are three consecutive ranges of j whose ends
have closed forms. A ``Block`` is one such range; it counts its runs without listing them, so a
crossing after a million replicas costs as much as one after two.
Source: docs/model.md, equation ``crossing-law``; derived there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

API = "api"
SELF_HOST = "self_host"

_MTOK = 1e6
_FAR_STEP = 10**15  # no volume that can be written in a profile reaches this many replicas


class Run(Struct, frozen=True):
    """``winner`` is cheaper on (from, to]; a tie goes to the API."""

    from_tokens_per_day: float
    to_tokens_per_day: float
    winner: str


class Uniform(Struct, frozen=True):
    """One run."""

    run: Run
    endless = False  # no further change of winner follows

    @property
    def count(self) -> int:
        return 1

    @property
    def first(self) -> str:
        return self.run.winner

    @property
    def last(self) -> str:
        return self.run.winner

    def runs(self) -> Iterator[Run]:
        yield self.run

    def last_start(self) -> float:
        return self.run.from_tokens_per_day

    def first_start(self, winner: str) -> float | None:
        return self.run.from_tokens_per_day if winner == self.run.winner else None


class Gap(Struct, frozen=True):
    """D(V) = fixed + usd_per_mtok V / 1e6 - step * ceil(V / width): positive where self-hosting wins."""

    fixed_usd_per_day: float
    usd_per_mtok: float
    step_usd_per_day: float
    width_tokens: float

    def zero(self, step: int) -> float:
        """The volume at which the line of one step meets zero, in tokens a day."""
        return (step * self.step_usd_per_day - self.fixed_usd_per_day) * _MTOK / self.usd_per_mtok


class Partial(Struct, frozen=True):
    """Steps ``from_step`` to ``to_step`` (inclusive; None = without end), each won partly."""

    gap: Gap
    from_step: int
    to_step: int | None
    from_tokens_per_day: float
    to_tokens_per_day: float

    @property
    def count(self) -> int | None:
        return None if self.to_step is None else 2 * (self.to_step - self.from_step + 1)

    @property
    def endless(self) -> bool:
        return self.to_step is None

    @property
    def first(self) -> str:
        return API if self.gap.usd_per_mtok > 0 else SELF_HOST

    @property
    def last(self) -> str:
        return SELF_HOST if self.gap.usd_per_mtok > 0 else API

    def _ends(self, step: int) -> tuple[float, float, float]:
        low = max((step - 1) * self.gap.width_tokens, self.from_tokens_per_day)
        high = min(step * self.gap.width_tokens, self.to_tokens_per_day)
        return low, min(max(self.gap.zero(step), low), high), high

    def runs(self) -> Iterator[Run]:
        step = self.from_step
        while self.to_step is None or step <= self.to_step:
            low, zero, high = self._ends(step)
            yield Run(low, zero, self.first)
            yield Run(zero, high, self.last)
            step += 1

    def last_start(self) -> float:
        return math.inf if self.to_step is None else self._ends(self.to_step)[1]

    def first_start(self, winner: str) -> float | None:
        low, zero, _ = self._ends(self.from_step)
        return low if winner == self.first else zero


class Listed(Struct, frozen=True):
    """Runs written out one by one, where no closed form exists; never empty.

    Where there are too many, ``head`` holds the first ones and ``tail`` the last ones before the
    end (none where there is no end), and ``complete`` is False.
    """

    head: tuple[Run, ...]
    tail: tuple[Run, ...] = ()
    complete: bool = True
    endless: bool = False

    @property
    def count(self) -> int | None:
        return len(self.head) if self.complete else None

    @property
    def first(self) -> str:
        return self.head[0].winner

    @property
    def last(self) -> str:
        return (self.tail or self.head)[-1].winner

    def runs(self) -> Iterator[Run]:
        return iter(self.head)

    def last_start(self) -> float:
        return (self.tail or self.head)[-1].from_tokens_per_day

    def first_start(self, winner: str) -> float | None:
        both = (*self.head, *self.tail)
        return next((run.from_tokens_per_day for run in both if run.winner == winner), None)


Block = Uniform | Partial | Listed


def line_blocks(*, fixed_usd_per_day: float, usd_per_mtok: float, low: float, high: float) -> list[Block]:
    """Blocks of a gap without steps, D(V) = fixed + usd_per_mtok V / 1e6, on (low, high]."""
    if usd_per_mtok == 0.0:
        return [Uniform(Run(low, high, SELF_HOST if fixed_usd_per_day > 0 else API))]
    zero = -fixed_usd_per_day * _MTOK / usd_per_mtok
    before, after = (API, SELF_HOST) if usd_per_mtok > 0 else (SELF_HOST, API)
    if zero <= low:
        return [Uniform(Run(low, high, after))]
    if zero >= high:
        return [Uniform(Run(low, high, before))]
    return [Uniform(Run(low, zero, before)), Uniform(Run(zero, high, after))]


def step_blocks(gap: Gap, *, low: float, high: float) -> list[Block]:
    """Blocks of a gap with steps on (low, high]; ``high`` may be infinite."""
    width = gap.width_tokens
    first = math.floor(low / width) + 1
    while (first - 1) * width > low:
        first -= 1
    while first * width <= low:
        first += 1
    last = None if math.isinf(high) else _last_step(high, width)
    blocks: list[Block] = []
    # A step cut by an end of the stretch does not follow the pattern of the whole ones: solve it alone.
    if low > (first - 1) * width:
        blocks += _one_step(gap, first, low, min(first * width, high))
        first += 1
    if last is not None and last >= first and high < last * width:
        tail = _one_step(gap, last, (last - 1) * width, high)
        last -= 1
    else:
        tail = []
    if last is None or last >= first:
        blocks += _whole_steps(gap, first, last)
    return blocks + tail


def _last_step(high: float, width: float) -> int:
    step = math.ceil(high / width)
    while (step - 1) * width >= high:
        step -= 1
    while step * width < high:
        step += 1
    return step


def _one_step(gap: Gap, step: int, low: float, high: float) -> list[Block]:
    fixed = gap.fixed_usd_per_day - step * gap.step_usd_per_day
    return line_blocks(fixed_usd_per_day=fixed, usd_per_mtok=gap.usd_per_mtok, low=low, high=high)


def _whole_steps(gap: Gap, first: int, last: int | None) -> list[Block]:
    """Three ranges of steps in closed form. ``last`` None means that the steps go on for ever."""
    rise = gap.usd_per_mtok * gap.width_tokens / _MTOK  # over one step
    net = rise - gap.step_usd_per_day  # from one step to the next
    if abs(net) <= 1e-12 * max(abs(rise), abs(gap.step_usd_per_day)):
        net = 0.0
    if net == 0.0 or first == last:
        kind = _kind(gap, first)
        return [_range(gap, kind, first, last)]
    # With net > 0 steps go none -> partial -> full; with net < 0 the same, backwards.
    kinds = (0, 1, 2) if net > 0 else (2, 1, 0)
    cut_one = _boundary(gap, kinds[0], net > 0, rise, net, first, last)
    cut_two = _boundary(gap, kinds[1], net > 0, rise, net, cut_one, last)
    out: list[Block] = []
    stop = last + 1 if last is not None else None
    for kind, begin, end in ((kinds[0], first, cut_one), (kinds[1], cut_one, cut_two), (kinds[2], cut_two, stop)):
        if end is None or begin < end:
            out.append(_range(gap, kind, begin, None if end is None else end - 1))
    return out


def _kind(gap: Gap, step: int) -> int:
    """0 self-hosting wins nowhere on the step, 1 on part of it, 2 on all of it."""
    low, high = (step - 1) * gap.width_tokens, step * gap.width_tokens
    if gap.usd_per_mtok == 0.0:
        return 2 if gap.fixed_usd_per_day - step * gap.step_usd_per_day > 0 else 0
    zero = gap.zero(step)
    if gap.usd_per_mtok > 0:
        return 0 if zero >= high else 2 if zero <= low else 1
    return 0 if zero <= low else 2 if zero >= high else 1


def _boundary(gap: Gap, kind: int, rising: bool, rise: float, net: float, begin: int, last: int | None) -> int:
    """The first step from ``begin`` on that is past ``kind`` in the order of the steps."""
    # Which end of the step decides: any win needs its higher end above zero, a full one its lower.
    needs_higher_end = (kind == 0) if rising else (kind == 1)
    # ends: b_j = fixed + net j ; a_j = b_j - rise
    offset = gap.fixed_usd_per_day - (0.0 if needs_higher_end == (rise > 0) or rise == 0.0 else rise)
    guess = begin if net == 0.0 else min(max(-offset / net, begin - 2.0), float(_FAR_STEP))
    step = max(begin, math.floor(guess) - 1)

    def past(candidate: int) -> bool:
        found = _kind(gap, candidate)
        return found > kind if rising else found < kind

    ceiling = last + 1 if last is not None else _FAR_STEP
    return _settle(past, step, begin, ceiling)


def _settle(past: Callable[[int], bool], guess: int, floor: int, ceiling: int) -> int:
    """The first step in [floor, ceiling] that is past, near ``guess``; ``ceiling`` where none is.

    The closed form is a step or two off at most, except where two slopes agree to a dozen digits
    and rounding leaves it few; the law itself decides, in strides that double.
    """
    guess = min(max(guess, floor), ceiling)
    stride = 1
    if guess < ceiling and not past(guess):
        low = guess
        while low + stride < ceiling and not past(low + stride):
            low += stride
            stride *= 2
        high = min(low + stride, ceiling)
    else:
        high = guess
        while high - stride >= floor and past(high - stride):
            high -= stride
            stride *= 2
        low = max(high - stride, floor - 1)
    while high - low > 1:
        middle = (low + high) // 2
        if past(middle):
            high = middle
        else:
            low = middle
    return high


def _range(gap: Gap, kind: int, first: int, last: int | None) -> Block:
    low = (first - 1) * gap.width_tokens
    high = math.inf if last is None else last * gap.width_tokens
    if kind == 1:
        return Partial(gap, first, last, low, high)
    return Uniform(Run(low, high, SELF_HOST if kind == 2 else API))


def merged(blocks: Iterable[Block]) -> Iterator[Run]:
    """All runs in order, neighbours of one winner joined, empty ones dropped. May be endless."""
    held: Run | None = None
    for block in blocks:
        for run in block.runs():
            if run.to_tokens_per_day <= run.from_tokens_per_day:
                continue
            if held is not None and held.winner == run.winner:
                held = Run(held.from_tokens_per_day, run.to_tokens_per_day, held.winner)
                continue
            if held is not None:
                yield held
            held = run
        if isinstance(block, Listed) and not block.complete:
            break  # what lies past the runs written out is not known run by run
    if held is not None:
        yield held
