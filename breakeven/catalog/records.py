"""What a catalogue file may say: dated, sourced records, one file per thing.

Every record carries ``effective`` (in force from that day) and a ``source``; records are only
ever appended, and the latest one in force on the ``as_of`` date is used. A blank is unknown: a
field that no source gives is left out, never filled. Ranges are ``{low, typical, high}``; a single
number means all three.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from breakeven.units import Hours, NotNegative, Positive, Share, Usd, Whole, Years

SourceKind = Literal["list_price", "datasheet", "measured", "quote", "derived", "assumption"]
Confidence = Literal["A", "B", "C"]


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, arbitrary_types_allowed=False)


class SourceRef(Record):
    """Where a figure comes from. ``retrieved`` is the day it was read."""

    url: str | None = None
    title: str | None = None
    retrieved: dt.date
    kind: SourceKind
    confidence: Confidence | None = None
    licence: str | None = None
    note: str | None = None
    owner: str | None = None

    @model_validator(mode="after")
    def _says_where(self) -> SourceRef:
        if not self.url and not self.title:
            raise ValueError("needs a url or a title")
        return self


class Range(Record):
    """A figure on which sources may disagree: low <= typical <= high."""

    low: NotNegative
    typical: NotNegative
    high: NotNegative

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low <= self.typical <= self.high:
            raise ValueError("must be ordered low <= typical <= high")
        return self


def _as_range(value: Any) -> Any:
    return value if isinstance(value, dict) else {"low": value, "typical": value, "high": value}


class UsdRange(Range):
    """A range of US dollars, so that ``$250k`` may be written."""

    low: Usd
    typical: Usd
    high: Usd


Ranged = Annotated[Range, BeforeValidator(_as_range)]
UsdRanged = Annotated[UsdRange, BeforeValidator(_as_range)]


class Dated(Record):
    """One dated record: in force from ``effective`` to ``ends`` (exclusive; open when absent)."""

    effective: dt.date
    ends: dt.date | None = None
    source: SourceRef
    confidential: bool = False
    note: str | None = None

    def is_in_force(self, as_of: dt.date) -> bool:
        """Whether the record has begun and not ended on a date."""
        return self.effective <= as_of and (self.ends is None or as_of < self.ends)


class Thing(Record):
    """A named thing of the catalogue; its id is the file's stem."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    name: str
    aliases: tuple[str, ...] = ()
    note: str | None = None


# --- accelerators -----------------------------------------------------------------------------


class DenseRates(Record):
    """Dense (never sparse) peak rates in TFLOP/s (int8: TOP/s); absent = not supported or unknown."""

    bf16: Positive | None = None
    fp8: Positive | None = None
    int8: Positive | None = None
    fp4: Positive | None = None


class AcceleratorSpec(Dated):
    memory_gb: Positive
    usable_memory_bytes: Positive | None = None
    memory_bandwidth_gb_per_s: Positive
    dense_tflops: DenseRates
    interconnect_gb_per_s_per_direction: Positive | None = None
    interconnect: str | None = None
    scale_up_domain_count: Whole | None = None  # accelerators joined by the fast interconnect
    tdp_w: Positive | None = None
    unverified: tuple[str, ...] = ()


class AcceleratorPrice(Dated):
    capex_usd: UsdRanged
    condition: Literal["new", "used"] = "new"


class AcceleratorPower(Dated):
    """Measured draw per accelerator; ``metric`` says what, ``phase`` when."""

    metric: str
    value: NotNegative
    unit: Literal["w", "share_of_tdp", "w_per_system", "kw"]
    phase: str | None = None
    conditions: str | None = None


class Accelerator(Thing):
    vendor: str
    form_factor: str | None = None
    generation: str | None = None  # turing, volta, ampere, ada, hopper, blackwell, cdna2, cdna3, ...
    specs: tuple[AcceleratorSpec, ...] = Field(min_length=1)
    prices: tuple[AcceleratorPrice, ...] = ()
    power: tuple[AcceleratorPower, ...] = ()


# --- rental -----------------------------------------------------------------------------------

Term = Literal["on-demand", "spot", "reserved-1yr", "reserved-3yr", "reserved", "capacity-block", "serverless", "index"]


