"""The head at the base's number of tasks: what fewer, longer tasks would otherwise hide.

Tokens a day that stay as written while each request grows are fewer requests: without this, a doubled prompt would
look like a saving. Where the same key states the volume on both sides, its own change is taken at its word.
"""

from __future__ import annotations

from msgspec import Struct

from breakeven.profile.load import LoadedProfile, from_document
from breakeven.profile.workload import Workload
from breakeven.yamlio import Document

_VOLUMES = ("tokens_per_day", "requests_per_day", "tasks_per_day")


class SameTasks(Struct, frozen=True):
    """Why the head counts fewer tasks than the base, and how fewer can be said so that they are meant."""

    why: str
    fix: str


def at_the_bases_tasks(head: LoadedProfile, base: LoadedProfile) -> tuple[LoadedProfile, SameTasks] | None:
    """The head if it did as many tasks as the base; None where it already does."""
    before, after = base.profile.workload, head.profile.workload
    key = _volume_key(after)
    meant = _tasks_per_day(before)
    if key == _volume_key(before):
        meant *= getattr(after, key) / getattr(before, key)
    if _tasks_per_day(after) >= meant * (1.0 - 1e-9):
        return None
    tokens = meant * after.tokens_per_request * after.calls_per_task
    kept = {name: value for name, value in head.document.data["workload"].items() if name not in _VOLUMES}
    data = {**head.document.data, "workload": {**kept, "tokens_per_day": tokens}}
    return from_document(Document(data, head.path, head.document.node)), _said(before, after)


def _said(before: Workload, after: Workload) -> SameTasks:
    was, now = _volume_key(before), _volume_key(after)
    same_calls = before.calls_per_task == after.calls_per_task

    def counts_tasks(key: str) -> bool:
        return key == "tasks_per_day" or (key == "requests_per_day" and same_calls)

    why = "the volume stays as written, so a task that takes more tokens or calls shows as fewer tasks"
    if was != now:
        why = f"the base gives the volume as {was} and this change as {now}, so nothing says that fewer tasks are meant"
    if was != now and counts_tasks(was):
        return SameTasks(why, f"give the volume as {was}, as the base does, and say how many are expected")
    key = now if counts_tasks(now) else "tasks_per_day"
    per_day = _tasks_per_day(before) * (before.calls_per_task if key == "requests_per_day" else 1.0)
    return SameTasks(why, f"restate the base's volume first, in a change of its own ({key}: {per_day:.15g} is the same), and then say here as {key} how many are expected")


def _volume_key(workload: Workload) -> str:
    return next(key for key in _VOLUMES if getattr(workload, key) is not None)


def _tasks_per_day(workload: Workload) -> float:
    return workload.volume_tokens_per_day / (workload.tokens_per_request * workload.calls_per_task)
