"""The forecast's decision in plain sentences: what to do, between whom, and what costs less than both."""

from __future__ import annotations

from breakeven.compare.barred import says
from breakeven.compare.forecast import Decision, Forecast, OfferForecast
from breakeven.compare.numbers import Money


def verdict(result: Forecast) -> str:
    """The decision in one or two sentences; what a requirement bars, or what cannot serve, is never advised."""
    made = result.decision
    if made is None:
        return "No pair of an API and a self-hosted offer can be forecast for this workload."
    usd = Money.of(result.currency)
    rows = {row.offer: row for row in result.offers}
    api, own = rows[made.api], rows[made.self_host]
    if api.why_not or own.why_not:
        return _barred(result, made, api, own, usd)
    return _free(result, made, api, own, usd) + _cheaper_elsewhere(result, made, usd)


def _free(result: Forecast, made: Decision, api: OfferForecast, own: OfferForecast, usd: Money) -> str:
    years = f"{result.horizon_months} months"
    pair = f"from {api.name} to {own.name}"
    if made.switch_month is None:
        return (
            f"Within {years} switching {pair} never pays: the API costs {usd(made.npv_api_usd)} in present value, "
            f"self-hosting from the start {usd(made.npv_self_host_usd)}."
        )
    saved = made.npv_api_usd - made.npv_best_usd
    if made.switch_month == 0:
        when = f"Switch {pair} now"
    else:
        when = f"Switch {pair} in month {made.switch_month} ({result.date_of(made.switch_month):%B %Y})"
    text = f"{when}: over {years} that saves {usd(saved)} of {usd(made.npv_api_usd)} in present value"
    if made.payback_months is not None:
        text += f"; started now, it pays back after {made.payback_months} month(s)"
    else:
        text += "; started now, it does not pay back within the horizon"
    return text + "."


def _barred(result: Forecast, made: Decision, api: OfferForecast, own: OfferForecast, usd: Money) -> str:
    costs = (
        f"over {result.horizon_months} months the API costs {usd(made.npv_api_usd)} in present value, self-hosting from "
        f"the start {usd(made.npv_self_host_usd)}"
    )
    if api.why_not and own.why_not:
        neither = f"Neither {api.name} nor {own.name} meets the requirements"
        if not (api.able and own.able):
            neither = " and ".join(f"{row.name} {says(able=row.able)}" for row in (api, own))
        return (
            f"{neither}, so there is no switch to advise; {costs}. "
            f"API: {'; '.join(api.why_not)}. Self-hosted: {'; '.join(own.why_not)}."
        )
    out, left = (api, own) if api.why_not else (own, api)
    return f"{out.name} {says(able=out.able)}, so {left.name} is what is left: {costs}. {'; '.join(out.why_not)}."


def _cheaper_elsewhere(result: Forecast, made: Decision, usd: Money) -> str:
    """Names the offer that costs least where the best plan of the pair costs more."""
    able = [row for row in result.offers if not row.why_not]
    best = min(able, key=lambda row: row.npv_usd, default=None)
    if best is None or best.offer in (made.api, made.self_host) or best.npv_usd >= made.npv_best_usd:
        return ""
    return f" Of all offers that may serve it, {best.name} costs least: {usd(best.npv_usd)}."
