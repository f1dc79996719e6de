"""Throughputs that stay as they are written while the machines below them shrink, or their requests grow."""

from __future__ import annotations

import json
import re

import pytest

from tests.gate.bench import PROFILE
from tests.gate.scene import OWN, Scene

RENTED = PROFILE.replace("usd_per_gpu_hour: 12, gpus: 1", "provider: lambda, gpus: 8")
SOURCED = RENTED.replace("9000", "9000, source: run of May")
REQUESTS = RENTED.replace("total_tok_per_s: 9000", "requests_per_s: 0.5")
L4 = RENTED.replace("rent: h100-sxm, provider: lambda", "rent: l4, provider: median")
SMALL = RENTED.replace("gpus: 8", "gpus: 2").replace("33333", "4M").replace("openai/gpt-oss-120b", "meta-llama/Llama-3.1-8B-Instruct")
LARGE = SMALL.replace("Llama-3.1-8B", "Llama-3.3-70B")
RELAXED = SMALL.replace("api:", "latency: {tpot_ms: 100}\napi:")
ANOTHER = "self_host.throughput, which the base says of another"
OF_ONE = "self_host.throughput, said of 8 gpus at the base and of 1 here"


def said(scene: Scene, base: str, head: str, capsys: pytest.CaptureFixture[str], policy: str = OWN) -> list[str]:
    assert base != head
    scene.base({"breakeven.policy.yaml": policy, "chat.yaml": base})
    scene.write({"chat.yaml": head})
    capsys.readouterr()
    assert scene.check("-f", "json") == 0
    return [item["message"] for item in json.loads(capsys.readouterr().out)["findings"] if item["rule"] == "unsourced_saving"]


@pytest.mark.parametrize(("base", "head", "message"), [
    (RENTED, RENTED.replace("gpus: 8", "gpus: 1"), f"$20,170 a month less (throughput) rests on {OF_ONE}, which no source bears out"),
    (RENTED, RENTED.replace("gpus: 8", "gpus: 1").replace("9000", "8999"), f"$20,170 a month less (throughput) rests on {OF_ONE}, which no source bears out"),
    (SOURCED, SOURCED.replace("gpus: 8", "gpus: 1"), f"$20,170 a month less (throughput) rests on {OF_ONE}, which no source bears out"),
    (RENTED, RENTED.replace(", gpus: 8", ""), "$20,170 a month less (throughput) rests on self_host.throughput, said of 8 gpus at the base and of an unsaid number here, which no source bears out"),
    (RENTED, L4, "$17,592 a month less (hardware price) rests on self_host.throughput, said here of l4 too, which is new here and has no source"),
    (REQUESTS, REQUESTS.replace("input_tokens: 1000", "input_tokens: 3000"),
     "$23,302 a month less (throughput) rests on self_host.throughput, said of requests of 1000 + 500 tokens at the base and of 3000 + 500 here, which no source bears out"),
    (SMALL, LARGE, f"$N a month less (throughput) rests on {ANOTHER} self_host.model, which no source bears out"),
    (RELAXED, RELAXED.replace("tpot_ms: 100", "tpot_ms: 8"), f"$N a month less (throughput) rests on {ANOTHER} latency, which no source bears out"),
    (SMALL, SMALL.replace("api:", "latency: {tpot_ms: 0.01}\napi:"), f"what it would cost (throughput) is unknown without {ANOTHER} latency, which no source bears out"),
], ids=["fewer GPUs", "and another rate", "an old source", "none said", "another machine", "longer requests", "a larger model", "a shorter latency", "no estimate"])  # fmt: skip
def test_a_rate_of_other_machines_or_requests_is_named(scene: Scene, base: str, head: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(scene, base, head, capsys)
    # What the calibrated model takes back moves with the calibration: some amount, whatever it is.
    asked = [re.sub(r"^\$[\d,]{4,} a month", "$N a month", item) for item in found] if message.startswith("$N") else found
    assert message in asked
    # A rate that is new itself is named too, where it saves.
    assert all("self_host.throughput" in item for item in found)


@pytest.mark.parametrize(("base", "head"), [
    (RENTED, SOURCED.replace("gpus: 8", "gpus: 1")), (SOURCED, SOURCED.replace("gpus: 8", "gpus: 1").replace("May", "June")),
    (RENTED, L4.replace("gpus: 8", "gpus: 8, throughput: {total_tok_per_s: 9000, source: run of May}")),
    (REQUESTS, REQUESTS.replace("input_tokens: 1000", "input_tokens: 3000").replace("0.5", "0.5, source: run of May")),
    (REQUESTS, REQUESTS.replace("requests_per_s: 0.5", "total_tok_per_s: 750")), (RENTED, RENTED.replace("gpus: 8", "gpus: 8.0")),
    (RENTED, RENTED.replace("provider: lambda", "provider: median")), (RENTED, RENTED + "    - {rent: l4, provider: median, gpus: 1}\n"),
    (RENTED, RENTED.replace("total_tok_per_s: 9000", "total_tok_per_s: 9000, source: run of May")), (LARGE, SMALL),
    (SMALL, LARGE.replace("9000", "9000, source: run of May")), (RELAXED.replace("tpot_ms: 100", "tpot_ms: 8"), RELAXED),
    (RELAXED.replace("tpot_ms: 100", "tpot_ms: 0.01"), RELAXED.replace("tpot_ms: 100", "tpot_ms: 0.010ms")),
], ids=["with a source", "with a new one", "a rate of its own", "the advice for requests", "the same in tokens", "written otherwise", "another provider", "a candidate more", "only a source",
        "a smaller model", "a larger one with a source", "a longer latency", "a latency written otherwise"])  # fmt: skip
def test_what_a_source_bears_out_or_saves_nothing_is_not_named(scene: Scene, base: str, head: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(scene, base, head, capsys) == []


def test_a_candidate_that_saves_by_a_rate_of_other_machines_is_named(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    policy = OWN.replace("headline-self-host", "cheapest")
    (message,) = said(scene, RENTED, RENTED + "    - {rent: l4, provider: median, gpus: 1}\n", capsys, policy)
    assert "rests on self_host.throughput, said here of l4 too" in message
