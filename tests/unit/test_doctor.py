"""The doctor tells what is there without heavy imports, and what is wrong with its remedy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from paralab.cli import health
from paralab.cli.health import Disk, Package
from tests.conftest import Cli

GOOD = Package("numpy", ">=2", "2.3.1", "")
DISK = Disk(Path("place"), 50.0, None, 0.0)


def wrong(needs: list[Package] | None = None, disk: Disk = DISK, paths: list[Path] | None = None) -> list[str]:
    return list(health.wrong([GOOD] if needs is None else needs, disk, paths or [Path("none")]))


def test_it_tells_the_facts_and_leaves_nothing(cli: Cli) -> None:
    code, out, err = cli("doctor", "--json")
    said = json.loads(out)
    assert (code, err) == (0, ""), said["wrong"]
    assert not list(Path.cwd().iterdir())
    assert said["packages"]["numpy"]["ok"]
    for extra, name in {"datasets": "mlxtend", "ray": "ray", "slurm": "submitit", "tune": "optuna"}.items():
        assert name in said["extras"][extra]
    assert said["cores"]["usable"] >= 1
    assert said["memory_gib"]["machine"] > 0
    assert said["disk"] == {"place": str(Path.cwd()), "free_gib": said["disk"]["free_gib"], "error": None}
    assert said["wrong"] == []


def test_it_reads_well_at_80_columns(cli: Cli) -> None:
    code, out, _ = cli("doctor")
    assert code == 0
    assert out.endswith("Nothing is wrong.\n")
    whole = [line for line in out.splitlines() if "/" not in line]  # a path is never broken
    assert max(map(len, whole)) <= 80
    for name in ("paralab", "python", "packages", "+ datasets", "cores", "memory", "threads", "disk", "gpu", "clock"):
        assert f"\n{name:<12}" in f"\n{out}"


def test_it_imports_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['paralab', 'doctor', '--json']; from paralab.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'sklearn', 'gymnasium', 'hydra', 'numpy', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_deep_asks_torch(cli: Cli) -> None:
    import torch

    said = json.loads(cli("doctor", "--deep", "--json")[1])
    assert said["torch"]["version"] == torch.__version__
    assert "torch " in cli("doctor", "--deep")[1]


def test_a_sound_machine_has_nothing_wrong() -> None:
    assert wrong() == []


@pytest.mark.parametrize(
    ("package", "says"),
    [
        (Package("numpy", ">=2.3", None, ""), "numpy is missing, >=2.3 is needed: pip install 'numpy>=2.3'"),
        (Package("numpy", ">=2.3", "2.1", ""), "numpy 2.1 is there, >=2.3 is needed: pip install 'numpy>=2.3'"),
        (Package("x", "", None, ""), "x is missing, any version is needed: pip install 'x'"),
        (Package("x", "==1", "2", "rl"), "x 2 is there, ==1 is needed for the extra rl: pip install 'paralab[rl]'"),
    ],
)
def test_a_package_that_is_not_as_needed(package: Package, says: str) -> None:
    assert wrong([GOOD, package]) == [says]


@pytest.mark.parametrize("package", [Package("x", ">=1", None, "rl"), Package("x", "", "3.0rc1", "")])
def test_what_only_an_extra_would_add_is_not_wrong(package: Package) -> None:
    assert wrong([GOOD, package]) == []


def test_missing_metadata_is_said() -> None:
    assert "not installed" in wrong([])[0]


@pytest.mark.parametrize(
    ("disk", "says"),
    [
        (
            Disk(Path("p"), 50, "Read-only file system", 0),
            "p cannot be written (Read-only file system): work in another",
        ),
        (Disk(Path("p"), 0.2, None, 0), "p has 0.20 GiB left: free some, or give root=DIR to train"),
        (Disk(Path("p"), 50, None, -90), "the clock of p is -90 s from this machine's"),
    ],
)
def test_a_disk_that_will_not_do(disk: Disk, says: str) -> None:
    (line,) = wrong(disk=disk)
    assert line.startswith(says)


def test_a_full_disk_is_exit_one_and_in_both_outputs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10, 10, 0))
    code, out, _ = cli("doctor")
    assert code == 1
    assert "Wrong: " in out
    assert "Nothing is wrong" not in out
    code, out, _ = cli("doctor", "--json")
    assert code == 1
    assert len(json.loads(out)["wrong"]) == 1


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_found_by_trying(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    assert health.disk(tmp_path / "closed" / "experiments").error == "Permission denied"


def test_a_write_that_fails_is_found_by_trying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert health.disk(tmp_path).error == "No space left on device"
    assert not list(tmp_path.iterdir())


def test_a_yaml_that_ours_hides_is_said(cli: Cli) -> None:
    for name in ("problem/iris", "problem/own", "executor/local"):
        (Path("conf") / name).parent.mkdir(parents=True, exist_ok=True)
        (Path("conf") / f"{name}.yaml").write_text("a: 1\n")
    code, out, _ = cli("doctor", "--json")
    assert code == 1
    lines = json.loads(out)["wrong"]
    for name, line in zip(("problem/iris", "executor/local"), lines, strict=True):
        assert line.endswith(f"conf/{name}.yaml is never read, paralab has one of that name: rename it")


@pytest.mark.parametrize(
    ("torch", "cards", "said"), [("2.13.0+cpu", ["H100"], 1), ("2.13.0", ["H100"], 0), ("2.13.0+cpu", [], 0)]
)
def test_a_gpu_that_torch_cannot_use_is_worth_knowing(torch: str, cards: list[str], said: int) -> None:
    notes = [each for each in health.worth_knowing([Package("torch", "", torch, "")], cards) if "GPU" in each]
    assert len(notes) == said


@pytest.mark.parametrize(("submitit", "said"), [(None, 1), ("1.5.4", 0)])
def test_slurm_that_nothing_here_speaks_to_is_worth_knowing(
    submitit: str | None, said: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    notes = health.worth_knowing([Package("submitit", "", submitit, "slurm")], [])
    assert len([each for each in notes if "pip install 'paralab[slurm]'" in each]) == said


def test_gpus_are_told_by_nvidia_smi_unless_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for body, found in (("echo 'H100, 81559 MiB'", ["H100, 81559 MiB"]), ("exit 9", []), ("exec sleep 9", [])):
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))
        assert health.gpus() == found


def test_extras_come_from_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        metadata: Any = type("M", (), {"get_all": staticmethod(lambda key: ["rl", "more"])})
        requires = (
            'numpy>=1', 'nothere-x>=2; extra == "rl"', 'numpy; extra == "more"', 'old; python_version < "3"',
        )  # fmt: skip

    monkeypatch.setattr(health, "distribution", lambda name: Fake)
    found = {(each.name, each.extra): each.has is not None for each in health.packages()}
    assert found == {("numpy", ""): True, ("nothere-x", "rl"): False, ("numpy", "more"): True}
