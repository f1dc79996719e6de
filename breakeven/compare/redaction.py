"""A result that can be shared: what rests on confidential facts is withheld, the verdict stays.

No confidential figure can be read from a redacted result or computed from it. Where one figure of an
offer is confidential, its totals and crossings would give it away, so all of them are unknown (None);
what stays is which offer is cheaper, whether and in which half-decade of volume the bills cross, and
everything that does not rest on confidential facts. Suppliers that only the user's own facts know
lose their names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven.catalog.fact_files import shown_path
from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import spoken
from breakeven.compare.quotes import QuoteRow
from breakeven.compare.result import Alternative, Assumption, Comparison, Headline, OfferAtVolume, SourceUsed
from breakeven.compare.stretches import NARROW, where_it_wins
from breakeven.offers.offer import Offer

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

WITHHELD = "withheld"
# What an offer's builder notes about it that is neither money nor a name.
_OPEN_META = ("supply", "choice", "term", "api", "own", "accelerator", "instances_per_replica", "servers_per_replica")


def redacted(result: Comparison, catalogue: Catalogue) -> Comparison:
    """The result without confidential figures; the same object when it uses none."""
    secret = frozenset(source.id for source in result.sources if source.confidential) | _unusable(result, catalogue)
    if not secret:
        return result
    hidden = _hidden(result, secret)
    pair_hidden = result.headline.api in hidden or result.headline.self_host in hidden
    public = frozenset(source.id for source in result.sources) - secret
    found = next(
        (c for c in result.crossovers if (c.api, c.self_host) == (result.headline.api, result.headline.self_host)), None
    )
    shared = replace(
        result,
        catalogue_digest=WITHHELD,  # it covers the confidential files: guesses could be tried against it
        offers=tuple(_offer(row) if row.offer.id in hidden else row for row in result.offers),
        crossovers=tuple(_crossing(row) if {row.api, row.self_host} & hidden else row for row in result.crossovers),
        headline=_headline(result.headline, found, hidden) if pair_hidden else result.headline,
        alternatives=tuple(_alternative(row, secret, pair_hidden) for row in result.alternatives),
        flips=() if pair_hidden else result.flips,
        quotes=_quotes(result.quotes, hidden),
        sources=tuple(_source(source) if source.id in secret else source for source in result.sources),
        assumptions=tuple(_assumption(row, hidden, public) for row in result.assumptions),
        warnings=(
            *(w for w in result.warnings if not any(w.startswith((f"{one}:", f"{one} ")) for one in hidden)),
            f"{len(secret)} confidential fact(s) are used; what rests on them is withheld",
        ),
        outlook=None,
    )  # fmt: skip
    renamed: Comparison = map_strings(map_strings(shared, _placeless(secret, catalogue)), _anonymous(secret, catalogue))
    return renamed


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """Frozen data with every string in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        return tuple(map_strings(item, change) for item in value)
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    if isinstance(value, Mapping):
        return {map_strings(key, change): map_strings(item, change) for key, item in value.items()}
    if isinstance(value, Struct):
        return replace(value, **{name: map_strings(getattr(value, name), change) for name in value.__struct_fields__})
    return value


def _unusable(result: Comparison, catalogue: Catalogue) -> frozenset[str]:
    """Confidential quotes that say too little to be priced: no bill cites them, but their supplier is named."""
    names = {row.offer.meta["quote"] for row in result.offers if row.offer.meta.get("quote") and not row.offer.lines}
    found = ((name, index, record) for name in names for index, record in enumerate(catalogue.find("quotes", name).offers))  # type: ignore[attr-defined]
    return frozenset(f"quotes/{name}#offers[{index}]" for name, index, record in found if record.confidential)


def _hidden(result: Comparison, secret: frozenset[str]) -> frozenset[str]:
    """Offers with a figure that rests on a confidential fact, and hybrids of such offers."""
    direct = {row.offer.id for row in result.offers if secret & _cited(row.offer)}
    mixed = {row.offer.id for row in result.offers if {row.offer.meta.get("api"), row.offer.meta.get("own")} & direct}
    return frozenset(direct | mixed)


def _cited(offer: Offer) -> set[str]:
    found = set(offer.meta.get("capacity_sources", ()))
    for line in offer.lines:
        found.update(line.sources)
        for term in line.terms:
            found.update(term.sources)
    return found


def _offer(row: OfferAtVolume) -> OfferAtVolume:
    """The offer as one that is known to exist and to serve, at a price that is not."""
    mixed = row.offer.kind == "hybrid"  # how many replicas pay, and how busy, follows from the price
    kept = {key: row.offer.meta[key] for key in _OPEN_META if key in row.offer.meta}
    offer = replace(
        row.offer, lines=(), minimum_usd_per_day=0.0, notes=("its figures are withheld: they rest on confidential facts",),
        meta=kept,
    )  # fmt: skip
    return replace(
        row, offer=offer, usd_per_day=None, usd_per_month=None, usd_per_mtok=None, usd_per_request=None, usd_per_task=None,
        capacity_usd_per_mtok=None, bill=(), replicas=None if mixed else row.replicas,
        capacity_tokens_per_day=None if mixed else row.capacity_tokens_per_day,
        utilisation_share=None if mixed else row.utilisation_share,
    )  # fmt: skip


