"""Each rule as one function: what it asks of a profile, and what it says when the answer is no.

A decrease never blocks. A figure that is missing where a rule needs it is itself a finding: silence
is not consent.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from msgspec import Struct

from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import percent, spoken, usd
from breakeven.compare.result import Comparison
from breakeven.errors import InputError, Problem
from breakeven.gate.attribution import Share
from breakeven.gate.compared import Counted
from breakeven.gate.keys import Loc, cause_of
from breakeven.gate.lineage import new_claims, own_claims
from breakeven.gate.policy import Policy, Rise
from breakeven.gate.question import Elsewhere
from breakeven.gate.report import Compared, Finding, Level, rises, share_of
from breakeven.gate.savings import savings
from breakeven.gate.snapshot import Snapshot, side_of
from breakeven.offers.offer import Offer
from breakeven.offers.scope import Scope
from breakeven.profile.load import LoadedProfile
from breakeven.yamlio import dotted

_DRAWS, _SEED = 4096, 1


class Case(Struct, frozen=True):
    """One profile under judgement: both sides compared, and the head's result on the facts that judge it."""

    policy: Policy
    compared: Compared
    result: Comparison
    scope: Scope
    loaded: LoadedProfile
    on: dt.date | None
    base_infeasible: frozenset[str]  # offers that could not serve at the base either
    counted: Counted
    elsewhere: Elsewhere | None = None  # where a profile of the same name was, that is no base of this one
    drift: tuple[str, ...] = ()  # facts that differ from the lock
    by_option: bool = False  # the rule is one of the command line: there is no policy that could hold a waiver

    def find(self, rule: str, message: str, fix: str, *, line: int | None = None, level: Level | None = None, about: str = "") -> Finding:
        """A finding of this profile, at the level of the policy unless a lower one is given."""
        return Finding(rule, level or getattr(self.policy.rules, rule).level, self.compared.name, message, fix, self.compared.path, line, about=about)

    def line_of(self, *loc: int | str) -> int | None:
        """The line of a key in the head."""
        place = self.loaded.document.key_position(loc)
        return place[0] if place else None

    def dearest_line(self) -> int | None:
        """The line of the key that costs most of the change, whatever else was changed before it."""
        shares = sorted(self.compared.shares, key=lambda share: -share.cents)
        lines = [change.line for share in shares for change in share.changes if change.line is not None]
        return lines[0] if lines else self.line_of("workload")


def _new(case: Case) -> Iterator[Finding]:
    if case.compared.base is None:
        cost, moved = case.compared.head.usd_per_month, case.elsewhere
        adds = f"it adds {'an unknown amount' if cost is None else usd(cost)} a month"
        if moved is None:
            yield case.find("new_profile", f"the base has no profile of this name or path: {adds}", _approval(case), line=case.line_of("name"))
        else:
            said = f"the base has this name only in {moved.was}, which is no base, since {moved.why_not}: {adds}"
            yield case.find("new_profile", said, _approval_of_a_move(case, moved, cost), line=case.line_of("name"))


def _approval(case: Case) -> str:
    if not case.by_option:
        return "approve it with a waiver, or set rules.new_profile to warn"
    return "review what it adds" if case.policy.rules.new_profile.level == "warn" else "give --allow-new, or check it by a policy"


def _approval_of_a_move(case: Case, moved: Elsewhere, cost: float | None) -> str:
    """What lets a move land: from where the check does not look, only its owner knows whether it was checked there."""
    if case.by_option:
        warned = case.policy.rules.new_profile.level == "warn"
        review = f"review all that it adds: it is not compared with {moved.was}"
        return review if warned else f"{review}; for a move alone give --allow-new"
    if cost is None:
        return "mend the profile's offers, and have a waiver approved"
    limit = f"rule: new_profile, scope: {json.dumps(moved.here, ensure_ascii=False)}, max_usd_per_month: {math.ceil(cost)}"
    return f"if it only moves, land first a waiver with {limit} (one for each, or one scope with * and the largest amount), then the move, and remove the waiver"


