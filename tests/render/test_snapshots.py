"""Every output format as it was last reviewed. BREAKEVEN_UPDATE_SNAPSHOTS=1 writes them anew.

The profile's prices are its own, so that a change of the catalogue does not touch them; digests and
versions are masked.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.cli.main import run
from breakeven.compare.explain import explain_result
from breakeven.compare.result import Comparison
from breakeven.profile.load import loads_profile
from breakeven.render import registry
from breakeven.render.explain import render_explain

HERE = Path(__file__).parent / "snapshots"
CATALOGUE = Catalogue.load()
PROFILE = b"""\
name: snapshot
description: A staircase that crosses more than once.
owner: ann
workload: {tokens_per_day: 150M, input_tokens: 750, output_tokens: 250, cached_input_share: 20%, demand: {shape: flat}}
api:
  - {model: own/price, prices: {input_usd_per_mtok: 0.6, cached_input_usd_per_mtok: 0.06, output_usd_per_mtok: 2.4}}
self_host:
  model: openai/gpt-oss-120b
  substitute: true
  throughput: {total_tok_per_s: 1157.4074}
  supply:
    - {rent: h100-sxm, usd_per_gpu_hour: 2.9, gpus: 1}
    - {own: box, accelerator: h100-sxm, gpus: 8, capex_usd: 300k, life_years: 4, residual_share: 10%, idle_w: 2000, active_w: 6000,
       electricity_usd_per_kwh: 0.12, pue: 1.3, nameplate_w: 10200, colocation_usd_per_kw_month: 150}
  labour_fte: 0.1
  labour_usd_per_fte_year: 180k
"""


def masked(text: str) -> str:
    text = re.sub(r"sha256:[0-9a-f]+", "sha256:X", text)
    text = re.sub(r"sha256-[A-Za-z0-9+/=]+", "sha256-X", text)
    text = re.sub(r"s-[0-9a-f]{12}", "s-X", text)
    # A fact that is not the profile's own may be revised: what rests on the catalogue's labour, hosts or quotes is cut.
    return re.sub(rf"{re.escape(breakeven.__version__)}", "VERSION", text)


def result() -> Comparison:
    full = breakeven.run(loads_profile(PROFILE, "snapshot.yaml"), CATALOGUE)
    from msgspec.structs import replace

    # Hosts and quotes of the market are the catalogue's; the alternatives that use them are left out.
    kept = tuple(a for a in full.alternatives if a.name in ("labour", "redundancy", "caching", "batch"))
    return replace(full, alternatives=kept, sources=(), catalogue_version="CATALOGUE")


@pytest.mark.parametrize("name", ["table", "csv", "md", "json", "html"])
def test_a_format_is_as_reviewed(name: str) -> None:
    out = registry.render_run(name, [result()], registry.Options(width=100, chart=name == "table"))
    assert isinstance(out, str)
    compare(name, out)


@pytest.mark.parametrize("name", ["tree", "md", "json"])
def test_an_explanation_is_as_reviewed(name: str) -> None:
    compare(f"explain.{name}", render_explain(name, explain_result(result(), "crossover"), registry.Options(width=100)))


def test_two_profiles_in_one_table_are_as_reviewed() -> None:
    out = registry.render_run("table", [result(), result()], registry.Options(width=120))
    assert isinstance(out, str)
    compare("several", out)


def test_a_diff_is_as_reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("before.yaml").write_bytes(PROFILE)
    Path("after.yaml").write_bytes(PROFILE.replace(b"750", b"1500"))
    assert run(["diff", "before.yaml", "after.yaml"]) == 0
    text = capsys.readouterr().out.replace(CATALOGUE.version, "CATALOGUE").replace(CATALOGUE.released.isoformat(), "RELEASED")
    compare("diff", text)


def compare(name: str, text: str) -> None:
    path = HERE / f"{name}.txt"
    if os.environ.get("BREAKEVEN_UPDATE_SNAPSHOTS"):
        path.write_text(masked(text), encoding="utf-8")
    assert path.exists(), f"no snapshot {path.name}: review and write it with BREAKEVEN_UPDATE_SNAPSHOTS=1"
    assert masked(text) == path.read_text(encoding="utf-8")
