"""A bundle re-runs to the same bytes anywhere, says what changed, and cannot harm whoever opens it."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breakeven.cli.main import run
from breakeven.compare import bundle_archive
from breakeven.compare.bundle_archive import is_safe_name, pack, unpack
from breakeven.errors import CheckFailed, InputError

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
PROFILE = """\
name: bundled
workload:
  tokens_per_day: 10M
  input_tokens: 1024
  output_tokens: 1024
  demand: {shape: hourly, hourly_file: week/load.txt}
api: [openai/gpt-6.1-sol]
self_host:
  model: openai/gpt-oss-120b
  supply:
    - {rent: h100-sxm, provider: acme, term: on-demand}
    - {rent: h100-sxm, provider: median}
"""
ACME = """\
kind: rental
id: acme
name: Acme
tier: user
prices:
  - effective: 2026-11-01
    accelerator: h100-sxm
    term: on-demand
    usd_per_gpu_hour: 2.50
    confidential: true
    source: {title: quote 1, retrieved: 2026-11-02, kind: quote}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    (folder / "my profile.yaml").write_text(PROFILE)
    (folder / "week").mkdir()
    (folder / "week/load.txt").write_text("\n".join(str(1 + hour % 24) for hour in range(168)))
    (folder / "facts").mkdir()
    (folder / "facts/acme.yaml").write_text(ACME)
    assert made(folder, folder / "a.zip") == 0
    return folder


def made(place: Path, target: Path, *more: str) -> int:
    return run(["bundle", str(place / "my profile.yaml"), "--catalog", str(place / "facts"), "-o", str(target), *more])


def verified(path: Path, capsys: Capture) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run(["bundle", "--verify", str(path)])
    return code, *capsys.readouterr()


def files_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resealed(files: dict[str, bytes]) -> dict[str, bytes]:
    """With a manifest that fits, as a careful forger would."""
    import hashlib

    manifest = json.loads(files["manifest.json"])
    manifest["files"] = {
        name: {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        for name, raw in files.items() if name != "manifest.json"
    }  # fmt: skip
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def test_it_verifies(place: Path, capsys: Capture) -> None:
    code, out, err = verified(place / "a.zip", capsys)
    assert (code, err) == (0, "") and out.startswith("ok: bundled: made again to the same bytes\n")


def test_the_same_input_gives_the_same_archive(place: Path, tmp_path: Path, capsys: Capture) -> None:
    assert made(place, tmp_path / "b.zip") == 0
    assert (tmp_path / "b.zip").read_bytes() == (place / "a.zip").read_bytes()
    assert "1 confidential facts are in it" in capsys.readouterr().err


def test_it_holds_what_it_should(place: Path) -> None:
    files = files_of(place / "a.zip")
    result, lock, facts = (json.loads(files[name]) for name in ("results.json", "breakeven.lock", "facts.json"))
    used = {source["id"] for source in result["sources"]}
    ahead = {f"history/price-paths#paths[{i}]" for i in range(3)}  # the reports' forecast rests on these
    assert used | ahead == set(lock["facts"]) == {fact["id"] for fact in facts["facts"]}
    assert {"report.md", "report.csv", "report.html", "profiles/1/my_profile.yaml", "profiles/1/week/load.txt",
            "overlays/1-facts/acme.yaml", "catalogue/rental/lambda.yaml", "README.txt"} <= set(files)  # fmt: skip
    assert str(place) not in "".join(raw.decode("utf-8", "replace") for raw in files.values())
    manifest = json.loads(files["manifest.json"])
    assert manifest["tool"]["version"] == result["tool"]["version"] and set(manifest["files"]) == set(files) - {
        "manifest.json"
    }


def test_the_recorded_command_gives_the_recorded_result(place: Path, tmp_path: Path) -> None:
    files = files_of(place / "a.zip")
    for name, raw in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    _, *argv = json.loads(files["manifest.json"])["command"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "breakeven", *argv], cwd=tmp_path, env=env, capture_output=True, check=True
    )
    assert done.stdout == files["results.json"]


