"""The offers side by side, and what each bill is made of."""

from __future__ import annotations

from breakeven.compare.numbers import Money, percent
from breakeven.compare.result import Comparison, OfferAtVolume
from breakeven.render.html.parts import amount, cite, details, esc, keys, table
from breakeven.render.html.svg import bars_svg
from breakeven.render.text import plain

_OPEN = 2  # bills that are unfolded at first


def offers_section(result: Comparison, money: Money) -> str:
    """Every offer at the profile's volume; the live column follows the controls."""
    best = result.cheapest
    names = keys(result)
    rows, css = [], []
    for row in result.offers:
        offer = row.offer
        serves = "yes" if offer.feasible and offer.eligible else "no: " + "; ".join(offer.why_not)
        if offer.serving is not None and offer.feasible:
            serves += f" (grade {offer.serving.grade})"
        exact = "?"
        if row.usd_per_day is not None:
            exact = f'<span data-usd="{row.usd_per_day!r}">{amount(row.usd_per_day, money)}</span>'
        rows.append(
            [
                esc(offer.name),
                offer.kind,
                exact,
                f'<span data-live="{names[offer.id]}"></span>',
                amount(row.usd_per_month, money),
                amount(row.usd_per_mtok, money),
                amount(row.capacity_usd_per_mtok, money),
                "" if row.replicas is None else str(row.replicas),
                "" if row.utilisation_share is None else percent(row.utilisation_share),
                esc(serves),
            ]
        )
        css.append("best" if row is best else "" if offer.eligible and offer.feasible else "off")
    mark = money.symbol
    heads = [
        "offer",
        "kind",
        f"{mark}/day",
        "live",
        f"{mark}/month",
        f"{mark}/Mtok",
        f"{mark}/Mtok full",
        "replicas",
        "used",
        "serves",
    ]
    note = "Bold: cheapest eligible. Full: every running replica full all day. Live: follows the controls above."
    return '<h2 id="offers">Offers at your volume</h2>' + table(
        heads, rows, caption=note, right=range(2, 9), nowrap=(1,), css=css
    )


def lines_section(result: Comparison, money: Money) -> str:
    """One unfoldable bill per offer: bars, and the lines with coefficients and records."""
    parts = ['<h2 id="bills">What each bill is made of</h2>']
    shown = [row for row in result.offers if row.usd_per_day is not None]
    for number, row in enumerate(shown):
        head = f"{esc(row.offer.name)}: <strong>{amount(row.usd_per_day, money)}</strong> a day"
        parts.append(details(head, _bill(row, number, money), opened=number < _OPEN))
    return "".join(parts)


def _bill(row: OfferAtVolume, number: int, money: Money) -> str:
    name = plain(row.offer.name, limit=200)
    bars = [
        (plain(line.name, limit=200), usd, f"{money(usd)} a day, {percent(usd / row.usd_per_day)}")
        for line, usd in row.bill
        if usd and row.usd_per_day
    ]
    css = "bar" if row.offer.kind in ("api", "provisioned") else "bar2"
    chart = bars_svg(bars, title=f"Cost lines of {name}", name=f"bars{number}", css=css) if len(bars) > 1 else ""
    return chart + table(
        [
            "line",
            "category",
            f"{money.symbol}/day",
            "fixed USD/day",
            "USD/replica-day",
            "USD/Mtok",
            "equation",
            "records",
        ],
        [
            [
                esc(line.name),
                line.category,
                amount(usd, money),
                f"{line.usd_per_day:.6g}",
                f"{line.usd_per_replica_day:.6g}",
                f"{line.usd_per_mtok:.6g}",
                f"<code>{esc(line.equation)}</code>",
                " ".join(cite(source) for source in line.sources),
            ]
            for line, usd in row.bill
        ],
        caption=f"Cost lines of {name}",
        right=(2, 3, 4, 5),
        nowrap=(1,),
    )
