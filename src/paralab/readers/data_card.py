"""A data card in Markdown: the facts that were measured, and the questions that only the data's owner can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

QUESTIONS = (
    "Where do the rows come from, who collected them, when and why?",
    "What is one row, and how were rows chosen?",
    "Who said what the answer is, and how sure is it?",
    "Which columns are known only after the answer is?",
    "Does it hold personal data, and under which licence may it be used?",
)


def data_card(
    title: str,
    facts: Mapping[str, str],
    columns: Sequence[tuple[str, str, str, str]],
    warnings: Sequence[str],
    notices: Sequence[str],
) -> str:
    """Columns are (name, kind, missing, what it holds)."""
    lines = [f"# {_plain(title)}", "", *(f"- {name}: {_plain(value)}" for name, value in facts.items())]
    lines += ["", "## Columns", "", "| column | kind | missing | what it holds |", "|---|---|---:|---|"]
    lines += [f"| {' | '.join(map(_plain, row))} |" for row in columns]
    for heading, said in (("What looks wrong", warnings), ("How it was read", notices)):
        lines += ["", f"## {heading}", "", *([f"- {_plain(each)}" for each in said] or ["Nothing."])]
    lines += ["", "## To be told by its owner", "", *(f"- {each}" for each in QUESTIONS)]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    for mark in "\\`*_[]<>|":
        shown = shown.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return shown
