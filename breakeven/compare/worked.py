"""Equations with the numbers put in: the arithmetic of one cost line, from its own terms.

Each equation has one expression over the names of its terms. It is evaluated here only to be shown:
``worked`` gives the text of a line's arithmetic where it reproduces the line's coefficient, and
nothing where it does not, so a wrong working is never printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from breakeven.compare.result import Comparison
from breakeven.finance.discounting import discount_factor, log_rate, present_value_years
from breakeven.offers.offer import CostLine, Term
from breakeven.offers.provisioned import usd_per_unit_day
from breakeven.profile.finance_section import Finance

_TOLERANCE = 1e-9


class Recipe(Struct, frozen=True):
    """An expression of + - * / and brackets for the coefficient ``field`` of a line.

    ``factors`` (name, factor) multiply it where the named term is present and not zero.
    """

    field: str
    expression: str
    factors: tuple[tuple[str, str], ...] = ()


_DAY, _REPLICA, _MTOK = "usd_per_day", "usd_per_replica_day", "usd_per_mtok"
_DISCOUNT = ("discount", "(1 - {discount})")
_TAX = ("tax_share", "(1 + {tax_share})")
# A quoted server on site, equation ``landed-price``.
_LANDED = "{capex_usd} * (1 + {duty_share}) * (1 + {tax_share}) + {delivery_usd} * (1 + {tax_share})"
# The price of a replica's servers, delivery included, less what their resale is worth today.
_CAPITAL = "({capex_usd} + {delivery_usd}) * {servers_per_replica}"
_CAPITAL_LANDED = f"({_LANDED}) * {{servers_per_replica}}"
_RESALE = "{capex_usd} * {servers_per_replica} * {residual_share}"
_ANNUITY, _ANNUITY_LANDED = (
    f"({price} - {_RESALE} * {{value_today_of_1}}) / {{years_of_payments}} / 365" for price in (_CAPITAL, _CAPITAL_LANDED)
)
_STRAIGHT, _STRAIGHT_LANDED = (f"({price} - {_RESALE}) / ({{life_years}} * 365)" for price in (_CAPITAL, _CAPITAL_LANDED))
_TOKENS = Recipe(_MTOK, "{price_usd_per_mtok} * {tokens_of_kind} / {tokens_per_request} * {share}")
_ONCE = "{usd_once} / {years_of_payments} / 365"
_MONTHLY = "{usd_per_month} * 24 / {hours_per_month}"

# equation -> recipes; the first whose terms are all present and which gives the coefficient is used
RECIPES: Mapping[str, tuple[Recipe, ...]] = {
    "api-tokens": (_TOKENS,),
    "api-batch": (_TOKENS,),
    "api-discount": (Recipe(_MTOK, "-{discount} * {list_usd_per_mtok}"),),
    "api-fee": (Recipe(_MTOK, "{net_usd_per_mtok} * {platform_fee_share}"),),
    "provisioned-price": (
        Recipe(_REPLICA, "{usd_per_unit_day} * {units_per_step}", (_DISCOUNT,)),
        Recipe(
            _REPLICA,
            "({usd_per_input_unit_day} * {input_units_per_step} + {usd_per_output_unit_day} * {output_units_per_step})",
            (_DISCOUNT,),
        ),
    ),
    "rent": (
        Recipe(
            _REPLICA,
            "{usd_per_gpu_hour} * {gpus_billed} * {hours_per_day}",
            (_DISCOUNT, _TAX, ("prepaid_share", "(1 - {prepaid_share})")),
        ),
    ),
    "lease": (Recipe(_REPLICA, "{lease_usd_per_month} * {servers_per_replica} * 24 / {hours_per_month}"),),
    "annuity": (
        Recipe(_REPLICA, _ANNUITY_LANDED),
        Recipe(_REPLICA, _ANNUITY),
        Recipe(_DAY, "{migration_usd} / {years_of_payments} / 365"),
        Recipe(
            _REPLICA,
            "{usd_per_gpu_hour} * {gpus_billed} * 24 * 365 * {term_years} * {prepaid_share} / {years_of_payments} / 365",
            (_DISCOUNT, _TAX),
        ),
    ),
    "straight-line": (Recipe(_REPLICA, _STRAIGHT_LANDED), Recipe(_REPLICA, _STRAIGHT)),
    "spares": (
        Recipe(_REPLICA, f"{_ANNUITY_LANDED} * {{spares_share}}"),
        Recipe(_REPLICA, f"{_STRAIGHT_LANDED} * {{spares_share}}"),
        Recipe(_REPLICA, f"{_ANNUITY} * {{spares_share}}"),
        Recipe(_REPLICA, f"{_STRAIGHT} * {{spares_share}}"),
    ),
    "maintenance": (Recipe(_REPLICA, "{capex_usd} * {servers_per_replica} * {maintenance_share_per_year} / 365"),),
    "per-year": (Recipe(_REPLICA, "{support_usd_per_year} * {servers_per_replica} / 365", (_TAX,)),),
    "per-month": (Recipe(_DAY, "{network_usd_per_month} * 24 / {hours_per_month}"),),
    "energy-idle": (
        Recipe(_REPLICA, "{idle_w} * {servers_per_replica} / 1000 * 24 * {pue} * {electricity_usd_per_kwh}"),
    ),
    "energy-active": (
        Recipe(
            _MTOK,
            "({active_w} - {idle_w}) * {servers_per_replica} / 1000 * 24 * {pue} * {electricity_usd_per_kwh}"
            " / {capacity_mtok_per_day}",
        ),
    ),
    "colocation": (
        Recipe(
            _REPLICA,
            "{nameplate_w} * {servers_per_replica} / 1000 * {colocation_usd_per_kw_month} * 24 / {hours_per_month}",
        ),
    ),
    "labour": (Recipe(_DAY, "{labour_fte} * {labour_usd_per_fte_year} / 365"),),
    "licence": (Recipe(_REPLICA, "{licence_usd_per_gpu_year} * {accelerators_per_replica} / 365"),),
    "extra-cost": (
        Recipe(_DAY, f"{_MONTHLY} + {_ONCE}"),
        Recipe(_DAY, _MONTHLY),
        Recipe(_DAY, _ONCE),
        Recipe(_REPLICA, "{usd_per_replica_month} * 24 / {hours_per_month}"),
        Recipe(_MTOK, "{usd_per_mtok}"),
    ),
    "escalation": (Recipe(_MTOK, "{escalation_share} * {api_usd_per_mtok}"),),
    "sinking-fund": (Recipe(_DAY, "{exit_usd} * {value_today_of_1} / {years_of_payments} / 365"),),
}


# What a quote's price comes to with duty, tax and delivery, by what of it a line is made of: (title, unit, expression).
_QUOTED: Mapping[str, tuple[str, str, str]] = {
    "capex_usd": ("a quoted server on site", "USD/server", _LANDED),
    "usd_per_gpu_hour": ("quoted rate with tax", "USD/GPU-hour", "{usd_per_gpu_hour} * (1 + {tax_share})"),
    "support_usd_per_year": ("quoted support with tax", "USD/server-year", "{support_usd_per_year} * (1 + {tax_share})"),
}


def landed(line: CostLine) -> tuple[str, str, float, str] | None:
    """(title, unit, value, working) of a quote's price as the buyer pays it; None for a line of no quoted price."""
    known = {term.name.rsplit(".", 1)[-1]: term.value for term in line.terms}
    for priced, (title, unit, expression) in _QUOTED.items():
        names = _names(expression)
        if priced in known and all(name in known for name in names):
            values = {name: float(known[name]) for name in names}
            return title, unit, evaluate(expression, values), _substitute(expression, values)
    return None


