"""The policy: which rules apply, how strictly, and which waivers are in force.

Strict: an unknown rule, key or level is an error with the nearest name; an empty or malformed file is
an error; a version from the future is an error. Nothing here can make a gate pass by accident.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from breakeven.errors import InputError, Problem, did_you_mean
from breakeven.modelio import validate
from breakeven.units import Increase, Months, Share, Usd, Whole
from breakeven.yamlio import Document

POLICY_VERSION = 1
Level = Literal["off", "warn", "error"]
FactKind = Literal["list_price", "datasheet", "measured", "quote", "derived", "assumption"]


def _one_percent_or_the_whole(value: Any) -> Any:
    """Who writes ``max_share: 1`` beside rules of 5% and 10% means 1 %, and would get twice the cost let through."""
    unsaid = not (isinstance(value, str) and value.rstrip().endswith("%"))
    text = str(value).strip().removeprefix("+")
    if unsaid and not isinstance(value, bool) and re.fullmatch(r"0*1(\.0*)?", text) is not None:
        raise PydanticCustomError("quantity", "may mean 1% or 100%; write which")
    return value


Tolerance = Annotated[Increase, BeforeValidator(_one_percent_or_the_whole)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        # A rule or a limit of which only the key is left, its lines commented out for example, would be off without a word.
        if value is None:
            raise PydanticCustomError("empty", "is empty; fill it in, or delete the line")
        return value


class Rule(Part):
    """Off, a warning, or an error that fails the gate."""

    level: Level = "error"


class Rise(Rule):
    """Monthly cost rose by more than ANY tolerance that is given; by anything at all when none is."""

    max_share: Tolerance | None = None  # of the cost before
    max_usd_per_month: Usd | None = None
    ignore_below_usd_per_month: Usd = 0.0  # rises up to this are never worth a finding


class BudgetMonth(Rule):
    """The month's cost is above a budget."""

    max_usd: Usd


class BudgetMtok(Rule):
    """The cost per million tokens is above a budget."""

    max_usd: Usd


class BudgetTask(Rule):
    """The cost per task is above a budget."""

    max_usd: Usd


class NearCrossover(Rule):
    """The volume lies close to one at which the verdict flips."""

    within_share: Share


class CrossingWithin(Rule):
    """At the profile's growth the verdict flips within so many months."""

    months: Months


class Infeasible(Rule):
    """An offer that cannot serve within its capacity or latency, or no offer at all."""

    also_unchanged: bool = False  # an offer that could not serve before the change either: error instead of warning


class StaleFact(Rule):
    """A fact in use is older than so many days, counted to the later of the facts' date and --on."""

    max_age_days: Whole
    kinds: tuple[FactKind, ...] = Field(default=("list_price", "quote", "measured", "derived", "assumption"), min_length=1)  # what goes stale


class Probability(Rule):
    """The headline's cheaper offer is the cheapest of all with at least this probability."""

    minimum: Share


class WaiverExpiry(Rule):
    """Waivers close to their end. An expired one is an error whatever the level."""

    level: Level = "warn"
    warn_days: Whole = 14
    max_days: Whole = 366  # a waiver that lasts longer from --on does not count


