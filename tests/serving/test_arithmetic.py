"""Portable functions: right, and the same bits for a float and an array."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.vector import VECTOR

finite = st.floats(min_value=-600, max_value=600, allow_nan=False)
positive = st.floats(min_value=1e-300, max_value=1e300, allow_nan=False)


@given(st.lists(finite, min_size=1, max_size=20))
def test_exp_is_the_same_for_floats_and_arrays(values):
    assert [SCALAR.exp(v) for v in values] == VECTOR.exp(np.array(values)).tolist()


@given(st.lists(positive, min_size=1, max_size=20))
def test_log_is_the_same_for_floats_and_arrays(values):
    assert [SCALAR.log(v) for v in values] == VECTOR.log(np.array(values)).tolist()


@given(finite)
def test_exp_is_right(value):
    assert math.isclose(SCALAR.exp(value), math.exp(value), rel_tol=2e-15)


@given(positive)
def test_log_is_right(value):
    assert math.isclose(SCALAR.log(value), math.log(value), rel_tol=2e-15, abs_tol=2e-16)


def test_power():
    assert math.isclose(SCALAR.power(2.0, 10.0), 1024.0, rel_tol=1e-14)
