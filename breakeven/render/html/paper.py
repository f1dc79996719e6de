"""What is read first and signed last: verdict, ledger, sources, limits, sign-off."""

from __future__ import annotations

import re

from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import Money, percent, spoken
from breakeven.compare.result import Comparison, SourceUsed
from breakeven.compare.stretches import apart, first_stretch
from breakeven.render.cheapest import cheaper_elsewhere
from breakeven.render.html.crossing import headline_rows
from breakeven.render.html.parts import amount, anchor, cite, day, esc, headline_crossing, key, link, table

_PARTS = (
    ("crossing", "Crossing"),
    ("offers", "Offers"),
    ("quotes", "Quotes"),
    ("bills", "Bills"),
    ("moves", "What moves it"),
    ("forecast", "Over time"),
    ("risk", "How sure"),
    ("assumptions", "Assumptions"),
    ("sources", "Sources"),
    ("limits", "Not included"),
    ("sign-off", "Sign-off"),
)


def opening(result: Comparison, money: Money) -> str:
    """The verdict in one sentence, the figures beside it, and what it depends on."""
    parts = [
        f'<p class="dim small">{esc(result.name)}: self-host or API</p>',
        f'<h1 id="verdict">{esc(result.headline.sentence)}</h1>',
        _at_volume(result, money),
        _tiles(result, money),
    ]
    if result.headline.conditions:
        items = "".join(f"<li>{esc(condition)}</li>" for condition in result.headline.conditions)
        css = ' class="two"' if len(result.headline.conditions) > 5 else ""
        parts.append(f'<div class="card"><strong>This holds if</strong><ul{css}>{items}</ul></div>')
    if result.description:
        parts.append(f"<p>{esc(result.description)}</p>")
    parts.append(
        f'<p class="dim small">{spoken(result.tokens_per_day)} tokens a day in {spoken(result.requests_per_day)} requests; '
        f"facts as of {day(result.as_of)}; catalogue {esc(result.catalogue_version)}; breakeven {esc(result.tool_version)}"
        f"{'; owner ' + esc(result.owner) if result.owner else ''}.</p>"
    )
    if result.currency is not None:
        rate = f"1 {result.currency['code']} = {result.currency['usd_per_unit']} USD on {result.currency['as_of']}"
        parts.append(f'<p class="dim small">Amounts converted at {esc(rate)} ({esc(result.currency["source"])}).</p>')
    absent = {name for name, there in (("moves", result.alternatives), ("quotes", result.quotes)) if not there}
    links = " ".join(f'<a href="#{name}">{text}</a>' for name, text in _PARTS if name not in absent)
    parts.append(f'<nav aria-label="Parts of this report">{links}</nav>')
    return "".join(parts)


def _at_volume(result: Comparison, money: Money) -> str:
    pair = headline_rows(result)
    if result.headline.cheaper_at_volume is None or pair is None:
        return ""
    api, own = pair
    assert api.usd_per_day is not None
    assert own.usd_per_day is not None
    cheaper = own if result.headline.cheaper_at_volume == own.offer.id else api
    other = api if cheaper is own else own
    said = "the only eligible one of the two is" if not other.offer.eligible else "the only one of the two that can serve is"
    if other.offer.eligible and other.offer.feasible:
        said = "the cheaper one of the two is"
    elsewhere = cheaper_elsewhere(result)
    more = f" <strong>{esc(elsewhere)}</strong>" if elsewhere else ""
    who = f"{said} <strong>{esc(cheaper.offer.name)}</strong>"
    if said.startswith("the cheaper") and amount(abs(api.usd_per_day - own.usd_per_day), money) == amount(0.0, money):
        who = "both cost the same"
    api_cost, own_cost = amount(api.usd_per_day, money), amount(own.usd_per_day, money)
    return (
        f"<p>At your {spoken(result.tokens_per_day)} tokens a day the API costs <strong>{api_cost}</strong> and self-hosting "
        f"<strong>{own_cost}</strong> a day: {who}.{more}</p>"
    )


def _tiles(result: Comparison, money: Money) -> str:
    pair, found = headline_rows(result), headline_crossing(result)
    if pair is None or found is None:
        return ""
    api, own = pair
    rows = _crossing_tiles(found, esc(own.offer.name))
    rows += [
        (amount(api.usd_per_month, money), f"a month for {esc(api.offer.name)}"),
        (amount(own.usd_per_month, money), f"a month for {esc(own.offer.name)}"),
    ]
    if own.utilisation_share is not None:
        rows.append((percent(own.utilisation_share), "of the running machines is used at your volume"))
    return (
        '<div class="tiles">'
        + "".join(f'<div class="tile"><b>{big}</b><span>{small}</span></div>' for big, small in rows)
        + "</div>"
    )


