"""Look-ups by name and date, overlays, provenance, and what a bad overlay gets told."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from breakeven.catalog.store import Catalogue
from breakeven.catalog.verification import verify
from breakeven.errors import FactNotFound, FactNotInForce, InputError

DAY = dt.date(2026, 11, 23)
QUOTE = """\
id: lambda
prices:
  - effective: 2026-11-01
    accelerator: H100 SXM
    sku: 8x H100 SXM
    term: on-demand
    usd_per_gpu_hour: 2.10
    gpus_per_sku: 8
    confidential: true
    source: {title: "offer 4711", retrieved: 2026-11-02, kind: quote, owner: procurement}
"""
RACK = """\
kind: servers
id: our-rack
name: Our rack
accelerator: h100-sxm
accelerators_count: 8
prices:
  - {effective: 2026-10-01, capex_usd: "$250k", source: {title: quote 12, retrieved: 2026-10-02, kind: quote}}
"""


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.load()


def overlay(tmp_path: Path, files: dict[str, str]) -> Catalogue:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Catalogue.load([tmp_path])


def problems(files: dict[str, str], tmp_path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        found = verify(overlay(tmp_path, files), overlays_only=True)
        raise InputError(found.malformed)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "name", ["h100-sxm", "H100-SXM", "h100", "H100 SXM", "H100_SXM", " h100 80gb sxm ", "NVIDIA H100 SXM5 80 GB"]
)
def test_a_thing_is_found_by_what_people_call_it(catalogue: Catalogue, name: str) -> None:
    assert catalogue.find("accelerators", name).id == "h100-sxm"


def test_three_products_called_h100_stay_apart(catalogue: Catalogue) -> None:
    names = ("h100-sxm", "h100-pcie", "h100-nvl")
    assert len({catalogue.find("accelerators", name).id for name in names}) == 3
    assert catalogue.resolve("accelerators", "H100 PCIe") == "h100-pcie"


def test_an_unknown_name_gets_the_nearest_known_ones(catalogue: Catalogue) -> None:
    with pytest.raises(FactNotFound, match=r"unknown accelerator 'h10-sxm'; did you mean 'h100-sxm'"):
        catalogue.find("accelerators", "h10-sxm")
    with pytest.raises(FactNotFound, match="unknown kind of fact 'acelerators'; did you mean 'accelerators'"):
        catalogue.find("acelerators", "h100")


def test_a_date_before_the_first_record_is_not_in_force(catalogue: Catalogue) -> None:
    with pytest.raises(FactNotInForce, match=r"'h100-sxm' has no specs in force on 2021-01-01; its records start on 2022"):
        catalogue.in_force("accelerators", "h100", "specs", dt.date(2021, 1, 1))
    with pytest.raises(FactNotInForce, match="'gb300-nvl72' has no prices in the catalogue"):
        catalogue.in_force("servers", "gb300-nvl72", "prices", DAY)
    assert FactNotInForce("x").exit_code == 3 and FactNotFound("x").exit_code == 2


def test_the_latest_record_in_force_answers(catalogue: Catalogue) -> None:
    def pue(day: dt.date) -> float:
        return catalogue.in_force("figures", "pue-survey", "records", day).record.value.typical

    assert pue(dt.date(2023, 6, 1)) == 1.58
    assert pue(dt.date(2024, 1, 1)) == 1.56, "in force from its own day on"
    assert pue(DAY) == 1.54


def test_a_record_ends_before_its_last_day(tmp_path: Path) -> None:
    text = QUOTE.replace("accelerator:", "ends: 2026-11-10\n    accelerator:").replace("8x H100 SXM", "offer")
    catalogue = overlay(tmp_path, {"rental/lambda.yaml": text})

    def has_offer(day: dt.date) -> bool:
        found = catalogue.rentals(accelerator="h100", as_of=day, provider="lambda")
        return any(cited.record.sku == "offer" for cited in found)

    assert [has_offer(dt.date(2026, 11, day)) for day in (9, 10)] == [True, False]


def test_every_answer_can_be_cited(catalogue: Catalogue) -> None:
    cited = catalogue.in_force("accelerators", "h100", "specs", DAY)
    row = catalogue.source(cited.source_id)
    assert (cited.source_id, row.file, row.record) == (
        "accelerators/h100-sxm#specs[0]", "accelerators/h100-sxm.yaml", "specs[0]",
    )  # fmt: skip
    assert (row.kind, row.retrieved, row.effective) == ("datasheet", DAY, dt.date(2022, 3, 22))
    assert row.url == cited.record.source.url


def test_a_source_id_alone_finds_its_record(catalogue: Catalogue) -> None:
    assert catalogue.source("rental/nebius#prices[1]").effective == dt.date(2026, 10, 24)
    for wrong in ("rental/nebius#prices[99]", "rental/nebius", "nonsense", "rental/nebius#nothing[0]"):
        with pytest.raises(FactNotFound):
            catalogue.source(wrong)


def test_rents_cut_out_of_a_file_cite_like_rents_read_whole(catalogue: Catalogue) -> None:
    cut = catalogue.quotes(accelerator="h100-sxm", as_of=DAY)
    whole = Catalogue.load()
    read = {
        cited.source_id: cited.record
        for name in whole.ids("rental")
        for cited in whole.records("rental", name, "prices", DAY)
        if cited.record.accelerator == "h100-sxm"
    }
    assert {cited.source_id: cited.record for cited in cut} == read
    for cited in cut:
        assert catalogue.source(cited.source_id) == whole.source(cited.source_id)


def test_two_observations_of_one_provider_are_two_quotes_and_one_rent(catalogue: Catalogue) -> None:
    arguments = {"accelerator": "h100-sxm", "provider": "nebius", "term": "on-demand"}
    assert [q.record.usd_per_gpu_hour.typical for q in catalogue.quotes(as_of=DAY, **arguments)] == [3.85, 4.5]
    assert [r.record.usd_per_gpu_hour.typical for r in catalogue.rentals(as_of=DAY, **arguments)] == [4.5]


def test_a_region_narrows_rents(catalogue: Catalogue) -> None:
    found = catalogue.rentals(accelerator="h200", as_of=DAY, provider="gcp", term="spot", region="europe-west1")
    assert [cited.record.usd_per_gpu_hour.typical for cited in found] == [6.8944]


def test_a_set_of_several_figures_has_to_be_asked_for_one(catalogue: Catalogue) -> None:
    with pytest.raises(FactNotFound, match="has several figures"):
        catalogue.figure("resale-factors", as_of=DAY)
    with pytest.raises(FactNotFound, match="has no figure 'eurr'; did you mean 'eur'"):
        catalogue.figure("exchange-rates", as_of=DAY, figure="eurr")


def test_labels_need_no_records(catalogue: Catalogue) -> None:
    assert catalogue.label("rental", "aws", "tier") == "hyperscaler"
    assert catalogue.label("servers", "hgx-h100-8", "accelerators_count") == 8
    assert catalogue.label("rental", "aws", "prices")[0].accelerator == "l40s"


# --- overlays ---------------------------------------------------------------------------------


def test_an_overlay_extends_a_packaged_thing_and_its_records_win(tmp_path: Path) -> None:
    catalogue = overlay(tmp_path, {"rental/lambda.yaml": QUOTE})
    (cited,) = [
        row
        for row in catalogue.rentals(accelerator="h100", as_of=DAY, provider="lambda", term="on-demand")
        if row.record.gpus_per_sku == 8
    ]
    assert cited.record.usd_per_gpu_hour.typical == 2.10, "the user's name for the accelerator is resolved too"
    row = catalogue.source(cited.source_id)
    assert row.confidential and row.owner == "procurement" and row.file == (tmp_path / "rental/lambda.yaml").as_posix()
    assert catalogue.find("rental", "lambda").name == "Lambda", "what it does not say stays"
    packaged = len(Catalogue.load().find("rental", "lambda").prices)  # type: ignore[attr-defined]
    assert cited.source_id == f"rental/lambda#prices[{packaged}]", "packaged records keep their ids"


def test_an_overlay_wins_over_a_newer_packaged_record(tmp_path: Path) -> None:
    catalogue = overlay(tmp_path, {"rental/lambda.yaml": QUOTE.replace("2026-11-01", "2026-06-01")})
    rents = catalogue.rentals(accelerator="h100", as_of=DAY, provider="lambda", term="on-demand")
    assert 2.10 in [row.record.usd_per_gpu_hour.typical for row in rents]
    assert 3.99 not in [row.record.usd_per_gpu_hour.typical for row in rents]


def test_a_later_overlay_wins_over_an_earlier_one(tmp_path: Path) -> None:
    for name, rate in (("a", "2.20"), ("b", "2.30")):
        (tmp_path / name / "rental").mkdir(parents=True)
        (tmp_path / name / "rental/lambda.yaml").write_text(QUOTE.replace("2.10", rate))
    for order, expected in ((("a", "b"), 2.30), (("b", "a"), 2.20)):
        catalogue = Catalogue.load([tmp_path / name for name in order])
        rents = catalogue.rentals(accelerator="h100", as_of=DAY, provider="lambda", term="on-demand")
        assert expected in [row.record.usd_per_gpu_hour.typical for row in rents]


def test_a_flat_file_or_directory_says_its_kind(tmp_path: Path) -> None:
    catalogue = overlay(tmp_path, {"our-rack.yaml": RACK})
    assert catalogue.in_force("servers", "our-rack", "prices", DAY).record.capex_usd.typical == 250_000
    single = Catalogue.load([tmp_path / "our-rack.yaml"])
    assert single.find("servers", "our-rack").name == "Our rack"


def test_scalars_are_replaced(tmp_path: Path) -> None:
    catalogue = overlay(tmp_path, {"rental/lambda.yaml": "name: Lambda, our account\n"})
    thing = catalogue.find("rental", "lambda")
    assert thing.name == "Lambda, our account" and thing.tier == "specialist"  # type: ignore[attr-defined]


def test_the_digest_knows_every_byte(tmp_path: Path) -> None:
    plain = Catalogue.load().digest
    first = overlay(tmp_path, {"rental/lambda.yaml": QUOTE}).digest
    second = overlay(tmp_path, {"rental/lambda.yaml": QUOTE.replace("2.10", "2.11")}).digest
    assert len({plain, first, second}) == 3
    assert plain == Catalogue.load().digest and plain.startswith("sha256:")


def test_all_problems_of_all_files_come_at_once_with_their_places(tmp_path: Path) -> None:
    bad = (
        QUOTE.replace("usd_per_gpu_hour", "usd_per_gpu_hr")
        .replace("on-demand", "ondemand")
        .replace("kind: quote", "kind: q")
    )
    rack = RACK.replace("kind: servers\n", "").replace("8\n", "eight\n")
    found = problems({"rental/lambda.yaml": bad, "servers/our-rack.yaml": rack}, tmp_path)
    text = "\n".join(found)
    assert "lambda.yaml:6:11: prices[0].term: cannot be 'ondemand'; did you mean 'on-demand'?" in text
    assert "lambda.yaml:7:5: prices[0].usd_per_gpu_hr: is not a known key; did you mean 'usd_per_gpu_hour'" in text
    assert "needs the key 'usd_per_gpu_hour'" in text
    assert "prices[0].source.kind: cannot be 'q'" in text
    assert "our-rack.yaml:4:21: accelerators_count" in text
    assert len(found) == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (QUOTE.replace('title: "offer 4711", ', ""), "prices[0].source: needs a url or a title"),
        (QUOTE.replace("2.10", "{low: 3, typical: 2, high: 4}"), "must be ordered low <= typical <= high"),
        (QUOTE.replace("2.10", "-1"), "must be at least 0, not -1"),
        (QUOTE.replace("2.10", ".nan"), "is not a finite number"),
        (QUOTE.replace("2026-11-01", "soon"), "is not a date ('soon'); write YYYY-MM-DD"),
        (QUOTE.replace("id: lambda", "id: lamda"), "is 'lamda' in a file named 'lambda'; let them agree"),
        (QUOTE + QUOTE[QUOTE.index("prices") :], "is given twice"),
        ("- a\n- b\n", "must be a mapping of keys, not a list"),
        ("", "is empty"),
    ],
)
def test_a_bad_record_is_refused_in_place(tmp_path: Path, text: str, expected: str) -> None:
    (found,) = problems({"rental/lambda.yaml": text}, tmp_path)
    assert expected in found and "lambda.yaml" in found


def test_what_an_overlay_names_has_to_exist(tmp_path: Path) -> None:
    text = QUOTE.replace("H100 SXM\n    sku", "H1000 SXM\n    sku")
    found = verify(overlay(tmp_path, {"rental/lambda.yaml": text}), overlays_only=True)
    (wrong,) = found.wrong
    assert not found.malformed and "unknown accelerator 'H1000 SXM'" in wrong.message and wrong.field is not None


def test_a_name_cannot_be_taken_twice(tmp_path: Path) -> None:
    text = RACK.replace("kind: servers\n", "").replace("name:", "aliases: [dgx-h100]\nname:")
    found = verify(overlay(tmp_path, {"servers/our-rack.yaml": text}), overlays_only=True)
    assert ["dgx-h100" in problem.message for problem in found.wrong] == [True]


def test_links_out_of_an_overlay_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(QUOTE)
    inside = tmp_path / "overlay"
    (inside / "rental").mkdir(parents=True)
    (inside / "rental/lambda.yaml").symlink_to(outside)
    with pytest.raises(InputError, match="is a link out of the catalogue"):
        Catalogue.load([inside])


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"notes/a.yaml": RACK}, "is in no known folder of facts"),
        ({"a.yaml": RACK.replace("kind: servers\n", "")}, "needs a line kind:"),
        ({"readme.txt": "x"}, "holds no fact files"),
    ],
)
def test_a_directory_that_is_no_catalogue_is_refused(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        overlay(tmp_path, files)


def test_a_missing_overlay_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such catalogue"):
        Catalogue.load([tmp_path / "nowhere"])


def test_loading_reads_neither_files_nor_validators() -> None:
    """A run pays for what it looks up: no numpy, and no provider that does not sell the accelerator."""
    code = (
        "import sys, datetime as dt\n"
        "from breakeven.catalog.store import Catalogue\n"
        "c = Catalogue.load(); day = dt.date(2026, 11, 23)\n"
        "c.in_force('accelerators', 'h100-sxm', 'specs', day)\n"
        "c.quotes(accelerator='h100-sxm', term='on-demand', as_of=day)\n"
        "assert 'numpy' not in sys.modules and 'genai_prices' not in sys.modules\n"
        "assert list(c._things) == [('accelerators', 'h100-sxm')], list(c._things)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