def test_options_and_several_profiles_are_recorded(place: Path, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "two.zip"
    argv = ["bundle", str(ROOT / "configs/reference.yaml"), str(ROOT / "configs/rag.yaml"), "--as-of", "2026-11-20",
            "--set", "self_host.labour_fte=0.1", "--report", "html", "--report", "json", "-o", str(target)]  # fmt: skip
    assert run(argv) == 0
    files = files_of(target)
    assert {"report-1.html", "report-2.html", "report.json"} <= set(files) and "report.md" not in files
    assert [row["as_of"] for row in json.loads(files["results.json"])["results"]] == ["2026-11-20"] * 2
    assert verified(target, capsys)[0] == 0


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("results.json", b"10M", b"11M"),
        ("report.md", b"cheaper", b"dearer"),
        ("facts.json", b"2.5", b"2.4"),
        ("breakeven.lock", b"sha256:", b"sha256:0"),
        ("overlays/1-facts/acme.yaml", b"2.50", b"2.40"),
        ("profiles/1/my_profile.yaml", b"10M", b"20M"),
        ("profiles/1/week/load.txt", b"24", b"48"),
        ("catalogue/rental/lambda.yaml", b"3.99", b"3.89"),
        ("catalogue/catalogue.yaml", b"2026", b"2025"),
    ],
)
def test_any_change_is_found(place: Path, tmp_path: Path, capsys: Capture, name: str, old: bytes, new: bytes) -> None:
    files = files_of(place / "a.zip")
    assert old in files[name]
    files[name] = files[name].replace(old, new)
    path = tmp_path / "changed.zip"
    path.write_bytes(pack(files))
    code, out, err = verified(path, capsys)
    assert (code, out) == (1, "") and f"{name} was changed after it was packed" in err
    path.write_bytes(pack(resealed(files)))
    code, out, err = verified(path, capsys)
    assert (code, out) == (1, "") and ("does not follow from the inputs" in err or "cannot be run again" in err)


def test_a_file_too_many_or_too_few_is_found(place: Path, tmp_path: Path, capsys: Capture) -> None:
    files, path = files_of(place / "a.zip"), tmp_path / "x.zip"
    path.write_bytes(pack({**files, "notes.txt": b"trust me"}))
    assert "notes.txt is not in its manifest" in verified(path, capsys)[2]
    path.write_bytes(pack({name: raw for name, raw in files.items() if name != "report.md"}))
    assert "report.md is missing" in verified(path, capsys)[2]


@pytest.mark.parametrize("where", ["before", "after"])
def test_bytes_around_the_archive_are_refused(place: Path, tmp_path: Path, capsys: Capture, where: str) -> None:
    raw = (place / "a.zip").read_bytes()
    odd = tmp_path / "odd.zip"
    odd.write_bytes(b"#!/bin/sh\n" + raw if where == "before" else raw + b"x")
    capsys.readouterr()
    assert run(["bundle", "--verify", str(odd)]) == 1
    assert "bytes before or after" in capsys.readouterr().err


def test_a_profile_that_reads_elsewhere_is_refused(place: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "p.yaml").write_text(
        PROFILE.replace("week/load.txt", "../load.txt").replace("provider: acme", "provider: lambda")
    )
    capsys.readouterr()
    assert run(["bundle", str(tmp_path / "p.yaml"), "-o", str(tmp_path / "p.zip")]) == 2
    assert "p.yaml:6:40: workload.demand.hourly_file: names a file elsewhere" in capsys.readouterr().err
    assert not (tmp_path / "p.zip").exists()
    for elsewhere in ("/etc/passwd", "../../../etc/passwd"):  # from a forger, the same
        files = files_of(place / "a.zip")
        files["profiles/1/my_profile.yaml"] = files["profiles/1/my_profile.yaml"].replace(
            b"week/load.txt", elsewhere.encode()
        )
        (tmp_path / "f.zip").write_bytes(pack(resealed(files)))
        code, out, err = verified(tmp_path / "f.zip", capsys)
        assert (code, out) == (1, "") and "names a file elsewhere" in err