def _crossing_tiles(found: Crossover, own: str) -> list[tuple[str, str]]:
    if found.first_tokens_per_day is None:
        return [("never", f"is {own} cheaper, at any volume")]
    if found.outcome == "always":
        return [("always", f"is {own} cheaper, at every volume")]
    last = "never" if found.settled_tokens_per_day is None else spoken(found.settled_tokens_per_day)
    settled = "is it cheaper for good" if last == "never" else "tokens/day: cheaper for good from here"
    stretch = first_stretch(found)
    end = "" if stretch is None else ", but only up to " + apart(*stretch)[1]
    return [
        (spoken(found.first_tokens_per_day), f"tokens/day: {own} is first cheaper from here{end}"),
        (last, settled),
    ]


def ledger_section(result: Comparison) -> str:
    """Every number the result rests on, and who answers for it."""
    sources = {source.id: source for source in result.all_sources}
    names = {row.offer.id: row.offer.name for row in result.offers}
    rows = []
    for item in result.assumptions:
        source = sources.get(item.origin)
        used = names.get(item.used_by[0], item.used_by[0]) if len(item.used_by) == 1 else f"{len(item.used_by)} offers"
        rows.append(
            [
                key(item.name),
                esc(_value(item.value)),
                esc(item.unit),
                cite(item.origin) if source else key(item.origin),
                day(source.effective) if source else "",
                source.kind if source else _grade(item.origin),
                esc(_owner(source, result)),
                esc(used),
            ]
        )
    return '<h2 id="assumptions">Assumptions</h2>' + table(
        ["name", "value", "unit", "source", "as of", "grade", "owner", "used by"],
        rows,
        caption=f"The {len(rows)} numbers that the result rests on",
        right=(1,),
        nowrap=(4,),
    )


def _value(value: object) -> str:
    """Ten digits of a number, exact prices of a mix of tiers included; anything else as it is."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+\.[0-9]{10,}", value):
        value = float(value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _grade(origin: str) -> str:
    if origin.startswith(("profile", "--set")):
        return "choice"
    return "estimate" if origin.startswith("estimate") else "default" if origin == "default" else "derived"


def _owner(source: SourceUsed | None, result: Comparison) -> str:
    return (source.owner if source is not None else None) or result.owner or ""


def sources_section(result: Comparison) -> str:
    """Every dated record that was used."""
    return '<h2 id="sources">Sources</h2>' + table(
        ["record", "kind", "effective", "retrieved", "age, days", "source", "note"],
        [
            [
                f'<span id="{anchor(s.id)}"><code>{esc(s.id)}</code></span>',
                s.kind,
                day(s.effective),
                day(s.retrieved),
                "" if s.age_days is None else str(s.age_days),
                link(s.url, s.title),
                esc(s.note or ""),
            ]
            for s in result.all_sources
        ],
        caption=f"{len(result.all_sources)} dated records used; ages on {result.as_of}",
        right=(4,),
        nowrap=(1, 2, 3),
    )


def limits_section(result: Comparison) -> str:
    """What is left out, and what to beware of."""
    parts = [
        '<h2 id="limits">Not included</h2><ul>',
        *(f"<li>{esc(text)}</li>" for text in result.not_included),
        "</ul>",
    ]
    if result.warnings:
        parts += ["<h3>Warnings</h3><ul>", *(f'<li class="warn">{esc(text)}</li>' for text in result.warnings), "</ul>"]
    return "".join(parts)


def sign_off(result: Comparison) -> str:
    """The block to sign, and exactly what is signed."""
    roles = ("prepared by", "reviewed by (technical)", "reviewed by (finance)", "approved by")
    rows = [[role, "", "", ""] for role in roles]
    facts = [
        ("profile", esc(result.profile_path)),
        ("profile digest", f'<code id="profile-digest">{esc(result.profile_digest)}</code>'),
        ("overrides", esc("; ".join(result.overrides) or "none")),
        ("facts as of", day(result.as_of)),
        ("catalogue", f"{esc(result.catalogue_version)}, released {day(result.catalogue_released)}"),
        ("catalogue digest", f"<code>{esc(result.catalogue_digest)}</code>"),
        ("breakeven", esc(result.tool_version)),
    ]
    return (
        '<h2 id="sign-off">Sign-off</h2><div class="sign">'
        + table(
            ["role", "name", "signature", "date"],
            rows,
            caption="To be signed on paper or in your own system",
            nowrap=(0,),
        )
        + "</div>"
        + table(["what was decided on", ""], [list(fact) for fact in facts], caption="Digests", nowrap=(0,))
    )
