"""The entry point: runs the command line so that a crash can never look like a verdict.

Exit codes are those of docs/exit-codes.md. A problem is one line on stderr with its fix; Ctrl-C is
130; a broken pipe ends quietly; anything unforeseen is 70 with one line and no traceback
(``BREAKEVEN_DEBUG=1`` shows it).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from breakeven.errors import EXIT_INPUT, EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_OK, BreakevenError


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    # A run makes many small objects and drops few: collecting every 700 of them costs a tenth of it.
    gc.set_threshold(100_000, 20, 20)
    # pydantic scans installed packages for plug-ins when its first model is built: 25 ms for nothing.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = run(sys.argv[1:] if argv is None else list(argv))
    # The process ends here and its memory with it: a last search for garbage would cost 50 ms for nothing.
    gc.freeze()
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Run the command line; the exit code is returned, output goes to stdout and stderr."""
    try:
        if sys.stdout is None:
            raise BreakevenError("standard output is closed", fix="leave it open, or send it to /dev/null")
        return _dispatch(list(argv))
    except BreakevenError as error:
        report(error)
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader went away (head, less): not an error of ours.
        _drop_output()
        return EXIT_OK
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"error: {where}{error.strerror or error}; check the path, permissions and free space")
        try:
            sys.stdout.flush()
        except OSError:  # it was standard output that failed, and it would again at the end, with a code of its own (120)
            _drop_output()
        return EXIT_INPUT
    except RecursionError:
        say("error: the input is nested too deeply; flatten it")
        return EXIT_INPUT
    except Exception as error:
        if os.environ.get("BREAKEVEN_DEBUG"):
            raise
        kind = type(error).__name__
        say(f"internal error: {kind}: {error}; this is a bug of breakeven, not a verdict (BREAKEVEN_DEBUG=1 shows more)")
        return EXIT_INTERNAL


def _drop_output() -> None:
    """Keep the interpreter from complaining while it flushes what is left of standard output."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report(error: BreakevenError) -> None:
    """Each problem of an error as one line on stderr."""
    for problem in error.problems:
        say(f"error: {problem}")


def say(text: str) -> None:
    """One line on stderr."""
    from breakeven.render.text import plain

    try:
        print(plain(text), file=sys.stderr)  # noqa: T201
    except OSError:  # nobody can be told; the exit code still says it, and the interpreter must not change it
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _dispatch(argv: list[str]) -> int:
    # --version must not pay for the whole command line.
    if argv in (["--version"], ["-V"]):
        from breakeven import __version__

        print(f"breakeven {__version__}", flush=True)  # noqa: T201
        return EXIT_OK
    from breakeven.cli.app import invoke

    code = invoke(argv)
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    main()
