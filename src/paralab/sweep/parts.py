"""A grid's configs by their top-level nodes: each is made, resolved and identified once, however many runs share it.

A node is shared by all points that say the same of it, and its resolved value by all whose references lead to the same
nodes. OmegaConf makes, merges and resolves each of them, so that types, conversions and errors are its own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from enum import Enum
from math import isfinite
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.types import Override
from omegaconf import Container, DictConfig, Node, OmegaConf
from omegaconf._utils import split_key
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from paralab import device
from paralab.errors import Refused
from paralab.foreign import expanded
from paralab.record.identity import KEYS, config_id
from paralab.schema import Device
from paralab.sweep.nodes import Part, Parts, content_of, leads_to, part_of, stays_inside


class Frame:
    """What is made of one composed config without its hydra node; `trust` is for the ids."""

    def __init__(self, base: DictConfig, trust: Sequence[str]) -> None:
        self._live, self._trust = base, trust
        self._shown: Parts | None = None
        self.base: Parts = {key: self._part(node) for key, node in content_of(base).items()}
        self._made: dict[tuple[str, ...], Part | None] = {}
        self._set: dict[tuple[Part, object], Part] = {}
        self._values: dict[tuple[Part, ...], Any] = {}
        self._ids: dict[tuple[Part, ...], str] = {}

    def applied(self, overrides: Sequence[Override]) -> Parts:
        """The nodes with plain overrides applied in their order; raises what Hydra raises."""
        groups: dict[str, list[Override]] = {}
        for override in overrides:
            groups.setdefault(str(split_key(override.key_or_group)[0]), []).append(override)
        parts = dict(self.base)
        for key, group in groups.items():
            made = self._changed(key, group)
            if made is None:
                return self._whole(overrides)
            parts[key] = made
        return parts

    def _changed(self, key: str, overrides: Sequence[Override]) -> Part | None:
        """The node `key` after its overrides; None where they reach, or read, beyond it."""
        name = (key, *(override.input_line or "" for override in overrides))
        if name not in self._made:
            self._made[name] = self._change(key, overrides) if key in self.base else None
        return self._made[name]

    def _change(self, key: str, overrides: Sequence[Override]) -> Part | None:
        content = self._copied(key, self.base)
        for override in overrides:
            if not stays_inside(override, content[key]):
                return None
            ConfigLoaderImpl._apply_overrides_to_config([override], self._live)
        return self._part(content[key])

    def _whole(self, overrides: Sequence[Override]) -> Parts:
        self._show(self.base)
        made = copy.deepcopy(self._live)
        ConfigLoaderImpl._apply_overrides_to_config(list(overrides), made)
        return {key: self._part(node) for key, node in content_of(made).items()}

    def settled(self, parts: Parts) -> tuple[dict[str, Any], str]:
        """The config as plain values, and its id, which is the same for every seed.

        Steps left open stay so, but what follows them (a horizon) has the trainer's default; a device that is left to
        the machine is the one it has. Raises Refused.
        """
        try:
            wanted = self._value(parts["device"], parts)
            if wanted != Device.cpu.value:
                parts = {**parts, "device": self._with(parts, "device", Device(device.resolve(wanted)))}
            filled, is_open = self._filled(parts)
            plain = {key: self._value(part, filled) for key, part in filled.items()}
            if is_open:
                plain["budget"] = {**plain["budget"], "steps": None}
            return plain, self._id(parts)
        except MissingMandatoryValue as error:
            raise Refused(f"{error.full_key} is missing: give it a value") from error
        except OmegaConfBaseException as error:
            raise Refused(str(error).splitlines()[0]) from error
        except RecursionError as error:
            raise Refused("a reference of this config leads back to itself; write a value in its place") from error

    def _id(self, parts: Parts) -> str:
        group = tuple(part for key, part in parts.items() if key != "seed")
        if group not in self._ids:
            filled, _ = self._filled({**parts, "seed": self._with(parts, "seed", 0)})
            canonical = {key: self._value(filled[key], filled) for key in KEYS}
            for key, settled in (("trainer", "default_steps"), ("problem", "subject")):  # said elsewhere in it
                said = {name: value for name, value in canonical[key].items() if name != settled}
                canonical[key] = expanded(said, key, self._trust)
            self._ids[group] = config_id(canonical)
        return self._ids[group]

    def _filled(self, parts: Parts) -> tuple[Parts, bool]:
        """With the trainer's default where the steps are open, and whether they are."""
        self._show(parts)
        if self._live.budget.steps is not None:
            return parts, False
        default = self._live.trainer.get("default_steps")
        try:
            return {**parts, "budget": self._with(parts, "budget", default, "steps")}, True
        except OmegaConfBaseException as error:
            raise Refused(f"trainer.default_steps={default}: a whole number is needed") from error

    def _with(self, parts: Parts, key: str, value: object, inside: str | None = None) -> Part:
        """The node `key` with another value, or another value of what is `inside` it."""
        name = (parts[key], repr(value))
        if name not in self._set:
            content = self._copied(key, parts)
            if inside is None:
                self._live[key] = value
            else:
                self._live[key][inside] = value
            self._set[name] = self._part(content[key])
        return self._set[name]

    def _value(self, part: Part, parts: Parts) -> Any:
        """A node resolved, as plain values."""
        if part.stands_for and part.stands_for in parts:
            return self._value(parts[part.stands_for], parts)
        name = leads_to(part, parts)
        if name is None:
            return self._resolved(part, parts)
        if name not in self._values:
            self._values[name] = self._resolved(part, parts)
        return self._values[name]

    def _resolved(self, part: Part, parts: Parts) -> Any:
        if part.inside:
            return {key: self._value(each, parts) for key, each in part.inside.items()}
        self._show(parts)
        parent: Any = part.node._get_parent()
        value = parent[part.node._key()]
        if isinstance(value, Container):
            value = OmegaConf.to_container(value, resolve=True, throw_on_missing=True)
        return _plain(value, part.node._get_full_key(None))

    def _show(self, parts: Parts) -> None:
        """Let the live config consist of these nodes."""
        if parts is not self._shown:
            self._live.__dict__["_content"] = {key: part.node for key, part in parts.items()}
            self._shown = parts

    def _copied(self, key: str, parts: Parts) -> dict[str, Node]:
        """The live config's content, in which the node `key` may be changed."""
        self._show(parts)
        self._shown = None
        content = content_of(self._live)
        content[key] = copy.deepcopy(content[key])
        return content

    def _part(self, node: Node) -> Part:
        node._set_parent(self._live)
        return part_of(node)


def _plain(value: Any, where: str) -> Any:
    """Enums as their values; raises Refused for a number that JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _plain(each, f"{where}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, f"{where}[{place}]") for place, each in enumerate(value)]
    if isinstance(value, float) and not isfinite(value):
        raise Refused(f"{where}={value} is not a finite number; give one")
    return value.value if isinstance(value, Enum) else value