def test_problems_name_the_users_own_files(place: Path, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "p.yaml"
    path.write_text((ROOT / "configs/reference.yaml").read_text().replace("h100-sxm", "h10-sxm"))
    capsys.readouterr()
    assert run(["bundle", str(path), "-o", str(tmp_path / "p.zip")]) == 2
    assert f"{path}:" in capsys.readouterr().err


# --- hostile archives -------------------------------------------------------------------------


def hostile(path: Path, change: Callable[[zipfile.ZipFile], None]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        change(archive)
    return path


def with_name(name: str, mode: int = stat.S_IFREG | 0o644) -> Callable[[zipfile.ZipFile], None]:
    def change(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, b"/etc/passwd")

    return change


BAD_NAMES = ("../a", "a/../../b", "/etc/x", "a\\..\\b", "C:x", "C:/x", "a//b", "./a", "a/.", ".git/config", "con", "aux.yaml", "a b",
             "a\u202e", "x" * 200, "d/", "é", "a.", "~/x")  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_leave_the_folder(tmp_path: Path, capsys: Capture, name: str) -> None:
    code, out, err = verified(hostile(tmp_path / "x.zip", with_name(name)), capsys)
    assert (code, out) == (1, "") and "a name that leaves the folder or that no system can hold" in err
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]
    with pytest.raises(ValueError, match="unsafe name"):
        pack({name: b""})


def test_links_and_devices(tmp_path: Path, capsys: Capture) -> None:
    for mode in (stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFDIR | 0o755, stat.S_IFCHR | 0o644):
        assert "a link or a device" in verified(hostile(tmp_path / "x.zip", with_name("a", mode)), capsys)[2]


def test_bombs(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    big = hostile(tmp_path / "big.zip", lambda a: a.writestr("a", b"\0" * 30_000_000))
    assert big.stat().st_size < 100_000
    assert "a file larger than 20 MB" in verified(big, capsys)[2]
    many = hostile(
        tmp_path / "many.zip", lambda a: [a.writestr(f"f{n}", b"\0" * 15_000_000) for n in range(8)] and None
    )
    assert "unpacks to 120 MB" in verified(many, capsys)[2]
    monkeypatch.setattr(bundle_archive, "MAX_FILES", 10)
    lots = hostile(tmp_path / "lots.zip", lambda a: [a.writestr(f"f{n}", b"") for n in range(11)] and None)
    assert "holds more than 10 files" in verified(lots, capsys)[2]


def test_a_lie_about_sizes(tmp_path: Path, capsys: Capture) -> None:
    path = hostile(tmp_path / "x.zip", lambda a: a.writestr("a", b"\0" * 10_000_000))
    raw = path.read_bytes()
    size = (10_000_000).to_bytes(4, "little")
    assert raw.count(size) == 2
    path.write_bytes(raw.replace(size, (1000).to_bytes(4, "little")))
    code, out, err = verified(path, capsys)
    assert (code, out) == (1, "") and ("says a wrong size" in err or "damaged" in err)


def test_the_same_name_twice(tmp_path: Path, capsys: Capture) -> None:
    def twice(archive: zipfile.ZipFile) -> None:
        archive.writestr("a", b"1")
        archive.writestr("A", b"2")

    assert "the same name twice" in verified(hostile(tmp_path / "x.zip", twice), capsys)[2]


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"not a zip", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_bundle(tmp_path: Path, capsys: Capture, raw: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(raw)
    code, out, err = verified(path, capsys)
    assert (code, out) == (1, "") and "is not a bundle" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "{}",
        '{"schema_version": 2}',
        '{"schema_version": 1}',
        "[" * 100_000,
        "null",
        '{"schema_version": 1, "tool": 3}',
    ],
)
def test_a_damaged_manifest(tmp_path: Path, capsys: Capture, manifest: str) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(pack({"manifest.json": manifest.encode()}))
    code, out, err = verified(path, capsys)
    assert (code, out) == (1, "") and err.count("\n") == 1


def test_a_manifest_that_points_elsewhere(place: Path, tmp_path: Path, capsys: Capture) -> None:
    files, path = files_of(place / "a.zip"), tmp_path / "x.zip"
    for key, value in (("profiles", ["../x.yaml"]), ("profiles", ["/etc/passwd"]), ("profiles", ["-"]), ("overlays", [".."]),
                       ("profiles", []), ("overlays", ["profiles"])):  # fmt: skip
        manifest = {**json.loads(files["manifest.json"]), key: value}
        path.write_bytes(pack({**files, "manifest.json": json.dumps(manifest).encode()}))
        code, out, err = verified(path, capsys)
        assert (code, out) == (1, "") and "manifest is missing or damaged" in err


def test_the_recorded_command_is_never_run(place: Path, tmp_path: Path, capsys: Capture) -> None:
    files = files_of(place / "a.zip")
    manifest = json.loads(files["manifest.json"])
    manifest["command"] = ["sh", "-c", f"touch {tmp_path}/ran"]
    path = tmp_path / "x.zip"
    path.write_bytes(pack({**files, "manifest.json": json.dumps(manifest).encode()}))
    assert verified(path, capsys)[0] == 0
    assert not (tmp_path / "ran").exists()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(position=st.integers(0, 10**9), byte=st.integers(0, 255))
def test_any_damaged_byte_is_refused_or_harmless(tmp_path: Path, position: int, byte: int) -> None:
    files = {"manifest.json": b"{}", "profiles/1/a.yaml": b"name: x\n" * 20}
    raw = bytearray(pack(files))
    raw[position % len(raw)] = byte
    path = tmp_path / "x.zip"
    path.write_bytes(bytes(raw))
    try:
        found = unpack(path)
    except (CheckFailed, InputError) as error:
        assert error.problems
    else:
        assert all(is_safe_name(name) for name in found)


def test_two_ways_to_ask(place: Path, capsys: Capture) -> None:
    for argv in (
        ["bundle"],
        ["bundle", "p.yaml", "--verify", str(place / "a.zip")],
        ["bundle", "--verify", "nowhere.zip"],
    ):
        capsys.readouterr()
        assert run(argv) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_an_archive_can_go_to_standard_output(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "breakeven", "bundle", str(ROOT / "configs/reference.yaml"), "-o", "-"],
        capture_output=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(done.stdout)).namelist()
