"""What the self-test's sabotages are made of: a profile, a policy and a waiver."""

from __future__ import annotations

Case = tuple[str, int, list[str]]  # what it is, the exit code that it must end in, the command line

PROFILE = """\
name: self-test
workload: {requests_per_day: 33333, input_tokens: 1000, output_tokens: 500}
api: [{model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10}}]
self_host:
  model: openai/gpt-oss-120b
  throughput: {total_tok_per_s: 9000}
  supply: [{rent: h100-sxm, usd_per_gpu_hour: 9, gpus: 1}]
"""
POLICY = "version: 1\nsubject: headline-api\nrules:\n  cost_increase: {max_share: 1%}\n  budget_month: {max_usd: 9k}\n"
# A rise of 3 %: above the rule's 1 % and within the budget, so that nothing but the waived rule can refuse it.
LONGER = PROFILE.replace("input_tokens: 1000", "input_tokens: 1100")


def waiver(*, expires: str, max_share: str = "40%", scope: str = "self-test") -> str:
    """The policy's part that lets a rise pass."""
    return f"waivers: [{{id: w, rule: cost_increase, scope: {scope}, max_share: {max_share}, reason: because, owner: a, approver: b, expires: {expires}}}]\n"
