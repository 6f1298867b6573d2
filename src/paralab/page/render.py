"""Pages from templates: escaped by default, in one file that loads nothing from anywhere."""

from __future__ import annotations

from pathlib import Path

import jinja2

HERE = Path(__file__).parent


def render(folder: Path, template: str, context: dict[str, object]) -> str:
    """A template of `folder`, which may extend base.html and import pieces.html; raises where a value is missing."""
    loader = jinja2.FileSystemLoader([folder, HERE])
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(context)
