"""A decision in one file: what went in, what came out, and enough to make it again to the same bytes.

A bundle holds the profiles, the whole catalogue and overlays they were run against, the lock and the
text of every fact used, the results and reports, the tool's version and the command. Making one lays
the inputs out in a fresh folder and computes from there; verifying one does the same with what it
holds and compares. The recorded command is for people: nothing in a bundle is ever executed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from breakeven import __version__
from breakeven.catalog.fact_files import FactFiles
from breakeven.catalog.record_digest import record_at
from breakeven.catalog.store import Catalogue
from breakeven.compare.bundle_archive import is_safe_name, pack, unpack
from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.lock import LOCK_NAME, lock_of, lock_text
from breakeven.compare.outlook import with_forecast
from breakeven.compare.redaction import map_strings
from breakeven.compare.result import Comparison
from breakeven.errors import BreakevenError, CheckFailed, InputError, Problem
from breakeven.profile.load import LoadedProfile, load_profile, loads_profile

BUNDLE_SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
ONE_PROFILE = ("html", "xlsx")  # formats that are about a single profile
_README = """\
This is a bundle of breakeven: a decision with everything it rests on.

  results.json        the result; report.*: the same for people
  profiles/           the workload and the choices
  facts.json          every fact the result uses, with its source
  breakeven.lock      the digests of those facts
  catalogue/ overlays/  all facts it was chosen from
  manifest.json       versions, options, the command, and the digest of every file here

