"""Self-host an open-weight model or pay an API per token: from which volume, and how sure are we?

The public Python API mirrors the commands and is imported lazily, so that ``breakeven --version``
stays as fast as the interpreter::

    import breakeven
    comparison = breakeven.run("profile.yaml")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from breakeven.compare.api import run as run

_LAZY = {"run": "breakeven.compare.api"}
__all__ = ["__version__", "run"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'breakeven' has no attribute {name!r}")
