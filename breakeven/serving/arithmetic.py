"""The serving room's name for the arithmetic that gives one number and a million the same digits."""

from breakeven.arithmetic import SCALAR, Arithmetic, Number

__all__ = ["SCALAR", "Arithmetic", "Number"]
