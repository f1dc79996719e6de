"""The public Python API: what the commands call, for library users.

``breakeven.run(profile, catalog, as_of=...)`` returns the :class:`~breakeven.compare.result.Comparison`
that ``breakeven run`` renders.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from breakeven.catalog.store import Catalogue
from breakeven.compare.comparison import compare
from breakeven.compare.result import Comparison
from breakeven.profile.load import LoadedProfile, from_document, load_profile
from breakeven.yamlio import Document


def run(
    profile: str | Path | dict[str, Any] | LoadedProfile,
    catalog: Catalogue | Sequence[str | Path] = (),
    *,
    as_of: dt.date | str | None = None,
    overrides: Sequence[str] = (),
) -> Comparison:
    """Compare every offer of a profile.

    ``profile`` is a path, a mapping with the profile's keys, or an already loaded profile;
    ``catalog`` a :class:`Catalogue` or overlay directories; ``as_of`` the date of the facts (the
    catalogue's release date when None); ``overrides`` as on the command line, ``["api[0].discount=10%"]``.
    Raises :class:`breakeven.errors.BreakevenError` with every problem found.
    """
    if isinstance(profile, LoadedProfile):
        loaded = profile
    elif isinstance(profile, dict):
        loaded = from_document(Document(profile, "<mapping>", None), overrides)
    else:
        loaded = load_profile(profile, overrides)
    catalogue = catalog if isinstance(catalog, Catalogue) else Catalogue.load([Path(path) for path in catalog])
    date = dt.date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    return compare(loaded, catalogue, as_of=date)