class RentalPrice(Dated):
    """USD per GPU-hour of a SKU that is sold in units of ``gpus_per_sku`` GPUs."""

    accelerator: str
    sku: str | None = None
    region: str | None = None
    term: Term
    term_years: Years | None = None
    prepaid_share: Share | None = None
    usd_per_gpu_hour: UsdRanged
    gpus_per_sku: Whole = 1
    minimum_hours: Hours | None = None


class RentalProvider(Thing):
    """A provider of rented accelerators, or (tier ``index``) a published price index."""

    tier: Literal["hyperscaler", "specialist", "marketplace", "index", "user"]
    regions: tuple[str, ...] = ()
    prices: tuple[RentalPrice, ...] = Field(min_length=1)


# --- owned ------------------------------------------------------------------------------------


class ServerPrice(Dated):
    capex_usd: UsdRanged
    delivery_usd: Usd | None = None
    support_usd_per_year: Usd | None = None


P = TypeVar("P", "ServerPower", "QuotedOffer")


def _with_ordered_power(record: P) -> P:
    """The record, where a machine draws no more idle than busy, and no more busy than it is rated for."""
    for low, high in (("idle_w", "active_w"), ("active_w", "nameplate_w")):
        below, above = _typical(getattr(record, low)), _typical(getattr(record, high))
        if below is not None and above is not None and below > above:
            raise ValueError(f"{low}: is above {high}; swap or mend them, all in watts")
    return record


def _typical(value: Range | float | None) -> float | None:
    return value.typical if isinstance(value, Range) else value


class ServerPower(Dated):
    nameplate_w: Positive | None = None
    active_w: Ranged | None = None
    idle_w: Ranged | None = None

    @model_validator(mode="after")
    def _ordered(self) -> ServerPower:
        return _with_ordered_power(self)


class Server(Thing):
    accelerator: str
    accelerators_count: Whole
    prices: tuple[ServerPrice, ...] = ()
    power: tuple[ServerPower, ...] = ()


class PriceBreak(Record):
    """The price of each unit when at least so many are ordered."""

    from_units: Whole
    usd_per_unit: Usd | None = None
    usd_per_gpu_hour: Usd | None = None

    @model_validator(mode="after")
    def _one(self) -> PriceBreak:
        if (self.usd_per_unit is None) == (self.usd_per_gpu_hour is None):
            raise ValueError("needs exactly one of usd_per_unit and usd_per_gpu_hour; keep the one of what is sold")
        return self


class QuotedOffer(Dated):
    """What a supplier offers, with all that makes offers comparable. In force until ``ends``; blank is unknown."""

    sells: Literal["server", "rental"]
    accelerator: str | None = None
    gpus_per_unit: Whole | None = None  # only whole units are sold
    minimum_units: Whole = 1
    usd_per_unit: Usd | None = None  # a server, before duty and tax
    usd_per_gpu_hour: Usd | None = None  # a rental, before tax
    price_breaks: tuple[PriceBreak, ...] = ()
    duty_share: Share | None = None  # of the price of a server; 0 where there is none
    tax_share: Share | None = None  # tax that the buyer cannot recover, on everything; 0 where it can
    delivery_usd_per_unit: Usd | None = None  # and installation
    support_usd_per_unit_year: Usd | None = None
    nameplate_w: Positive | None = None  # per server
    active_w: Positive | None = None
    idle_w: Positive | None = None
    term: Literal["on-demand", "reserved"] | None = None  # of a rental
    term_years: Years | None = None
    prepaid_share: Share | None = None
    region: str | None = None
    lead_time_days: NotNegative | None = None
    warranty_years: Years | None = None

    @model_validator(mode="after")
    def _of_what_is_sold(self) -> QuotedOffer:
        server = ("usd_per_unit", "duty_share", "delivery_usd_per_unit", "support_usd_per_unit_year", "nameplate_w", "active_w",
                  "idle_w", "warranty_years")  # fmt: skip
        rental = ("usd_per_gpu_hour", "term", "term_years", "prepaid_share")
        other = next((n for n in (rental if self.sells == "server" else server) if getattr(self, n) is not None), None)
        if other is not None:
            raise ValueError(f"{other}: is not said of a {self.sells}; remove it")
        price = "usd_per_unit" if self.sells == "server" else "usd_per_gpu_hour"
        if any(getattr(one, price) is None for one in self.price_breaks):
            raise ValueError(f"price_breaks: of a {self.sells} are in {price}; write them so")
        return _with_ordered_power(self)