def _crossing(row: Crossover) -> Crossover:
    return replace(
        row, first_tokens_per_day=None, settled_tokens_per_day=None, intervals=(), intervals_total=0, capacity_share=None
    )


def _headline(head: Headline, found: Crossover | None, hidden: frozenset[str]) -> Headline:
    sentence = head.sentence
    if found is not None and found.outcome in ("at", "sometimes"):
        # Where the first stretch ends is left out: with its start it tells how wide it is.
        rough = where_it_wins(replace(found, intervals=()), _between)
        sentence = sentence.replace(where_it_wins(found), rough)
    dropped = ["the crossing lies at", NARROW]
    dropped += ["a replica costs"] if head.self_host in hidden else []
    dropped += ["the API costs"] if head.api in hidden else []
    kept = (text for text in head.conditions if not text.startswith(tuple(dropped)))
    return replace(head, sentence=sentence, conditions=(*kept, "figures that rest on confidential facts are withheld"))


def _between(volume: float) -> str:
    """The half-decade a volume lies in.

    >>> _between(10.6e6), _between(30e6), _between(9.99e6)
    ('between 10M and 30M', 'between 30M and 100M', 'between 3M and 10M')
    """
    if volume <= 0:
        return "0"
    low = 10.0 ** math.floor(math.log10(volume) + 1e-12)
    if volume >= 3.0 * low:
        return f"between {spoken(3.0 * low)} and {spoken(10.0 * low)}"
    return f"between {spoken(low)} and {spoken(3.0 * low)}"


def _alternative(row: Alternative, secret: frozenset[str], pair_hidden: bool) -> Alternative:
    if not pair_hidden and not secret & set(row.sources):
        return row
    changed = "rests on a confidential fact" if secret & set(row.sources) else row.changed
    # Their order may be the order of their prices.
    return Alternative(row.name, changed, None, None, None, None, WITHHELD, tuple(sorted(row.sources)))


def _quotes(rows: tuple[QuoteRow, ...], hidden: frozenset[str]) -> tuple[QuoteRow, ...]:
    """Suppliers in order among themselves, and nothing ranked: a place beside a known price would bound theirs."""
    if not any(row.offer in hidden for row in rows):
        return rows
    ranked = iter(range(1, len(rows) + 1))
    first = [
        replace(row, rank=None, confidential=True, confidential_rank=None if row.rank is None else next(ranked),
                npv_usd_per_mtok=None, npv_usd=None, first_tokens_per_day=None, units=None, flags=())
        for row in rows if row.offer in hidden
    ]  # fmt: skip
    rest = sorted((replace(row, rank=None) for row in rows if row.offer not in hidden), key=lambda row: row.offer)
    return (*first, *rest)


def _source(source: SourceUsed) -> SourceUsed:
    return replace(source, file=WITHHELD, url=None, title="confidential", note=None, owner=None)


def _assumption(row: Assumption, hidden: frozenset[str], public: frozenset[str]) -> Assumption:
    stated = row.origin.startswith(("profile:", "--set")) or (row.origin == "default" and "." in row.name)
    if stated or row.origin in public or not hidden & set(row.used_by):
        return row
    return replace(row, value=WITHHELD)


def _anonymous(secret: frozenset[str], catalogue: Catalogue) -> Callable[[str], str]:
    """Suppliers that only overlays know, by number; things of the package keep their names."""
    names: dict[str, str] = {}
    things = sorted({source_id.partition("#")[0] for source_id in secret if not source_id.startswith("genai-prices/")})
    private = [place for place in things if all(layer > 0 for _, layer in _files(catalogue, place))]
    for number, place in enumerate(private, start=1):
        kind, _, name = place.partition("/")
        thing = catalogue.find(kind, name)
        for text in (thing.id, thing.name, *thing.aliases):
            names[text] = f"confidential-{number}"
    if not names:
        return lambda text: text
    pattern = "|".join(re.escape(text) for text in sorted(names, key=lambda text: (-len(text), text)))
    words = re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])")
    return lambda text: words.sub(lambda match: names[match[0]], text)


def _placeless(secret: frozenset[str], catalogue: Catalogue) -> Callable[[str], str]:
    """Reasons without the place in a confidential file: folders and files are named after suppliers."""
    things = sorted({one.partition("#")[0] for one in secret if one.startswith("quotes/")})
    paths = {shown_path(path) for place in things for path, _ in _files(catalogue, place)}
    if not paths:
        return lambda text: text
    places = re.compile(rf" \((?:{'|'.join(map(re.escape, sorted(paths)))}):\d+:\d+: [^)]*\)")
    return lambda text: places.sub("", text)


def _files(catalogue: Catalogue, place: str) -> list[tuple[Any, int]]:
    kind, _, name = place.partition("/")
    return catalogue.files.table[kind][name]
