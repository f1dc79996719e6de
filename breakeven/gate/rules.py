"""Each rule as one function: what it asks of a profile, and what it says when the answer is no.

A decrease never blocks. A figure that is missing where a rule needs it is itself a finding: silence
is not consent.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from breakeven.compare.numbers import percent, spoken, usd
from breakeven.compare.result import Comparison
from breakeven.gate.policy import Policy, Waiver
from breakeven.gate.report import Compared, Finding, Level, WaiverStatus
from breakeven.offers.scope import Scope
from breakeven.yamlio import Document


@dataclass(frozen=True, slots=True)
class Case:
    """One profile under judgement."""

    policy: Policy
    compared: Compared
    result: Comparison
    scope: Scope
    document: Document
    on: object  # date

    def find(self, rule: str, message: str, fix: str, *, line: int | None = None) -> Finding:
        level = getattr(self.policy.rules, rule).level
        return Finding(rule, level, self.compared.name, message, fix, self.compared.path, line)

    def line_of(self, *loc: int | str) -> int | None:
        place = self.document.key_position(loc)
        return place[0] if place else None

    def first_changed_line(self) -> int | None:
        lines = [change.line for share in self.compared.shares for change in share.changes if change.line]
        return lines[0] if lines else self.line_of("workload")


def _cost_increase(case: Case) -> Iterator[Finding]:
    rule = case.policy.rules.cost_increase
    if rule is None or case.compared.base is None:
        return
    change, share = case.compared.change_usd_per_month, case.compared.changed_share
    if change is None:
        yield case.find("cost_increase", "the cost before or after the change is unknown", "make both sides computable")
        return
    if change <= 0:
        return
    over_share = share is None or share > rule.max_share
    over_usd = rule.max_usd_per_month is None or change > rule.max_usd_per_month
    if over_share and over_usd:
        causes = "; ".join(
            f"{s.cause} {'+' if s.cents >= 0 else '-'}{usd(abs(s.cents) / 100)} ({', '.join(c.key for c in s.changes[:3])})"
            for s in case.compared.shares
        )
        limit = percent(rule.max_share) + (f" and {usd(rule.max_usd_per_month)}" if rule.max_usd_per_month is not None else "")
        grown = "from nothing" if share is None else percent(share)
        yield case.find(
            "cost_increase", f"this change costs {usd(change)} a month more ({grown}; allowed {limit}): {causes}",
            "undo it, or have a waiver approved", line=case.first_changed_line(),
        )  # fmt: skip


def _budgets(case: Case) -> Iterator[Finding]:
    rules, head, base = case.policy.rules, case.compared.head, case.compared.base
    for name, unit, value, before in (
        ("budget_month", "a month", head.usd_per_month, base.usd_per_month if base else None),
        ("budget_mtok", "per Mtok", head.usd_per_mtok, base.usd_per_mtok if base else None),
        ("budget_task", "per task", head.usd_per_task, base.usd_per_task if base else None),
    ):
        rule = getattr(rules, name)
        if rule is None:
            continue
        if value is None:
            yield case.find(name, f"no eligible offer can serve, so the cost {unit} is unknown", "mend the profile's offers")
        elif value > rule.max_usd:
            yield case.find(name, f"{usd(value)} {unit} is above the budget of {usd(rule.max_usd)}", "reduce it, or raise the budget first",
                            line=case.line_of("workload"))  # fmt: skip
        crossed = name == "budget_month" and rules.budget_crossed is not None and before is not None and value is not None
        if crossed and before is not None and value is not None and before <= rule.max_usd < value:
            yield case.find("budget_crossed", f"the budget of {usd(rule.max_usd)} a month was met before this change", "undo it",
                            line=case.first_changed_line())  # fmt: skip


def _verdict(case: Case) -> Iterator[Finding]:
    base, head = case.compared.base, case.compared.head
    if case.policy.rules.verdict_flipped is not None and base is not None and base.cheaper != head.cheaper:
        yield case.find("verdict_flipped", f"the cheaper side was {base.cheaper} and is {head.cheaper}", "review the decision",
                        line=case.first_changed_line())  # fmt: skip


def _edges(case: Case) -> list[float]:
    head = case.result.headline
    found = next((c for c in case.result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)
    return [interval.from_tokens_per_day for interval in found.intervals[1:]] if found else []


def _near(case: Case) -> Iterator[Finding]:
    rule = case.policy.rules.near_crossover
    volume = case.result.tokens_per_day
    if rule is not None:
        close = [edge for edge in _edges(case) if abs(volume / edge - 1) <= rule.within_share]
        if close:
            yield case.find("near_crossover", f"{spoken(volume)} tokens/day lies within {percent(rule.within_share)} of a crossing at {spoken(close[0])}",
                            "decide with care: a small change flips the verdict", line=case.line_of("workload"))  # fmt: skip
    ahead = case.policy.rules.crossing_within
    if ahead is not None:
        growth = case.scope.profile.workload.demand.growth_per_year
        later = volume * (1 + growth) ** (ahead.months / 12)
        low, high = sorted((volume, later))
        crossed = [edge for edge in _edges(case) if low < edge <= high]
        if crossed:
            months = 12 * math.log(crossed[0] / volume) / math.log(1 + growth)
            yield case.find("crossing_within", f"at {percent(growth)} growth a year the crossing at {spoken(crossed[0])} comes in {months:.0f} months",
                            "plan the switch", line=case.line_of("workload", "demand"))  # fmt: skip


def _infeasible(case: Case) -> Iterator[Finding]:
    if case.policy.rules.infeasible.level == "off":
        return
    for row in case.result.offers:
        if row.offer.kind in ("rented", "owned") and not row.offer.feasible:
            yield case.find("infeasible", f"{row.offer.id} cannot serve: {'; '.join(row.offer.why_not)}", "mend the supply or the targets",
                            line=case.line_of("self_host", "supply"))  # fmt: skip
    if case.compared.head.usd_per_month is None:
        yield case.find("infeasible", "no eligible offer can serve this workload", "mend the profile's offers", line=case.line_of("api"))


def _facts(case: Case) -> Iterator[Finding]:
    rule = case.policy.rules.stale_fact
    if rule is not None:
        old = [s for s in case.result.sources if s.kind in ("list_price", "quote") and (s.age_days is None or s.age_days > rule.max_age_days)]
        for source in old:
            age = "of unknown age" if source.age_days is None else f"{source.age_days} days old"
            yield case.find("stale_fact", f"{source.id} is {age} (allowed {rule.max_age_days})", "refresh the catalogue or give your own quote")
    if case.policy.rules.unsourced_assumption is not None:
        own = [a for a in case.result.assumptions if a.origin == "--set" or _is_price_of_profile(a.name, a.origin)]
        for item in own:
            yield case.find("unsourced_assumption", f"{item.name} = {item.value} has no source", "move it to a catalogue overlay with its source")


def _is_price_of_profile(name: str, origin: str) -> bool:
    return origin.startswith("profile:") and "usd" in name.rsplit(".", 1)[-1]


def _probability(case: Case) -> Iterator[Finding]:
    rule = case.policy.rules.probability
    if rule is None:
        return
    from breakeven.compare.risk import risk

    weighed = risk(case.scope, draws=4096)
    head = case.result.headline
    chosen = next((offer for offer in weighed.offers if offer.offer == head.cheaper_at_volume), None)
    now = chosen.cheapest_probability if chosen is not None else None
    if now is None or not now >= rule.minimum:
        shown = "unknown" if now is None else percent(now)
        yield case.find("probability", f"{head.cheaper_at_volume} is cheapest with probability {shown} (required {percent(rule.minimum)})",
                        "measure first what risk names first")  # fmt: skip


def _new(case: Case) -> Iterator[Finding]:
    if case.compared.base is None and case.policy.rules.new_profile.level != "off":
        cost = case.compared.head.usd_per_month
        shown = "an unknown amount" if cost is None else usd(cost)
        yield case.find("new_profile", f"the base has no profile of this name or path: it adds {shown} a month",
                        "approve it, or set rules.new_profile to warn", line=case.line_of("name"))  # fmt: skip


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _new, _cost_increase, _budgets, _verdict, _near, _infeasible, _facts, _probability,
)  # fmt: skip


def judge(case: Case) -> list[Finding]:
    """Every finding of a profile, rules that are off left out."""
    return [finding for rule in RULES for finding in rule(case) if finding.level in ("warn", "error")]


def apply_waivers(policy: Policy, findings: list[Finding], cases: list[Case], on: object) -> tuple[list[Finding], list[WaiverStatus]]:
    """Mark what is waived, and report the waivers themselves: expired is an error, near expiry a warning."""
    used: set[str] = set()
    out = []
    by_name = {case.compared.name: case for case in cases}
    for finding in findings:
        cover = next((w for w in policy.waivers if _covers(w, finding, by_name.get(finding.profile), on)), None)
        out.append(finding if cover is None else replace(finding, waived_by=cover.id))
        if cover is not None:
            used.add(cover.id)
    rule = policy.rules.waiver_expiry
    statuses = []
    for waiver in policy.waivers:
        left = (waiver.expires - on).days  # type: ignore[operator]
        state = "expired" if left < 0 else "near expiry" if left <= rule.warn_days else "in force"
        limits = [x for x in (f"+{percent(waiver.max_share)}" if waiver.max_share is not None else "",
                              f"+{usd(waiver.max_usd_per_month)}/month" if waiver.max_usd_per_month is not None else "") if x]  # fmt: skip
        statuses.append(
            WaiverStatus(waiver.id, waiver.rule, waiver.scope, " and ".join(limits) or "no limit", waiver.reason, waiver.owner,
                         waiver.approver, waiver.expires, state, waiver.id in used)  # type: ignore[arg-type]
        )  # fmt: skip
        if state == "expired":
            out.append(Finding("waiver_expiry", "error", "", f"waiver {waiver.id} expired on {waiver.expires}", "remove or renew it", "policy"))
        elif state == "near expiry" and rule.level != "off":
            level: Level = "error" if rule.level == "error" else "warn"
            out.append(Finding("waiver_expiry", level, "", f"waiver {waiver.id} expires on {waiver.expires}, in {left} day(s)", "renew it in time", "policy"))
    return out, statuses


def _covers(waiver: Waiver, finding: Finding, case: Case | None, on: object) -> bool:
    if waiver.rule != finding.rule or waiver.expires < on or case is None:  # type: ignore[operator]
        return False
    if not (fnmatch.fnmatchcase(finding.profile, waiver.scope) or fnmatch.fnmatchcase(finding.path, waiver.scope)):
        return False
    if waiver.max_share is None and waiver.max_usd_per_month is None:
        return True
    change, share = case.compared.change_usd_per_month, case.compared.changed_share
    if case.compared.base is None:
        change, share = case.compared.head.usd_per_month, None
    if waiver.max_usd_per_month is not None and (change is None or change > waiver.max_usd_per_month):
        return False
    return waiver.max_share is None or (share is not None and share <= waiver.max_share)
