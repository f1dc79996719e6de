"""A price's record can be found by the model's name, and says whose price it is."""

from __future__ import annotations

import json

import pytest

from breakeven.cli.main import run


@pytest.mark.parametrize("name", ["openai/gpt-6.1-sol", "gpt-6.1-sol", "api/openai#models[16].prices[0]"])
def test_an_api_models_prices_are_shown_by_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "show", name, "-f", "json"]) == 0
    records = json.loads(capsys.readouterr().out)["records"]
    assert records
    assert all(record["within"] == "gpt-6.1-sol" for record in records)
    assert run(["catalog", "show", name]) == 0
    assert "gpt-6.1-sol: input_usd_per_mtok 2" in capsys.readouterr().out


def test_an_unknown_model_is_still_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "show", "gpt-6.1-sol#nonsense"]) == 2
    assert "no record 'nonsense'" in capsys.readouterr().err
    assert run(["catalog", "show", "openai/gpt-99"]) == 2
    assert "gpt-99" in capsys.readouterr().err
