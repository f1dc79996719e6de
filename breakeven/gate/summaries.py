"""Each rule in one line, for the surfaces that describe rules."""

from __future__ import annotations

SUMMARIES = {
    "cost_increase": "A change may not raise the monthly cost beyond the tolerance.",
    "market_increase": "Prices and other facts may not raise the monthly cost beyond the tolerance.",
    "budget_month": "The monthly cost stays within its budget.",
    "budget_mtok": "The cost per million tokens stays within its budget.",
    "budget_task": "The cost per task stays within its budget.",
    "budget_crossed": "A change may not cross the monthly budget from below.",
    "verdict_flipped": "A change that turns the verdict is reviewed.",
    "near_crossover": "The volume keeps its distance from a crossover.",
    "crossing_within": "No crossover is near at the current growth.",
    "stale_fact": "Facts in use are recent enough.",
    "unsourced_assumption": "Every number that matters says where it comes from.",
    "unsourced_saving": "A saving rests on numbers that say where they come from.",
    "probability": "The cheaper offer is the cheapest with enough probability.",
    "infeasible": "Every offer can serve within its capacity and latency.",
    "new_profile": "A profile without a base is approved before it lands.",
    "facts_moved_back": "A change may not fall back to older facts than its base.",
    "stale_branch": "What the base changed since is merged before a change is judged.",
    "left_unchecked": "A profile does not move to where the check does not look.",
    "lock_drift": "Facts are as they were locked.",
    "waiver_expiry": "Waivers end, and are renewed in time.",
}
