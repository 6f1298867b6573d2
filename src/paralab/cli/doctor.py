"""`paralab doctor`."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from paralab.cli.health import Package

WIDTH = 80


def doctor(
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    deep: Annotated[bool, typer.Option("--deep", help="Also import torch and ask it, which takes seconds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Say what is installed, what the machine has, and what is wrong.

    Example: paralab doctor --deep

    The exit code is 1 where something is wrong; each line of what is wrong ends with its remedy.
    """
    from paralab.catalog import folders
    from paralab.cli import health

    needs, disk, cards, paths = health.packages(), health.disk(root), health.gpus(), folders()
    facts: dict[str, Any] = {
        "paralab": {"version": health.installed("paralab"), "folder": str(Path(health.__file__).parents[1])},
        **health.machine(),
        "packages": {each.name: _package(each) for each in needs if not each.extra},
        "extras": _extras(needs),
        "cores": health.cores(),
        "memory_gib": health.memory(),
        "threads": health.threads(),
        "disk": {"place": str(disk.place), "free_gib": disk.free, "error": disk.error},
        "gpus": cards,
        "conf": [str(path) for path in paths],
        "git": health.git(),
        "clock": health.clock(),
        **({"torch": health.torch_says()} if deep else {}),
        "worth_knowing": [*health.worth_knowing(needs, cards)],
        "wrong": [*health.wrong(needs, disk, paths)],
    }
    if as_json:
        import json

        print(json.dumps(facts, indent=1))
    else:
        print("\n".join(_lines(facts)))
    raise typer.Exit(1 if facts["wrong"] else 0)


def _package(each: Package) -> dict[str, object]:
    return {"installed": each.has, "needs": each.needs, "ok": each.ok}


def _extras(needs: list[Package]) -> dict[str, dict[str, object]]:
    names = dict.fromkeys(each.extra for each in needs if each.extra)
    return {name: {each.name: _package(each) for each in needs if each.extra == name} for name in names}


def _lines(facts: dict[str, Any]) -> list[str]:
    """The facts for a reader, 80 columns wide."""
    own, disk, git, clock = (facts[name] for name in ("paralab", "disk", "git", "clock"))
    lines = [
        _line("paralab", f"{own['version']} in {own['folder']}"),
        _line("python", f"{facts['python']}, {facts['executable']}"),
        _line("system", facts["system"]),
        _line("packages", ", ".join(_said(name, each) for name, each in facts["packages"].items())),
    ]
    for name, adds in facts["extras"].items():
        there = all(each["installed"] for each in adds.values())
        remedy = "" if there else f": pip install 'paralab[{name}]'"
        lines.append(_line(f"+ {name}", ", ".join(_said(*each) for each in adds.items()) + remedy))
    return [
        *lines,
        _line("cores", _cores(facts["cores"])),
        _line("memory", _memory(facts["memory_gib"])),
        _line("threads", ", ".join(f"{name}={value}" for name, value in facts["threads"].items() if value) or "unset"),
        _line("disk", f"{disk['free_gib']:.1f} GiB free, {'not ' * bool(disk['error'])}writable: {disk['place']}"),
        _line("gpu", ", ".join(facts["gpus"]) or "none"),
        *([_line("torch", _torch(facts["torch"]))] if "torch" in facts else []),
        *(_line("conf" * (place == 0), path) for place, path in enumerate(facts["conf"])),
        _line("git", _git(git) if git else "none"),
        _line("clock", f"{clock['now']} {clock['zone']}"),
        *(fill(each, WIDTH, initial_indent="Note: ", subsequent_indent="  ") for each in facts["worth_knowing"]),
        *(fill(each, WIDTH, initial_indent="Wrong: ", subsequent_indent="  ") for each in facts["wrong"]),
        *(["Nothing is wrong."] if not facts["wrong"] else []),
    ]


def _line(name: str, said: str) -> str:
    lead, rest = f"{name:<14}", " " * 14
    return fill(
        said, WIDTH, initial_indent=lead, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _said(name: str, package: dict[str, Any]) -> str:
    if not package["installed"]:
        return f"{name} (not there)"
    return f"{name} {package['installed']}" + ("" if package["ok"] else f" (needs {package['needs']})")


def _cores(said: dict[str, Any]) -> str:
    granted = "" if said["granted"] is None else f", {said['granted']:g} granted to this container"
    return f"{said['usable']} usable of {said['machine']}{granted}"


def _memory(said: dict[str, Any]) -> str:
    free = "" if said["free"] is None else f", {said['free']:.1f} free"
    granted = "" if said["granted"] is None else f", {said['granted']:.1f} granted to this container"
    return f"{said['machine']:.1f} GiB{free}{granted}"


def _torch(said: dict[str, Any]) -> str:
    devices = ", ".join(said["devices"]) or "no CUDA device"
    return f"{said['version']}, CUDA {said['cuda']}, {devices}, {said['threads']} threads"


def _git(said: dict[str, str]) -> str:
    return said["version"] + (f", commit {said['commit']}" if "commit" in said else ", no repository here")
