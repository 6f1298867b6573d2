"""A config's nodes and their references: which values a node's own depends on, and what an override can touch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hydra.core.override_parser.types import Override
from omegaconf import AnyNode, DictConfig, ListConfig, Node
from omegaconf._utils import split_key


@dataclass(frozen=True, eq=False)
class Part:
    """A node as one or many points have it: a top-level one, or one inside it."""

    node: Node
    refers: frozenset[str] | None  # the paths of its references; None: they cannot be told
    inside: Mapping[str, Part]  # of a mapping with references in it: its items
    stands_for: str | None  # ${scenario}: the top-level key whose value is its own


Parts = Mapping[str, Part]  # the top-level ones by their keys


def content_of(config: DictConfig) -> dict[str, Node]:
    """The nodes themselves: what a DictConfig hands out is copied, resolved or checked."""
    content: dict[str, Node] = config.__dict__["_content"]
    return content


def part_of(node: Node) -> Part:
    """A node, and where there are references in it those inside it."""
    refers = _references(node)
    inside: Mapping[str, Part] = {}
    if refers != frozenset() and isinstance(node, DictConfig) and isinstance(node.__dict__["_content"], dict):
        inside = {key: part_of(each) for key, each in content_of(node).items()}
    whole = re.fullmatch(r"\$\{(\w+)\}", str(node._value())) if isinstance(node, AnyNode) else None
    return Part(node, refers, inside, whole and whole[1])


def _references(node: Node) -> frozenset[str] | None:
    paths = {path for text in _texts(node) for path in re.findall(r"\$\{([^}]*)", text)}
    if any(path.startswith(".") or "$" in path for path in paths):  # from where it stands, or by a name itself referred
        return None
    return frozenset(paths)


def _texts(node: Node) -> list[str]:
    """All that is said by reference in a node."""
    content = node.__dict__.get("_content") if isinstance(node, DictConfig | ListConfig) else node._value()
    if isinstance(content, dict | list):
        return [text for each in (content.values() if isinstance(content, dict) else content) for text in _texts(each)]
    return [content] if isinstance(content, str) and "${" in content else []


def leads_to(part: Part, parts: Parts) -> tuple[Part, ...] | None:
    """A node and all that its references lead to; None where that cannot be told."""
    found = {part: None}
    ahead = [part]
    while ahead:
        refers = ahead.pop().refers
        if refers is None:
            return None
        for path in sorted(refers):
            target = _at(path, parts)
            if target is None:
                return None
            if target not in found:
                found[target] = None
                ahead.append(target)
    return tuple(found)


def _at(path: str, parts: Parts) -> Part | None:
    """The innermost node known that a path leads into."""
    top, *keys = split_key(path)
    part = parts.get(top)
    for key in keys:
        if part is None or not part.inside:
            break
        part = part.inside.get(key)
    return part


def stays_inside(override: Override, node: Node) -> bool:
    """Whether an override neither writes nor reads beyond its own top-level node: no reference stands on its way."""
    value = override.value()
    if "${" in str(value) if isinstance(value, dict | list) else override.is_delete() and value is not None:
        return False
    found: Node | None = node
    for key in split_key(override.key_or_group)[1:]:
        if isinstance(found, ListConfig) or found is None or found._is_interpolation():
            return found is None
        found = _child(found, key)
    return found is None or _merges_inside(value, found)


def _merges_inside(value: object, node: Node) -> bool:
    """Whether `value` takes the place of a node, or is merged into it, and meets no reference."""
    if isinstance(node, DictConfig | AnyNode) and node._is_interpolation():
        return False
    if not isinstance(value, dict):
        return True
    each_one = [(_child(node, key), each) for key, each in value.items()]
    return all(inside is None or _merges_inside(each, inside) for inside, each in each_one)


def _child(node: Node, key: object) -> Node | None:
    content = node.__dict__.get("_content")
    return content.get(key) if isinstance(content, dict) else None
