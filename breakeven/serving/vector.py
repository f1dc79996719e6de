"""The serving room's name for the array arithmetic. Importing this module imports numpy."""

from breakeven.vector_arithmetic import VECTOR, VectorArithmetic

__all__ = ["VECTOR", "VectorArithmetic"]