def exceeds(rule: Rise, change: float, whole: float | None) -> bool:
    """Whether a rise is more than any tolerance that is given; a rise from nothing exceeds every share."""
    if not rises(change, whole) or change <= rule.ignore_below_usd_per_month:
        return False
    if rule.max_share is None and rule.max_usd_per_month is None:
        return True
    share = share_of(change, whole)
    over_share = rule.max_share is not None and (share is None or share > rule.max_share)
    return over_share or (rule.max_usd_per_month is not None and change > rule.max_usd_per_month)


def _allowed(rule: Rise) -> str:
    limits = [percent(rule.max_share)] if rule.max_share is not None else []
    limits += [usd(rule.max_usd_per_month)] if rule.max_usd_per_month is not None else []
    return " and ".join(limits) or "nothing"


def _spoken(amount: float) -> str:
    """An amount that a reader can have paid: no powers of ten of a dollar."""
    return usd(amount) if amount >= 0.005 else "less than a cent"


def _moved(share: Share) -> str:
    return f"{'+' if share.cents > 0 else '-'}{usd(abs(share.cents) / 100)}" if share.cents else "less than a cent"


def _grown(change: float, whole: float | None) -> str:
    share = share_of(change, whole)
    return f"{_spoken(change)} a month more ({'from nothing' if share is None else percent(share)}"


def _cost_increase(case: Case) -> Iterator[Finding]:
    rule, row = case.policy.rules.cost_increase, case.compared
    if rule is None or row.base is None:
        return
    change, whole = row.change_usd_per_month, row.base_at_head_facts
    if change is None:
        yield case.find("cost_increase", "the cost before or after the change is unknown: nothing can serve there", "make both sides computable")
        return
    if exceeds(rule, change, whole):
        causes = "; ".join(
            f"{s.cause} {_moved(s)} ({', '.join(c.key for c in s.changes[:3])}{', …' if len(s.changes) > 3 else ''})"
            for s in sorted(row.shares, key=lambda share: -share.cents) if s.cents or not any(share.cents for share in row.shares)
        )
        yield case.find("cost_increase", f"this change costs {_grown(change, whole)}; allowed {_allowed(rule)}): {causes}",
                        "undo it, or allow more in --fail-if" if case.by_option else "undo it, or have a waiver approved", line=case.dearest_line())  # fmt: skip
    yield from _same_work(case, rule)  # beside the plain rise: a waiver of that one has said nothing of this one


def _same_work(case: Case, rule: Rise) -> Iterator[Finding]:
    """What the base's tasks would cost, where the head counts fewer of them."""
    row, whole = case.compared, case.compared.base_at_head_facts
    if row.fewer_tasks is None:
        return
    why, fix = row.fewer_tasks.why, row.fewer_tasks.fix + (", or allow more in --fail-if" if case.by_option else ", or have a waiver approved")
    if row.same_work_unserved:
        yield case.find("cost_increase", f"the same tasks could not be served, so what they would cost is unknown: {why}", fix, line=case.dearest_line(), about="same work")
    elif row.same_work_usd_per_month is not None and whole is not None and exceeds(rule, row.same_work_usd_per_month - whole, whole):
        more = _grown(row.same_work_usd_per_month - whole, whole)
        yield case.find("cost_increase", f"the same tasks would cost {more}; allowed {_allowed(rule)}): {why}", fix, line=case.dearest_line(), about="same work")


def _market(case: Case) -> Iterator[Finding]:
    rule, row = case.policy.rules.market_increase, case.compared
    if rule is None or row.base is None:
        return
    moved = row.market_usd_per_month
    if moved is None:
        yield case.find("market_increase", "what the facts did is unknown: nothing can serve on one side", "make both sides computable")
    elif exceeds(rule, moved, row.market_whole):
        yield case.find("market_increase", f"the facts make it {_grown(moved, row.market_whole)}; allowed {_allowed(rule)})",
                        "review the decision on the new prices", line=case.line_of("api"))  # fmt: skip


_BUDGETS = (("budget_month", "a month", "usd_per_month"), ("budget_mtok", "per Mtok", "usd_per_mtok"), ("budget_task", "per task", "usd_per_task"))
_LANDED = " with the overlays of this change"  # they judge nothing here, and hold once it has landed


