"""Bad files and broken channels: one line and a fix, the right code, and never half a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.cli.output import write_parts

ROOT = Path(__file__).parents[2]
REFERENCE = str(ROOT / "configs/reference.yaml")
Capture = pytest.CaptureFixture[str]


def refused(capsys: Capture, *argv: str, code: int = 2) -> str:
    assert run(list(argv)) == code
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("error: ") and "; " in err
    return err


def test_a_missing_file(capsys: Capture, tmp_path: Path) -> None:
    assert "no such file; check the path" in refused(capsys, "run", str(tmp_path / "no.yaml"))


def test_a_folder(capsys: Capture, tmp_path: Path) -> None:
    assert "is a directory; name a file" in refused(capsys, "run", str(tmp_path))


def test_a_hundred_megabytes(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    started = time.perf_counter()
    assert "is larger than 2 MB" in refused(capsys, "run", str(path))
    assert time.perf_counter() - started < 5


def test_output_that_cannot_be_written(capsys: Capture, tmp_path: Path) -> None:
    assert "cannot be written" in refused(capsys, "run", REFERENCE, "-o", str(tmp_path / "no/x.json"))
    assert "is a directory" in refused(capsys, "run", REFERENCE, "--format", "json", "-o", str(tmp_path))
    assert "cannot tell the format" in refused(capsys, "run", REFERENCE, "-o", str(tmp_path / "x.pdf"))
    assert list(tmp_path.iterdir()) == []


def test_full_device(capsys: Capture) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    assert "cannot be written (No space left" in refused(
        capsys, "run", REFERENCE, "--format", "json", "-o", "/dev/full"
    )


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    def parts() -> Iterator[bytes]:
        yield b"new, half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parts(parts(), path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_an_unknown_command_or_option(capsys: Capture) -> None:
    for argv in (["rum"], ["run", "--formt", "json"], ["catalog", "shwo"]):
        assert run(argv) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1 and "--help" in err


def test_a_reader_that_goes_away() -> None:
    command = f"{sys.executable} -m breakeven run {REFERENCE} --format json"
    done = subprocess.run(
        ["bash", "-c", f"{command} | :; echo ${{PIPESTATUS[0]}}"], capture_output=True, cwd=ROOT, check=True
    )
    assert (done.stdout, done.stderr) == (b"0\n", b"")


def test_interrupt() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "breakeven", "run", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        # A suite started in the background of a shell inherits an interrupt that is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    time.sleep(1.5)  # it waits for standard input by then
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")
