"""Figures that cannot be meant: kilowatts as watts, prices of another unit, pages read in the future."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakeven.catalog.plausibility import MARGIN
from breakeven.catalog.store import Catalogue
from breakeven.cli.main import run
from breakeven.compare.api import run as compare
from breakeven.errors import InputError
from tests.offers.test_quoted import PROFILE, RENTAL, SERVER, answer, quote, the

Capture = pytest.CaptureFixture[str]
RACK = """\
kind: servers
id: hgx-h100-8
power:
  - effective: 2026-11-10
    {power}
    source: {{title: sheet, retrieved: {read}, kind: datasheet}}
"""


def verify(capsys: Capture, *argv: str) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = run(["catalog", "verify", *argv])
    out = capsys.readouterr()
    return code, [*out.out.splitlines(), *out.err.splitlines()]


def rack(folder: Path, power: str, read: str = "2026-11-12") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "hgx-h100-8.yaml"
    path.write_text(RACK.format(power=power, read=read))
    return path


def test_a_quote_in_kilowatts_is_refused_and_not_ranked(tmp_path: Path, capsys: Capture) -> None:
    quote(tmp_path / "q", "acme", SERVER, nameplate_w=10.2, active_w=6.2, idle_w=2.9)
    code, lines = verify(capsys, str(tmp_path / "q"))
    assert code == 1 and len(lines) == 3
    assert "acme.yaml:15:18: offers[0].nameplate_w: cannot be 10.2 W" in lines[0] and "5,600 W" in lines[0]
    assert all("write watts" in line for line in lines)
    row = the(answer(tmp_path / "q"), "acme")
    assert not row.offer.eligible and row.usd_per_day is not None
    assert row.offer.why_not == (
        "implausible quote: nameplate_w, active_w, idle_w cannot be watts; see breakeven catalog verify",
    )


def test_a_quote_draws_no_more_than_it_is_rated_for(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER, nameplate_w=6000, active_w=6200)
    with pytest.raises(InputError, match=r"active_w: is above nameplate_w; swap or mend them, all in watts"):
        Catalogue.load([tmp_path / "q"]).find("quotes", "acme")


@pytest.mark.parametrize(
    ("power", "key", "what"),
    [
        ("active_w: 1000", "active_w", "active_w, 1,000 W, is below idle_w, 2,973.6 W; swap or mend them"),
        ("idle_w: 9900", "idle_w", "active_w, 6,150 W, is below idle_w, 9,900 W; swap or mend them"),
        ("active_w: 6.2", "active_w", "cannot be 6.2 W: its accelerators are rated at 5,600 W together; write watts"),
        ("nameplate_w: 10.2", "nameplate_w", "cannot be 10.2 W: its accelerators are rated at 5,600 W together; write watts"),
    ],
)
def test_a_record_of_a_server_is_named_where_it_stands(
    tmp_path: Path, capsys: Capture, power: str, key: str, what: str
) -> None:
    """Also where it contradicts a packaged record only: the user's own file is the one to mend."""
    path = rack(tmp_path / "f", power)
    code, lines = verify(capsys, str(tmp_path / "f"))
    assert code == 1 and any(f"{path}:5:{7 + len(key)}: power[0].{key}: {what}" in line for line in lines)
    with pytest.raises(InputError) as caught:
        compare(PROFILE, [tmp_path / "f"])
    problem = caught.value.problems[0]
    assert (problem.path, problem.line, problem.field) == (str(path), 5, f"power[0].{key}")
    assert str(problem).endswith(what) or what in str(problem)


@pytest.mark.parametrize(
    ("power", "key", "what"),
    [
        ({"active_w": 1000}, "active_w", "is below idle_w"),
        ({"active_w": 6.2, "idle_w": 2.9}, "active_w", "cannot be 6.2 W"),
        ({"active_w": 100, "idle_w": 5000}, "active_w", "cannot be 100 W"),
        ({"nameplate_w": 10.2}, "nameplate_w", "cannot be 10.2 W"),
        ({"active_w": 11_000}, "active_w", "nameplate_w, 10,200 W, is below active_w, 11,000 W"),
    ],
)
def test_a_profile_is_named_for_its_own_figure(power: dict[str, float], key: str, what: str) -> None:
    supply = [{"own": "hgx-h100-8", "site": "us-va", "gpus": 8, **power}]
    with pytest.raises(InputError) as caught:
        compare({**PROFILE, "self_host": {**PROFILE["self_host"], "supply": supply}})
    assert caught.value.problems[0].field == f"self_host.supply[0].{key}"
    assert what in str(caught.value.problems[0])


def test_a_profiles_machine_may_run_at_a_limit() -> None:
    """Four fifths of the rating, and space paid by it."""
    supply = [{"own": "hgx-h100-8", "site": "us-va", "gpus": 8, "nameplate_w": 4480, "active_w": 4000, "idle_w": 1500}]
    assert compare({**PROFILE, "self_host": {**PROFILE["self_host"], "supply": supply}}).offers


def test_one_record_contradicting_itself_is_malformed(tmp_path: Path, capsys: Capture) -> None:
    path = rack(tmp_path / "f", "active_w: 5000\n    idle_w: 5500")
    code, lines = verify(capsys, str(tmp_path / "f"))
    assert code == 2 and lines == [f"error: {path}:6:13: power[0].idle_w: is above active_w; swap or mend them, all in watts"]


@pytest.mark.parametrize("rate", ["$320", "$0.02"])
def test_a_rate_far_outside_those_on_file_is_refused(tmp_path: Path, capsys: Capture, rate: str) -> None:
    quote(tmp_path / "q", "cloud", RENTAL, usd_per_gpu_hour=rate)
    code, lines = verify(capsys, str(tmp_path / "q"))
    assert code == 1 and len(lines) == 1 and f"offers[0].usd_per_gpu_hour: cannot be {rate} per GPU-hour: the" in lines[0]
    assert lines[0].endswith("write US dollars per GPU and hour")


def test_an_overlay_does_not_widen_the_range_that_judges_it(tmp_path: Path, capsys: Capture) -> None:
    rates = [price.usd_per_gpu_hour.high for one in Catalogue.load().all("rental") for price in one.prices  # type: ignore[attr-defined]
             if price.accelerator == "h100-sxm"]  # fmt: skip
    for name, rate in (("a", 320), ("b", 330), ("c", 340), ("edge", max(rates) * MARGIN)):
        quote(tmp_path / "q", name, RENTAL, usd_per_gpu_hour=rate)
    assert len(verify(capsys, str(tmp_path / "q"))[1]) == 3


def test_a_server_priced_in_thousands_is_refused(tmp_path: Path, capsys: Capture) -> None:
    quote(tmp_path / "q", "acme", SERVER, usd_per_unit="$265")
    code, lines = verify(capsys, str(tmp_path / "q"))
    assert code == 1 and "offers[0].usd_per_unit: cannot be $33.125 per GPU of a server" in lines[0]


def test_a_page_read_after_the_day_of_the_check(tmp_path: Path, capsys: Capture) -> None:
    path = rack(tmp_path / "f", "nameplate_w: 10200", read="2027-03-01")
    code, lines = verify(capsys, str(path))
    assert code == 0 and lines[1].startswith("note: ") and "2027-03-01 is after the release of the catalogue" in lines[1]
    assert verify(capsys, str(path), "--as-of", "2027-03-01") == (0, [lines[0]])
    code, lines = verify(capsys, str(path), "--as-of", "2027-02-28")
    assert code == 1 and "power[0].source.retrieved: 2027-03-01 is after 2027-02-28" in lines[0]
