"""``breakeven bundle``: one reproducible archive of a decision, or proof of one."""

from __future__ import annotations

from pathlib import Path

import typer

_REPORTS = ("md", "csv", "html")


def bundle(
    profiles: list[str] = typer.Argument(None, metavar="[PROFILE...]", help="Profile files; - reads standard input."),
    output: Path = typer.Option(Path("breakeven-bundle.zip"), "-o", "--output", metavar="FILE", help="The archive to write."),
    verify: Path | None = typer.Option(None, "--verify", metavar="FILE", help="Make it again; exit 1 when it differs."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of the profiles."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
    report: list[str] = typer.Option([], "--report", metavar="FORMAT", help="Beside JSON: md, csv, html when absent."),
) -> None:
    """Profiles, facts, lock, results and reports in one file that re-runs to the same bytes.

    `--verify` lays the inputs out in a fresh folder, computes everything again and compares. Nothing
    in a bundle is executed; archives that would write elsewhere or expand without end are refused.
    """
    from collections.abc import Sequence

    from breakeven.cli.inputs import load_catalogue, parse_date
    from breakeven.cli.output import write, write_atomically
    from breakeven.compare.bundle import Options, make_bundle, verify_bundle
    from breakeven.compare.result import Comparison
    from breakeven.errors import InputError, Problem, did_you_mean
    from breakeven.render import registry
    from breakeven.render.text import plain
    from breakeven.yamlio import read_source

    def render(name: str, results: Sequence[Comparison]) -> bytes:
        if name not in registry.RUN_FORMATS:
            raise InputError(Problem(f"unknown format {name!r}", did_you_mean(name, registry.RUN_FORMATS), "--report"))
        made = registry.render_run(name, results, registry.Options(width=100, chart=False, to_file=True))
        return made if isinstance(made, bytes) else made.encode("utf-8", "replace")

    if verify is not None:
        if profiles:
            raise InputError(Problem("--verify takes no profiles", "the bundle holds them", "bundle"))
        found = verify_bundle(verify, render)
        said = (
            f"ok: {', '.join(plain(name, limit=80) for name in found.profiles)}: made again to the same bytes\n"
            f"made by {plain(found.made_by)}, facts as of {found.as_of}: {found.facts} facts, {found.files} files\n"
            f"sha256 {found.digest}\n"
        )
        write(said, None)
        return
    if not profiles:
        raise InputError(Problem("names no profile", "name one, or --verify FILE", "bundle"))
    options = Options(parse_date(as_of), tuple(set_), tuple(dict.fromkeys(report)) or _REPORTS)
    made = make_bundle([read_source(Path(path)) for path in profiles], load_catalogue(catalog), options, render)
    if str(output) == "-":
        write(made.archive, None)
        return
    write_atomically(made.archive, output)
    if made.confidential:
        typer.echo(f"note: {made.confidential} confidential facts are in it, unredacted: share it with care", err=True)
    write(f"wrote {output}: {made.files} files, {made.facts} facts used, {len(made.archive) / 1e6:.1f} MB\n", None)
