"""An overlay file as text, in the layout the packaged files have, and a summary of what was left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from breakeven.catalog.importing.rental_overlay import Imported
from breakeven.errors import InputError
from breakeven.yamlio import MAX_BYTES

_SHOWN = 20
# Text that the strict reader, which follows YAML 1.2, would take for something else when unquoted.
_NEEDS_QUOTES = re.compile(r"[-+.0-9]|(?i:null|true|false|~)\Z")


class _Plain(yaml.SafeDumper):
    """Block style without anchors; exact prices stay quoted text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Plain.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="'" if _NEEDS_QUOTES.match(text) else None
    ),
)


def overlay_text(data: dict[str, Any]) -> str:
    """YAML that the strict reader takes back unchanged."""
    text = yaml.dump(data, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)
    if len(text.encode()) > MAX_BYTES:
        raise InputError(
            f"the overlay of {data['id']} would be larger than {MAX_BYTES / 1e6:.0f} MB",
            fix="narrow it with --accelerator and --region",
        )
    return text


def summary(imported: Imported) -> Iterator[str]:
    """What was left out: each suspect row, up to a number, and the names nobody knows."""
    for row in imported.refused[:_SHOWN]:
        yield f"refused: line {row.line}: {row.what}: {row.reason}"
    if len(imported.refused) > _SHOWN:
        counts = Counter(row.reason.partition(" (")[0].partition("; ")[0] for row in imported.refused[_SHOWN:])
        yield "refused: " + ", ".join(f"{count} more: {reason}" for reason, count in counts.most_common(5))
    if imported.unknown:
        yield f"left out: accelerators the catalogue does not know: {', '.join(imported.unknown)}"
