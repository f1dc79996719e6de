"""Which accelerator a price list means. ``H100`` alone is three products: then it has to be said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from breakeven.catalog.importing.price_rows import PriceRow
from breakeven.errors import FactNotFound

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

_MEMORY = re.compile(r"-?([0-9]+)gb$")
_FORM_FACTORS = ("sxm", "sxm2", "sxm4", "sxm5", "pcie", "nvl")


class Ambiguous(Struct, frozen=True):
    """A name that several accelerators answer to."""

    name: str
    choices: tuple[str, ...]


class Accelerators:
    """Resolves names by what was said, by the SKU when the catalogue knows it, then by the name itself."""

    def __init__(self, catalogue: Catalogue, said: Mapping[str, str]) -> None:
        self._catalogue = catalogue
        self._said = {key.lower(): catalogue.resolve("accelerators", value) for key, value in said.items()}
        self._memory = {
            name: catalogue.find("accelerators", name).specs[-1].memory_gb  # type: ignore[attr-defined]
            for name in catalogue.ids("accelerators")
        }
        self._skus = self._known_skus()

    def of(self, row: PriceRow) -> str | Ambiguous | None:
        """The id, the choices, or None when the catalogue has no such accelerator."""
        name = re.sub(r"[\s_]+", "-", row.accelerator.strip().lower())
        name = name.removeprefix("nvidia-").removeprefix("tesla-").removeprefix("amd-")
        with_memory = f"{name}:{row.memory_gb:g}" if row.memory_gb else name
        for said in (with_memory, name, row.accelerator.lower()):
            if said in self._said:
                return self._said[said]
        if row.sku and (row.provider, row.sku.lower()) in self._skus:
            return self._skus[(row.provider, row.sku.lower())]
        return self._by_name(name, row)

    def _by_name(self, name: str, row: PriceRow) -> str | Ambiguous | None:
        if name in self._memory and self._family(name) == name:
            family = name
        else:
            stripped = _MEMORY.sub("", name)
            family = self._family(name if name in self._memory else stripped)
        members = [member for member in self._memory if self._family(member) == family]
        form = [part for part in _FORM_FACTORS if part in name.split("-")]
        if form:
            members = [member for member in members if form[0].rstrip("245") in member]
        sized = _MEMORY.search(name)
        memory = row.memory_gb or (float(sized.group(1)) if sized else None)
        if memory is not None:
            members = [member for member in members if abs(self._memory[member] - memory) <= 0.07 * memory]
        if len(members) == 1:
            return members[0]
        if members:
            return Ambiguous(row.accelerator + (f":{memory:g}" if row.memory_gb else ""), tuple(members))
        try:
            found = self._catalogue.resolve("accelerators", name)
        except FactNotFound:
            return None
        return found if self._family(found) == found else None

    def _family(self, name: str) -> str:
        """``h100-sxm``, ``h100-pcie`` and ``h100-nvl`` are one family: h100."""
        return re.split(r"-(?:sxm[0-9]?|pcie|nvl|80gb|40gb|16gb|32gb)(?:-|$)", name, maxsplit=1)[0]

    def _known_skus(self) -> dict[tuple[str, str], str]:
        known: dict[tuple[str, str], set[str]] = {}
        for provider in self._catalogue.all("rental"):
            for record in provider.prices:  # type: ignore[attr-defined]
                if record.sku:
                    known.setdefault((provider.id, record.sku.lower()), set()).add(record.accelerator)
        return {key: next(iter(names)) for key, names in known.items() if len(names) == 1}
