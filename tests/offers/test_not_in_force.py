"""What has no record on a date is blamed on the key that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

import breakeven
from breakeven.errors import FactNotInForce

PROFILE = """\
name: old
workload: {tokens_per_day: 10M, input_tokens: 1024, output_tokens: 1024}
api: [{model: own/x, prices: {input_usd_per_mtok: 3, output_usd_per_mtok: 15}}]
self_host:
  model: meta-llama/Llama-3.1-8B-Instruct
  supply:
    - {rent: h100-sxm, usd_per_gpu_hour: 2}
    - {rent: b200, usd_per_gpu_hour: 4}
"""


@pytest.mark.parametrize(
    ("as_of", "field", "line", "column", "said"),
    (
        ("2020-01-01", "self_host.model", 5, 10, "open-weight model 'llama-3.1-8b-instruct' has no architectures"),
        ("2023-06-01", "self_host.supply[1].rent", 8, 14, "accelerator 'b200-sxm' has no specs"),
    ),
)
def test_the_place_is_the_name_without_a_record(
    tmp_path: Path, as_of: str, field: str, line: int, column: int, said: str
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(PROFILE, encoding="utf-8")
    with pytest.raises(FactNotInForce) as error:
        breakeven.run(path, as_of=as_of)
    (problem,) = error.value.problems
    assert (problem.path, problem.line, problem.column, problem.field) == (str(path), line, column, field)
    assert problem.message.startswith(said) and "choose another --as-of" in str(problem.fix)
