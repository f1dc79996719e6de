"""The policy: which rules apply, how strictly, and which waivers are in force.

Strict: an unknown rule, key or level is an error with the nearest name; an empty or malformed file is
an error; a version from the future is an error. Nothing here can make a gate pass by accident.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from breakeven.errors import InputError, Problem
from breakeven.modelio import validate
from breakeven.units import Increase, Months, Share, Usd, Whole
from breakeven.yamlio import Document

POLICY_VERSION = 1
Level = Literal["off", "warn", "error"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(Part):
    level: Level = "error"


class CostIncrease(Rule):
    """Monthly cost rose by more than both tolerances that are given."""

    max_share: Increase = 0.0
    max_usd_per_month: Usd | None = None


class BudgetMonth(Rule):
    max_usd: Usd


class BudgetMtok(Rule):
    max_usd: Usd


class BudgetTask(Rule):
    max_usd: Usd


class NearCrossover(Rule):
    within_share: Share


class CrossingWithin(Rule):
    months: Months


class StaleFact(Rule):
    max_age_days: Whole


class Probability(Rule):
    """The chosen side of the headline pair is cheapest with at least this probability."""

    minimum: Share


class WaiverExpiry(Rule):
    level: Level = "warn"
    warn_days: Whole = 14


class Rules(Part):
    """Keys are rule ids. What is not written is off, apart from the two that only protect the gate."""

    cost_increase: CostIncrease | None = None
    budget_month: BudgetMonth | None = None
    budget_mtok: BudgetMtok | None = None
    budget_task: BudgetTask | None = None
    budget_crossed: Rule | None = None  # the month's budget was met at the base and is not at the head
    verdict_flipped: Rule | None = None
    near_crossover: NearCrossover | None = None
    crossing_within: CrossingWithin | None = None
    infeasible: Rule = Rule()
    stale_fact: StaleFact | None = None
    unsourced_assumption: Rule | None = None
    probability: Probability | None = None
    new_profile: Rule = Rule()
    waiver_expiry: WaiverExpiry = WaiverExpiry()


RULE_IDS = tuple(Rules.model_fields)
_ALWAYS_ON = ("infeasible", "new_profile", "waiver_expiry")  # they protect the gate; a policy needs a rule of its own


class Waiver(Part):
    """A named, limited, expiring permission. It covers findings of one rule in one scope."""

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    rule: str
    scope: str = Field(min_length=1)  # a profile's name or path; * matches within it
    max_share: Increase | None = None
    max_usd_per_month: Usd | None = None
    reason: str = Field(min_length=3)
    owner: str = Field(min_length=1)
    approver: str = Field(min_length=1)
    expires: dt.date

    @model_validator(mode="after")
    def _rule_exists(self) -> Waiver:
        if self.rule not in RULE_IDS:
            raise ValueError(f"rule {self.rule!r} does not exist; write one of {', '.join(RULE_IDS)}")
        if self.rule == "waiver_expiry":
            raise ValueError("the expiry of waivers can't be waived; renew the waiver")
        if self.owner == self.approver:
            raise ValueError("owner and approver must be two people")
        return self


class Policy(Part):
    version: int = Field(strict=True)
    subject: str = "cheapest"  # cheapest, headline-api, headline-self-host, or an offer id
    rules: Rules
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Policy:
        if self.version > POLICY_VERSION:
            raise ValueError(f"version {self.version} is newer than this tool reads ({POLICY_VERSION}); upgrade breakeven")
        if self.version != POLICY_VERSION:
            raise ValueError(f"version must be {POLICY_VERSION}")
        ids = [waiver.id for waiver in self.waivers]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"waiver ids are given twice: {', '.join(twice)}")
        fixed = ("cheapest", "headline-api", "headline-self-host")
        if self.subject not in fixed and ":" not in self.subject:
            raise ValueError(f"subject must be {', '.join(fixed)} or an offer id such as api:openai/gpt-6.1-sol")
        chosen = [name for name in RULE_IDS if name not in _ALWAYS_ON]
        if not any((rule := getattr(self.rules, name)) is not None and rule.level != "off" for name in chosen):
            raise ValueError("no rule is switched on, so nothing could ever fail; add for example cost_increase")
        return self


def load_policy(document: Document) -> Policy:
    """A policy file. Raises :class:`InputError` with every problem."""
    return validate(Policy, document)


_FAIL_IF = re.compile(r"\s*(increase|cost|cost_per_mtok|cost_per_task)\s*>\s*(\$?)\s*([0-9][0-9_,.]*)\s*(%?)\s*\Z")


def policy_from_expression(expression: str) -> Policy:
    """``increase > 5%``, ``increase > $100``, ``cost > $5000``, ``cost_per_mtok > 2``: a policy of one rule."""
    match = _FAIL_IF.match(expression)
    if match is None:
        raise InputError(
            Problem(f"cannot read {expression!r}", "write for example 'increase > 5%' or 'cost > $5000'", "--fail-if")
        )
    metric, dollar, digits, percent = match.groups()
    try:
        value = float(digits.replace(",", "").replace("_", ""))
    except ValueError:
        raise InputError(Problem(f"cannot read the number {digits!r}", "write for example 5%", "--fail-if")) from None
    if metric == "increase":
        if bool(dollar) == bool(percent):
            raise InputError(Problem("an increase needs % or $", "write 'increase > 5%' or 'increase > $100'", "--fail-if"))
        rule = CostIncrease(max_share=value / 100.0) if percent else CostIncrease(max_share=0.0, max_usd_per_month=value)
        return Policy(version=1, rules=Rules(cost_increase=rule))
    if percent:
        raise InputError(Problem(f"{metric} is an amount in USD", f"write '{metric} > $5000'", "--fail-if"))
    if metric == "cost":
        return Policy(version=1, rules=Rules(budget_month=BudgetMonth(max_usd=value)))
    if metric == "cost_per_mtok":
        return Policy(version=1, rules=Rules(budget_mtok=BudgetMtok(max_usd=value)))
    return Policy(version=1, rules=Rules(budget_task=BudgetTask(max_usd=value)))
