"""A gate's findings as GitHub workflow commands, escaped as the runner reads them and within its limits."""

from __future__ import annotations

from breakeven.gate.report import Finding, GateReport, WaiverStatus
from breakeven.render.gate_words import NAME, all_notes, file_of, waiver_line
from breakeven.render.text import plain

_ANNOTATIONS = 10  # of a level and step; the runner drops the rest without a word
_MESSAGE = 4000


def render(report: GateReport) -> str:
    """One annotation per finding that is not waived; the last one of a full level counts those left out."""
    out = []
    for level, command in (("error", "error"), ("warn", "warning")):
        found = [f for f in report.findings if f.level == level and f.waived_by is None]
        kept = found if len(found) <= _ANNOTATIONS else found[: _ANNOTATIONS - 1]
        for finding in kept:
            place = f"file={_property(file_of(finding))}" + (f",line={finding.line}" if finding.line else "")
            out.append(f"::{command} {place},title={_property(f'{NAME} {finding.rule}')}::{_data(_message(finding))}")
        if len(found) > len(kept):
            out.append(f"::{command} title={NAME}::{len(found) - len(kept)} more finding(s) of this level are in the report")
    notes = all_notes(report)
    room = _ANNOTATIONS - 1 - bool(report.waivers)  # the verdict and the waivers are never left out
    kept_notes = notes if len(notes) <= room else notes[: room - 1]
    out += [f"::notice title={NAME}::{_data(plain(note, limit=_MESSAGE))}" for note in kept_notes]
    if len(notes) > len(kept_notes):
        out.append(f"::notice title={NAME}::{len(notes) - len(kept_notes)} more note(s) are in the report")
    if report.waivers:
        out.append(f"::notice title={NAME} waivers::{_listed(report.waivers)}")
    out.append(f"::notice title={NAME}::{_data(report.verdict)}")
    return "\n".join(out) + "\n"


def _message(finding: Finding) -> str:
    where = f"{finding.profile}: " if finding.profile else ""
    return plain(f"{where}{finding.message}; {finding.fix}", limit=_MESSAGE)


def _listed(waivers: tuple[WaiverStatus, ...]) -> str:
    """Every waiver on a line of one annotation, as far as it holds them."""
    lines: list[str] = []
    left = _MESSAGE - 60
    for waiver in waivers:
        line = _data(plain(waiver_line(waiver), limit=500))
        if len(line) + 3 > left:
            lines.append(f"{len(waivers) - len(lines)} more waiver(s) are in the report")
            break
        left -= len(line) + 3
        lines.append(line)
    return "%0A".join(lines)


def _data(text: str) -> str:
    # Line ends are gone already; a percent sign would be read as the start of an escape.
    return plain(text).replace("%", "%25").replace("::", ":\u200b:")


def _property(text: str) -> str:
    # A line end is part of a file's name: with a space in its place the host would show another file.
    lines = (plain(line).replace("%", "%25").replace(":", "%3A").replace(",", "%2C") for line in text.split("\n"))
    return "%0A".join(lines)
