"""The command table. Only the command that is run is imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer

from breakeven import __version__
from breakeven.errors import EXIT_INTERRUPTED

# group -> name -> (module, function, one-line help); the help is here so that --help needs no import.
COMMANDS: dict[str, dict[str, tuple[str, str, str]]] = {
    "": {
        "run": ("run", "run", "Offers side by side, the crossover, and what moves it."),
        "explain": ("explain", "explain", "Any figure as its equation, with numbers and sources."),
        "sweep": ("sweep", "sweep", "Vary keys over ranges; CSV or JSON out."),
        "solve": ("solve", "solve", "The value of a key at which the verdict flips."),
        "forecast": ("forecast", "forecast", "The decision month by month: NPV, payback, when to switch."),
        "risk": ("risk", "risk", "Probability that each offer is cheapest; what to measure first."),
        "portfolio": ("portfolio", "portfolio", "Several profiles served together from pooled fleets."),
        "estimate": ("estimate", "estimate", "Throughput and latency of a model on accelerators."),
        "accuracy": ("accuracy", "accuracy", "Predictions against a table of measurements."),
        "diff": ("diff", "diff", "What changed between two profiles, results or revisions, and why."),
        "check": ("check", "check", "The CI gate: fails on cost regressions, never passes by accident."),
        "bundle": ("bundle", "bundle", "One reproducible archive of a decision, or proof of one."),
    },
    "profile": {
        "init": ("profile_init", "init", "Write a commented starter profile."),
        "validate": ("profile_validate", "validate", "Check profiles without running them."),
        "schema": ("profile_schema", "schema", "Print the profile's JSON Schema."),
    },
    "catalog": {
        "list": ("catalog_list", "list_", "What the catalogue knows."),
        "show": ("catalog_show", "show", "One thing with every record and its source."),
        "verify": ("catalog_verify", "verify", "Check the catalogue or an overlay."),
        "import": ("catalog_import", "import_", "Read a price list into a dated overlay."),
        "lock": ("catalog_lock", "lock", "Pin every fact that profiles use."),
        "diff": ("catalog_diff", "diff", "What changed between two catalogues."),
    },
    "benchmark": {
        "import": ("benchmark", "import_", "Read a benchmark result so that it beats the model."),
    },
}
GROUP_HELP = {
    "profile": "Make and check profiles.",
    "catalog": "The dated, sourced facts.",
    "benchmark": "Your own measurements.",
}
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def invoke(argv: list[str]) -> int:
    """Parse and run one command line; returns the exit code."""
    app = _build(argv)
    try:
        result = app(args=argv, prog_name="breakeven", standalone_mode=False)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except SystemExit as stop:  # the parser's own answer to a reader that went away
        if isinstance(stop.__context__, BrokenPipeError):
            raise BrokenPipeError from None
        raise
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        # Usage errors of the parser, which typer vendors: told apart by what they can do.
        show = getattr(error, "format_message", None)
        if show is None:
            raise
        context = getattr(error, "ctx", None)
        nothing_given = type(error).__name__ == "NoArgsIsHelpError" or getattr(error, "message", "") == ""
        if not argv or (nothing_given and context is not None):
            # What was asked for is not the report, so it does not go where the report would.
            print(context.get_help() if context is not None else show(), file=sys.stderr)  # noqa: T201
            if context is not None:
                print(f"error: {_missing(context)}", file=sys.stderr)  # noqa: T201
            return 2
        from breakeven.render.text import plain

        hint = f"; see 'breakeven {_command_path(argv)}--help'"
        print(f"error: {plain(str(show()).rstrip('.'))}{hint}", file=sys.stderr)  # noqa: T201
        return 2
    if result == EXIT_INTERRUPTED:  # the parser turns Ctrl-C into a silent exit
        raise KeyboardInterrupt
    return int(result) if isinstance(result, int) else 0


def _missing(context: Any) -> str:
    """What a command line lacks that holds nothing but the command."""
    needed = [str(p.metavar or p.name) for p in context.command.params if getattr(p, "required", False)]
    return f"{', '.join(needed)} is missing; see above" if needed else "a command is missing; choose one of those above"


def _command_path(argv: list[str]) -> str:
    words: list[str] = []
    table: Any = COMMANDS
    for word in argv:
        if word in COMMANDS.get("", {}) and not words:
            return word + " "
        if word in table:
            words.append(word)
            table = COMMANDS.get(word, {})
        else:
            break
    return "".join(f"{word} " for word in words)


def _new(help_text: str) -> typer.Typer:
    return typer.Typer(
        help=help_text, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False,
        context_settings=_SETTINGS, no_args_is_help=True,
    )  # fmt: skip


def _build(argv: list[str]) -> typer.Typer:
    """An app in which only the command named in ``argv`` is real; the others carry their help line."""
    words = [word for word in argv if not word.startswith("-")]
    app = _new(
        "Self-host an open-weight model or pay an API per token: from which volume, and how sure are we?"
    )
    _register(app, "", words)
    for group, text in GROUP_HELP.items():
        sub = _new(text)
        _register(sub, group, words[1:] if words[:1] == [group] else [])
        app.add_typer(sub, name=group)

    @app.callback()
    def _root(
        version: bool = typer.Option(False, "--version", "-V", help="Print the version and exit."),
    ) -> None:
        if version:
            print(f"breakeven {__version__}")  # noqa: T201
            raise typer.Exit(0)

    return app


def _register(app: typer.Typer, group: str, words: list[str]) -> None:
    for name, (module, function, text) in COMMANDS[group].items():
        wanted = words[:1] == [name]
        command: Callable[..., Any] = _load(module, function) if wanted else _placeholder
        app.command(name=name, help=None if wanted else text, short_help=text)(command)


def _load(module: str, function: str) -> Callable[..., Any]:
    loaded: Callable[..., Any] = getattr(import_module(f"breakeven.cli.{module}"), function)
    return loaded


def _placeholder() -> None:
    raise AssertionError("only the command that was named is ever called")
