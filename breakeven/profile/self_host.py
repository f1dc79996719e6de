"""What would replace the API: the open-weight model, the machines, and what running them takes."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from breakeven.profile.base import Section
from breakeven.units import (
    Months,
    NotNegative,
    Positive,
    Ratio,
    Share,
    ShareBelowOne,
    Usd,
    Whole,
    Years,
)

MEDIAN = "median"  # of all current quotes, in place of a provider
TERM_YEARS = {"reserved-1yr": 1.0, "reserved-3yr": 3.0}  # what the name of a term says

Precision = Literal["bf16", "fp16", "fp8", "int8", "int4-awq", "int4-gptq", "w4a16", "w8a16", "w8a8", "mxfp4", "nvfp4"]
KvPrecision = Literal["bf16", "fp16", "fp8", "int8"]
Engine = Literal["vllm", "sglang", "tensorrt-llm", "lmdeploy", "tgi"]
RentTerm = Literal["on-demand", "spot", "reserved-1yr", "reserved-3yr", "reserved", "capacity-block", "serverless"]


def _redundancy(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip().lower()
        if text in ("none", "n"):
            return 0
        match = re.fullmatch(r"n\+([0-9])", text)
        if match:
            return int(match.group(1))
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9:
        return value
    raise PydanticCustomError("quantity", "must be none, n+1, n+2 and so on; write for example n+1")


Redundancy = Annotated[int, BeforeValidator(_redundancy), Field(json_schema_extra={"type": ["string", "integer"]})]


class TokenRatio(Section):
    """Open model's tokens per API token: another tokenizer on the way in, verbosity on the way out."""

    input: Ratio = 1.0
    output: Ratio = 1.0


class Throughput(Section):
    """The user's own measurement of ONE replica at this request shape and these latency targets (grade A)."""

    total_tok_per_s: Positive | None = None
    output_tok_per_s: Positive | None = None
    requests_per_s: Positive | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Throughput:
        if sum(v is not None for v in (self.total_tok_per_s, self.output_tok_per_s, self.requests_per_s)) != 1:
            raise ValueError("needs exactly one of total_tok_per_s, output_tok_per_s, requests_per_s; keep or add one")
        return self


class ExtraCost(Section):
    """A cost line of the user's own: storage, egress, observability, insurance, ..."""

    name: str
    category: Literal["fees", "compute", "capital", "power", "facility", "labour", "software", "network", "one-off"] = (
        "facility"
    )
    usd_per_month: Usd | None = None
    usd_per_replica_month: Usd | None = None
    usd_per_mtok: Usd | None = None
    usd_once: Usd | None = None  # spread over the finance horizon
    source: str | None = None

    @model_validator(mode="after")
    def _some(self) -> ExtraCost:
        amounts = ("usd_per_month", "usd_per_replica_month", "usd_per_mtok", "usd_once")
        if all(getattr(self, name) is None for name in amounts):
            raise ValueError(f"has no amount, and a cost that is not known is not zero; give one of {', '.join(amounts)}")
        return self


