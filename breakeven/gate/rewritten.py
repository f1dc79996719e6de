"""Files that git writes into the working tree as another text than the one that it keeps.

A check reads the working tree, and its next base is what git keeps. Where an attribute of the change makes the two
differ (``ident``, ``working-tree-encoding``, ``filter``), a file could be cheap here and dear in git: the change that
takes the attribute off again would then compare dear with dear.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from breakeven.errors import InputError, Problem
from breakeven.gate.facts import same_text
from breakeven.gate.revision import Revision, git, shown

_ATTRIBUTES = ("ident", "working-tree-encoding", "filter")
_NONE = ("unspecified", "unset")


def refuse_rewritten(base: Revision, names: Sequence[str]) -> None:
    """Refuse files of the working tree, by their paths from the repository's top, that are not what git keeps of them."""
    found = _attributed(base, names)
    if not found:
        return
    kept = base.read(_kept(base, list(found)))
    problems = []
    for name, attribute in found.items():
        here = (base.repository / name).read_bytes() if (base.repository / name).is_file() else None
        if here is None or (name in kept and same_text(here, kept[name])):
            continue
        said = f"is not read here as git keeps it (the attribute {attribute} rewrites it), so its next base would be another text"
        fix = f"commit what changed; else take the attribute off (in .gitattributes: {shown(name)} -{attribute}), and commit the file as it is to be read"
        problems.append(Problem(said, fix, shown(name)))
    if problems:
        raise InputError(problems)


def _attributed(base: Revision, names: Sequence[str]) -> dict[str, str]:
    """The first such attribute of each file that has one."""
    asked = b"".join(os.fsencode(name) + b"\0" for name in dict.fromkeys(names))
    raw = git("check-attr", "-z", "--stdin", *_ATTRIBUTES, cwd=base.repository, stdin=asked)
    cells = os.fsdecode(raw).split("\0")
    found: dict[str, str] = {}
    for name, attribute, value in zip(cells[0::3], cells[1::3], cells[2::3], strict=False):
        if value not in _NONE:
            found.setdefault(name, attribute)
    return found


def _kept(base: Revision, names: Sequence[str]) -> dict[str, str]:
    """What the index has of some files."""
    rows = os.fsdecode(git("ls-files", "-z", "--stage", "--", *names, cwd=base.repository)).split("\0")
    return {name: facts.split(" ")[1] for facts, _, name in (row.partition("\t") for row in rows if row) if facts.startswith("100")}
