"""``profile init | validate | schema``: the starter runs as it is, nothing is overwritten, all problems come at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakeven.cli.main import run

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]


def test_the_starter_validates_and_runs(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "my.yaml"
    assert run(["profile", "init", str(path)]) == 0
    assert capsys.readouterr().out == f"wrote {path}; next: breakeven run {path}\n"
    assert run(["profile", "validate", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: ok\n"
    assert run(["run", str(path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "my-workload"


def test_every_commented_choice_of_the_starter_is_one(tmp_path: Path, capsys: Capture) -> None:
    assert run(["profile", "init", "-"]) == 0
    text = capsys.readouterr().out
    on = "".join(
        line.replace("# ", "", 1) if line.lstrip().startswith(("# -", "# peak", "# growth", "# sub", "# token_r", "# esc"))
        else line
        for line in text.splitlines(keepends=True)
    )  # fmt: skip
    assert on.count("\n") == text.count("\n") and on != text
    path = tmp_path / "all.yaml"
    path.write_text(on, encoding="utf-8")
    assert run(["profile", "validate", str(path)]) == 0
    assert run(["run", str(path), "--format", "json"]) == 0


def test_a_file_that_is_there_stays(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text("mine")
    for more in ([], ["--rfp"]):
        assert run(["profile", "init", str(path), *more]) == 2
        assert "already exists; choose another name, or --force" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert run(["profile", "init", str(path), "--force"]) == 0
    assert path.read_text() != "mine"


def test_validate_finds_every_problem_of_every_file(tmp_path: Path, capsys: Capture) -> None:
    one, two, three = (tmp_path / f"{name}.yaml" for name in ("one", "two", "three"))
    good = (
        "name: x\nworkload: {tokens_per_day: 1M, input_tokens: 10, output_tokens: 10}\napi: [openai/gpt-6.1-sol]\n"
        "self_host: {model: openai/gpt-oss-120b, supply: [{rent: h100-sxm}]}\n"
    )
    one.write_text(good.replace("1M", "-1M").replace("name: x", "nam: x"))
    two.write_text(
        good.replace("6.1-sol", "6.1-soul").replace("oss-120b", "oss-12b")
        .replace("[{rent: h100-sxm}]", "[{rent: h10-sxm, provider: lamda}, {own: hgx-h100-9, site: us-vb}]")
    )  # fmt: skip
    three.write_text("")
    assert run(["profile", "validate", *map(str, (one, two, three)), str(ROOT / "configs/reference.yaml")]) == 2
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == "" and len(lines) == 2 + 1 + 6 + 1
    for part in (
        "one.yaml:1:1: nam: is not a known key", "one.yaml:1:1: needs the key 'name'", "one.yaml:2:28",
        "two.yaml:3:7: api[0]: openai sells no model", "two.yaml:4:20: self_host.model: unknown open-weight model",
        "supply[0].rent: unknown accelerator", "supply[0].provider: unknown rental provider",
        "supply[1].own: unknown server", "supply[1].site: unknown site", "three.yaml: is empty",
    ):  # fmt: skip
        assert part in err


def test_validate_knows_an_overlay(tmp_path: Path, capsys: Capture) -> None:
    profile, overlay = tmp_path / "p.yaml", tmp_path / "acme.yaml"
    profile.write_text(
        "name: x\nworkload: {tokens_per_day: 1M, input_tokens: 10, output_tokens: 10}\napi: [openai/gpt-6.1-sol]\n"
        "self_host: {model: openai/gpt-oss-120b, supply: [{rent: h100-sxm, provider: acme}]}\n"
    )
    overlay.write_text(
        "kind: rental\nid: acme\nname: Acme\ntier: user\nprices:\n- {effective: 2026-11-01, accelerator: h100-sxm, "
        "term: on-demand, usd_per_gpu_hour: 2, source: {title: x, retrieved: 2026-11-01, kind: quote}}\n"
    )
    assert run(["profile", "validate", str(profile)]) == 2
    assert "unknown rental provider 'acme'" in capsys.readouterr().err
    assert run(["profile", "validate", str(profile), "--catalog", str(overlay)]) == 0


def test_every_config_validates(capsys: Capture) -> None:
    paths = sorted(str(path) for path in (ROOT / "configs").glob("*.yaml"))
    assert run(["profile", "validate", *paths]) == 0
    assert capsys.readouterr().out == "".join(f"{path}: ok\n" for path in paths)
