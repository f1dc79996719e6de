"""Counts and sizes that nobody means: refused with the option, before a search over their divisors hangs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from breakeven.cli.main import run

ASKED = ["estimate", "-m", "llama-3.1-8b-instruct", "-a", "h100-sxm", "--input-tokens", "1000", "--output-tokens", "200"]
COUNTS = ["--accelerators", "--tp", "--pp", "--ep", "--dp", "--prefill-accelerators"]
Capture = pytest.CaptureFixture[str]


def refused(capsys: Capture, *more: str) -> str:
    assert run([*ASKED, *more]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("option", COUNTS)
def test_more_accelerators_than_any_instance_has(option: str, capsys: Capture) -> None:
    assert refused(capsys, option, "4097") == f"error: {option}: must be at most 4,096, not 4,097\n"


def test_the_most_are_answered_and_their_product_counts(capsys: Capture) -> None:
    assert run([*ASKED, "-n", "4096"]) == 0
    capsys.readouterr()
    assert refused(capsys, "--tp", "8", "--dp", "1024") == "error: tp x pp x dp must be at most 4,096, not 8,192\n"


def test_a_row_with_too_many_keeps_to_its_row(capsys: Capture, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    rows = "".join(f"x,llama-3.1-8b-instruct,h100-sxm,{n},{tp},1000,200\n" for n, tp in (("4097", ""), ("", "4097"), ("1e300", ""), ("1", "")))
    table.write_text("id,model,accelerator,n_accelerators,tp,input_tokens,output_tokens\n" + rows)
    assert run(["estimate", "--points", str(table)]) == 0
    errors = [row["error"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert errors == [
        "n_accelerators must be at most 4,096, not 4,097", "tp must be at most 4,096, not 4,097",
        "n_accelerators '1e300' is out of range", "",
    ]  # fmt: skip


def test_a_profile_of_too_many_is_refused(capsys: Capture) -> None:
    reference = str(Path(__file__).parents[2] / "configs/reference.yaml")
    assert run(["run", reference, "--set", "self_host.supply=[{rent: h100-sxm, gpus: 4097}]"]) == 2
    assert "gpus_per_replica must be at most 4,096, not 4,097" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--input-tokens", "--output-tokens", "--concurrency", "--tpot-ms"])
def test_a_size_that_is_too_large_is_not_said_to_be_too_small(option: str, capsys: Capture) -> None:
    assert f"error: {option}: must be below 1e+12, not 1e+12\n" in refused(capsys, option, "1e12")


def test_a_simulation_that_would_take_for_ever_is_refused(capsys: Capture) -> None:
    said = refused(capsys, "--simulate", "-c", "100001")
    assert said == "error: --simulate: simulates at most 10,000 requests in flight; lower --concurrency, or leave --simulate out\n"
