"""What the catalogue holds, as a table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from breakeven.render.csv_result import table as csv_table
from breakeven.render.json_result import dumps
from breakeven.render.text import plain

if TYPE_CHECKING:
    from breakeven.catalog.inventory import Entry, Item
    from breakeven.catalog.records import Thing
    from breakeven.catalog.store import Catalogue

FORMATS = ("table", "json", "csv")
CATALOGUE_SCHEMA_VERSION = 1


def render_entries(rows: Sequence[Entry], *, format: str, head: dict[str, Any], width: int) -> str:
    """One line per thing."""
    if format == "json":
        return dumps({"schema_version": CATALOGUE_SCHEMA_VERSION, **head, "things": [_plain(row) for row in rows]})
    if format == "csv":
        return _csv(rows, ("kind", "id", "name", "aliases", "records", "current", "newest", "age_days", "assumptions"))
    body = [
        (f"{row.kind}/{row.id}", row.name, str(row.records), _text(row.newest),
         "" if row.age_days is None else f"{row.age_days} d")
        for row in rows
    ]  # fmt: skip
    columns = (("id", "left"), ("name", "left"), ("records", "right"), ("newest", "left"), ("age", "right"))
    return _grid(columns, body, width) + _foot(head, f"{len(rows)} things")


def render_items(rows: Sequence[Item], *, format: str, head: dict[str, Any], width: int) -> str:
    """One line per record."""
    if format == "json":
        return dumps({"schema_version": CATALOGUE_SCHEMA_VERSION, **head, "records": [_plain(row) for row in rows]})
    if format == "csv":
        return _csv(rows, _item_type().__struct_fields__)
    body = [(row.id, _said(row), _text(row.effective), f"{row.age_days} d", row.grade) for row in rows]
    columns = (("record", "left"), ("says", "left"), ("effective", "left"), ("age", "right"), ("grade", "left"))
    return _grid(columns, body, width) + _foot(head, f"{len(rows)} records")


def render_thing(
    thing: Thing, kind: str, rows: Sequence[Item], *, format: str, head: dict[str, Any], width: int, files: Sequence[str]
) -> str:  # fmt: skip
    """One thing: its plain fields, then every record with its source. ``*`` marks what is current."""
    plain_fields = {
        name: value for name, value in thing.model_dump(mode="json").items()
        if not (isinstance(value, list) and value and isinstance(value[0], dict)) and value not in (None, [], ())
    }  # fmt: skip
    if format == "json":
        data = {"schema_version": CATALOGUE_SCHEMA_VERSION, **head, "kind": kind, "files": list(files), **plain_fields}
        return dumps({**data, "records": [_plain(row) for row in rows]})
    if format == "csv":
        return _csv(rows, _item_type().__struct_fields__)
    lines = [plain(f"{kind}/{thing.id}: {thing.name}")]
    for name, value in plain_fields.items():
        if name not in ("id", "name"):
            lines.append(plain(f"  {name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"))
    lines.append(plain(f"  files: {', '.join(files)}"))
    for row in rows:
        lines.append("")
        lines.extend(_record_lines(row, width))
    return "\n".join(lines) + "\n" + _foot(head, f"{len(rows)} records; * = in force and not superseded")


def _age(days: int | None) -> str:
    """How old a record is, or how far ahead of the date it begins."""
    if days is None:
        return "undated"
    return f"{days} d" if days >= 0 else f"begins {-days} d later"


def _record_lines(row: Item, width: int) -> list[str]:
    import textwrap

    mark = "*" if row.current else " "
    when = _text(row.effective) + (f" to {row.ends}" if row.ends else "")
    label = row.id.partition("#")[2]
    grade = row.grade + (f" {row.confidence}" if row.confidence else "") + (", confidential" if row.confidential else "")
    out = textwrap.wrap(
        plain(f"{mark} {label} {when} ({_age(row.age_days)}): {_said(row)}"), max(40, width), subsequent_indent="    "
    )
    where = " ".join(part for part in (row.title, row.url) if part)
    out += textwrap.wrap(
        plain(f"{grade}, read {_text(row.retrieved)}: {where}"), max(40, width), initial_indent="    ",
        subsequent_indent="      ", break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    if row.note:
        out += textwrap.wrap(
            plain(row.note), max(40, width), initial_indent="    ", subsequent_indent="    ", break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
    return out


def _item_type() -> Any:
    from breakeven.catalog.inventory import Item

    return Item


def _csv(rows: Sequence[Any], columns: Sequence[str]) -> str:
    return csv_table(columns, (_plain(row) for row in rows))


def _plain(row: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if name == "aliases":
            value = " ".join(text.replace(" ", "-") for text in value)
        out[name] = value.isoformat() if hasattr(value, "isoformat") else value
    return out


def _said(row: Item) -> str:
    return f"{row.within}: {row.says}" if row.within else row.says


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _grid(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], width: int) -> str:
    from breakeven.render.tables import grid

    return grid(columns, rows, width=width)


def _foot(head: dict[str, Any], what: str) -> str:
    return f"\n{what}; catalogue {head['catalogue']}, facts as of {head['as_of']}\n"


def head_of(catalogue: Catalogue, as_of: Any) -> dict[str, Any]:
    """What every listing says about itself."""
    return {"catalogue": catalogue.version, "digest": catalogue.digest, "as_of": as_of.isoformat()}
