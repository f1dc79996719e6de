"""A redacted report does not depend on the confidential figure: two secrets, one report, in every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakeven.catalog.store import Catalogue
from breakeven.cli.main import run
from breakeven.compare.api import run as compare
from breakeven.compare.redaction import redacted
from breakeven.render.registry import RUN_FORMATS

PROFILE = """\
name: shared
workload: {tokens_per_day: 10M, input_tokens: 1024, output_tokens: 1024}
api: [openai/gpt-6.1-sol]
self_host:
  model: openai/gpt-oss-120b
  supply:
    - {rent: h100-sxm, provider: acme, term: on-demand, gpus: 1}
    - {rent: h100-sxm, provider: lambda, term: on-demand, gpus: 1}
    - {own: acme-rack, site: us-va, gpus: 1}
"""
RENT = """\
kind: rental
id: acme
name: Acme Cloud
tier: user
prices:
  - effective: 2026-11-01
    accelerator: h100-sxm
    term: on-demand
    usd_per_gpu_hour: {rent}
    term_years: 1
    prepaid_share: {prepaid}
    confidential: true
    source: {{title: "Acme offer 4711", url: "https://acme.example/{rent}", retrieved: 2026-11-02, kind: quote, owner: Jo}}
"""
RACK = """\
kind: servers
id: acme-rack
name: Acme rack
accelerator: h100-sxm
accelerators_count: 8
prices:
  - {{effective: 2026-11-01, capex_usd: {capex}, confidential: true, source: {{title: quote 4712, retrieved: 2026-11-02, kind: quote}}}}
power:
  - {{effective: 2026-11-01, nameplate_w: 10200, active_w: 6200, idle_w: 2900, source: {{title: sheet, retrieved: 2026-11-02, kind: datasheet}}}}
"""


def place(tmp_path: Path, rent: str, capex: str, prepaid: str) -> list[str]:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "profile.yaml").write_text(PROFILE)
    facts = tmp_path / "facts"
    facts.mkdir(exist_ok=True)
    (facts / "acme.yaml").write_text(RENT.format(rent=rent, prepaid=prepaid))
    (facts / "rack.yaml").write_text(RACK.format(capex=capex))
    return ["run", str(tmp_path / "profile.yaml"), "--catalog", str(facts)]


@pytest.mark.parametrize("format", RUN_FORMATS)
def test_another_secret_gives_the_same_report(tmp_path: Path, format: str) -> None:
    if format == "xlsx":
        pytest.importorskip("xlsxwriter")
    reports = []
    for rent, capex, prepaid in (("2.51", "251000", "10%"), ("2.83", "283000", "12%")):
        argv = place(tmp_path, rent, capex, prepaid)
        target = tmp_path / f"report.{format}"
        assert run([*argv, "--redact", "--format", format, "-o", str(target)]) == 0
        reports.append(target.read_bytes())
        assert run([*argv, "--format", format, "-o", str(target)]) == 0
        assert target.read_bytes() != reports[-1]
    assert reports[0] == reports[1]


@pytest.mark.parametrize("format", RUN_FORMATS)
def test_no_secret_and_no_name_is_printed(tmp_path: Path, format: str) -> None:
    if format == "xlsx":
        pytest.skip("compressed; its cells are those of the other formats")
    target = tmp_path / f"report.{format}"
    assert run([*place(tmp_path, "2.51", "251000", "10%"), "--redact", "--format", format, "-o", str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    for secret in ("2.51", "60.24", "251000", "251,000", "acme", "Acme", "4711", "4712"):
        assert secret not in text
    assert "confidential-1" in text and "lambda" in text


def test_the_verdict_and_what_is_public_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = place(tmp_path, "2.40", "251000", "10%")
    capsys.readouterr()
    assert run([*argv, "--format", "json"]) == 0
    full = json.loads(capsys.readouterr().out)
    assert run([*argv, "--format", "json", "--redact"]) == 0
    shared = json.loads(capsys.readouterr().out)
    assert "from between 3M and 10M tokens/day on" in shared["headline"]["sentence"]
    assert shared["headline"]["cheaper_at_volume"] == "rented:confidential-1/h100-sxm/on-demand"
    hidden = [offer for offer in shared["offers"] if offer["usd_per_day"] is None]
    assert [offer["id"] for offer in hidden] == [
        "rented:confidential-1/h100-sxm/on-demand", "owned:confidential-2@us-va",
        "hybrid:rented:confidential-1/h100-sxm/on-demand+api:openai/gpt-6.1-sol",
        "hybrid:owned:confidential-2@us-va+api:openai/gpt-6.1-sol",
    ]  # fmt: skip
    assert all(offer["lines"] == [] and offer["feasible"] for offer in hidden)
    known = {offer["id"]: offer for offer in full["offers"]}
    for offer in shared["offers"]:
        if offer["usd_per_day"] is not None:
            assert offer == known[offer["id"]]
    assert [c["outcome"] for c in shared["crossovers"]] == [c["outcome"] for c in full["crossovers"]]
    assert {s["title"] for s in shared["sources"] if s["confidential"]} == {"confidential"}
    assert any("2 confidential fact(s) are used" in warning for warning in shared["warnings"])


def test_nothing_confidential_nothing_changed() -> None:
    catalogue = Catalogue.load()
    result = compare(Path(__file__).parents[2] / "configs/reference.yaml", catalogue)
    assert redacted(result, catalogue) is result


def test_a_known_provider_keeps_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lambda.yaml"
    path.write_text(RENT.format(rent="2.51", prepaid="10%").replace("id: acme", "id: lambda").replace("tier: user\n", ""))
    profile = tmp_path / "p.yaml"
    profile.write_text(PROFILE.replace("    - {rent: h100-sxm, provider: acme, term: on-demand, gpus: 1}\n", "").replace(
        "    - {own: acme-rack, site: us-va, gpus: 1}\n", ""))  # fmt: skip
    capsys.readouterr()
    assert run(["run", str(profile), "--catalog", str(path), "--redact", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    own = next(offer for offer in data["offers"] if offer["kind"] == "rented")
    assert "lambda" in own["name"] and own["usd_per_day"] is None and own["usd_per_gpu_hour"] is None


INCOMPLETE = """\
kind: quotes
name: Acme Secret
offers:
  - effective: 2026-11-10
    ends: 2027-02-10
    source: {title: q, retrieved: 2026-11-12, kind: quote}
    confidential: true
    sells: rental
    accelerator: h100-sxm
    gpus_per_unit: 8
    term: on-demand
    RATE
"""


@pytest.mark.parametrize("rate", ["usd_per_gpu_hour:", "usd_per_gpu_hour: 2.2"], ids=["cannot be priced", "lacks its tax"])
@pytest.mark.parametrize("format", RUN_FORMATS)
def test_an_incomplete_quote_names_neither_its_supplier_nor_its_file(tmp_path: Path, format: str, rate: str) -> None:
    if format == "xlsx":
        pytest.importorskip("xlsxwriter")
    argv = place(tmp_path, "2.51", "251000", "10%")
    private = tmp_path / "offers-of-umbra"
    private.mkdir()
    (private / "umbra.yaml").write_text(INCOMPLETE.replace("RATE", rate))
    target = tmp_path / f"report.{format}"
    for redact in ([], ["--redact"]):
        assert run([*argv, "--catalog", str(private), *redact, "--format", format, "-o", str(target)]) == 0
        report = target.read_bytes()
        found = {word for word in (b"Acme Secret", b"umbra", b"incomplete quote") if word in report}
        assert b"umbra" not in found if redact else b"umbra" in found
        assert b"Acme Secret" not in found if redact else True
