"""Which APIs to compare, and on what terms."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from breakeven.profile.base import Section
from breakeven.units import NotNegative, ShareBelowOne, Tokens, Usd, Whole


class InlinePrices(Section):
    """The user's own prices in USD per million tokens, instead of the catalogue's."""

    input_usd_per_mtok: Usd
    output_usd_per_mtok: Usd
    cached_input_usd_per_mtok: Usd | None = None
    cache_write_usd_per_mtok: Usd | None = None
    batch_price_ratio: NotNegative | None = None
    source: str | None = None


class ProvisionedChoice(Section):
    """Provisioned throughput: a unit of the catalogue; the count follows from the peak when absent."""

    unit: str
    term: Literal["hourly", "daily", "monthly", "yearly"] = "hourly"
    minimum_units: Whole | None = None


class ApiChoice(Section):
    """One API offer. A plain string ``provider/model`` is the same as ``{model: provider/model}``."""

    model: str
    name: str | None = None
    tier: Literal["standard", "flex", "priority"] = "standard"
    discount: ShareBelowOne = 0.0  # negotiated, off list prices
    platform_fee_share: ShareBelowOne = 0.0  # a gateway's or marketplace's fee on top
    minimum_usd_per_month: Usd | None = None
    prices: InlinePrices | None = None
    provisioned: ProvisionedChoice | None = None
    max_input_tokens: Tokens | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _named(self) -> ApiChoice:
        if self.prices is None and "/" not in self.model:
            raise ValueError(f"{self.model!r} names no provider; write provider/model, for example openai/{self.model}")
        return self._of_units()

    def _of_units(self) -> ApiChoice:
        """What is bought in units costs their price: nothing of a bill per token belongs to it."""
        per_token = ("prices", "platform_fee_share", "minimum_usd_per_month", "max_input_tokens")
        wrong = [name for name in per_token if getattr(self, name)] + ([] if self.tier == "standard" else ["tier"])
        if self.provisioned is not None and wrong:
            raise ValueError(
                f"{wrong[0]}: belongs to an API bought per token, and provisioned is given; remove {', '.join(wrong)}"
                + (" (a unit of your own belongs to a --catalog overlay)" if "prices" in wrong else "")
            )
        return self
