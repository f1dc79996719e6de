"""Problems a user can mend, each with a place, a cause and a fix.

"Never crosses" and "gate failed" are results, not exceptions. What is raised here ends in one
line per problem on stderr and in the exit code of ``docs/exit-codes.md``; never in a traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_INPUT = 2
EXIT_UNPRICED = 3
EXIT_INFEASIBLE = 4
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where, which field, what, and what to write instead."""

    message: str
    fix: str | None = None
    path: str | None = None
    line: int | None = None
    column: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        place = self.path or ""
        if self.line is not None:
            place += f":{self.line}"
            if self.column is not None:
                place += f":{self.column}"
        head = ": ".join(part for part in (place, self.field) if part)
        text = f"{head}: {self.message}" if head else self.message
        return f"{text}; {self.fix}" if self.fix else text

    def changed(self, **values: str | None) -> Problem:
        """The same problem said otherwise."""
        return replace(self, **values)  # type: ignore[arg-type]  # one type for all keys is too narrow

    def rewritten(self, change: Callable[[str], str]) -> Problem:
        """The same problem with every text in it changed."""
        fix, path = (None if text is None else change(text) for text in (self.fix, self.path))
        return replace(self, message=change(self.message), fix=fix, path=path)


class BreakevenError(Exception):
    """Root of everything the tool raises on purpose."""

    exit_code = EXIT_INPUT

    def __init__(self, problems: Problem | str | Iterable[Problem], *, fix: str | None = None) -> None:
        if isinstance(problems, str):
            problems = Problem(problems, fix=fix)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InputError(BreakevenError):
    """Something the user wrote is wrong and can be mended (exit 2)."""


class FactNotFound(InputError):
    """A name the catalogue does not know (exit 2); the message lists the nearest names."""


class FactNotInForce(BreakevenError):
    """A known thing has no price, or is not in force, on the date (exit 3)."""

    exit_code = EXIT_UNPRICED


class Infeasible(BreakevenError):
    """No configuration can serve what was asked (exit 4)."""

    exit_code = EXIT_INFEASIBLE


class TargetMissed(Infeasible):
    """A latency target out of reach; ``missed_by`` is the least latency over the target."""

    missed_by = 1.0


class CheckFailed(BreakevenError):
    """A lock drifted or a verification failed (exit 1)."""

    exit_code = EXIT_FAILED


def worst_exit_code(codes: Iterable[int]) -> int:
    """The code that wins when several apply: 70 > 2 > 3 > 4 > 1 > 0."""
    order = (EXIT_INTERRUPTED, EXIT_INTERNAL, EXIT_INPUT, EXIT_UNPRICED, EXIT_INFEASIBLE, EXIT_FAILED)
    seen = set(codes)
    return next((code for code in order if code in seen), EXIT_OK)


def did_you_mean(name: str, known: Sequence[str], *, count: int = 3) -> str:
    """A fix that names the nearest known names, or the first few when none is near.

    >>> did_you_mean("h10-sxm", ["h100-sxm", "a100-sxm-80gb"], count=1)
    "did you mean 'h100-sxm'?"
    """
    lowered = {candidate.lower(): candidate for candidate in known}
    near = get_close_matches(name.lower(), list(lowered), n=count, cutoff=0.5)
    if not near:
        near = [key for key in lowered if name.lower() in key or key in name.lower()][:count]
    if near:
        return f"did you mean {' or '.join(repr(lowered[key]) for key in near)}?"
    if not known:
        return "none is known here"
    distinct = sorted(lowered.values())  # ids and aliases may differ in case alone
    shown = ", ".join(distinct[:8])
    more = "" if len(distinct) <= 8 else f" and {len(distinct) - 8} more"
    return f"known: {shown}{more}"
