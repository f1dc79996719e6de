"""A value given on the command line is blamed by its option; a line of the file keeps its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakeven.errors import InputError
from breakeven.profile.load import load_profile

REFERENCE = Path(__file__).resolve().parents[2] / "configs" / "reference.yaml"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("workload.nope=5", "--set workload.nope=5: workload.nope: is not a known key"),
        ("self_host.supply[0]={rent: h100-sxm, gpus: 0}", "--set self_host.supply[0]={rent: h100-sxm, gpus: 0}: self_host.supply[0].gpus"),
        ("workload.tokens_per_day=1e999", "cannot read the value '1e999': is not a finite number"),
    ],
)
def test_an_option_is_named(override: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        load_profile(REFERENCE, [override])
    assert said in str(error.value.problems[0])


def test_a_line_of_the_file_keeps_its_place(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(REFERENCE.read_text().replace("output_tokens: 1024", "output_tokens: -1"))
    with pytest.raises(InputError) as error:
        load_profile(path, ["workload.tokens_per_day=20M"])
    assert str(error.value.problems[0]).startswith(f"{path}:")