class Rules(Part):
    """Keys are rule ids. What is not written is off, apart from those that protect the gate itself."""

    cost_increase: Rise | None = None  # what the change did, on the same facts
    market_increase: Rise | None = None  # what the facts did, on the same profile
    budget_month: BudgetMonth | None = None
    budget_mtok: BudgetMtok | None = None
    budget_task: BudgetTask | None = None
    budget_crossed: Rule | None = None  # the month's budget was met at the base and is not at the head
    verdict_flipped: Rule | None = None  # another side is cheaper than at the base
    near_crossover: NearCrossover | None = None
    crossing_within: CrossingWithin | None = None
    stale_fact: StaleFact | None = None
    unsourced_assumption: Rule | None = None  # a price or throughput of the profile's own without a source
    unsourced_saving: Rule = Rule(level="warn")  # a saving of this change that rests on such a number; warns unless switched off
    probability: Probability | None = None
    infeasible: Infeasible = Infeasible()  # on unless switched off
    new_profile: Rule = Rule()  # on unless switched off: a profile without a base cannot be compared
    facts_moved_back: Rule = Rule()  # on unless switched off: the profile asks for older facts than its base
    stale_branch: Rule = Rule()  # on unless switched off: the base changed these files after this branch left it
    left_unchecked: Rule = Rule()  # on unless switched off: a profile moved to where the check does not look
    lock_drift: Rule = Rule()  # on unless switched off: facts differ from the lock that is given
    waiver_expiry: WaiverExpiry = WaiverExpiry()  # on unless switched off; expired waivers always are errors


RULE_IDS = tuple(Rules.model_fields)
# They protect the gate; a policy needs a rule of its own beside them.
_ALWAYS_ON = ("unsourced_saving", "infeasible", "new_profile", "facts_moved_back", "stale_branch", "left_unchecked", "lock_drift", "waiver_expiry")
OF_THE_CHANGE = ("stale_branch", "left_unchecked", "waiver_expiry")  # about no profile, so in no waiver's scope
_OF_MONEY = ("cost_increase", "market_increase", "budget_month", "budget_crossed", "new_profile")


def may_be_waived(rule: str) -> bool:
    """Whether a waiver may name a rule."""
    return rule not in OF_THE_CHANGE


class Waiver(Part):
    """A named, limited, expiring permission. It covers findings of one rule in one scope."""

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    rule: str
    scope: str = Field(min_length=1)  # a profile's name, or with a / or the suffix of a file its path from the repository's top; * matches anything
    max_share: Tolerance | None = None  # of the cost before: the waiver ends where its limit does
    max_usd_per_month: Usd | None = None  # the rise; under budget_month and new_profile the whole cost
    reason: str = Field(min_length=3)
    owner: str = Field(min_length=1)
    approver: str = Field(min_length=1)  # someone else
    expires: dt.date

    @field_validator("expires", mode="before")
    @classmethod
    def _written_as_a_date(cls, value: Any) -> Any:
        # A number would be read as seconds since 1970, a time of day as its day.
        if type(value) is dt.date or (isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)):
            return value
        raise PydanticCustomError("date_type", "is not a date")

    @model_validator(mode="after")
    def _sensible(self) -> Waiver:
        if self.rule not in RULE_IDS:
            raise ValueError(f"rule: {self.rule!r} does not exist; {did_you_mean(self.rule, RULE_IDS)}")
        if self.rule == "waiver_expiry":
            raise ValueError("rule: the expiry of waivers can't be waived; renew the waiver")
        if not may_be_waived(self.rule):
            raise ValueError(f"rule: {self.rule} is about no profile, so nothing is in a waiver's scope; set the rule's level instead")
        if not self.reason.strip() or not self.owner.strip() or not self.approver.strip():
            raise ValueError("reason, owner and approver cannot be blank; fill them in")
        if _person(self.owner) == _person(self.approver):
            raise ValueError("approver: owner and approver must be two people; have someone else approve it")
        limits = [self.max_share, self.max_usd_per_month]
        if self.rule in _OF_MONEY and limits == [None, None]:
            raise ValueError("has no limit; give max_share or max_usd_per_month")
        if self.rule not in _OF_MONEY and limits != [None, None]:
            raise ValueError(f"{self.rule} is no amount; leave out max_share and max_usd_per_month")
        if self.rule in ("budget_month", "new_profile") and self.max_share is not None:
            raise ValueError(f"max_share: {self.rule} has nothing to be a share of; give max_usd_per_month")
        return self


