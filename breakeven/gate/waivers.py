"""Named, limited, expiring permissions: which findings they cover, and the state of each."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from breakeven.compare.numbers import percent, usd
from breakeven.gate.policy import Policy, Waiver
from breakeven.gate.report import Compared, Finding, Level, WaiverStatus, share_of
from breakeven.yamlio import Document

_PATH_ENDS = (".yaml", ".yml", ".json")


def apply_waivers(
    policy: Policy, document: Document | None, findings: Sequence[Finding], profiles: Mapping[str, Compared], places: Mapping[str, str], on: dt.date
) -> tuple[list[Finding], list[WaiverStatus]]:
    """Mark what is waived, and report the waivers themselves: expired is an error, near expiry a warning.

    ``places`` are the files from the repository's top, by the name they were given.
    """
    rule = policy.rules.waiver_expiry
    used: set[str] = set()
    out = []
    good = [waiver for waiver in policy.waivers if 0 <= (waiver.expires - on).days <= rule.max_days]
    for finding in findings:
        row = profiles.get(finding.profile)
        cover = next((waiver for waiver in good if row is not None and _covers(waiver, finding, row, places)), None)
        half = () if row is None or cover is not None else tuple(_fitting_one_side(good, finding, row, places))
        out.append(replace(finding, waived_by=cover.id) if cover is not None else replace(finding, fix="; ".join((finding.fix, *half))))
        if cover is not None:
            used.add(cover.id)
    statuses = []
    for index, waiver in enumerate(policy.waivers):
        left = (waiver.expires - on).days
        state = "expired" if left < 0 else "too long" if left > rule.max_days else "near expiry" if left <= rule.warn_days else "in force"
        place = document.key_position(("waivers", index, "id")) if document is not None else None
        path, line = document.path if document is not None else "policy", place[0] if place else None
        statuses.append(
            WaiverStatus(waiver.id, waiver.rule, waiver.scope, _limit(waiver), waiver.reason, waiver.owner, waiver.approver, waiver.expires,
                         state, waiver.id in used, path, line)  # type: ignore[arg-type]
        )  # fmt: skip
        said = {
            "expired": (f"expired on {waiver.expires}", "remove or renew it", "error"),
            "too long": (f"lasts until {waiver.expires}, more than {rule.max_days} days", "give it a nearer end", "error"),
            "near expiry": (f"expires on {waiver.expires}, in {left} day(s)", "renew it in time", rule.level),
        }.get(state)
        if said is not None and said[2] != "off":
            level: Level = "error" if said[2] == "error" else "warn"
            out.append(Finding("waiver_expiry", level, "", f"waiver {waiver.id} {said[0]}", said[1], path, line, about=waiver.id))
    return out, statuses


def _limit(waiver: Waiver) -> str:
    limits = [f"+{percent(waiver.max_share)}"] if waiver.max_share is not None else []
    sign = "" if waiver.rule in ("budget_month", "new_profile") else "+"
    limits += [f"{sign}{usd(waiver.max_usd_per_month)}/month"] if waiver.max_usd_per_month is not None else []
    return " and ".join(limits) or "no amount"


def _covers(waiver: Waiver, finding: Finding, row: Compared, places: Mapping[str, str]) -> bool:
    if waiver.rule != finding.rule:
        return False
    # A profile cannot be renamed or moved into a waiver: what it is at the base has to fit as well.
    if not all(_in_scope(name, waiver.scope) for name in _here_and_at_base(waiver, row, places)):
        return False
    if waiver.max_share is None and waiver.max_usd_per_month is None:
        return True
    amount, share = _amount(finding, row)
    if waiver.max_usd_per_month is not None and (amount is None or amount > waiver.max_usd_per_month):
        return False
    return waiver.max_share is None or (share is not None and share <= waiver.max_share)


def _here_and_at_base(waiver: Waiver, row: Compared, places: Mapping[str, str]) -> tuple[str, ...]:
    """What a waiver's scope has to fit: the profile's name or path here, then the one at its base, where it has one."""
    if _is_path(waiver.scope):
        place = places.get(row.path) or _from_here(row.path)
        return (place,) if row.moved_from is None else (place, row.moved_from)
    return (row.name,) if row.base is None else (row.name, row.base.name)


def _fitting_one_side(waivers: Sequence[Waiver], finding: Finding, row: Compared, places: Mapping[str, str]) -> Iterator[str]:
    """Waivers that a new name or place leaves without effect, and what helps: whoever wrote them sees no other reason."""
    for waiver in (waiver for waiver in waivers if waiver.rule == finding.rule):
        here, *before = _here_and_at_base(waiver, row, places)
        fits = [_in_scope(name, waiver.scope) for name in (here, *before)]
        if not before or fits[0] == fits[1]:
            continue
        if fits[1]:
            yield f"waiver {waiver.id} fits {before[0]}, as the base has it, and not {here}, as it is here: rename or move it in a later change of its own"
        else:
            yield f"waiver {waiver.id} fits {here} only since this change, and not {before[0]}, as the base has it: nothing is renamed or moved into a waiver"


def _is_path(scope: str) -> bool:
    """Whether a scope speaks of files. A profile may be called like a file: names and paths are never mixed."""
    return "/" in scope or scope.endswith(_PATH_ENDS)


def _in_scope(name: str, scope: str) -> bool:
    """Only ``*`` stands for anything: a name may hold brackets and question marks."""
    return re.fullmatch(".*".join(map(re.escape, scope.removeprefix("./").split("*"))), name, re.DOTALL) is not None


def _from_here(path: str) -> str:
    """A file from the working folder, however it was named."""
    return Path(os.path.relpath(path)).as_posix()


def _amount(finding: Finding, row: Compared) -> tuple[float | None, float | None]:
    """What a waiver's limit limits: the rise, or the whole cost where there is no rise; and its share."""
    whole = row.base_at_head_facts
    if finding.rule in ("budget_month", "new_profile"):
        known = [cost for cost in (row.head.usd_per_month, row.head_facts_usd_per_month) if cost is not None]
        return max(known, default=None), None
    if finding.rule == "market_increase":
        return row.market_usd_per_month, row.market_share
    if finding.about == "same work":
        if row.same_work_usd_per_month is None or whole is None:
            return None, None  # nobody knows how much it is, so no limit holds it
        rise = row.same_work_usd_per_month - whole
        return rise, share_of(rise, whole)
    if finding.about == "overlays":  # what it comes to once the change's own overlays hold
        landed = None if row.head_facts_usd_per_month is None or whole is None else row.head_facts_usd_per_month - whole
        return landed, share_of(landed, whole)
    return row.change_usd_per_month, row.changed_share