def _budgets(case: Case) -> Iterator[Finding]:
    head, later = case.compared.head, case.compared.later
    for name, unit, figure in _BUDGETS:
        rule = getattr(case.policy.rules, name)
        if rule is None:
            continue
        here = list(_over(case, name, unit, rule.max_usd, getattr(head, figure)))
        yield from here
        if later is not None and not here:
            yield from _over(case, name, unit, rule.max_usd, getattr(later, figure), when=_LANDED, about="overlays")
    yield from _crossed(case)


def _over(case: Case, name: str, unit: str, limit: float, value: float | None, *, when: str = "", about: str = "") -> Iterator[Finding]:
    if value is None:
        yield case.find(name, f"no eligible offer can serve{when}, so the cost {unit} is unknown", "mend the profile's offers", about=about)
    elif value > limit:
        yield case.find(name, f"{usd(value)} {unit}{when} is above the budget of {usd(limit)}", "reduce it, or raise the budget first",
                        line=case.line_of("workload"), about=about)  # fmt: skip


def _crossed(case: Case) -> Iterator[Finding]:
    rules, row = case.policy.rules, case.compared
    before = None if row.base_now is None else row.base_now.usd_per_month  # on the same facts: the market's crossings are not this change's
    if rules.budget_crossed is None or rules.budget_month is None or before is None or before > rules.budget_month.max_usd:
        return
    limit = rules.budget_month.max_usd
    for item, when, about in _now_and_landed(row):
        if item.usd_per_month is not None and item.usd_per_month > limit:
            yield case.find("budget_crossed", f"the budget of {usd(limit)} a month was met before this change ({usd(before)}), and is not{when} ({usd(item.usd_per_month)})",
                            "undo it", line=case.dearest_line(), about=about)  # fmt: skip
            return


def _now_and_landed(row: Compared) -> Iterator[tuple[Snapshot, str, str]]:
    """The head on the facts that judge, and on those that it brings along."""
    yield row.head, "", ""
    if row.later is not None:
        yield row.later, _LANDED, "overlays"


def _verdict(case: Case) -> Iterator[Finding]:
    base = case.compared.base_now  # on the same facts: the market's flips are not this change's
    if case.policy.rules.verdict_flipped is None or base is None:
        return
    for item, when, about in _now_and_landed(case.compared):
        if _side(base) != _side(item) or base.subject_side != item.subject_side:
            was, now = (f"{side.cheaper or 'nothing'} (paid: {side.subject or 'nothing'})" for side in (base, item))
            yield case.find("verdict_flipped", f"the cheaper side was {was} and is {now}{when}", "review the decision", line=case.dearest_line(), about=about)
            return


def _side(item: Snapshot) -> str | None:
    return None if item.cheaper is None else side_of(item.cheaper)