def _person(name: str) -> str:
    """A name as people read it, whatever letters of the same look and unseen characters it is written with."""
    seen = (c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return " ".join("".join(seen).casefold().split())


class Policy(Part):
    """Which changes may land."""

    version: int = Field(strict=True)
    subject: str = "cheapest"  # whose cost is judged: cheapest, headline-api, headline-self-host, or an offer id
    rules: Rules
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Policy:
        if self.version > POLICY_VERSION:
            raise ValueError(f"version: {self.version} is newer than this tool reads ({POLICY_VERSION}); upgrade breakeven")
        if self.version != POLICY_VERSION:
            raise ValueError(f"version: must be {POLICY_VERSION}; write version: {POLICY_VERSION}")
        ids = [waiver.id for waiver in self.waivers]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"waiver ids are given twice: {', '.join(twice)}; give each its own")
        fixed = ("cheapest", "headline-api", "headline-self-host")
        if self.subject not in fixed and ":" not in self.subject:
            raise ValueError(f"subject: is {self.subject!r}; write {', '.join(fixed)} or an offer id such as api:openai/gpt-6.1-sol")
        if self.rules.budget_crossed is not None and self.rules.budget_month is None:
            raise ValueError("rules.budget_crossed: there is no budget that could be crossed; give budget_month as well")
        if not any(self.is_on(name) for name in RULE_IDS if name not in _ALWAYS_ON):
            raise ValueError("rules: no rule is switched on, so nothing could ever fail; add for example cost_increase")
        return self

    def is_on(self, rule: str) -> bool:
        """Whether a rule can find anything."""
        found = getattr(self.rules, rule)
        return found is not None and found.level != "off"


def load_policy(document: Document) -> Policy:
    """A policy file. Raises :class:`InputError` with every problem."""
    return validate(Policy, document)


_NUMBER = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"
_FAIL_IF = re.compile(rf" *(increase|cost|cost_per_mtok|cost_per_task) *> *(\$?) *({_NUMBER}) *(%?) *")
_MAX_PERCENT, _MAX_USD = 1000.0, 1e13


def policy_from_expression(expression: str, *, allow_new: bool = False) -> Policy:
    """``increase > 5%``, ``increase > $100``, ``cost > $5000``, ``cost_per_mtok > 2``: a policy of one rule.

    A profile without a base is an error, or a warning where ``allow_new``.

    >>> policy_from_expression("increase > 5%").rules.cost_increase.max_share
    0.05
    """
    new = Rule(level="warn" if allow_new else "error")
    example = "write for example 'increase > 5%' or 'cost > $5,000'"
    match = _FAIL_IF.fullmatch(expression)
    if match is None:
        raise InputError(Problem(f"cannot read {expression!r}", f"{example}; amounts are in USD", "--fail-if"))
    metric, dollar, digits, percent = match.groups()
    value = float(digits.replace(",", ""))
    if value > _MAX_USD:
        raise InputError(Problem(f"{digits} is no amount that anything could cost", example, "--fail-if"))
    if metric == "increase":
        if bool(dollar) == bool(percent):
            raise InputError(Problem("an increase needs % or $", "write 'increase > 5%' or 'increase > $100'", "--fail-if"))
        if percent and value > _MAX_PERCENT:
            raise InputError(Problem(f"{value:g}% is no tolerance", example, "--fail-if"))
        rule = Rise(max_share=value / 100.0) if percent else Rise(max_usd_per_month=value)
        return Policy(version=1, rules=Rules(cost_increase=rule, new_profile=new))
    if percent:
        raise InputError(Problem(f"{metric} is an amount in USD", f"write '{metric} > $5,000'", "--fail-if"))
    if metric == "cost":
        return Policy(version=1, rules=Rules(budget_month=BudgetMonth(max_usd=value), new_profile=new))
    if metric == "cost_per_mtok":
        return Policy(version=1, rules=Rules(budget_mtok=BudgetMtok(max_usd=value), new_profile=new))
    return Policy(version=1, rules=Rules(budget_task=BudgetTask(max_usd=value), new_profile=new))
