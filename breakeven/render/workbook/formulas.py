"""From the working of a cost line to a spreadsheet formula over named inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from breakeven.compare.worked import Worked
from breakeven.offers.offer import CostLine, Offer, Term
from breakeven.render.workbook.inputs import Inputs

_YEARS = ("life_years", "horizon_years", "term_years")
_PER_UNIT = {"hourly": "{x}*24", "daily": "{x}", "monthly": "{x}*24/{hours}", "yearly": "{x}/365"}


class Formulas:
    """Formulas of one offer's lines. ``prefix`` names the offer whose machines serve, in a hybrid too."""

    def __init__(
        self, inputs: Inputs, finance: Mapping[str, Any], offer: Offer, *, prefix: str, prices: Mapping[str, tuple[str, str | None]]
    ) -> None:
        self.inputs, self.finance, self.offer, self.prefix = inputs, finance, offer, prefix
        self.prices = prices  # offer id -> formulas of its price per Mtok, and of the part that counts towards a minimum
        self.bought = offer.kind in ("api", "provisioned")
        self.listed = ""  # formula: sum of the API's token lines, set by the model sheet
        self.net = ""  # formula: the same less the discount

    def coefficient(self, line: CostLine, done: Worked) -> str:
        """The formula of the line's coefficient."""
        return re.sub(
            r"\{([a-z0-9_]+)\}", lambda match: self._cell(match.group(1), line, done), done.expression
        ).replace(" ", "")

    def hours(self) -> str:
        """Hours in a month."""
        return self._finance("hours_per_month", "h/month")

    def _ask(self, term: Term) -> str:
        return self.inputs.ask(term, used_by=self.offer.name, bought=self.bought)

    def _finance(self, name: str, unit: str) -> str:
        return self.inputs.ask(
            finance_term(self.inputs, name, float(self.finance[name]), unit), used_by=self.offer.name
        )

    def _cell(self, name: str, line: CostLine, done: Worked) -> str:
        term = done.terms.get(name)
        if name == "hours_per_month" and term is None:
            return self.hours()
        if name in ("years_of_payments", "value_today_of_1"):
            return self._present_value(name, line, done)
        if name.endswith("_unit_day"):
            return self._per_unit_day(name, line)
        if term is None:
            return repr(done.values[name])
        short = term.name.rsplit(".", 1)[-1]
        if short == "list_usd_per_mtok" and self.listed:
            return self.listed
        if short == "net_usd_per_mtok" and self.net:
            return self.net
        if short == "capacity_mtok_per_day":
            return f"({self.prefix}_capacity/1000000)"
        if short == "api_usd_per_mtok" and (term.where or "").removeprefix("offer ") in self.prices:
            return self._escalated(line, *self.prices[(term.where or "").removeprefix("offer ")])
        return self._ask(term)

    @staticmethod
    def _escalated(line: CostLine, price: str, covered: str | None) -> str:
        """The part of the API's price that an escalated line pays: beside a minimum spend, what it covers and the rest apart."""
        if covered is None:
            return price
        return f"({covered})" if line.counts_towards_minimum else f"({price}-({covered}))"

    def _present_value(self, name: str, line: CostLine, done: Worked) -> str:
        terms = {term.name.rsplit(".", 1)[-1]: term for term in line.terms}
        rate = (
            self._ask(terms["discount_rate"])
            if "discount_rate" in terms
            else self._finance("discount_rate", "per year")
        )
        years_term = next((terms[key] for key in _YEARS if key in terms), None)
        years = self._ask(years_term) if years_term is not None else self._finance("horizon_years", "years")
        timing = str(terms["timing"].value) if "timing" in terms else str(self.finance["timing"])
        if name == "value_today_of_1":
            formula, what = f"(1+{rate})^(-{years})", "present value of 1 at the end"
        else:
            formula, what = years_of_payments(rate, years, timing), f"present value of 1 a year, paid {timing}"
        return self.inputs.derive(
            name, f"{what} ({years} at {rate})", formula, done.values[name], "years" if "years" in name else "ratio"
        )

    def _per_unit_day(self, name: str, line: CostLine) -> str:
        term = next(t for t in line.terms if t.name == name.removesuffix("_day"))
        return "(" + _PER_UNIT[term.unit.rsplit(", ", 1)[1]].format(x=self._ask(term), hours=self.hours()) + ")"


def years_of_payments(rate: str, years: str, timing: str) -> str:
    """Present value of 1 a year for some years, by timing; the years themselves at a rate of zero."""
    annual = f"(1-(1+{rate})^(-{years}))"
    text = {
        "year_end": f"{annual}/{rate}",
        "month_end": f"{annual}/(12*((1+{rate})^(1/12)-1))",
        "month_mid": f"{annual}*(1+{rate})^(-1/24)/(12*(1-(1+{rate})^(-1/12)))",
        "continuous": f"{annual}/LN(1+{rate})",
    }[timing]
    return f"IF({rate}=0,{years},{text})"


def finance_term(inputs: Inputs, name: str, value: float, unit: str) -> Term:
    """A key of ``finance`` as a term, with where it comes from."""
    written = inputs.result.profile_data.get("finance") or {}
    key = f"finance.{name}"
    overridden = any(text.partition("=")[0].strip() == key for text in inputs.result.overrides)
    where = "--set" if overridden else f"profile:{key}" if name in written else "default"
    return Term(key, value, unit, where=where)
