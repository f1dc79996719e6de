"""Flip values: on either side of each the verdict of ``run --set`` differs; closed forms agree."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from openpyxl import load_workbook

from breakeven.catalog.store import Catalogue
from breakeven.cli.app import invoke
from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.solve import default_keys, solve
from breakeven.errors import InputError
from breakeven.offers.scope import Scope
from breakeven.profile.load import from_document, load_profile, with_values
from breakeven.yamlio import Document

from .profiles import simple

CONFIGS = Path(__file__).parents[2] / "configs"
CATALOGUE = Catalogue.load()


def scope_of(name: str, *overrides: str) -> Scope:
    return make_scope(load_profile(CONFIGS / f"{name}.yaml", overrides), CATALOGUE)


def who(scope: Scope, key: str, value: float) -> str:
    result = compare_scope(replace(scope, loaded=with_values(scope.loaded, {key: value})), detail=False)
    # Cost alone: an offer that is not eligible is still priced, and still solved for.
    api, own = result.offer(result.headline.api).usd_per_day, result.offer(result.headline.self_host).usd_per_day
    assert api is not None
    assert own is not None
    return "self_host" if own < api else "api"


@pytest.mark.parametrize("name", ["reference", "owned-70b", "coding-agent"])
def test_the_verdict_differs_on_either_side_of_every_flip(name: str) -> None:
    scope = scope_of(name)
    seen = 0
    for key in default_keys(scope):
        found = solve(scope, key)
        for flip in found.flips[:2]:
            assert who(scope, key, flip.value * (1 + 1e-9)) == flip.above, (key, flip)
            assert who(scope, key, flip.value * (1 - 1e-9)) == flip.below, (key, flip)
            seen += 1
    assert seen


@pytest.mark.parametrize("name", ["reference", "owned-70b", "coding-agent"])
def test_flips_shown_by_run_are_the_solved_ones(name: str) -> None:
    scope = scope_of(name)
    result = compare_scope(scope)
    keys = [flip for flip in result.flips if flip.key.startswith(("workload.", "self_host.")) and flip.flips_at]
    assert keys
    for flip in keys:
        assert flip.flips_at is not None
        assert flip.now > 0 or flip.key == "self_host.labour_fte"
        solved = solve(scope, flip.key).flips
        assert any(found.value == pytest.approx(flip.flips_at, rel=1e-6) for found in solved), flip


def test_api_price_and_throughput_flips() -> None:
    data = simple(tokens_per_day=250e6, price=1.0, usd_per_gpu_hour=100 / 24, tok_per_s=100e6 / 86_400)
    scope = make_scope(from_document(Document(data, "<test>", None)), CATALOGUE)
    flips = {flip.key: flip for flip in compare_scope(scope).flips}
    # Three replicas cost $300 against $250: at $1.20 per Mtok, or when two replicas can carry it.
    assert flips["api price at this shape"].flips_at == pytest.approx(1.2)
    assert flips["what one replica carries on a mean day"].flips_at == pytest.approx(125e6)
    assert flips["self_host.labour_fte"].flips_at is None


def test_whole_numbers_flip_at_whole_numbers() -> None:
    scope = scope_of("reference", "workload.tokens_per_day=25M")
    (flip,) = solve(scope, "self_host.redundancy").flips
    assert (flip.value, flip.below, flip.above) == (2.0, "self_host", "api")


def test_every_crossing_is_a_flip_of_the_volume() -> None:
    data = simple(tokens_per_day=150e6, price=1.0, usd_per_gpu_hour=70 / 24, tok_per_s=100e6 / 86_400)
    scope = make_scope(from_document(Document(data, "<test>", None)), CATALOGUE)
    found = solve(scope, "workload.tokens_per_day")
    assert sorted(flip.value for flip in found.flips) == pytest.approx([70e6, 100e6, 140e6, 200e6, 210e6])
    assert found.flips[0].value == pytest.approx(140e6)  # nearest to 150M
    assert solve(scope, "workload.tokens_per_day", low=180e6, high=205e6).flips[0].value == pytest.approx(200e6)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["utilisation_share"], "is an output, not a key"),
        (["self_host.labour_ftes"], "did you mean 'labour_fte'"),
        (["self_host.model"], "is not a number"),
        (["self_host.labour_fte", "--between", "2:1"], "upside down"),
        (["self_host.labour_fte", "--between", "2"], "write low:high"),
        (["self_host.labour_fte", "--between", "2:x"], "cannot be read as a number"),
    ],
)
def test_bad_questions(args: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        invoke(["solve", str(CONFIGS / "reference.yaml"), *args])


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    profile = str(CONFIGS / "reference.yaml")
    assert invoke(["solve", profile, "workload.tokens_per_day", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["solutions"][0]
    assert found["flips"][0]["value"] == pytest.approx(10.6e6)
    assert invoke(["solve", profile, "self_host.supply[0].usd_per_gpu_hour"]) == 0
    said = capsys.readouterr().out
    assert "self-hosting, then" in said and "the API" in said.splitlines()[-1]
    assert invoke(["solve", profile, "self_host.headroom_share", "--format", "csv"]) == 0
    assert "stays cheaper" in capsys.readouterr().out


def test_a_tie_is_called_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = simple(tokens_per_day=10e6, price=0.0, usd_per_gpu_hour=0.0, tok_per_s=1e6)
    path = tmp_path / "p.yaml"
    path.write_text(json.dumps(data))
    assert invoke(["solve", str(path), "self_host.labour_fte"]) == 0
    assert "both cost the same" in capsys.readouterr().out
    assert invoke(["run", str(path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "At 10M tokens/day: api (own) costs the same as self-hosting ($0.00 a day)." in out and "cheaper by $0.00" not in out
    page, book = tmp_path / "p.html", tmp_path / "p.xlsx"
    assert invoke(["run", str(path), "-o", str(page)]) == invoke(["run", str(path), "-o", str(book)]) == 0
    text = page.read_text()
    assert "a day: both cost the same." in text and "the cheaper one of the two" not in text
    assert load_workbook(book, data_only=True)["Summary"]["B8"].value == "both the same"


def test_a_key_that_the_profile_refuses_is_refused_in_its_words() -> None:
    data = simple(tokens_per_day=10e6, price=1.0, usd_per_gpu_hour=2.5, tok_per_s=1e6)
    data["api"] = [{"model": "azure/gpt-4.1", "provisioned": {"unit": "ptu", "term": "monthly"}}]
    scope = make_scope(from_document(Document(data, "p.yaml", None)), CATALOGUE)
    with pytest.raises(InputError, match=r"minimum_usd_per_month: .*provisioned"):
        solve(scope, "api[0].minimum_usd_per_month")


def test_nothing_is_cheaper_where_nothing_serves(capsys: pytest.CaptureFixture[str]) -> None:
    """The range went to the ends of what was tried: "stays cheaper from 200k to 1M" of a model that reads 131,072 tokens."""
    far = solve(scope_of("reference"), "workload.output_tokens", low=200e3, high=1e6)
    assert not far.flips and far.why_not is not None and far.why_not.startswith("no self-hosted offer can serve this workload: ")
    across = solve(scope_of("reference"), "workload.output_tokens", low=2e3, high=1e6)
    assert (across.low, across.high) == (2e3, pytest.approx(131_072 - 1024))
    (end,) = across.unserved
    assert (end.side, end.value, end.tried_to) == ("above", across.high, 1e6) and "reads at most 131,072 tokens, and a request has 1,001,024" in end.why
    assert invoke(["solve", str(CONFIGS / "reference.yaml"), "workload.output_tokens", "--between", "2k:1M"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "from 2k to 130k" in out and "workload.output_tokens above 130k tokens (tried to 1M): no self-hosted offer can serve" in out


def test_a_count_is_answered_as_far_as_accelerators_are_shared_out() -> None:
    found = solve(scope_of("reference"), "self_host.supply[0].gpus")
    assert 256 <= found.high <= 4096
    (end,) = found.unserved
    assert end.value == found.high < end.tried_to and "at most 4,096" in end.why


def test_a_target_that_is_met_from_a_value_on_says_from_which() -> None:
    found = solve(scope_of("reference"), "latency.ttft_ms", low=1, high=1000)
    (end,) = found.unserved
    assert (end.side, end.tried_to) == ("below", 1) and 1 < found.low == end.value < 1000
    assert "does not meet TTFT 1 ms" in end.why
    assert who(scope_of("reference"), "latency.ttft_ms", found.low) == found.cheaper_throughout


@pytest.mark.parametrize(("key", "between"), [("workload.tokens_per_day", (100e6, 1e9)), ("workload.output_tokens", (2e3, 1e5))])
def test_who_is_cheaper_in_a_range_that_the_profile_lies_outside_of(key: str, between: tuple[float, float]) -> None:
    """It was who is cheaper at the profile's own value."""
    found = solve(scope_of("reference"), key, low=between[0], high=between[1])
    assert (found.cheaper_now, found.flips, found.cheaper_throughout) == ("api", (), "self_host")
    assert who(scope_of("reference"), key, between[0]) == "self_host"


@pytest.mark.parametrize(("name", "key"), [("coding-agent", "latency.tpot_ms"), ("frontier-moe", "latency.ttft_ms")])
def test_the_reason_is_that_of_the_machines_that_serve_last(name: str, key: str) -> None:
    """What a request gets alone on them is where service ends; other machines stop earlier, for reasons of their own."""
    (end,) = solve(scope_of(name), key).unserved
    alone = re.search(r"a request gets ([\d.]+) ms", end.why)
    assert alone is not None and float(alone[1]) == pytest.approx(end.value, rel=0.01)