To prove that the result follows from the rest:  breakeven bundle --verify THIS-FILE.zip
"""

Render = Callable[[str, Sequence[Comparison]], bytes]


class Options(Struct, frozen=True):
    """How the profiles are run; all of it is recorded."""

    as_of: dt.date | None
    overrides: tuple[str, ...]
    reports: tuple[str, ...]  # formats beside JSON


class Made(Struct, frozen=True):
    """A bundle and what its maker should know."""

    archive: bytes
    files: int
    facts: int
    confidential: int


class Verified(Struct, frozen=True):
    """What a verification found to be true."""

    profiles: tuple[str, ...]
    made_by: str
    as_of: str
    files: int
    facts: int
    digest: str


def make_bundle(
    sources: Sequence[tuple[bytes, str]], catalogue: Catalogue, options: Options, render: Render
) -> Made:
    """The bundle of profiles, each given as its bytes and its name. Raises InputError for one that needs files elsewhere."""
    profiles = [loads_profile(raw, name, options.overrides) for raw, name in sources]
    inputs: dict[str, bytes] = {"catalogue/catalogue.yaml": (catalogue.files.base / "catalogue.yaml").read_bytes()}
    for kind, things in catalogue.files.table.items():
        for name, paths in things.items():
            inputs.update({f"catalogue/{kind}/{name}.yaml": path.read_bytes() for path, layer in paths if layer == 0})
    overlays = []
    for number, (root, paths_of) in enumerate(catalogue.files.overlays, start=1):
        place = f"overlays/{number}-{_plain(root.resolve().name)}"
        overlays.append(place)
        for path in paths_of:
            target = place if root.is_file() else f"{place}/{path.relative_to(root).as_posix()}"
            if not is_safe_name(target):
                raise InputError(Problem("has a name that cannot be bundled", "use letters, digits, dot and dash", str(path)))
            inputs[target] = path.read_bytes()
    places = []
    for number, (loaded, (raw, _)) in enumerate(zip(profiles, sources, strict=True), start=1):
        name = "stdin.yaml" if loaded.path == "<stdin>" else _plain(Path(loaded.path).name)
        places.append(f"profiles/{number}/{name}")
        inputs[places[-1]] = raw
        for loc, beside in side_files(loaded):
            source = Path(loaded.path).parent / beside
            try:
                inputs[f"profiles/{number}/{beside}"] = source.read_bytes()
            except OSError as error:
                raise InputError(loaded.document.problem(loc, f"cannot be read ({error.strerror})", "check the path")) from None
    try:
        outputs, results = _compute(inputs, places, overlays, options, render)
    except BreakevenError as error:  # in the user's own words for their files
        own = dict(zip([*places, *overlays], [*(p.path for p in profiles), *(str(r) for r, _ in catalogue.files.overlays)],
                       strict=True))  # fmt: skip
        raise type(error)(p.changed(path=own.get(p.path or "", p.path)) for p in error.problems) from None
    files = {**inputs, **outputs, "README.txt": _README.encode()}
    manifest = {
        "schema_version": BUNDLE_SCHEMA_VERSION,
        "tool": {"name": "breakeven", "version": __version__},
        "command": _command(places, overlays, options),
        "as_of": results[0].as_of.isoformat(),
        "options": {
            "as_of": options.as_of and options.as_of.isoformat(), "set": list(options.overrides),
            "reports": list(options.reports),
        },
        "profiles": places,
        "overlays": overlays,
        "catalogue": {"version": results[0].catalogue_version, "digest": results[0].catalogue_digest},
        "files": {name: {"bytes": len(raw), "sha256": _sha256(raw)} for name, raw in sorted(files.items())},
    }  # fmt: skip
    files[MANIFEST] = _json(manifest)
    used = {source.id: source for result in results for source in result.all_sources}
    return Made(pack(files), len(files), len(used), sum(source.confidential for source in used.values()))


def verify_bundle(path: Path, render: Render) -> Verified:
    """Make everything in a bundle again. Raises :class:`CheckFailed` with every file that differs."""
    files = unpack(path)
    manifest = _manifest(files, str(path))
    problems = _digests(files, manifest, str(path))
    if problems:
        raise CheckFailed(problems)
    made_by = f"{manifest['tool']['name']} {manifest['tool']['version']}"
    given = manifest["options"]
    options = Options(
        None if given["as_of"] is None else dt.date.fromisoformat(given["as_of"]), tuple(given["set"]), tuple(given["reports"])
    )
    inputs = {name: raw for name, raw in files.items() if name.startswith(("catalogue/", "overlays/", "profiles/"))}
    try:
        outputs, results = _compute(inputs, manifest["profiles"], manifest["overlays"], options, render)
    except BreakevenError as error:
        raise CheckFailed(
            Problem(f"cannot be run again: {problem}", f"it was made by {made_by}, this is {__version__}", str(path))
            for problem in error.problems
        ) from None
    fix = f"it was made by {made_by}, this is {__version__}"
    if made_by == f"breakeven {__version__}":
        fix = "the same version made it: a file was changed, or this installation was"
    differing = [name for name, raw in sorted(outputs.items()) if files.get(name) != raw]
    if differing:
        raise CheckFailed(Problem(f"{name} does not follow from the inputs", fix, str(path)) for name in differing)
    return Verified(
        tuple(result.name for result in results), made_by, manifest["as_of"], len(files),
        len({source.id for result in results for source in result.all_sources}), _sha256(path.read_bytes()),
    )  # fmt: skip


def side_files(loaded: LoadedProfile) -> list[tuple[tuple[str, ...], str]]:
    """(key, relative path) of the files beside a profile that it reads. Raises InputError for one elsewhere."""
    host, demand = loaded.profile.self_host, loaded.profile.workload.demand
    model = host.model if host.model.endswith(".json") or host.model.startswith((".", "/")) else None
    named: list[tuple[tuple[str, ...], str | None]] = [
        (("workload", "demand", "hourly_file"), demand.hourly_file),
        (("self_host", "benchmark"), host.benchmark),
        (("self_host", "model"), model),
    ]
    found, problems = [], []
    for loc, text in named:
        if text is None:
            continue
        name = text.removeprefix("./")
        if is_safe_name(name):
            found.append((loc, name))
        else:
            problems.append(loaded.document.problem(loc, f"names a file elsewhere ({text[:80]!r})", "put it beside the profile"))
    if problems:
        raise InputError(problems)
    return found


def _compute(
    inputs: dict[str, bytes], places: Sequence[str], overlays: Sequence[str], options: Options, render: Render
) -> tuple[dict[str, bytes], list[Comparison]]:
    """The output files that follow from the input files, whatever folder they are laid out in."""
    with tempfile.TemporaryDirectory(prefix="breakeven-") as folder:
        root = Path(folder)
        for name, raw in inputs.items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(raw)

        def relative(text: str) -> str:
            return text.replace(f"{root.as_posix()}/catalogue/", "").replace(f"{root.as_posix()}/", "")

        try:
            catalogue = Catalogue(FactFiles([root / name for name in overlays], base=root / "catalogue"))
            results = []
            for place in places:
                loaded = load_profile(root / place, options.overrides)
                side_files(loaded)
                scope = make_scope(loaded, catalogue, as_of=options.as_of)
                results.append(map_strings(with_forecast(scope, compare_scope(scope)), relative))
            facts = _facts(results, catalogue)
            lock = lock_text(lock_of(results, catalogue)).encode()
        except BreakevenError as error:
            raise type(error)(problem.rewritten(relative) for problem in error.problems) from None
    outputs = {"results.json": render("json", results), LOCK_NAME: lock, "facts.json": _json(facts)}
    for name in options.reports:
        if name in ONE_PROFILE and len(results) > 1:
            outputs.update({f"report-{n}.{name}": render(name, [result]) for n, result in enumerate(results, start=1)})
        else:
            outputs[f"report.{name}"] = render(name, results)
    return outputs, results


def _facts(results: Sequence[Comparison], catalogue: Catalogue) -> dict[str, Any]:
    """Every fact used, in full: a reader need not unpack the catalogue."""
    used = {source.id: source for result in results for source in result.all_sources}
    rows = []
    for source_id, source in sorted(used.items()):
        record = None
        if not source_id.startswith("genai-prices/"):
            record = record_at(catalogue, source_id).model_dump(mode="json", exclude_none=True)
        rows.append({"id": source_id, "file": source.file, "title": source.title, "url": source.url, "record": record})
    return {"schema_version": BUNDLE_SCHEMA_VERSION, "facts": rows}


def _command(places: Sequence[str], overlays: Sequence[str], options: Options) -> list[str]:
    """What gives results.json when typed in the unpacked folder."""
    out = ["breakeven", "run", *places, "--format", "json"]
    for overlay in overlays:
        out += ["--catalog", overlay]
    for text in options.overrides:
        out += ["--set", text]
    return out if options.as_of is None else [*out, "--as-of", options.as_of.isoformat()]


def _manifest(files: dict[str, bytes], path: str) -> dict[str, Any]:
    """The manifest, when it has the shape of one. Raises :class:`CheckFailed` otherwise."""
    try:
        data = json.loads(files[MANIFEST])
        if data["schema_version"] != BUNDLE_SCHEMA_VERSION:
            version = data["schema_version"]
            raise CheckFailed(Problem(f"is a bundle of version {version!r}", "use the breakeven that made it", path))
        texts = [data["tool"]["name"], data["tool"]["version"], data["as_of"], *data["profiles"], *data["overlays"]]
        options = data["options"]
        texts += [*options["set"], *options["reports"], *([] if options["as_of"] is None else [options["as_of"]])]
        lists = [data["profiles"], data["overlays"], options["set"], options["reports"]]
        held = all(isinstance(row["sha256"], str) for row in data["files"].values())
        well_formed = held and all(isinstance(one, list) for one in lists) and all(isinstance(one, str) for one in texts)
        if options["as_of"] is not None:
            dt.date.fromisoformat(options["as_of"])
        inside = all(is_safe_name(name) for name in (*data["profiles"], *data["overlays"])) and data["profiles"]
        placed = all(name.startswith("profiles/") for name in data["profiles"])
        if well_formed and inside and placed and all(name.startswith("overlays/") for name in data["overlays"]):
            checked: dict[str, Any] = data
            return checked
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        pass
    raise CheckFailed(Problem("is not a bundle: its manifest is missing or damaged", "ask for it again", path))


def _digests(files: dict[str, bytes], manifest: dict[str, Any], path: str) -> list[Problem]:
    """Files that are not the ones that were packed."""
    listed = manifest["files"]
    out = [Problem(f"{name} is missing", "ask for it again", path) for name in sorted(listed) if name not in files]
    for name, raw in sorted(files.items()):
        if name == MANIFEST:
            continue
        if name not in listed:
            out.append(Problem(f"{name} is not in its manifest", "do not trust it", path))
        elif listed[name]["sha256"] != _sha256(raw):
            out.append(Problem(f"{name} was changed after it was packed", "do not trust it", path))
    return out


def _plain(name: str) -> str:
    """A file's name with only the characters an archive may hold.

    >>> _plain("my profile.yaml"), _plain(".hidden"), _plain("\u00e9")
    ('my_profile.yaml', '_hidden', '_')
    """
    text = re.sub(r"[^A-Za-z0-9._+-]", "_", name)[:100]
    text = re.sub(r"\A\.", "_", text) or "_"
    return text if is_safe_name(text) else f"_{text.rstrip('.')}"


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
