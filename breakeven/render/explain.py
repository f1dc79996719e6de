"""The explanation of a figure as a terminal tree, Markdown or JSON."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from breakeven.compare.explain_node import Node, formula_of
from breakeven.render.json_result import dumps, plain_data
from breakeven.render.markdown import escape
from breakeven.render.registry import Options
from breakeven.render.text import plain

EXPLAIN_FORMATS = ("tree", "md", "json")


def render_explain(name: str, nodes: Sequence[Node], options: Options) -> str:
    """Nodes in one of ``EXPLAIN_FORMATS``."""
    if name == "json":
        return dumps([_object(node) for node in nodes])
    if name == "md":
        return "\n".join(line for node in nodes for line in _markdown(node, 0)) + "\n"
    return _tree(nodes, options)


def _value(node: Node) -> str:
    if node.value is None:
        return "" if node.unit == "" else "unknown"
    text = f"{node.value:.10g}" if isinstance(node.value, float) else str(node.value)
    return f"{text} {node.unit}".strip()


def _head(node: Node) -> str:
    parts = [node.title]
    if _value(node):
        parts.append(f"= {_value(node)}")
    if node.working:
        parts.append(f"= {node.working}")
    if node.origin:
        parts.append(f"  <- {node.origin}")
    return " ".join(parts)


def _rule(node: Node) -> str:
    """The equation's id and formula, for a line of its own; empty where there is none."""
    formula = formula_of(node)
    return f"[{node.equation}] {formula}" if formula else ""


def _object(node: Node) -> dict[str, Any]:
    return {
        "id": node.id, "title": node.title, "value": plain_data(node.value), "unit": node.unit,
        "equation": node.equation, "formula": formula_of(node), "working": node.working, "origin": node.origin,
        "children": [_object(child) for child in node.children],
    }  # fmt: skip


def _markdown(node: Node, depth: int) -> list[str]:
    lines = [f"{'  ' * depth}- {escape(_head(node))}"]
    if _rule(node):
        lines[0] += f"<br>{escape(_rule(node))}"
    for child in node.children:
        lines += _markdown(child, depth + 1)
    return lines


def _tree(nodes: Sequence[Node], options: Options) -> str:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    stream = io.StringIO()
    console = Console(
        file=stream, width=options.width, force_terminal=options.colour, no_color=not options.colour,
        color_system="standard" if options.colour else None, highlight=False, markup=False, emoji=False, _environ={},
    )  # fmt: skip

    def add(parent: Tree | None, node: Node) -> Tree:
        label = Text(plain(_head(node), limit=600))
        if _rule(node):
            label.append("\n" + plain(_rule(node)), style="dim")
        branch = Tree(label) if parent is None else parent.add(label)
        for child in node.children:
            add(branch, child)
        return branch

    for node in nodes:
        console.print(add(None, node))
        console.print()
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n"))
