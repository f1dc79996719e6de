"""``breakeven catalog lock``: pin every fact that profiles use."""

from __future__ import annotations

from pathlib import Path

import typer


def lock(
    profiles: list[str] = typer.Argument(..., metavar="PROFILE...", help="Profile files; - reads standard input."),
    output: Path = typer.Option(Path("breakeven.lock"), "-o", "--output", metavar="FILE", help="The lock to write or check."),
    check: bool = typer.Option(False, "--check", help="Write nothing; exit 1 when a fact drifted from the lock."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of the profiles."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Write the digest of every fact that the profiles' results rest on; `run --locked` refuses drift."""
    from breakeven.cli.inputs import load_catalogue, load_profiles, parse_date
    from breakeven.cli.output import write
    from breakeven.compare.lock import lock_of, lock_text, read_lock, verify_lock
    from breakeven.compare.outlook import compare_with_forecast

    date = parse_date(as_of)
    catalogue = load_catalogue(catalog)
    loaded = load_profiles(profiles, set_)
    if check:
        read_lock(output)  # a missing or damaged lock is found before anything is computed
    results = [compare_with_forecast(item, catalogue, as_of=date) for item in loaded]
    if check:
        verify_lock(results, catalogue, output)
        write(f"ok: {len({source.id for result in results for source in result.all_sources})} facts as locked\n", None)
        return
    content = lock_of(results, catalogue)
    write(lock_text(content), output)
    if str(output) != "-":
        write(f"locked {len(content['facts'])} facts in {output}\n", None)
