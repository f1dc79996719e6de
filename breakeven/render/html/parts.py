"""Escaped text, links, tables: whatever a user wrote is text and nothing else."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Sequence

from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import Money, spoken
from breakeven.compare.result import Comparison
from breakeven.render.text import plain

MAX_TEXT = 2000


def esc(value: object) -> str:
    """Text as inert HTML on one line.

    >>> esc('<b a="1">')
    '&lt;b a=&quot;1&quot;&gt;'
    """
    return html.escape(plain(str(value), limit=MAX_TEXT), quote=True)


def link(url: str | None, title: str | None) -> str:
    """A link for http(s) addresses only; anything else is text."""
    if url and re.fullmatch(r"https?://[^\s<>\"'`\\]+", url):
        return f'<a href="{html.escape(url, quote=True)}" rel="noreferrer noopener">{esc(title or url)}</a>'
    return esc(title or url or "")


def key(text: str) -> str:
    """The name of a key or record, which may break after its dots, slashes and underscores but not within a word.

    >>> key("rental/lambda#prices")
    'rental/<wbr>lambda#<wbr>prices'
    """
    return "<wbr>".join(esc(part) for part in re.findall(r"[^._/#]*[._/#]|[^._/#]+$", plain(text, limit=MAX_TEXT)))


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    caption: str,
    right: Sequence[int] | range = (),
    nowrap: Sequence[int] | range = (),
    css: Sequence[str] = (),
) -> str:
    """A table whose cells are HTML already; it scrolls by itself where it is too wide."""

    def cell(tag: str, index: int, text: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        kind = ' class="n"' if index in right else ' class="w"' if index in nowrap else ""
        return f"<{tag}{scope}{kind}>{text}</{tag}>"

    body = []
    for number, row in enumerate(rows):
        name = css[number] if number < len(css) else ""
        opening = f'<tr class="{name}">' if name else "<tr>"
        body.append(opening + "".join(cell("td", i, c) for i, c in enumerate(row)) + "</tr>")
    heads = "".join(cell("th", i, esc(text)) for i, text in enumerate(head))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{esc(caption)}">'
        f"<table><caption>{esc(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def details(summary: str, body: str, *, opened: bool = False) -> str:
    """A part that can be unfolded; printing unfolds it."""
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>{body}</details>"


def keys(result: Comparison) -> dict[str, str]:
    """Offers as markup and script call them: user text never becomes an attribute that is looked up."""
    return {row.offer.id: f"o{number}" for number, row in enumerate(result.offers)}


def anchor(source_id: str) -> str:
    """The id of a record's row under Sources."""
    return "s-" + hashlib.sha256(source_id.encode()).hexdigest()[:12]


def cite(source_id: str) -> str:
    """A link to a record's row."""
    return f'<a href="#{anchor(source_id)}"><code>{esc(source_id)}</code></a>'


def day(value: object) -> str:
    """A date that is not broken over lines."""
    return f'<span class="day">{value}</span>' if value else ""


def amount(value: float | None, money: Money) -> str:
    """An amount in the display currency; ? where it is unknown."""
    return "?" if value is None else esc(money(value))


def volume(value: float | None, none: str = "") -> str:
    """Tokens a day as people say them."""
    return none if value is None else spoken(value)


def headline_crossing(result: Comparison) -> Crossover | None:
    """The crossings of the pair that the verdict is about."""
    pair = (result.headline.api, result.headline.self_host)
    return next((found for found in result.crossovers if (found.api, found.self_host) == pair), None)
