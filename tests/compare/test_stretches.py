"""A first crossing just below the next replica says how soon it is lost again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

import breakeven
from breakeven.compare.crossover import Crossover, Interval, crossover
from breakeven.compare.redaction import _headline
from breakeven.compare.result import Comparison
from breakeven.compare.stretches import NARROW_SHARE, first_stretch, narrow_stretch, narrow_words, where_it_wins
from breakeven.render.registry import Options, render_run

from .profiles import simple
from .staircases import offer


def thin(**changes: Any) -> dict[str, Any]:
    """$85.50 a day against $1 per Mtok, where a replica carries 86.4 Mtok a day: won from 85.5 to 86.4 only.

    For good from c_95 = 95 x 85.5 = 8,122.5 Mtok, the last with 85.5 J > 86.4 (J - 1).
    """
    return simple(tokens_per_day=80e6, price=1.0, usd_per_gpu_hour=85.5 / 24, tok_per_s=1000, **changes)


def pair_of(result: Comparison) -> Crossover:
    head = result.headline
    return next(c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host))


def test_the_sentence_says_where_the_first_stretch_ends() -> None:
    head = breakeven.run(thin()).headline
    assert head.sentence.endswith("is cheaper than api (own) from 85.5M to 86.4M tokens/day, and for good only from 8.12B tokens/day.")
    said = "the first stretch is narrow, 85.5M to 86.4M tokens/day (1.1% of its start): just above it self-hosting is dearer again"
    assert said in head.conditions


@pytest.mark.parametrize("name", ("table", "md", "html", "json"))
def test_every_report_says_it(name: str) -> None:
    text = " ".join(str(render_run(name, [breakeven.run(thin())], Options(chart=False, to_file=True))).split())
    assert "from 85.5M to 86.4M tokens/day" in text.replace("\\", "")
    assert "the first stretch is narrow" in text


def test_the_table_of_pairs_says_it_of_pairs_that_are_not_the_headline() -> None:
    profile = thin()
    dear = {"model": "own/dear", "prices": {"input_usd_per_mtok": 100.0, "output_usd_per_mtok": 100.0}}
    profile["api"].insert(0, dear)
    result = breakeven.run(profile)
    assert not any("narrow" in text for text in result.headline.conditions)
    for name in ("table", "md", "html"):
        assert "the first stretch is narrow" in " ".join(str(render_run(name, [result], Options(chart=False, to_file=True))).split())


def test_the_crossing_itself_stays_the_first_and_the_settled() -> None:
    found = pair_of(breakeven.run(thin()))
    assert found.outcome == "at"
    assert found.first_tokens_per_day == pytest.approx(85.5e6)
    assert found.settled_tokens_per_day == pytest.approx(8122.5e6)


def test_a_wide_stretch_has_its_end_and_no_remark() -> None:
    found = crossover(offer("api", per_mtok=1.0), offer("gpu", replica=70.0, kappa=100e6))
    assert first_stretch(found) == (70e6, 100e6)
    assert narrow_words(found) is None
    assert where_it_wins(found) == "from 70M to 100M tokens/day, and for good only from 210M tokens/day"


@pytest.mark.parametrize(("start", "narrow"), ((91.0, True), (90.9, False)))
def test_narrow_is_less_than_a_tenth_of_its_start(start: float, narrow: bool) -> None:
    found = crossover(offer("api", per_mtok=1.0), offer("gpu", replica=start, kappa=100e6))
    assert ((100 - start) / start < NARROW_SHARE) is narrow
    assert (narrow_stretch(found) is not None) is narrow


def test_won_for_good_at_once_has_no_end() -> None:
    found = crossover(offer("api", per_mtok=1.0), offer("gpu", fixed=1000.0))
    assert first_stretch(found) is None
    assert where_it_wins(found) == "from 1B tokens/day on"


def test_ends_that_round_alike_get_more_digits() -> None:
    found = crossover(offer("api", per_mtok=1.0), offer("gpu", replica=99.99, kappa=100e6))
    assert where_it_wins(found).startswith("from 99.99M to 100M tokens/day, ")


def test_a_withheld_verdict_does_not_say_how_wide_the_stretch_is() -> None:
    result = breakeven.run(thin())
    head = _headline(result.headline, pair_of(result), frozenset({result.headline.self_host}))
    assert "from between 30M and 100M tokens/day, and for good only from between 3B and 10B tokens/day." in head.sentence
    assert not any("narrow" in text for text in head.conditions)


@pytest.mark.parametrize(
    ("ends", "words"),
    (
        ((7e6, 8e6), "from 7M to 8M tokens/day, and at no other volume"),
        ((7e6, 8e6, 9e6, 10e6), "from 7M to 8M tokens/day, and on other stretches of volume, but never for good"),
    ),
)
def test_won_on_stretches_but_never_for_good(ends: tuple[float, ...], words: str) -> None:
    edges = (0.0, *ends, None)
    stretches = tuple(
        Interval(low, high, "gpu" if i % 2 else "api") for i, (low, high) in enumerate(pairwise(edges)) if low is not None
    )
    assert where_it_wins(Crossover("api", "gpu", "sometimes", 7e6, None, stretches, len(stretches), None)) == words