class Worked(Struct, frozen=True):
    """The arithmetic of one line: ``expression`` over ``values``, equal to the coefficient ``field``.

    ``terms`` gives the term behind a name; a name without one is derived (see :func:`values_of`).
    """

    field: str
    expression: str  # with {names}
    values: Mapping[str, float]
    terms: Mapping[str, Term]

    @property
    def text(self) -> str:
        """The expression with the numbers put in."""
        return _substitute(self.expression, self.values)


def finance_of(result: Comparison) -> dict[str, Any]:
    """How a result's profile counts money, for lines that leave it out."""
    written = result.profile_data.get("finance") or {}
    chosen = Finance.model_validate(written)
    return chosen.model_dump(include={"hours_per_month", "discount_rate", "timing", "horizon_years"})


def worked(line: CostLine, *, finance: Mapping[str, Any]) -> Worked | None:
    """The working of a line, or None where it cannot be shown from its terms.

    ``finance`` holds ``hours_per_month``, ``discount_rate``, ``timing`` and ``horizon_years``, for
    terms that a line leaves out.
    """
    known, origins = values_of(line, finance=finance)
    for recipe in RECIPES.get(line.equation, ()):
        expression = recipe.expression
        for present, factor in recipe.factors:
            if known.get(present):
                expression += f" * {factor}"
        field, expression = _of_hybrid(recipe.field, expression, known)
        names = _names(expression)
        if not all(name in known for name in names):
            continue
        values = {name: known[name] for name in names}
        coefficient = getattr(line, field)
        if coefficient and abs(evaluate(expression, values) - coefficient) <= _TOLERANCE * abs(coefficient):
            return Worked(field, expression, values, {name: origins[name] for name in names if name in origins})
    return None


