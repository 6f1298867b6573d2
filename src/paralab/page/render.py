"""Pages from templates: escaped by default, in one file that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

HERE = Path(__file__).parent


def render(folder: Path, template: str, context: dict[str, object]) -> str:
    """A template of `folder`, which may extend base.html and import pieces.html; raises where a value is missing."""
    return _environment(folder).get_template(template).render(context)


@cache
def _environment(folder: Path) -> jinja2.Environment:
    """`script` is the one script a page may run: its policy names that text's digest and no other."""
    loader = jinja2.FileSystemLoader([folder, HERE])
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = (HERE / "tables.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.globals["script"] = Markup(script)
    environment.globals["policy"] = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}';"
        " base-uri 'none'; form-action 'none'"
    )
    return environment