class SupplierQuote(Thing):
    """A supplier's quote; a revised one is appended, and the latest counts."""

    supplier: str | None = None
    offers: tuple[QuotedOffer, ...] = Field(min_length=1)


class SiteFigures(Dated):
    """One sourced figure (or a few of one source) of a place; figures of several records combine."""

    electricity_usd_per_kwh: UsdRanged | None = None
    pue: Ranged | None = None
    colocation_usd_per_kw_month: UsdRanged | None = None
    includes_electricity: bool = False


class Site(Thing):
    country: str | None = None
    jurisdictions: tuple[str, ...] = ()  # for data residency: us, eu, uk, ...
    figures: tuple[SiteFigures, ...] = Field(min_length=1)


class Figure(Dated):
    """A general sourced figure: labour cost, failure rate, licence price, exchange rate, ..."""

    name: str | None = None  # which figure it is, in a set that holds several
    value: Ranged
    unit: str
    region: str | None = None


class FigureSet(Thing):
    """A named set of figures, e.g. ``licence-nvidia-ai-enterprise`` or ``operations``."""

    records: tuple[Figure, ...] = Field(min_length=1)


# --- open-weight models -----------------------------------------------------------------------


class ModelArchitecture(Dated):
    """The architecture constants that serving needs, from the model's published config.json."""

    architecture: Literal["dense", "moe"]
    attention: Literal["mha", "gqa", "mqa", "mla"]
    total_params_b: Positive | None = None
    active_params_b: Positive | None = None
    active_params_ex_embedding_b: Positive | None = None  # what a decode step reads
    layers: Whole
    hidden: Whole
    query_heads: Whole
    kv_heads: Whole | None = None
    head_dim: Whole | None = None
    mla_q_lora_rank: Whole | None = None
    mla_kv_lora_rank: Whole | None = None
    mla_qk_rope_head_dim: Whole | None = None
    mla_qk_nope_head_dim: Whole | None = None
    mla_v_head_dim: Whole | None = None
    vocabulary: Whole
    ffn_intermediate: Whole | None = None
    experts: Whole | None = None
    experts_per_token: Whole | None = None
    shared_experts: Whole | None = None
    shared_expert_intermediate: Whole | None = None
    moe_intermediate: Whole | None = None
    dense_layers: Whole | None = None  # layers with a dense FFN; all but the MoE layers when absent
    moe_layers: Whole | None = None
    ffn_matrices: Whole = 3  # 3 = gated (SwiGLU), 2 = plain
    expert_matrices: Whole = 3
    expert_hidden: Whole | None = None  # width of a latent space in which routed experts work
    sliding_window: Whole | None = None
    full_attention_layers: Whole | None = None
    windowed_attention_layers: Whole | None = None
    linear_attention_layers: Whole | None = None  # Mamba-2, Gated DeltaNet, KDA: a constant state, no cache
    linear_params_per_layer: Positive | None = None
    linear_state_bytes_per_layer: Positive | None = None  # per sequence
    attention_pattern: str | None = None
    sparse_attention: str | None = None
    sparse_attention_top_k: Whole | None = None
    sparse_index_bytes_per_token: Positive | None = None  # and layer
    qk_norm_over_heads: bool | None = None  # queries and keys normalised over all heads at once, not head by head
    tie_embeddings: bool | None = None
    native_precision: str
    mtp_layers: Whole | None = None
    max_context_tokens: Whole | None = None


class OpenModel(Thing):
    """An open-weight model. ``hf_id`` is its Hugging Face id; ``id`` the lower-case file stem."""

    hf_id: str
    licence: str | None = None
    architectures: tuple[ModelArchitecture, ...] = Field(min_length=1)


# --- API prices -------------------------------------------------------------------------------


