"""Price lists of others: read, asked about, refused where suspect, and taken back by the strict reader."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from breakeven.catalog.importing.overlay_writer import overlay_text
from breakeven.catalog.store import Catalogue
from breakeven.catalog.verification import verify
from breakeven.cli.main import run
from breakeven.yamlio import load_bytes

DAY = dt.date(2026, 11, 24)
GPUHUNT = """\
instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size
p5.48xlarge,us-east-1,60.0,192,2048,8,H100,80,False,
p5.48xlarge,us-east-1,31.2,192,2048,8,H100,80,True,
g6.xlarge,us-east-1,0.82,4,16,1,L4,24,False,
g6.xlarge,us-east-1,0.82,4,16,1,L4,24,True,
m7.large,us-east-1,0.1,2,8,0,,0,False,
z1.large,us-east-1,5.0,2,8,1,Z9000,24,False,
g6e.xlarge,us-east-1,0,4,16,1,L40S,48,False,
"""
SKYPILOT = """\
InstanceType,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,GpuInfo,Region,AvailabilityZone,Price,SpotPrice
gpu_8x_h100,208,1800,H100-SXM,8,,us-tx-1,,27.92,
gpu_1x_a10,30,200,A10,1,,us-tx-1,a,0.75,0.30
gpu_1x_a10,30,200,A10,1,,us-tx-1,b,0.75,0.36
,,,L4,1,,us-tx-1,,0.28,0.10
"""
GENERIC = "provider,accelerator,usd_per_gpu_hour,gpus_per_sku,sku,region,term\nAcme GmbH,H100 SXM,$2.50,8,1e6,eu-west,reserved-1yr\n"


def put(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def imported(capsys: pytest.CaptureFixture[str], path: Path, *more: str) -> tuple[int, str, str]:
    code = run(["catalog", "import", str(path), "--as-of", "2026-11-24", "-o", str(path.parent / "overlay"), *more])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def rents(path: Path, accelerator: str, provider: str) -> dict[tuple[str, str], tuple[float, float, float]]:
    catalogue = Catalogue.load([path.parent / "overlay"])
    found = verify(catalogue, overlays_only=True)
    assert (found.malformed, found.wrong) == ((), ())
    return {
        (cited.record.sku or "", cited.record.term): (
            cited.record.usd_per_gpu_hour.low, cited.record.usd_per_gpu_hour.typical, cited.record.usd_per_gpu_hour.high,
        )
        for cited in catalogue.quotes(accelerator=accelerator, provider=provider, as_of=DAY)
        if cited.record.effective == DAY
    }  # fmt: skip


def test_gpuhunt_prices_are_per_instance_and_skus_tell_the_form_factor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path, "aws.csv", GPUHUNT)
    code, out, err = imported(capsys, path)
    assert (code, out) == (0, f"3 records in 1 files under {tmp_path / 'overlay'}\n")
    assert rents(path, "h100-sxm", "aws") == {
        ("p5.48xlarge", "on-demand"): (7.5, 7.5, 7.5), ("p5.48xlarge", "spot"): (3.9, 3.9, 3.9),
    }  # fmt: skip
    assert rents(path, "l4", "aws") == {("g6.xlarge", "on-demand"): (0.82, 0.82, 0.82)}
    assert "line 5: aws g6.xlarge us-east-1 L4 spot: the spot price is not below the on-demand price" in err
    assert "line 8: aws g6e.xlarge us-east-1 L40S on-demand: the price is zero or less" in err
    assert "does not know: Z9000" in err


def test_the_date_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["catalog", "import", str(put(tmp_path, "aws.csv", GPUHUNT)), "-o", str(tmp_path / "o")])
    assert code == 2 and "a price list does not say its date; give --as-of" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_every_ambiguous_name_is_asked_for_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = "p9.new,us-east-1,30.0,96,1024,8,A100,40,False,\n"
    path = put(tmp_path, "acme.csv", GPUHUNT + more)
    code, out, err = imported(capsys, path)
    assert (code, out) == (2, "") and err.count("\n") == 2
    assert "'H100:80' may be h100-pcie or h100-sxm; say which: --as H100:80=h100-pcie" in err
    assert "'A100:40' may be a100-pcie-40gb or a100-sxm-40gb" in err
    assert not (tmp_path / "overlay").exists()
    code, _, _ = imported(capsys, path, "--as", "H100=h100-sxm", "--as", "A100:40=a100-sxm-40gb")
    assert code == 0 and ("p9.new", "on-demand") in rents(path, "a100-sxm-40gb", "acme")


def test_skypilot_zones_become_a_range_and_bare_accelerators_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path, "lambda.csv", SKYPILOT)
    code, _, err = imported(capsys, path)
    assert code == 0 and "L4: the price is of the accelerator without its host" in err
    assert rents(path, "a10", "lambda") == {
        ("gpu_1x_a10", "on-demand"): (0.75, 0.75, 0.75), ("gpu_1x_a10", "spot"): (0.30, 0.33, 0.36),
    }  # fmt: skip
    assert rents(path, "h100-sxm", "lambda") == {("gpu_8x_h100", "on-demand"): (3.49, 3.49, 3.49)}


def test_a_generic_list_adds_a_provider(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "list.csv", GENERIC)
    assert imported(capsys, path, "--url", "https://acme.example/prices")[0] == 0
    assert rents(path, "h100-sxm", "acme-gmbh") == {("1e6", "reserved-1yr"): (2.5, 2.5, 2.5)}
    catalogue = Catalogue.load([tmp_path / "overlay"])
    (cited,) = catalogue.quotes(accelerator="h100", provider="acme-gmbh", as_of=DAY)
    row = catalogue.source(cited.source_id)
    assert (row.url, row.retrieved, row.kind) == ("https://acme.example/prices", DAY, "list_price")
    assert "sha256:" in (row.note or "") and cited.record.term_years == 1 and cited.record.gpus_per_sku == 8


def test_filters_narrow_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "acme.csv", GPUHUNT)
    assert imported(capsys, path, "--accelerator", "l4")[0] == 0, "what is not wanted need not be asked about"
    assert imported(capsys, path, "--region", "mars", "--force")[0] == 2


def test_files_that_are_there_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "aws.csv", GPUHUNT)
    assert imported(capsys, path)[0] == 0
    code, _, err = imported(capsys, path)
    assert code == 2 and "is already there" in err
    assert imported(capsys, path, "--force")[0] == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("a,b,c\n1,2,3\n", "has the columns of no known price list (a, b, c, ...)"),
        ("provider,accelerator,usd_per_gpu_hour\nacme,h100-sxm,cheap\n", "holds no price of an accelerator"),
        ("provider,accelerator,usd_per_gpu_hour\nacme,h100-sxm,250\n", "holds no price of an accelerator"),
        ("\x00\x01", "is empty or a binary file"),
    ],
)
def test_what_is_no_price_list_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, expected: str
) -> None:
    code, out, err = imported(capsys, put(tmp_path, "x.csv", text))
    assert (code, out) == (2, "") and expected in err and err.count("\n") == 1


def test_a_wrong_format_or_name_is_an_input_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "aws.csv", GPUHUNT)
    assert "did you mean 'skypilot'" in imported(capsys, path, "--format", "skypilt")[2]
    assert "unknown accelerator 'h1000'" in imported(capsys, path, "--as", "H100=h1000")[2]
    assert "write --as H100=h100-sxm" in imported(capsys, path, "--as", "H100")[2]
    assert "no column 'InstanceType'" in imported(capsys, path, "--format", "skypilot")[2]


GENAI = [
    {
        "id": "acme", "name": "Acme", "pricing_urls": ["https://acme.example/api"],
        "models": [
            {"id": "plain", "prices_checked": "2026-11-20", "prices": {"input_mtok": 0.15, "output_mtok": 0.6, "cache_read_mtok": 0.075}},
            {"id": "tiered", "prices": {"input_mtok": {"base": 1.25, "tiers": [{"start": 200000, "price": 2.5}]}, "output_mtok": 10}},
            {"id": "dated", "prices": [
                {"prices": {"input_mtok": 2, "output_mtok": 8}},
                {"constraint": {"start_date": "2026-12-01"}, "prices": {"input_mtok": 4, "output_mtok": 16}},
            ]},
            {"id": "clock", "prices": [{"constraint": {"start_time": "01:00", "end_time": "04:00"}, "prices": {"input_mtok": 1, "output_mtok": 1}}]},
            {"id": "audio", "prices": {"input_mtok": 1, "output_mtok": 2, "input_audio_mtok": 3}},
        ],
    }
]  # fmt: skip


def test_genai_prices_become_an_api_overlay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "data.json", json.dumps(GENAI))
    code, out, err = imported(capsys, path)
    assert code == 0 and out.startswith("4 records in 1 files")
    assert "acme/clock: its price depends on the time of day" in err and "acme/audio: it also prices input_audio_mtok" in err
    catalogue = Catalogue.load([tmp_path / "overlay"])
    assert verify(catalogue, overlays_only=True).malformed == ()
    models = {model.model: model.prices for model in catalogue.find("api", "acme").models}  # type: ignore[attr-defined]
    assert set(models) == {"plain", "tiered", "dated"}
    (plain,) = models["plain"]
    assert (plain.input_usd_per_mtok, plain.output_usd_per_mtok, plain.cached_input_usd_per_mtok) == ("0.15", "0.6", "0.075")
    assert plain.source.retrieved == dt.date(2026, 11, 20) and plain.source.url == "https://acme.example/api"
    (tier,) = models["tiered"][0].tiers
    assert (tier.above_input_tokens, tier.input_usd_per_mtok, tier.output_usd_per_mtok) == (200_000, "2.5", "10")
    assert [price.effective for price in models["dated"]] == [DAY, dt.date(2026, 12, 1)]


@pytest.mark.parametrize("text", ["1e6", "no", "null", "12:30:00", "0.15", "-x", "true", "=1+1", "a: b", "# c", "é", "2026-01-01"])
def test_text_survives_the_round_trip(text: str) -> None:
    data = {"id": "x", "name": text, "prices": [{"sku": text}]}
    assert load_bytes(overlay_text(data).encode(), "x").data == data
