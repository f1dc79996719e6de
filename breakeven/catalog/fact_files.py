"""Which files hold which facts: the package first, then the user's overlays in order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from breakeven.catalog.records import KINDS
from breakeven.errors import InputError, Problem
from breakeven.yamlio import Document, load_path

PACKAGED = Path(__file__).parent / "data"
CALIBRATION = PACKAGED / "calibration" / "serving.yaml"  # what throughputs rest on; overlays have none
MAX_FILES = 10_000


class FactFiles:
    """Files of facts under several roots; ``table[kind][id]`` lists (path, layer), layer 0 the package."""

    def __init__(self, overlays: Sequence[Path], *, base: Path = PACKAGED) -> None:
        self.base = base
        for overlay in overlays:
            if not overlay.exists():
                raise InputError(Problem("no such catalogue", "name a directory or a YAML file of facts", str(overlay)))
        self._overlays = [(overlay, _overlay_files(overlay)) for overlay in overlays]

    @property
    def overlays(self) -> tuple[tuple[Path, tuple[Path, ...]], ...]:
        """Each overlay as it was named, with the files of facts in it."""
        return tuple((root, tuple(path for _, _, path in files)) for root, files in self._overlays)

    @cached_property
    def table(self) -> dict[str, dict[str, list[tuple[Path, int]]]]:
        """kind -> id -> files, packaged first."""
        table: dict[str, dict[str, list[tuple[Path, int]]]] = {kind: {} for kind in KINDS}
        for kind in KINDS:
            folder = self.base / kind
            if folder.is_dir():
                for path in sorted(folder.glob("*.yaml")):
                    table[kind][path.stem] = [(path, 0)]
        for layer, (_, files) in enumerate(self._overlays, start=1):
            for kind, name, path in files:
                table[kind].setdefault(name, []).append((path, layer))
        return table

    @cached_property
    def digest(self) -> str:
        """sha256 over the names and bytes of every file, packaged and overlays, and of the throughput calibration."""
        total = hashlib.sha256(CALIBRATION.read_bytes())
        for kind, things in sorted(self.table.items()):
            for name, paths in sorted(things.items()):
                for path, layer in paths:
                    raw = path.read_bytes()
                    total.update(f"{layer}/{kind}/{name}\0{len(raw)}\0".encode() + raw)
        return "sha256:" + total.hexdigest()

    def shown(self, kind: str, name: str) -> tuple[str, ...]:
        """The files of a thing as reports name them."""
        return tuple(shown_path(path) for path, _ in self.table[kind][name])

    def is_packaged(self, kind: str, name: str) -> bool:
        """Whether a thing ships with this package and no overlay touches it."""
        return self.is_trusted(0) and all(layer == 0 for _, layer in self.table[kind][name])

    def is_trusted(self, layer: int) -> bool:
        """Whether files of a layer ship with this package, whose tests have validated them."""
        return layer == 0 and self.base == PACKAGED


def shown_path(path: Path) -> str:
    """A path as reports name it: inside the package, or as the user wrote the overlay."""
    return path.relative_to(PACKAGED).as_posix() if path.is_relative_to(PACKAGED) else path.as_posix()


def fact_document(path: Path) -> Document:
    """The document of one fact file, without the ``kind:`` line of a flat one."""
    document = load_path(path)
    if isinstance(document.data, dict) and "kind" in document.data:
        data = {key: value for key, value in document.data.items() if key != "kind"}
        return Document(data, document.path, document.node)
    return document


def _overlay_files(root: Path) -> list[tuple[str, str, Path]]:
    """(kind, id, path) of every fact file of an overlay. Links that leave it are refused."""
    if root.is_file():
        return [_flat(root)]
    found: list[tuple[str, str, Path]] = []
    problems: list[Problem] = []
    paths = sorted(_yaml_files(root))
    if len(paths) > MAX_FILES:
        raise InputError(Problem(f"holds more than {MAX_FILES:,} YAML files", "name the folder of facts", str(root)))
    for path in paths:
        try:
            found.append(_placed(root, path))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    if not found:
        raise InputError(Problem("holds no fact files", f"add files such as {next(iter(KINDS))}/<id>.yaml", str(root)))
    return found


def _placed(root: Path, path: Path) -> tuple[str, str, Path]:
    relative = path.relative_to(root)
    if path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
        raise InputError(Problem("is a link out of the catalogue", "copy the file instead", str(path)))
    if relative.parts[0] in KINDS and len(relative.parts) == 2:
        return relative.parts[0], path.stem, path
    if len(relative.parts) == 1:
        return _flat(path)
    folders = f"folders are {', '.join(KINDS)}; or put it at the top with a line kind: ..."
    raise InputError(Problem("is in no known folder of facts", folders, str(path)))


def _yaml_files(root: Path) -> list[Path]:
    found: list[Path] = []
    for path in root.rglob("*.y*ml"):
        if path.suffix in (".yaml", ".yml"):
            found.append(path)
            if len(found) > MAX_FILES:
                break
    return found


def _flat(path: Path) -> tuple[str, str, Path]:
    document = load_path(path)
    data = document.data
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind not in KINDS:
        raise InputError(
            document.problem(("kind",), "needs a line kind: that says what it holds", f"one of {', '.join(KINDS)}")
        )
    return kind, str(data.get("id") or path.stem), path
