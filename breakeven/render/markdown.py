"""The report as Markdown for wikis, tickets and pull requests; user text can't become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from breakeven.compare.numbers import Money, percent, spoken, times
from breakeven.compare.result import Comparison
from breakeven.offers.offer import Offer
from breakeven.render import quotes
from breakeven.render.at_volume import at_volume
from breakeven.render.cheapest import cheaper_elsewhere
from breakeven.render.flip_words import stated
from breakeven.render.narrow import narrow_remarks
from breakeven.render.registry import Options
from breakeven.render.text import plain

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&])")


def escape(text: str) -> str:
    """User text as literal Markdown, on one line.

    >>> escape("a|b <script>")
    'a\\\\|b \\\\<script\\\\>'
    """
    return _SPECIAL.sub(r"\\\1", plain(text))


def md_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """A Markdown table; cells must be escaped already."""
    rule = ["---:" if index in right else "---" for index in range(len(header))]
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join(rule) + " |"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return lines


def render_markdown(results: Sequence[Comparison], options: Options | None = None) -> str:
    """One section per result."""
    return "\n".join(line for result in results for line in _section(result))


def _section(result: Comparison) -> list[str]:
    head = result.headline
    money = Money.of(result.currency)
    mark = escape(money.symbol)
    out = [f"**{escape(head.sentence)}**", ""]
    out += [f"If: {escape('; '.join(head.conditions))}.", ""] if head.conditions else []
    before, name, after = at_volume(result)
    out += [escape(before) + (f"**{escape(name)}**" if name else "") + escape(after), ""]
    elsewhere = cheaper_elsewhere(result)
    out += [escape(elsewhere), ""] if elsewhere else []
    out += [
        f"# {escape(result.name)}",
        "",
        f"{spoken(result.tokens_per_day)} tokens/day; facts as of {result.as_of}; catalogue "
        f"{result.catalogue_version} (`{result.catalogue_digest[:19]}`); breakeven {result.tool_version}.",
        "",
    ]
    out += ["## Offers at this volume", ""]
    out += md_table(
        ["offer", "kind", f"{mark}/day", f"{mark}/month", f"{mark}/Mtok", f"{mark}/Mtok full", "replicas", "used", "serves"],
        (
            [
                escape(row.offer.name), row.offer.kind, _money(row.usd_per_day, money), _money(row.usd_per_month, money),
                _money(row.usd_per_mtok, money), _money(row.capacity_usd_per_mtok, money), "" if row.replicas is None else str(row.replicas),
                "" if row.utilisation_share is None else percent(row.utilisation_share),
                _serves(row.offer),
            ]
            for row in result.offers
        ),
        right=range(2, 8),
    )  # fmt: skip
    if any(row.offer.serving is not None for row in result.offers):
        out += ["", "In brackets, the evidence of what a replica carries: A measured by you, B published, C model, D model outside its calibration."]
    if result.quotes:
        out += ["", f"## {quotes.TITLE}", ""]
        cells = ([escape(text) for text in row] for row in quotes.rows(result))
        out += [*md_table(quotes.COLUMNS, cells, right=quotes.RIGHT), "", quotes.note(result)]
    out += ["", "## Cost lines (a day at this volume, and their coefficients)", ""]
    out += md_table(
        ["offer", "line", "category", f"{mark}/day", "fixed USD/day", "USD/replica-day", "USD/Mtok"],
        (
            [
                escape(row.offer.id), escape(line.name), line.category, _money(amount, money), f"{line.usd_per_day:.6g}",
                f"{line.usd_per_replica_day:.6g}", f"{line.usd_per_mtok:.6g}",
            ]
            for row in result.offers
            for line, amount in row.bill
        ),
        right=range(3, 7),
    )  # fmt: skip
    out += ["", "## Crossovers", ""]
    out += md_table(
        ["self-hosting wins over", "with", "outcome", "first from", "for good from", "share of capacity"],
        (
            [
                escape(found.api), escape(found.self_host), found.outcome,
                "" if found.first_tokens_per_day is None else spoken(found.first_tokens_per_day),
                "" if found.settled_tokens_per_day is None else spoken(found.settled_tokens_per_day),
                "" if found.capacity_share is None else percent(found.capacity_share),
            ]
            for found in result.crossovers
        ),
        right=range(3, 6),
    )  # fmt: skip
    remarks = narrow_remarks(result, {})
    out += ["", *(f"- {escape(remark)}" for remark in remarks)] if remarks else []
    if result.alternatives:
        out += ["", "## What moves it", ""]
        out += md_table(
            ["alternative", "changed", "outcome", "first from", "factor"],
            (
                [
                    escape(row.name), escape(row.changed if row.why_not is None else f"{row.changed}: {row.why_not}"),
                    row.outcome or "?",
                    "" if row.first_tokens_per_day is None else spoken(row.first_tokens_per_day),
                    "" if row.ratio_to_headline is None else times(row.ratio_to_headline),
                ]
                for row in result.alternatives
            ),
            right=(3, 4),
        )  # fmt: skip
    if result.flips:
        out += ["", "## What would flip the verdict", ""]
        out += md_table(
            ["key", "now", "flips at", "note"],
            (
                [
                    escape(flip.key), escape(stated(flip.now, flip.unit, money)),
                    "" if flip.flips_at is None else escape(stated(flip.flips_at, flip.unit, money)), escape(flip.why_not or ""),
                ]
                for flip in result.flips
            ),
            right=(1, 2),
        )  # fmt: skip
    out += ["", "## Assumptions", ""]
    out += md_table(
        ["name", "value", "unit", "origin"],
        ([escape(a.name), escape(_value(a.value)), escape(a.unit), escape(a.origin)] for a in result.assumptions),
    )
    out += ["", "## Sources", ""]
    out += md_table(
        ["record", "effective", "retrieved", "kind", "source", "age (days)"],
        (
            [
                escape(s.id), str(s.effective or ""), str(s.retrieved or ""), s.kind, _link(s.url, s.title),
                "" if s.age_days is None else str(s.age_days),
            ]
            for s in result.sources
        ),
        right=(5,),
    )  # fmt: skip
    out += ["", "## Not included", "", *(f"- {escape(text)}" for text in result.not_included)]
    if result.warnings:
        out += ["", "## Warnings", "", *(f"- {escape(text)}" for text in result.warnings)]
    return [*out, ""]


def _serves(offer: Offer) -> str:
    """Whether an offer serves, with the grade of the evidence for it; else why not."""
    if not (offer.feasible and offer.eligible):
        return escape("no: " + "; ".join(offer.why_not))
    return "yes" if offer.serving is None else f"yes ({offer.serving.grade})"


def _money(value: float | None, money: Money) -> str:
    return "?" if value is None else money(value).replace("$", "\\$")


def _value(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _link(url: str | None, title: str | None) -> str:
    if url and re.fullmatch(r"https?://[^\s<>\"'`|\\]+", url):
        return f"<{url}>" if not title else f"{escape(title)} <{url}>"
    return escape(title or url or "")
