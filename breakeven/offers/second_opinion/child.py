"""Asks aiconfigurator one question in a process of its own: JSON on standard input, one marked line of JSON on standard output.

Run as a script by ``process.py``, never imported by the tool: aiconfigurator brings pandas, pyarrow, plotly and bokeh, warns
and logs on both streams, and would fetch a configuration that it does not carry. Here it cannot: the process refuses every
connection and every look-up of a host.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MARK = "breakeven-second-opinion:"
SERIES = "0.12."  # the releases whose answers are read here

_REACHES_OUT = frozenset(
    ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto", "socket.sendmsg")
)


def refuse_network(event: str, _arguments: Any) -> None:
    """An audit hook: raises OSError before anything is looked up, connected to or sent."""
    if event in _REACHES_OUT:
        raise OSError("a second opinion uses no network")


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """The figures of one ``cli_estimate`` call.

    ``tpot_ms``  time per output token in ms
    ``requests_per_s``  of the one copy that was asked about, all its ranks and stages
    Its TTFT is left out on purpose: ``docs/serving.md`` says why.
    """
    import aiconfigurator

    version = str(aiconfigurator.__version__)
    if not version.startswith(SERIES):
        raise RuntimeError(f"version {version} is installed, and answers are read of {SERIES}x")
    from aiconfigurator.cli.api import cli_estimate

    found = cli_estimate(**question)
    return {
        "version": version,
        "backend_version": str(found.backend_version),
        "tpot_ms": float(found.tpot),
        "requests_per_s": float(found.raw["seq/s"]),
        "overfull": found.kv_cache_warning is not None,
    }


def main() -> None:
    sys.addaudithook(refuse_network)
    try:
        reply = answer(json.load(sys.stdin))
    except BaseException as error:
        reply = {"error": (str(error) or type(error).__name__)[:2000]}
    sys.stdout.write(f"\n{MARK}{json.dumps(reply)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
