"""A gate's report as JUnit XML: one test case per profile and rule that is on, and one for each rule about the change as a whole."""

from __future__ import annotations

from xml.sax.saxutils import escape as xml_escape
from xml.sax.saxutils import quoteattr

from breakeven.gate.policy import OF_THE_CHANGE
from breakeven.gate.report import Finding, GateReport
from breakeven.render.gate_words import NAME, all_notes, file_of, outcome, waiver_line
from breakeven.render.text import plain


def render(report: GateReport) -> str:
    """Errors are failures, waived ones are skipped, warnings are output. A diff has one passing case per profile."""
    cases: list[tuple[str, int, int]] = []
    for row in report.profiles:
        for rule in [rule for rule in report.rules_on if rule not in OF_THE_CHANGE] or ("compared",):
            found = [f for f in report.findings if f.profile == row.name and f.rule == rule]
            cases.append(_case(report, row.name, rule, found, outcome(row, report) if rule in ("cost_increase", "compared") else ""))
    of_the_change = [f for f in report.findings if not f.profile]
    for finding in of_the_change:
        cases.append(_case(report, "policy", f"{finding.rule} {finding.about}".strip(), [finding], ""))
    met = [rule for rule in report.rules_on if rule in OF_THE_CHANGE and not any(f.rule == rule for f in of_the_change)]
    cases += [_case(report, "policy", rule, [], "") for rule in met]
    failures, skipped = sum(case[1] for case in cases), sum(case[2] for case in cases)
    count = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}" time="0"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="{NAME}" tests="{len(cases)}" failures="{failures}" errors="0" time="0">',
        f'  <testsuite name={_attr(f"{NAME} {report.kind}")} {count}>', *_waivers(report), *(case[0] for case in cases), *_notes(report), "  </testsuite>", "</testsuites>", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _waivers(report: GateReport) -> list[str]:
    rows = [f"      <property name={_attr(f'waiver {w.id}')} value={_attr(waiver_line(w))}/>" for w in report.waivers]
    return ["    <properties>", *rows, "    </properties>"] if rows else []


def _notes(report: GateReport) -> list[str]:
    notes = all_notes(report)
    return [f"    <system-out>{_text(chr(10).join(notes))}</system-out>"] if notes else []


def _case(report: GateReport, profile: str, rule: str, found: list[Finding], said: str) -> tuple[str, int, int]:
    """(the element, whether it failed, whether it was skipped)."""
    errors = [f for f in found if f.level == "error" and f.waived_by is None]
    waived = [f for f in found if f.level == "error" and f.waived_by is not None]
    body = ""
    if errors:
        text = "\n".join(f"{plain(file_of(f))}:{f.line or 1}: {plain(f.message)}; {plain(f.fix)}" for f in errors)
        body = f"<failure message={_attr(errors[0].message[:300])} type={_attr(errors[0].rule)}>{_text(text)}</failure>"
    elif waived:
        by = {f.waived_by for f in waived}
        listed = "; ".join(waiver_line(w) for w in report.waivers if w.id in by)
        body = f"<skipped message={_attr(f'waived by {listed}')}/>"
    aside = [said] if said else []
    aside += [f"warning: {f.message}" for f in found if f.level == "warn"]
    if aside and not waived:
        body += f"<system-out>{_text('; '.join(aside))}</system-out>"
    element = f"    <testcase classname={_attr(f'{NAME}.{profile}')} name={_attr(rule)} time=\"0\">{body}</testcase>"
    return element, int(bool(errors)), int(bool(waived and not errors))


def _text(text: str) -> str:
    return xml_escape("\n".join(plain(line) for line in text.split("\n")))


def _attr(text: str) -> str:
    return quoteattr(plain(text))
