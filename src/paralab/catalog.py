"""Which configs exist, found by walking conf folders: `paralab list` must not wait for Hydra."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from paralab.errors import Refused


def folders(config_dir: Path | None = None) -> list[Path]:
    """Our own conf (inside the wheel, or beside src), the user's ./conf, then `config_dir`; Refused if not there."""
    if config_dir is not None and not config_dir.is_dir():
        raise Refused(f"--config-dir {config_dir}: there is no such folder")
    package = Path(__file__).parent
    own = next(path for path in (package / "conf", package.parents[1] / "conf") if (path / "config.yaml").is_file())
    found = [own, Path.cwd() / "conf", *([config_dir.absolute()] if config_dir else [])]
    return [
        path for place, path in enumerate(found) if path.is_dir() and path.resolve() not in _resolved(found[:place])
    ]


def names(group: str, paths: Iterable[Path]) -> list[str]:
    """The choices of a config group, sub-folders included: ["reinforcement/ppo", "supervised/mlp", ...]."""
    inside = [path / group for path in paths]
    return sorted({
        str(file.relative_to(folder).with_suffix("")) for folder in inside for file in folder.rglob("*.yaml")
    })  # fmt: skip


def _resolved(paths: list[Path]) -> set[Path]:
    return {path.resolve() for path in paths}