class Supply(Section):
    """One way to get machines: ``rent: <accelerator>``, ``own: <server>`` or ``quote: <a supplier's quote>``."""

    rent: str | None = None
    own: str | None = None
    quote: str | None = None  # id of a supplier's quote of the catalogue, for servers or a rental
    name: str | None = None
    gpus: Annotated[Whole, Field(ge=1)] | None = None  # accelerators of one instance; when absent, the smallest that none beats by half per accelerator

    # rented
    provider: str | None = None  # an id of the catalogue, or ``median`` of current quotes (the default)
    term: RentTerm = "on-demand"
    region: str | None = None
    sku: str | None = None
    discount: ShareBelowOne = 0.0
    usd_per_gpu_hour: Usd | None = None  # the user's own rate instead of the catalogue's
    gpus_per_sku: Annotated[Whole, Field(ge=1)] | None = None
    term_years: Years | None = None
    prepaid_share: Share | None = None

    # owned
    site: str | None = None
    servers_per_replica: Annotated[Whole, Field(ge=1)] | None = None
    accelerator: str | None = None  # for a server that is not in the catalogue
    capex_usd: Usd | None = None  # per server, the user's own quote
    life_years: Years | None = None
    residual_share: Share | None = None
    amortisation: Literal["annuity", "straight_line"] = "annuity"
    maintenance_share_per_year: Share | None = None
    spares_share: Share | None = None
    active_w: Positive | None = None
    idle_w: NotNegative | None = None
    nameplate_w: Positive | None = None
    electricity_usd_per_kwh: Usd | None = None
    pue: Annotated[float, Field(ge=1.0, le=4.0)] | None = None
    colocation_usd_per_kw_month: Usd | None = None
    lease_usd_per_month: Usd | None = None

    # both
    min_replicas: Whole | None = None
    throughput: Throughput | None = None
    extra_costs: tuple[ExtraCost, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Supply:
        if sum(kind is not None for kind in (self.rent, self.own, self.quote)) != 1:
            raise ValueError("needs exactly one of rent, own and quote; write rent: h100-sxm or own: hgx-h100-8")
        if self.quote is not None:
            return self._of_quote()
        owned_only = ("site", "servers_per_replica", "capex_usd", "life_years", "residual_share", "active_w", "idle_w",
                      "nameplate_w", "electricity_usd_per_kwh", "pue", "colocation_usd_per_kw_month", "spares_share",
                      "maintenance_share_per_year", "accelerator", "lease_usd_per_month")  # fmt: skip
        rented_only = ("provider", "region", "sku", "usd_per_gpu_hour", "gpus_per_sku", "term_years", "prepaid_share")
        wrong = [n for n in (owned_only if self.rent else rented_only) if getattr(self, n) is not None]
        if wrong:
            here, there = ("rent", "own") if self.rent else ("own", "rent")
            raise ValueError(f"{wrong[0]}: belongs to {there}, not to {here}; remove {', '.join(wrong)}")
        if self.own is not None and self.discount:
            raise ValueError("discount: is off a rent; give the discounted price as capex_usd or lease_usd_per_month")
        if self.own is not None and self.term != "on-demand":
            raise ValueError("term: belongs to rent, not to own; remove it, or give life_years")
        return self._of_rent()._of_lease()

    def _of_rent(self) -> Supply:
        """What narrows a provider's price list says nothing without one; a term's name and its years agree."""
        if self.rent is not None and self.usd_per_gpu_hour is None and self.provider in (None, MEDIAN):
            narrowed = [name for name in ("sku", "region") if getattr(self, name) is not None]
            if narrowed:
                raise ValueError(
                    f"{narrowed[0]}: chooses among one provider's prices, and the median is of all; "
                    f"name the provider, or remove {' and '.join(narrowed)}"
                )
        named = TERM_YEARS.get(self.term)
        if named is not None and self.term_years is not None and abs(self.term_years - named) > 1e-9:
            raise ValueError(f"term_years: {self.term_years:g} contradicts term {self.term}; remove it, or write term: reserved")
        return self

    def _of_lease(self) -> Supply:
        """A lease has no purchase price, so nothing may be a share of one."""
        bought = ("capex_usd", "residual_share", "spares_share", "maintenance_share_per_year")
        again = [n for n in bought if getattr(self, n) is not None]
        again += [] if self.amortisation == "annuity" else ["amortisation"]
        if self.lease_usd_per_month is not None and again:
            raise ValueError(
                f"{again[0]}: belongs to a purchase, and lease_usd_per_month is given; remove one of them"
                + ("" if again[0] == "capex_usd" else " (what the lease leaves out goes under extra_costs)")
            )
        return self

    def _of_quote(self) -> Supply:
        """What a quote says itself is not said again."""
        said = ("provider", "region", "sku", "gpus_per_sku", "term_years", "prepaid_share", "accelerator", "lease_usd_per_month")
        again = [n for n in said if getattr(self, n) is not None]
        if again or self.term != "on-demand":
            raise ValueError(f"{(again or ['term'])[0]}: is what the quote says; remove it")
        return self


class SelfHost(Section):
    """The open-weight side of the comparison."""

    model: str  # id of the catalogue, Hugging Face id, or path of a config.json
    substitute: bool | None = None  # the user asserts that this model can stand in for the API's
    token_ratio: TokenRatio = TokenRatio()
    escalation_share: ShareBelowOne = 0.0  # of requests handed back to the API; they pay both
    escalate_to: str | None = None  # the API they go to; the first under ``api`` when absent
    cached_input_share: Share | None = None  # prefix-cache hits when self-hosting; the API's when absent
    weight_precision: Precision | None = None
    kv_precision: KvPrecision | None = None
    engine: Engine | None = None
    speculative_acceptance: ShareBelowOne | None = None  # measured per-token acceptance; none = no speculation
    speculative_tokens: Annotated[Whole, Field(ge=1, le=32)] | None = None  # drafted per step
    supply: tuple[Supply, ...] = Field(min_length=1)
    redundancy: Redundancy = 0
    min_replicas: Whole = 1
    headroom_share: ShareBelowOne = 0.0
    labour_fte: NotNegative = 0.0
    labour_usd_per_fte_year: Usd | None = None
    licence: Literal["none", "nvidia-ai-enterprise"] = "none"
    network_usd_per_month: Usd = 0.0
    migration_usd: Usd = 0.0  # one-off, spread over the finance horizon
    exit_usd: Usd = 0.0  # one-off at the end, spread likewise
    hybrid: bool = True  # also offer: own the base load, overflow to the API
    extra_costs: tuple[ExtraCost, ...] = ()
    throughput: Throughput | None = None
    benchmark: str | None = None  # a file written by ``benchmark import``

    @model_validator(mode="after")
    def _speculation(self) -> SelfHost:
        given, lacks = "speculative_acceptance", "speculative_tokens"
        if getattr(self, given) is None:
            given, lacks = lacks, given
        if getattr(self, given) is not None and getattr(self, lacks) is None:
            raise ValueError(f"{given}: says nothing without {lacks}; give both, as measured, or neither")
        return self


__all__ = ["Engine", "ExtraCost", "KvPrecision", "Months", "Precision", "SelfHost", "Supply", "Throughput", "TokenRatio"]
