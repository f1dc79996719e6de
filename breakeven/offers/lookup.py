"""Models and accelerators by the names people use, as the serving model's structs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from breakeven.catalog.store import Catalogue
from breakeven.offers.hf_config import looks_like_path, read_hf_config
from breakeven.offers.serving_specs import accelerator_spec, model_spec
from breakeven.serving.spec import AcceleratorSpec, ModelSpec


class ServingLookup:
    """Looks names up once each; the date decides which record is in force."""

    def __init__(self, catalogue: Catalogue, as_of: dt.date | None = None) -> None:
        self.catalogue = catalogue
        self.as_of = as_of or catalogue.released
        self._models: dict[str, ModelSpec] = {}
        self._accelerators: dict[str, AcceleratorSpec] = {}

    def model(self, name: str) -> ModelSpec:
        """By catalogue id, Hugging Face id, alias, or path to a config.json."""
        if name not in self._models:
            if looks_like_path(name):
                self._models[name] = read_hf_config(Path(name))
            else:
                # Most Hugging Face ids end in the catalogue id; trying that first reads one file, not all.
                stem = name.strip().rsplit("/", 1)[-1].lower()
                known = stem if stem in self.catalogue.ids("models") and self._owns(stem, name) else name
                cited = self.catalogue.in_force("models", known, "architectures", self.as_of)
                self._models[name] = model_spec(cited.record, model_id=cited.thing_id)
        return self._models[name]

    def _owns(self, stem: str, name: str) -> bool:
        thing = self.catalogue.find("models", stem)
        wanted = name.strip().lower()
        names = (thing.id, getattr(thing, "hf_id", ""), *thing.aliases)
        return wanted in {n.lower() for n in names}

    def accelerator(self, name: str) -> AcceleratorSpec:
        """By catalogue id or alias."""
        if name not in self._accelerators:
            thing = self.catalogue.find("accelerators", name)
            cited = self.catalogue.in_force("accelerators", name, "specs", self.as_of)
            self._accelerators[name] = accelerator_spec(thing, cited.record)  # type: ignore[arg-type]
        return self._accelerators[name]
