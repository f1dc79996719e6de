"""The lock holds exactly the facts that a result rests on, and refuses any that drifted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from breakeven.cli.main import run

PROFILE = """\
name: locked
workload: {tokens_per_day: 10M, input_tokens: 1024, output_tokens: 1024}
api: [openai/gpt-6.1-sol]
self_host:
  model: openai/gpt-oss-120b
  supply: [{rent: h100-sxm, provider: acme, term: on-demand, gpus: 1}]
"""
ACME = """\
kind: rental
id: acme
name: Acme
tier: user
prices:
  - effective: 2026-11-01
    accelerator: h100-sxm
    term: on-demand
    usd_per_gpu_hour: 2.50
    source: {title: quote 1, retrieved: 2026-11-02, kind: quote}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "profile.yaml").write_text(PROFILE)
    (tmp_path / "acme.yaml").write_text(ACME)
    assert run(lock_command(tmp_path)) == 0
    return tmp_path


def lock_command(place: Path, *more: str) -> list[str]:
    return ["catalog", "lock", str(place / "profile.yaml"), "--catalog", str(place / "acme.yaml"), "-o",
            str(place / "x.lock"), *more]  # fmt: skip


def locked_run(place: Path, *more: str) -> int:
    return run(["run", str(place / "profile.yaml"), "--catalog", str(place / "acme.yaml"), "--locked",
                str(place / "x.lock"), *more])  # fmt: skip


def test_the_lock_names_every_source_of_the_result_and_no_other(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert locked_run(place, "--format", "json") == 0
    result = json.loads(capsys.readouterr().out)
    lock = json.loads((place / "x.lock").read_text())
    ahead = {f"history/price-paths#paths[{i}]" for i in range(3)}  # what a report's forecast rests on
    assert set(lock["facts"]) == {source["id"] for source in result["sources"]} | ahead
    assert "rental/acme#prices[0]" in lock["facts"]
    assert lock["as_of"] == "2026-11-24" and lock["catalogue"]["digest"] == result["catalog"]["digest"]


def test_the_same_facts_give_the_same_lock(place: Path) -> None:
    first = (place / "x.lock").read_bytes()
    assert run(lock_command(place)) == 0
    assert (place / "x.lock").read_bytes() == first
    assert run(lock_command(place, "--check")) == 0


def test_a_fact_that_says_something_else_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "acme.yaml").write_text(ACME.replace("2.50", "2.51"))
    capsys.readouterr()
    assert locked_run(place) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "rental/acme#prices[0] says something else than when it was locked" in captured.err
    assert run(lock_command(place, "--check")) == 1


def test_a_fact_beside_those_in_use_does_not_matter(place: Path) -> None:
    more = ACME[ACME.index("  - effective") :].replace("h100-sxm", "l40s").replace("2.50", "0.90")
    (place / "acme.yaml").write_text(ACME + more)
    assert locked_run(place) == 0


def test_a_new_fact_in_use_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ACME[ACME.index("  - effective") :].replace("2026-11-01", "2026-11-20").replace("2.50", "2.40")
    (place / "acme.yaml").write_text(ACME + more)
    capsys.readouterr()
    assert locked_run(place) == 1
    assert "rental/acme#prices[1] is used but not locked" in capsys.readouterr().err


def rewritten(place: Path, change: Callable[[dict[str, Any]], object]) -> None:
    lock = json.loads((place / "x.lock").read_text())
    change(lock)
    (place / "x.lock").write_text(json.dumps(lock))


def test_a_locked_fact_that_the_catalogue_lost_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A median over fewer quotes than were locked is another median."""
    rewritten(place, lambda lock: lock["facts"].update({"rental/gone#prices[0]": next(iter(lock["facts"].values()))}))
    capsys.readouterr()
    assert locked_run(place) == 1
    assert "rental/gone#prices[0] is locked, but the catalogue no longer has it" in capsys.readouterr().err
    assert run(lock_command(place, "--check")) == 1


def test_the_median_without_the_overlay_that_was_locked_is_refused(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text(PROFILE.replace("provider: acme", "provider: median"))
    (tmp_path / "acme.yaml").write_text(ACME)
    assert run(lock_command(tmp_path)) == 0
    again = ["run", str(tmp_path / "profile.yaml"), "--locked", str(tmp_path / "x.lock")]
    assert locked_run(tmp_path) == 0
    assert run(again) == 1


def test_throughputs_of_another_calibration_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewritten(place, lambda lock: lock.update(calibration="sha256:0"))
    capsys.readouterr()
    assert locked_run(place) == 1
    assert "throughputs are of another calibration" in capsys.readouterr().err
    text = (place / "profile.yaml").read_text()
    (place / "profile.yaml").write_text(text + "  throughput: {output_tok_per_s: 900}\n")
    assert locked_run(place) == 0  # a throughput of the profile's own rests on no calibration
    (place / "profile.yaml").write_text(text)
    rewritten(place, lambda lock: lock.pop("calibration"))  # a lock of an older release names none
    assert locked_run(place) == 0


def test_another_date_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert locked_run(place, "--as-of", "2026-11-22") == 1
    assert "facts are locked as of 2026-11-24" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not json", "is not a lock"),
        ("[]", "is not a lock of version 1"),
        ('{"schema_version": 2}', "is not a lock of version 1 (it says 2)"),
        ('{"schema_version": 1, "as_of": "2026-11-24", "facts": {"a": 1}}', "is a damaged lock"),
        ('{"schema_version": 1, "as_of": "soon", "facts": {}}', "is a damaged lock"),
    ],
)
def test_what_is_no_lock_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], text: str, expected: str
) -> None:
    (place / "x.lock").write_text(text)
    capsys.readouterr()
    assert locked_run(place) == 2
    assert expected in capsys.readouterr().err


def test_a_failed_lock_leaves_the_old_one(place: Path) -> None:
    before = (place / "x.lock").read_bytes()
    (place / "acme.yaml").write_text(ACME.replace("h100-sxm", "l40s"))
    assert run(lock_command(place)) == 3
    assert (place / "x.lock").read_bytes() == before
