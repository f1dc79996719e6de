"""Runs ``child.py`` under a time limit, and ends it with all it started.

Nothing that it writes reaches the user but its answer or a short reason.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from breakeven.offers.second_opinion import Unanswered
from breakeven.offers.second_opinion.child import MARK

CHILD = Path(__file__).with_name("child.py")
TIMEOUT_S = 60.0
_REASON_CHARACTERS = 160
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # it may not use the network, so it needs none


def ask_child(question: Mapping[str, Any], *, model_config: Path | None = None, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """The reply to one question; with ``model_config`` the model is that file. Raises Unanswered."""
    with TemporaryDirectory(prefix="breakeven-", ignore_cleanup_errors=True) as folder:
        asked = dict(question)
        if model_config is not None:
            # A directory of its own: it reads a side file of the quantisation, too, where it finds one.
            (Path(folder) / "model").mkdir()
            (Path(folder) / "model" / "config.json").write_bytes(model_config.read_bytes())
            asked["model_path"] = str(Path(folder) / "model")
        return _reply(_run(json.dumps(asked), folder=folder, timeout_s=timeout_s))


def _run(text: str, *, folder: str, timeout_s: float) -> bytes:
    """Standard output of the child. The folder takes what it writes, and is its working directory."""
    try:
        # -P: neither this package's files nor the user's directory may stand in for a library.
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=folder, env=_environment(folder), start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise Unanswered(f"it could not be started: {error.strerror or error}") from None
    try:
        return process.communicate(text.encode(), timeout=timeout_s)[0]
    except subprocess.TimeoutExpired:
        raise Unanswered(f"it had not answered after {timeout_s:g} s") from None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing that was started outlives the question, whether it timed out or the user broke off."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _environment(folder: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _TOKENS}
    return kept | {
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "MPLBACKEND": "Agg", "NO_COLOR": "1",
        "MPLCONFIGDIR": folder, "TMPDIR": folder, "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def _reply(output: bytes) -> dict[str, Any]:
    """The last marked line. Raises Unanswered where there is none, or where it holds a reason."""
    marked = [line for line in output.decode("utf-8", errors="replace").splitlines() if line.startswith(MARK)]
    if not marked:
        raise Unanswered("it ended without an answer")
    try:
        reply = json.loads(marked[-1].removeprefix(MARK))
    except ValueError:
        raise Unanswered("its answer is not JSON") from None
    if not isinstance(reply, dict):
        raise Unanswered("its answer is not an object")
    if "error" in reply:
        raise Unanswered(_short(str(reply["error"])))
    return reply


def _short(text: str) -> str:
    """The first sentence on one line of a bounded length, cut between words.

    >>> _short("OOM: it does not fit.  Try\\nmore.")
    'OOM: it does not fit'
    """
    line = " ".join(text.split()).split(". ", 1)[0].removesuffix(".")
    return line if len(line) <= _REASON_CHARACTERS else line[:_REASON_CHARACTERS].rsplit(" ", 1)[0] + " ..."
