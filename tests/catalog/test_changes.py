"""``catalog diff``: facts are compared by what they are facts of, not by their place in a file."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from breakeven.catalog.fact_files import PACKAGED
from breakeven.catalog.record_digest import record_digest
from breakeven.catalog.store import Catalogue
from breakeven.cli.main import run
from breakeven.errors import FactNotFound
from tests.offers.test_quoted import SERVER, quote


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A later release: one price risen, one confirmed, one thing gone, one added."""
    folder = tmp_path_factory.mktemp("release") / "data"
    shutil.copytree(PACKAGED, folder)
    lambda_ = folder / "rental/lambda.yaml"
    lambda_.write_text(
        lambda_.read_text() + "- effective: 2026-12-20\n  accelerator: h100-sxm\n  sku: 8x H100 SXM\n  term: on-demand\n"
        "  usd_per_gpu_hour: 4.49\n  gpus_per_sku: 8\n"
        "  source: {title: price page, retrieved: 2026-12-21, kind: list_price}\n"
        "- effective: 2026-12-20\n  accelerator: b200-sxm\n  sku: 8x B200\n  term: on-demand\n"
        "  usd_per_gpu_hour: 6.69\n  gpus_per_sku: 8\n"
        "  source: {title: price page, retrieved: 2026-12-21, kind: list_price}\n"
    )
    (folder / "rental/oracle.yaml").unlink()
    (folder / "servers/new.yaml").write_text(
        "id: new\nname: New\naccelerator: h100-sxm\naccelerators_count: 8\nprices:\n"
        "- {effective: 2026-12-01, capex_usd: 1000, source: {title: x, retrieved: 2026-12-02, kind: quote}}\n"
    )
    (folder / "catalogue.yaml").write_text('version: "2026.12.21"\nreleased: 2026-12-21\n')
    return folder


