"""Demand shapes: what the named ones promise, peaks, batch work, series from a file."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.catalog.store import Catalogue
from breakeven.errors import InputError
from breakeven.finance.load import (
    FLAT,
    effective_peak_to_mean,
    hourly_weights,
    named_shape,
    normalised,
    read_series,
    served_weights,
    with_peak,
)
from breakeven.profile.workload import Demand

DAY = dt.date(2026, 11, 23)
CATALOGUE = Catalogue.load()
weights = st.lists(st.floats(0, 50), min_size=168, max_size=168).filter(lambda w: sum(w) > 1).map(normalised)


@pytest.mark.parametrize(
    ("name", "peak", "quietest"),
    [("office-hours", 3.02, 0.10), ("diurnal", 1.32, 0.71), ("weekly", 1.66, 0.46), ("bursty", 6.0, 0.0)],
)
def test_named_shapes_keep_the_ratios_of_their_source(name: str, peak: float, quietest: float) -> None:
    shape = named_shape(name, catalogue=CATALOGUE, as_of=DAY)
    assert len(shape) == 168
    assert math.fsum(shape) / 168 == pytest.approx(1.0, rel=1e-12)
    assert max(shape) == pytest.approx(peak, rel=1e-3)
    assert min(shape) == pytest.approx(quietest, rel=1e-3)


@pytest.mark.parametrize(("name", "ratio"), [("office-hours", 3.1), ("weekly", 1.76)])
def test_weekday_over_weekend(name: str, ratio: float) -> None:
    shape = named_shape(name, catalogue=CATALOGUE, as_of=DAY)
    assert sum(shape[:24]) / sum(shape[-24:]) == pytest.approx(ratio, rel=2e-3)


def test_a_day_of_weights_is_every_day() -> None:
    demand = Demand(shape="hourly", hourly=tuple(range(24)))
    shape = hourly_weights(demand, catalogue=CATALOGUE, as_of=DAY)
    assert shape[:24] == shape[24:48] == shape[-24:]
    assert shape[23] == pytest.approx(2.0)


@given(weights, st.floats(1.0, 160.0))
def test_another_peak_keeps_the_mean(shape: tuple[float, ...], peak: float) -> None:
    found = with_peak(shape, peak_to_mean=peak)
    if max(shape) > 1 + 1e-9:
        assert max(found) == pytest.approx(peak, rel=1e-12)
    assert min(found) >= 0
    # equal maxima all move, so only distinct peaks keep the mean to rounding
    assert math.fsum(found) / 168 == pytest.approx(1.0, rel=1e-9)


@given(weights, st.floats(0, 1), st.floats(0.5, 48))
def test_effective_peak_is_the_peak_of_the_served_load(shape: tuple[float, ...], batch: float, window: float) -> None:
    load = served_weights(shape, batch_share=batch, batch_window_hours=window)
    rho = effective_peak_to_mean(peak_to_mean=max(shape), batch_share=batch, batch_window_hours=window)
    assert max(load) == pytest.approx(rho, rel=1e-12)
    assert math.fsum(load) / 168 == pytest.approx(1.0, rel=1e-9)
    assert rho <= max(shape) * (1 + 1e-12)


def test_all_batch_over_a_day_is_flat() -> None:
    assert effective_peak_to_mean(peak_to_mean=6, batch_share=1, batch_window_hours=24) == 1


def test_no_shape_is_flat() -> None:
    assert hourly_weights(Demand(), catalogue=CATALOGUE, as_of=DAY) == FLAT


def test_series_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    path.write_text("hour,weight\n" + "".join(f"{h},{1 + h % 24}\n" for h in range(336)))
    assert read_series(path)[:3] == (1.0, 2.0, 3.0)
    demand = Demand(shape="hourly", hourly_file="week.csv")
    assert max(hourly_weights(demand, catalogue=CATALOGUE, as_of=DAY, base_dir=tmp_path)) == pytest.approx(24 / 12.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [("1\n2\n", "holds 2 weights"), ("1\nx\n", "week.csv:2:1"), ("1\n-1\n", "week.csv:2:1"), ("0\n" * 168, "not all zero"),
     ("1\nnan\n", "week.csv:2:1")],
)  # fmt: skip
def test_a_bad_series_is_located(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "week.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_series(path)
    with pytest.raises(InputError, match="no such file"):
        read_series(tmp_path / "none")
