"""What a reader of a profile's comparison has to know beside its figures."""

from __future__ import annotations

from collections.abc import Iterator

from breakeven.compare.numbers import usd
from breakeven.compare.result import Comparison
from breakeven.gate.snapshot import Snapshot
from breakeven.profile.load import LoadedProfile


def remarks(base: LoadedProfile, head: LoadedProfile, before: Snapshot, now: Snapshot) -> Iterator[str]:
    """Of a profile whose base and head are known, both on the same facts."""
    if before.subject is not None and now.subject is not None and before.subject != now.subject:
        yield _another_offer(before, now)
    if base.profile.name != head.profile.name:
        yield f"it is called {base.profile.name} at the base"
    old, new = (item.document.data.get("uncertainty") for item in (base, head))
    if repr(old) != repr(new):
        place = head.document.key_position(("uncertainty",))
        where = f" ({head.path}:{place[0]})" if place and new is not None else ""
        yield f"uncertainty changes here{where}: it moves no cost, only the answer of the rule probability"


def confidential(*results: Comparison) -> Iterator[str]:
    """A report goes to logs, comments and artefacts: who may read it can work out what a cost rests on."""
    secret = sorted({source.id for result in results for source in result.sources if source.confidential})
    if secret:
        named = ", ".join(secret[:3]) + (f" and {len(secret) - 3} more" if len(secret) > 3 else "")
        yield f"costs here rest on confidential facts ({named}), and give them away: show this report only to those who may know them, or leave out their --catalog"


def _another_offer(before: Snapshot, now: Snapshot) -> str:
    """A saving by another offer is a saving; what the old one costs now is said all the same."""
    said = f"the judged cost was that of {before.subject} and is that of {now.subject}"
    if now.subject not in before.offers:
        said += ", which the base does not have"
    if before.subject not in now.offers:
        return f"{said}; {before.subject} is gone"
    cost, old = now.offers[before.subject or ""], before.usd_per_month
    if cost is None or old is None:
        return f"{said}; {before.subject} can no longer serve"
    return f"{said}; {before.subject} itself goes from {usd(old)} to {usd(cost)} a month"
