"""The verdict at the profile's own volume is the same sentence in the terminal and in Markdown, and so is the grade."""

from __future__ import annotations

from pathlib import Path

import pytest

import breakeven
from breakeven.render.at_volume import at_volume
from breakeven.render.registry import Options, render_run

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIGS.glob("*.yaml")))
def test_both_reports_say_what_is_cheaper_at_the_volume(name: str) -> None:
    result = breakeven.run(CONFIGS / name)
    said = " ".join("".join(at_volume(result)).split())
    table, md = (str(render_run(form, [result], Options(chart=False, to_file=True))) for form in ("table", "md"))
    assert said in " ".join(table.split())
    assert said in " ".join(md.replace("\\", "").replace("**", "").split())


def test_markdown_says_the_grade_of_the_evidence() -> None:
    md = str(render_run("md", [breakeven.run(CONFIGS / "reference.yaml")], Options()))
    (rent,) = [line for line in md.splitlines() if "| rented |" in line]
    assert rent.endswith("| yes (C) |")
    assert "C model, D model outside its calibration" in md


def test_a_name_cannot_become_markup() -> None:
    profile = {
        "name": "x", "workload": {"tokens_per_day": "1B", "input_tokens": 1000, "output_tokens": 500}, "api": ["openai/gpt-6.1-sol"],
        "self_host": {"model": "openai/gpt-oss-120b", "supply": [{"rent": "h100-sxm", "usd_per_gpu_hour": 1, "name": "**a** <script>"}]},
    }  # fmt: skip
    md = str(render_run("md", [breakeven.run(profile)], Options()))
    assert "**\\*\\*a\\*\\* \\<script\\>** is cheaper by" in md