def diff(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    code = run(["catalog", "diff", *argv])
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    return captured.out


def test_each_kind_of_change_is_named(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(diff(capsys, "packaged", str(release), "--format", "json"))
    found = {(row["change"], row["key"]): row for row in data["changes"] if not row["key"].startswith(("api/", "history/"))}
    assert {(change, key.split(" ")[0]) for change, key in found} == {
        ("changed", "rental/lambda"), ("confirmed", "rental/lambda"), ("removed", "rental/oracle"), ("added", "servers/new"),
    }  # fmt: skip
    risen = found[("changed", "rental/lambda prices h100-sxm 8x H100 SXM on-demand 8")]
    assert "usd_per_gpu_hour 3.99" in risen["old"] and "usd_per_gpu_hour 4.49" in risen["new"]
    assert (risen["old_effective"], risen["new_effective"]) == ("2026-09-20", "2026-12-20")
    assert (data["old"]["catalogue"], data["new"]["catalogue"]) == ("2026.11.24", "2026.12.21")


def quoted(folder: Path, **changes: object) -> Path:
    quote(folder, "acme", {**SERVER, "warranty_years": 3, "lead_time_days": 60, "minimum_units": 2}, **changes)
    return folder


def test_of_a_changed_fact_only_what_changed_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The two sides of a record with many fields were cut before the one that differs."""
    old, new = str(quoted(tmp_path / "old")), str(quoted(tmp_path / "new", idle_w=2950))
    out = diff(capsys, old, new)
    assert "idle_w 2900" in out and "idle_w 2950" in out and "…" not in out
    assert "nameplate_w" not in out and "usd_per_unit" not in out
    old, new = str(quoted(tmp_path / "a")), str(quoted(tmp_path / "b", idle_w=2950, warranty_years=None, lead_time_days=90))
    (row,) = json.loads(diff(capsys, old, new, "--format", "json"))["changes"]
    assert row["fields"] == [
        {"field": "idle_w", "old": "2900", "new": "2950"}, {"field": "lead_time_days", "old": "60", "new": "90"},
        {"field": "warranty_years", "old": "3", "new": None},
    ]  # fmt: skip
    (cells,) = csv.DictReader(io.StringIO(diff(capsys, old, new, "--format", "csv")))
    assert cells["fields"] == "idle_w 2900 -> 2950; lead_time_days 60 -> 90; warranty_years 3 -> not said"
    assert "warranty_years not said" in diff(capsys, old, new)


def test_a_change_far_down_a_list_is_a_change_and_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The price of the tenth break: what is listed is cut short, what is compared is not."""
    def breaks(last: int) -> str:
        return "[" + ", ".join(f"{{from_units: {n}, usd_per_unit: {last if n == 11 else 250_000 - n}}}" for n in range(2, 12)) + "]"

    old = quoted(tmp_path / "old", price_breaks=breaks(240_000))
    new = quoted(tmp_path / "new", price_breaks=breaks(239_000))
    out = diff(capsys, str(old), str(new))
    assert "240000" in out and "239000" in out


def test_a_catalogue_does_not_differ_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(capsys, "packaged", "packaged").rstrip().endswith("no fact differs")
    rows = list(csv.DictReader(io.StringIO(diff(capsys, "packaged", "packaged", "--format", "csv"))))
    assert rows == []


def test_what_it_does_to_a_profile(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text(
        "name: moved\nworkload: {tokens_per_day: 10M, input_tokens: 1024, output_tokens: 1024}\n"
        "api: [openai/gpt-6.1-sol]\nself_host:\n  model: openai/gpt-oss-120b\n"
        "  supply: [{rent: h100-sxm, provider: lambda, term: on-demand, gpus: 8, sku: 8x H100 SXM}]\n"
    )
    out = json.loads(diff(capsys, "packaged", str(release), str(profile), "--as-of", "2026-12-21", "--format", "json"))
    (row,) = out["profiles"]
    assert row["new_first_tokens_per_day"] / row["old_first_tokens_per_day"] == pytest.approx(4.49 / 3.99)
    table = diff(capsys, "packaged", str(release), str(profile), "--as-of", "2026-12-21")
    assert "what it does" in table and "1.13x" in table


def test_every_offer_and_pair_of_a_profile_that_moves_is_shown(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The headline is of the dearer rate's pair and stands still; the quote that rose is the profile's other one."""
    profile = tmp_path / "p.yaml"
    profile.write_text(
        "name: two\nworkload: {tokens_per_day: 100M, input_tokens: 1000, output_tokens: 200}\n"
        "api: [openai/gpt-6.1-sol]\nself_host:\n  model: openai/gpt-oss-120b\n  supply:\n"
        "    - {rent: h100-sxm, usd_per_gpu_hour: 2.1, gpus: 8, gpus_per_sku: 8}\n"
        "    - {rent: h100-sxm, provider: lambda, gpus: 8, sku: 8x H100 SXM}\n"
    )
    argv = ("packaged", str(release), str(profile), "--as-of", "2026-12-21")
    (row,) = json.loads(diff(capsys, *argv, "--format", "json"))["profiles"]
    assert row["new_first_tokens_per_day"] == row["old_first_tokens_per_day"]
    assert not row["verdict_flips"]
    rent = next(one for one in row["offers"] if one["id"] == "rented:lambda/h100-sxm/on-demand")
    assert rent["new_usd_per_day"] / rent["old_usd_per_day"] == pytest.approx(4.49 / 3.99)
    pair = next(one for one in row["crossovers"] if one["self_host"] == "rented:lambda/h100-sxm/on-demand")
    assert pair["new_first_tokens_per_day"] / pair["old_first_tokens_per_day"] == pytest.approx(4.49 / 3.99)
    assert not any("own-quote" in one["id"] for one in row["offers"])
    assert not any("own-quote" in one["self_host"] for one in row["crossovers"])
    table = diff(capsys, *argv)
    assert "two: offers that cost something else at its volume" in table
    assert "two: pairs that cross elsewhere (old -> new)" in table
    assert max(map(len, table.splitlines())) <= 80


def test_another_cheapest_offer_is_said_beside_a_pair_that_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overlay = tmp_path / "lambda.yaml"
    overlay.write_text(
        "kind: rental\nid: lambda\nprices:\n- {effective: 2026-11-23, accelerator: h100-sxm, sku: 8x H100 SXM, term: on-demand, "
        "gpus_per_sku: 8, usd_per_gpu_hour: 2, source: {title: x, retrieved: 2026-11-23, kind: quote}}\n"
    )
    profile = tmp_path / "p.yaml"
    profile.write_text(
        "name: two\nworkload: {tokens_per_day: 500M, input_tokens: 1000, output_tokens: 200}\n"
        "api: [openai/gpt-6.1-sol]\nself_host:\n  model: openai/gpt-oss-120b\n  supply:\n"
        "    - {rent: h100-sxm, usd_per_gpu_hour: 2.1, gpus: 8, gpus_per_sku: 8}\n"
        "    - {rent: h100-sxm, provider: lambda, gpus: 8, sku: 8x H100 SXM}\n"
    )
    said = " ".join(diff(capsys, "packaged", str(overlay), str(profile)).split())
    (row,) = json.loads(diff(capsys, "packaged", str(overlay), str(profile), "--format", "json"))["profiles"]
    assert (row["old_cheapest"], row["new_cheapest"]) == ("rented:own-quote/h100-sxm/on-demand", "rented:lambda/h100-sxm/on-demand")
    assert "cheapest of" in said


def test_an_overlay_can_be_compared_with_the_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "extra.yaml"
    path.write_text(
        "kind: rental\nid: acme\nname: Acme\ntier: user\nprices:\n- {effective: 2026-11-01, accelerator: h100, "
        "term: spot, usd_per_gpu_hour: 1, source: {title: x, retrieved: 2026-11-01, kind: quote}}\n"
    )
    data = json.loads(diff(capsys, "packaged", str(path), "--format", "json"))
    assert [(row["change"], row["new_id"]) for row in data["changes"]] == [("added", "rental/acme#prices[0]")]


def test_a_missing_catalogue_is_an_input_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "diff", "packaged", "nowhere"]) == 2
    assert "no such catalogue" in capsys.readouterr().err


def test_a_digest_depends_on_the_record_alone(release: Path) -> None:
    one, two = Catalogue.load(), Catalogue.complete(release)
    for source_id in ("rental/lambda#prices[0]", "accelerators/h100-sxm#specs[0]", "api/deepinfra#models[0].prices[0]"):
        assert record_digest(one, source_id) == record_digest(two, source_id)
    assert record_digest(one, "rental/lambda#prices[0]") != record_digest(one, "rental/lambda#prices[1]")
    with pytest.raises(FactNotFound):
        record_digest(one, "rental/lambda#prices[999]")
