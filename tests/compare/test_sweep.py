"""Sweeps: every point has the digits of ``run --set``, whatever the keys, the order and the chunks."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

np = pytest.importorskip("numpy")

from breakeven.catalog.store import Catalogue  # noqa: E402
from breakeven.cli.app import invoke  # noqa: E402
from breakeven.compare import sweep as sweeping  # noqa: E402
from breakeven.compare.axes import Axis, parse_axis, read_axes  # noqa: E402
from breakeven.compare.comparison import compare_scope, make_scope  # noqa: E402
from breakeven.compare.sweep import Sweep, rows  # noqa: E402
from breakeven.errors import BreakevenError, InputError  # noqa: E402
from breakeven.profile.load import LoadedProfile, load_profile, with_values  # noqa: E402

CONFIGS = Path(__file__).parents[2] / "configs"
CATALOGUE = Catalogue.load()


def expected(scope: Any, loaded: LoadedProfile, axes: tuple[Axis, ...], row: dict[str, Any]) -> dict[str, Any] | None:
    try:
        again = with_values(loaded, {axis.key: row[axis.key] for axis in axes})
        result = compare_scope(replace(scope, loaded=again), detail=False)
    except BreakevenError:
        return None
    head = result.headline
    found = next((c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)
    out: dict[str, Any] = {
        "api": head.api, "cheaper": head.cheaper_at_volume, "api_usd_per_day": result.offer(head.api).usd_per_day,
        "outcome": None, "first_tokens_per_day": None, "settled_tokens_per_day": None, "capacity_share": None,
    }  # fmt: skip
    if found is not None:
        out |= {name: getattr(found, name) for name in list(out)[3:]}
        out |= {"self_host": head.self_host, "self_host_usd_per_day": result.offer(head.self_host).usd_per_day}
    return out


GRIDS = [
    ("reference", ["workload.tokens_per_day=1M:1B:30:log", "self_host.supply[0].usd_per_gpu_hour=1:8:7",
                   "workload.output_tokens=64:4096:5:log", "self_host.labour_fte=0:1:4"]),
    ("reference", ["api[0].discount=0,10%,25%", "workload.cached_input_share=0:0.9:3", "self_host.redundancy=0,1,2",
                   "workload.tokens_per_day=1M:10B:9:log", "self_host.headroom_share=0:0.5:3",
                   "workload.demand.peak_to_mean=1:6:3"]),
    ("owned-70b", ["workload.tokens_per_day=1M:10B:9:log", "self_host.supply[0].capex_usd=100k:500k:4",
                   "self_host.supply[0].life_years=2:6:3", "self_host.supply[0].electricity_usd_per_kwh=0:0.4:3",
                   "finance.discount_rate=0:0.2:3", "self_host.supply[0].residual_share=0:0.3:2"]),
    ("support-chat", ["workload.tokens_per_day=100k:1B:6:log", "self_host.supply[0].provider=lambda,nosuch,median",
                      "self_host.supply[0].term=on-demand,spot", "api[0].minimum_usd_per_month=0:20000:3"]),
    ("coding-agent", ["workload.tasks_per_day=10:100k:7:log", "workload.calls_per_task=1:20:3",
                      "self_host.escalation_share=0:0.2:3"]),
    ("rag", ["workload.requests_per_day=10:1M:6:log", "latency.tpot_ms=1:200:6:log", "workload.batch_share=0:0.9:3",
             "self_host.min_replicas=0,3"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "texts"), GRIDS)
def test_random_points_equal_run_set_to_the_last_digit(name: str, texts: list[str]) -> None:
    loaded = load_profile(CONFIGS / f"{name}.yaml")
    scope = make_scope(loaded, CATALOGUE)
    axes = read_axes(loaded, texts)
    grid = Sweep(scope, axes)
    found = [row for chunk in grid.chunks() for row in rows(grid, chunk)]
    assert len(found) == grid.count
    for row in random.Random(7).sample(found, min(60, grid.count)):
        wanted = expected(scope, loaded, axes, row)
        if wanted is None:
            assert row["error"] is not None
            continue
        assert row["error"] is None
        assert {key: row[key] for key in wanted} == wanted


def test_chunks_and_table_size_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_profile(CONFIGS / "reference.yaml")
    scope = make_scope(loaded, CATALOGUE)
    axes = read_axes(loaded, ["self_host.labour_fte=0:1:5", "workload.output_tokens=64:2048:4",
                              "workload.tokens_per_day=1M:1B:7:log"])  # fmt: skip
    whole = Sweep(scope, axes)
    first = [row for chunk in whole.chunks() for row in rows(whole, chunk)]
    again = [row for chunk in whole.chunks(size=11) for row in rows(whole, chunk)]
    monkeypatch.setattr(sweeping, "_MAX_ENTRIES", 2)
    small = Sweep(scope, axes)
    third = [row for chunk in small.chunks(size=13) for row in rows(small, chunk)]
    assert first == again == third


def test_paired_values_are_rows() -> None:
    loaded = load_profile(CONFIGS / "reference.yaml")
    axes = read_axes(loaded, ["workload.tokens_per_day=1M,5M,50M", "self_host.labour_fte=0,0.1,0"])
    grid = Sweep(make_scope(loaded, CATALOGUE), axes, paired=True)
    found = [row for chunk in grid.chunks() for row in rows(grid, chunk)]
    assert [(row["workload.tokens_per_day"], row["self_host.labour_fte"]) for row in found] == [
        (1e6, 0.0), (5e6, 0.1), (50e6, 0.0)
    ]  # fmt: skip
    short = read_axes(loaded, ["workload.tokens_per_day=1M,5M", "self_host.labour_fte=0,0.1,0"])
    with pytest.raises(InputError, match="equally many values"):
        Sweep(make_scope(loaded, CATALOGUE), short, paired=True)


def test_values_are_written_as_people_write_them() -> None:
    loaded = load_profile(CONFIGS / "reference.yaml")
    (axis,) = read_axes(loaded, ["workload.tokens_per_day=1M:100M:3:log"])
    assert axis.values[0] == 1e6
    assert axis.values[1] == pytest.approx(1e7)
    assert axis.values[2] == 1e8
    assert parse_axis("self_host.model=[a,b],c")[1] == (["a", "b"], "c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("workload.tokens_per_day=9M:1M:5", "upside down"),
        ("workload.tokens_per_day=0:1M:5:log", "starts above zero|must be above 0"),
        ("workload.tokens_per_days=1M,2M", "did you mean 'tokens_per_day'"),
        ("self_host.labour_fte=0,-1", "at least 0"),
        ("utilisation_share=0.1", "is an output"),
        ("self_host.supply[3].gpus=1", "does not exist"),
        ("workload.tokens_per_day", "cannot read"),
        ("self_host.model=a:b:3", "is not a number"),
        ("workload.cached_input_share=0:1.5:3", "at most 1"),
    ],
)
def test_bad_axes_are_located(text: str, message: str) -> None:
    loaded = load_profile(CONFIGS / "reference.yaml")
    with pytest.raises(InputError, match=message):
        read_axes(loaded, [text])


def test_command_writes_the_same_points_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = str(CONFIGS / "reference.yaml")
    vary = ["--vary", "workload.tokens_per_day=1M:1B:4:log", "--vary", "self_host.supply[0].usd_per_gpu_hour=1,3"]
    assert invoke(["sweep", profile, *vary, "--format", "csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert invoke(["sweep", profile, *vary, "-o", str(tmp_path / "s.json")]) == 0
    data = json.loads((tmp_path / "s.json").read_text())
    assert data["points"] == len(table) == len(data["rows"]) == 8
    assert [float(row["first_tokens_per_day"]) for row in table] == [r["first_tokens_per_day"] for r in data["rows"]]
    assert [row["cheaper"] for row in table] == [r["cheaper"] for r in data["rows"]]
    assert invoke(["sweep", profile, *vary]) == 0
    assert "8 points: self-hosting is cheaper at" in capsys.readouterr().out
    points = tmp_path / "points.csv"
    points.write_text("workload.tokens_per_day,self_host.supply[0].usd_per_gpu_hour\n" + "".join(
        f"{row['workload.tokens_per_day']},{row['self_host.supply[0].usd_per_gpu_hour']}\n" for row in table))  # fmt: skip
    assert invoke(["sweep", profile, "--points", str(points), "--format", "csv"]) == 0
    assert list(csv.DictReader(io.StringIO(capsys.readouterr().out))) == table


def test_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from breakeven.cli import sweep as command

    monkeypatch.setattr(command, "_WORTH_FORKING", 10)
    monkeypatch.setattr(sweeping, "CHUNK", 1 << 16)
    args = ["sweep", str(CONFIGS / "reference.yaml"), "--vary", "workload.tokens_per_day=1M:1B:300:log",
            "--vary", "self_host.supply[0].usd_per_gpu_hour=1:8:300"]  # fmt: skip
    assert invoke([*args, "-o", str(tmp_path / "one.csv"), "--jobs", "1"]) == 0
    assert invoke([*args, "-o", str(tmp_path / "two.csv"), "--jobs", "2"]) == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.parametrize(("vary", "where"), [
    ("workload.tokens_per_day=0,1", "--vary workload.tokens_per_day=0"),
    ("api[0].discount=0:120%:3", "--vary api[0].discount=120%"),
])  # fmt: skip
def test_a_varied_value_that_is_wrong_blames_the_option_not_the_file(
    vary: str, where: str
) -> None:
    reference = Path(__file__).parents[2] / "configs" / "reference.yaml"
    with pytest.raises(InputError) as caught:
        invoke(["sweep", str(reference), "--vary", vary])
    said = str(caught.value)
    assert where in said and "reference.yaml" not in said