def _of_hybrid(field: str, expression: str, known: Mapping[str, float]) -> tuple[str, str]:
    """A hybrid holds its replicas whatever the volume, and serves or buys a share of the tokens."""
    grouped = f"({expression})" if " + " in expression else expression
    if "overflow_share" in known:
        return field, f"{grouped} * {{overflow_share}}"
    if "own_share" not in known or field == _DAY:
        return field, expression
    if field == _MTOK:
        return field, f"{grouped} * {{own_share}}"
    return _DAY, f"{grouped} * {{replicas}}"


def values_of(line: CostLine, *, finance: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, Term]]:
    """Every number that a line's expression may name, and the term behind each that has one.

    Terms go by their short names. Derived from them: ``years_of_payments`` (present value of 1 a
    year), ``value_today_of_1`` (at the end), ``usd_per_unit_day``; zero where a line does not speak
    of ``delivery_usd`` or ``residual_share``.
    """
    known = {"delivery_usd": 0.0, "residual_share": 0.0, "hours_per_month": float(finance["hours_per_month"])}
    origins: dict[str, Term] = {}
    timing = str(finance["timing"])
    for term in line.terms:
        name = term.name.rsplit(".", 1)[-1]
        if name == "timing":
            timing = str(term.value)
            continue
        try:
            value = float(term.value)
        except (TypeError, ValueError):
            continue
        for alias in _aliases(line, name):
            known[alias], origins[alias] = value, term
        if name.endswith("_unit") and ", " in term.unit:
            known[f"{name}_day"] = usd_per_unit_day(
                usd_per_unit=value, term=term.unit.rsplit(", ", 1)[1], hours_per_month=known["hours_per_month"]
            )
    rate = known.get("discount_rate", float(finance["discount_rate"]))
    years = next((known[name] for name in ("life_years", "horizon_years", "term_years") if name in known), None)
    if years is None and "usd_once" in known:
        years = float(finance["horizon_years"])
    if years:
        delta = log_rate(rate_per_year=rate)
        known["years_of_payments"] = float(present_value_years(decay_per_year=delta, years=years, timing=timing))
        known["value_today_of_1"] = float(discount_factor(discount_rate=rate, years=years))
    return known, origins


def _aliases(line: CostLine, name: str) -> tuple[str, ...]:
    """A term's own name, and the role it has in a line of tokens."""
    if line.equation not in ("api-tokens", "api-batch"):
        return (name,)
    if name.endswith("_usd_per_mtok"):
        return name, "price_usd_per_mtok"
    if name.endswith("_tokens"):
        return name, "tokens_of_kind"
    if name in ("share_of_requests", "interactive_share", "batch_share"):
        return name, "share"
    return (name,)


def evaluate(expression: str, values: Mapping[str, float]) -> float:
    """The value of an expression of this module; it is a constant of this file, never user text.

    >>> evaluate("{a} * (1 - {b}) / 365", {"a": 730.0, "b": 0.5})
    1.0
    """
    return _Parser(_substitute(expression, values, exact=True)).value()


def _names(expression: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(r"\{([a-z0-9_]+)\}", expression)))


def _substitute(expression: str, values: Mapping[str, float], *, exact: bool = False) -> str:
    def put(match: re.Match[str]) -> str:
        value = values[match.group(1)]
        text = repr(float(value)) if exact else f"{value:.10g}"
        return f"({text})" if value < 0 else text

    return re.sub(r"\{([a-z0-9_]+)\}", put, expression)


class _Parser:
    """Plain arithmetic by recursive descent: + - * / brackets, signs, decimal numbers."""

    def __init__(self, text: str) -> None:
        self._parts: list[str] = re.findall(r"\d+\.?\d*(?:[eE][-+]?\d+)?|[-+*/()]", text)
        self._at = 0

    def value(self) -> float:
        return self._sum()

    def _peek(self) -> str:
        return self._parts[self._at] if self._at < len(self._parts) else ""

    def _take(self) -> str:
        self._at += 1
        return self._parts[self._at - 1]

    def _sum(self) -> float:
        out = self._product()
        while self._peek() in ("+", "-"):
            out = out + self._product() if self._take() == "+" else out - self._product()
        return out

    def _product(self) -> float:
        out = self._factor()
        while self._peek() in ("*", "/"):
            out = out * self._factor() if self._take() == "*" else out / self._factor()
        return out

    def _factor(self) -> float:
        part = self._take()
        if part == "-":
            return -self._factor()
        if part == "(":
            out = self._sum()
            self._take()
            return out
        return float(part)