def _exact(value: Any) -> Any:
    """A price as the exact decimal text it was written as; YAML's 0.15 reads back as ``0.15``."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    text = (value if isinstance(value, str) else repr(value)).strip().removeprefix("$")
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", text) is None:
        raise ValueError(f"is not a price in USD ({value!r}); write for example 0.15")
    return text


ExactUsd = Annotated[str, BeforeValidator(_exact)]


class ApiTier(Record):
    """Prices that apply to the whole request when its input is longer than ``above_input_tokens``."""

    above_input_tokens: Whole
    input_usd_per_mtok: ExactUsd
    output_usd_per_mtok: ExactUsd
    cached_input_usd_per_mtok: ExactUsd | None = None
    cache_write_usd_per_mtok: ExactUsd | None = None


class ApiWindow(Record):
    """A weekly window (UTC) in which all prices are multiplied."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]
    from_hour: Whole
    to_hour: Whole
    price_ratio: Positive

    @model_validator(mode="after")
    def _hours(self) -> ApiWindow:
        if not 0 <= self.from_hour < self.to_hour <= 24:
            raise ValueError("needs 0 <= from_hour < to_hour <= 24 (cut a window at midnight UTC)")
        return self


class ApiPrice(Dated):
    """List prices in USD per million tokens, kept as exact decimal strings."""

    input_usd_per_mtok: ExactUsd
    output_usd_per_mtok: ExactUsd
    cached_input_usd_per_mtok: ExactUsd | None = None
    cache_write_usd_per_mtok: ExactUsd | None = None
    reasoning_usd_per_mtok: ExactUsd | None = None
    tiers: tuple[ApiTier, ...] = ()
    batch_price_ratio: Positive | None = None
    batch_cached_price_ratio: Positive | None = None  # absent: the batch ratio applies to cached reads too
    batch_window_hours: Hours | None = None  # absent: the provider's ``batch_windows``
    flex_price_ratio: Positive | None = None
    flex_cached_price_ratio: Positive | None = None  # absent: the flex ratio applies to cached reads too
    priority_price_ratio: Positive | None = None
    windows: tuple[ApiWindow, ...] = ()


class BatchWindow(Dated):
    """Within how many hours a provider's batch jobs end (a maximum, or its stated target)."""

    hours: Hours