def _headline_pair(result: Comparison) -> Crossover | None:
    head = result.headline
    return next((c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)


def _edges(pair: Crossover) -> list[float]:
    """Every volume at which the verdict flips, as far as they are listed."""
    found = {interval.from_tokens_per_day for interval in pair.intervals[1:]}
    found |= {volume for volume in (pair.first_tokens_per_day, pair.settled_tokens_per_day) if volume}
    return sorted(found)


def _unlisted(pair: Crossover, volume: float) -> bool:
    """Whether there are flips beyond those listed, around a volume."""
    cut = pair.intervals_total is None or pair.intervals_total > len(pair.intervals)
    settled = pair.settled_tokens_per_day
    return cut and bool(pair.intervals) and volume > pair.intervals[-1].from_tokens_per_day and not (settled is not None and volume > settled)


def _near(case: Case) -> Iterator[Finding]:
    rule, volume = case.policy.rules.near_crossover, case.result.tokens_per_day
    if rule is None:
        return
    pair = _headline_pair(case.result)
    if pair is None:
        yield case.find("near_crossover", "there is no crossover to be near to: no self-hosted offer can serve", "mend the supply or the targets",
                        line=case.line_of("self_host", "supply"))  # fmt: skip
        return
    close = [edge for edge in _edges(pair) if edge > 0 and abs(volume / edge - 1) <= rule.within_share]
    if close or _unlisted(pair, volume * (1 + rule.within_share)):
        nearest = min(close, key=lambda edge: abs(volume - edge), default=volume)
        yield case.find("near_crossover", f"{spoken(volume)} tokens/day lies within {percent(rule.within_share)} of a crossing at {spoken(nearest)}",
                        "decide with care: a small change flips the verdict", line=case.line_of("workload"))  # fmt: skip


def _crossing(case: Case) -> Iterator[Finding]:
    rule, volume = case.policy.rules.crossing_within, case.result.tokens_per_day
    if rule is None:
        return
    pair = _headline_pair(case.result)
    growth = case.scope.profile.workload.demand.growth_per_year
    if pair is None:
        yield case.find("crossing_within", "there is no crossover to grow into: no self-hosted offer can serve", "mend the supply or the targets",
                        line=case.line_of("self_host", "supply"))  # fmt: skip
        return
    later = volume * (1 + growth) ** (rule.months / 12)
    low, high = sorted((volume, later))
    crossed = [edge for edge in _edges(pair) if low < edge <= high] if growth >= 0 else [edge for edge in reversed(_edges(pair)) if low <= edge < high]
    if crossed:
        months = 12 * math.log(crossed[0] / volume) / math.log(1 + growth)
        yield case.find("crossing_within", f"at {percent(growth)} growth a year the crossing at {spoken(crossed[0])} tokens/day comes in {months:.0f} months",
                        "plan the switch", line=case.line_of("workload", "demand"))  # fmt: skip
    elif growth and _unlisted(pair, high):
        yield case.find("crossing_within", f"at {percent(growth)} growth a year the volume passes flips too many to list", "plan the switch",
                        line=case.line_of("workload", "demand"))  # fmt: skip


def _infeasible(case: Case) -> Iterator[Finding]:
    """Every offer that cannot serve, whatever its kind. A mix is named only where none of its parts is."""
    rule = case.policy.rules.infeasible
    unable = [row.offer for row in case.result.offers if not row.offer.feasible]
    named = {offer.id for offer in unable if offer.kind != "hybrid"}
    for offer in unable:
        if offer.kind == "hybrid" and named & {offer.meta.get("api"), offer.meta.get("own")}:
            continue
        unchanged = offer.id in case.base_infeasible and not rule.also_unchanged
        since = ", as before this change" if unchanged else ""
        place, fix = _place_of(offer)
        yield case.find("infeasible", f"{offer.id} cannot serve{since}: {'; '.join(offer.why_not)}", fix, line=case.line_of(*place),
                        level="warn" if unchanged and rule.level == "error" else None, about=offer.id)  # fmt: skip
    if case.compared.head.usd_per_month is None:
        said = "no eligible offer can serve this workload" if case.policy.subject == "cheapest" else f"the offer that is judged ({case.policy.subject}) cannot serve this workload"
        yield case.find("infeasible", said, "mend the profile's offers", line=case.line_of("api"), about="subject")


def _place_of(offer: Offer) -> tuple[Loc, str]:
    """The entry of a profile that an offer was made from, and what can be done about it there."""
    if offer.kind in ("api", "provisioned"):
        return ("api", int(offer.meta.get("choice") or 0)), "mend the limit or the shape of the requests"
    return ("self_host", "supply", int(offer.meta.get("supply") or 0)), "mend the supply or the targets"


def _stale(case: Case) -> Iterator[Finding]:
    rule = case.policy.rules.stale_fact
    if rule is None:
        return
    # A profile that sets its facts' date back does not make them younger where today is known.
    since = max(0, (case.on - case.result.as_of).days) if case.on is not None else 0
    for source in case.result.sources:
        if source.kind not in rule.kinds:
            continue
        age = None if source.age_days is None else source.age_days + since
        if age is None or age > rule.max_age_days:
            shown = "of unknown age" if age is None else f"{age} days old"
            yield case.find("stale_fact", f"{source.id} is {shown} (allowed {rule.max_age_days})", "refresh the catalogue or give your own quote", about=source.id)


def _unsourced(case: Case) -> Iterator[Finding]:
    if case.policy.rules.unsourced_assumption is None:
        return
    for claim in own_claims(case.loaded.document.data):
        yield case.find("unsourced_assumption", f"{claim.text} has no source", claim.fix, line=case.line_of(*claim.loc), about=claim.text)
    for source in case.result.sources:
        if source.kind == "assumption" and not source.url:
            yield case.find("unsourced_assumption", f"{source.id} is an assumption without a source", "give the record a source with a URL", about=source.id)


def _unsourced_saving(case: Case) -> Iterator[Finding]:
    """Own numbers without a source, new in this change, that save: by a share of it, or when only they are taken back."""
    counted, now = case.counted, case.compared.head.usd_per_month
    if case.policy.rules.unsourced_saving.level == "off" or counted.base_data is None or now is None:
        return
    claims = list(new_claims(counted.base_data, case.loaded.document.data))
    for claim, less in zip(claims, savings(counted.base_data, counted.head.document.data, claims, counted.cost, now), strict=True):
        by_share = {} if claim.of_more_than_its_key else {share.cause: _saved(share, claim.loc) for share in case.compared.shares}
        cause = max(by_share, key=lambda name: by_share[name], default="")
        saved = max(by_share.get(cause, 0.0), less or 0.0)
        if by_share.get(cause, 0.0) < 0.005:
            cause = cause_of(claim.loc)
        said = None
        if saved >= 0.005:
            said = f"{usd(saved)} a month less ({cause}) rests on {claim.text}"
        elif less is None:
            said = f"what it would cost ({cause}) is unknown without {claim.text}"
        if said is not None:
            why = "which no source bears out" if claim.of_more_than_its_key else "which is new here and has no source"
            yield case.find("unsourced_saving", f"{said}, {why}", claim.fix, line=case.line_of(*claim.loc), about=dotted(claim.loc))


def _saved(share: Share, loc: Loc) -> float:
    """What the keys at a place save, whatever else of the same cause costs more: of a single key, all that its cause saves."""
    keys = [change for change in share.changes if _one_in_the_other(loc, change.loc)]
    return max((-share.cents / 100 if change.alone is None else -min(change.alone) for change in keys), default=0.0)


def _one_in_the_other(one: Loc, other: Loc) -> bool:
    """Whether one place of a document is the other or holds it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _probability(case: Case) -> Iterator[Finding]:
    rule = case.policy.rules.probability
    if rule is None or rule.level == "off":
        return
    missing = [name for name in ("numpy", "scipy") if find_spec(name) is None]
    if missing:
        raise InputError(Problem(f"the rule needs {' and '.join(missing)}", "pip install 'breakeven[risk]'", "policy", field="rules.probability"))
    from breakeven.compare.risk import risk

    chosen = case.result.headline.cheaper_at_volume
    # A seed of the gate's own: one that a profile may choose could be chosen until the answer fits.
    drawn = risk(case.scope, draws=_DRAWS, seed=_SEED)
    now = next((offer.cheapest_probability for offer in drawn.offers if offer.offer == chosen), None)
    # What could not be computed does not speak for the offer.
    now = None if now is None or not math.isfinite(now) else now - drawn.failed_draws / drawn.draws
    if now is None or not now >= rule.minimum:
        shown = "unknown" if now is None else percent(now)
        yield case.find("probability", f"{chosen or 'no offer'} is cheapest with probability {shown} (required {percent(rule.minimum)})",
                        "measure first what `breakeven risk` names first", line=case.line_of("uncertainty") or case.line_of("api"))  # fmt: skip


def _moved_back(case: Case) -> Iterator[Finding]:
    row = case.compared
    if row.base is not None and row.as_of < row.base_as_of:
        yield case.find("facts_moved_back", f"facts are asked for as of {row.as_of}, and the base has them as of {row.base_as_of}: prices since then do not count",
                        "give the later date", line=case.line_of("as_of"))  # fmt: skip


def _drift(case: Case) -> Iterator[Finding]:
    for text in case.drift:
        yield case.find("lock_drift", text, "see breakeven catalog diff, and renew the lock" + ("" if case.by_option else " with a waiver"), about=text)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _new, _moved_back, _cost_increase, _market, _budgets, _verdict, _near, _crossing, _infeasible, _stale, _unsourced, _unsourced_saving, _probability, _drift,
)  # fmt: skip


def judge(case: Case) -> list[Finding]:
    """Every finding of a profile, rules that are off left out."""
    return [finding for rule in RULES for finding in rule(case) if finding.level in ("warn", "error")]
