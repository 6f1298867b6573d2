"""The experiment's README: question, command and finding between two markers; all else in it is its author's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paralab.errors import Refused
from paralab.record import files
from paralab.record.read import Run
from paralab.report.advice import rerun

if TYPE_CHECKING:
    from paralab.report.answer import Answer

BEGIN = "<!-- paralab report: begin (what stands between these markers is written anew) -->"
END = "<!-- paralab report: end -->"
MARKED = re.compile(rb"<!-- paralab report: begin\b[^\n]*?-->.*?<!-- paralab report: end -->", re.DOTALL)


def fill(root: Path, experiment: str, question: str, runs: Sequence[Run], answer: Answer | None) -> Path | None:
    """Write what was found into experiments/<name>/README.md; returns its path where it has the markers.

    A README without them is left as it is, a missing one is made; the same runs give the same bytes. Raises Refused
    where it cannot be written.
    """
    path = root / experiment / "README.md"
    block = marked(experiment, question, runs, answer)
    try:
        old = path.read_bytes() if path.exists() else None
        if old is None:
            new = f"# {title(experiment)}\n\n{block}\n".encode()
        elif len(MARKED.findall(old)) == 1:
            ends = b"\r\n" if b"\r\n" in old else b"\n"
            new = MARKED.sub(lambda found: block.encode().replace(b"\n", ends), old)
        else:
            return None
        if new != old:
            files.write(path, new)
    except OSError as error:
        raise Refused(
            f"{path} cannot be written ({error.strerror}); make it writable, or copy the experiment"
        ) from error
    return path


def marked(experiment: str, question: str, runs: Sequence[Run], answer: Answer | None) -> str:
    """The block with its markers; `answer` None: nothing can be said yet."""
    head, lines = (answer.head, answer.lines) if answer else ("Nothing yet.", ())
    paragraphs = [
        BEGIN,
        f"**Question.** {_plain(question)}" if question else "",
        f"**Command.** {_code(_command(experiment, runs))}, then {_code(f'paralab report {experiment}')}.",
        f"**Finding.** {_plain(head)}",
        "\n".join(f"- {_plain(line)}" for line in lines),
        END,
    ]
    return "\n\n".join(filter(None, paragraphs))


def title(experiment: str) -> str:
    return re.sub("[_-]+", " ", experiment).strip().capitalize() or experiment


def _command(experiment: str, runs: Sequence[Run]) -> str:
    """The experiment as a whole where it is one; else what most runs were started by."""
    whole = any(f"experiment={experiment}" in run.command for run in runs)
    return f"paralab train experiment={experiment}" if whole else rerun(experiment, runs)


def _code(text: str) -> str:
    """Longer fences than any in it; on one line."""
    line = " ".join(text.split()).replace("<!--", "<! --").replace("-->", "-- >")
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence, room = "`" * (longest + 1), " " * bool(longest)
    return f"{fence}{room}{line}{room}{fence}"


def _plain(text: str) -> str:
    """Names are data: nothing in one may become Markdown, HTML or a marker."""
    escaped = " ".join(text.split()).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([`*\[\]|])|(?<!\w)(_)|(_)(?!\w)", lambda found: f"\\{found[0]}", escaped)