class TermPrices(Record):
    """USD of one unit by how it is bought: per hour, day, month or year."""

    hourly: Ranged | None = None
    daily: Ranged | None = None
    monthly: Ranged | None = None
    yearly: Ranged | None = None

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that have a price."""
        return tuple(term for term in ("hourly", "daily", "monthly", "yearly") if getattr(self, term) is not None)


class ProvisionedPrice(Dated):
    """Provisioned throughput: a unit rented by time that carries a number of tokens per minute."""

    unit: str  # ptu, gsu, scale-tier, ...
    usd_per_unit: TermPrices | None = None
    usd_per_input_unit: TermPrices | None = None  # where input and output units are bought apart
    usd_per_output_unit: TermPrices | None = None
    input_tokens_per_minute_per_unit: Positive | None = None
    output_tokens_per_minute_per_unit: Positive | None = None
    output_token_weight: Positive | None = None  # an output token counts as this many input tokens
    cached_token_weight: NotNegative | None = None  # 0: cached tokens are free; absent: they count in full
    cache_write_token_weight: Positive | None = None  # absent: a cache write counts as input
    minimum_units: Whole = 1
    unit_increment: Whole = 1
    maximum_input_tokens: Whole | None = None  # per request; longer ones are not served
    throughput_source: SourceRef | None = None  # where the throughput has another source than the price

    @model_validator(mode="after")
    def _whole(self) -> ProvisionedPrice:
        apart = self.usd_per_input_unit is not None and self.usd_per_output_unit is not None
        if (self.usd_per_unit is None) == (not apart):
            raise ValueError("needs either usd_per_unit, or both usd_per_input_unit and usd_per_output_unit")
        if self.unit_increment < 1 or self.minimum_units % self.unit_increment:
            raise ValueError("minimum_units must be a multiple of unit_increment")
        return self

    @property
    def terms(self) -> tuple[str, ...]:
        """How the unit can be bought."""
        if self.usd_per_unit is not None:
            return self.usd_per_unit.terms
        assert self.usd_per_input_unit is not None and self.usd_per_output_unit is not None
        return tuple(term for term in self.usd_per_input_unit.terms if term in self.usd_per_output_unit.terms)


class ApiModel(Record):
    """One model at one provider. Without prices of its own, genai-prices is asked for them."""

    model: str
    aliases: tuple[str, ...] = ()
    genai_model: str | None = None  # its id in genai-prices where that is another
    open_model: str | None = None  # Hugging Face id of the open weights it serves
    available_from: dt.date | None = None
    retired_on: dt.date | None = None
    regions: tuple[str, ...] = ()
    prices: tuple[ApiPrice, ...] = ()
    provisioned: tuple[ProvisionedPrice, ...] = ()
    lifecycle_source: SourceRef | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _cited(self) -> ApiModel:
        if (self.available_from or self.retired_on) and self.lifecycle_source is None:
            raise ValueError("available_from and retired_on need a lifecycle_source")
        return self


class PricePackage(Dated):
    """A version of the genai-prices package whose data this catalogue was checked against."""

    version: str


class ApiProvider(Thing):
    """An API provider: overlay over genai-prices. ``genai_provider`` is its id there."""

    genai_provider: str | None = None
    pricing_url: str | None = None
    models: tuple[ApiModel, ...] = ()
    batch_windows: tuple[BatchWindow, ...] = ()
    packages: tuple[PricePackage, ...] = ()  # of the file ``genai-prices`` alone


# --- histories --------------------------------------------------------------------------------


class PriceObservation(Record):
    """A dated price of the past, for the history of the crossover."""

    date: dt.date
    model: str
    quality_class: str
    input_usd_per_mtok: str
    output_usd_per_mtok: str
    source: SourceRef


class TrendRate(Record):
    """A published rate at which prices fall, with the thing it holds constant."""

    id: str
    metric: str
    held_constant: Literal["same-model", "same-quality", "frontier"]
    log_points_per_year: float | None = None  # positive = falls
    quoted: str
    source: SourceRef


class PricePath(Dated):
    """A named course of API prices: log points per year, positive = falls, and what is held constant."""

    path: Literal["same-model", "same-quality", "frontier"]
    means: str
    low_log_points_per_year: float
    log_points_per_year: float
    high_log_points_per_year: float
    retirement_hazard_per_year: NotNegative | None = None
    trends: tuple[str, ...] = ()  # ids of the published rates it rests on


class DeclineDriver(Dated):
    """What makes prices fall: a factor per step, how often a step comes, and whether it reaches self-hosting."""

    driver: Literal["hardware", "quantisation", "software", "competition"]
    means: str
    factor: Ranged | None = None
    years_per_step: Positive | None = None  # None: the factor is to be had once
    reaches_self_host: Literal["at-renewal", "at-once", "no"]


class PriceHistory(Thing):
    observations: tuple[PriceObservation, ...] = ()
    trends: tuple[TrendRate, ...] = ()
    paths: tuple[PricePath, ...] = ()
    drivers: tuple[DeclineDriver, ...] = ()


# --- demand -----------------------------------------------------------------------------------

HourlyWeights = Annotated[tuple[NotNegative, ...], Field(min_length=24, max_length=24)]


class WeekShape(Dated):
    """Relative demand of each hour of the day (UTC), for working days and the weekend."""

    weekday: HourlyWeights
    saturday: HourlyWeights
    sunday: HourlyWeights


class WeekSeries(Dated):
    """Relative demand of each of the 168 hours of a week (UTC), Monday 00:00 first."""

    hourly: Annotated[tuple[NotNegative, ...], Field(min_length=168, max_length=168)]


class DemandProfile(Thing):
    """A named shape of demand over the week; one of the two ways to write it."""

    shapes: tuple[WeekShape, ...] = ()
    series: tuple[WeekSeries, ...] = ()


KINDS: dict[str, type[Thing]] = {
    "accelerators": Accelerator,
    "rental": RentalProvider,
    "servers": Server,
    "quotes": SupplierQuote,
    "sites": Site,
    "figures": FigureSet,
    "models": OpenModel,
    "api": ApiProvider,
    "history": PriceHistory,
    "demand": DemandProfile,
}
