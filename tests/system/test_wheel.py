"""A wheel, installed elsewhere, works from any directory."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_works_elsewhere(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(REPO)]
    subprocess.run(build, check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert "paralab/conf/config.yaml" in names
    assert "hydra_plugins/paralab_sweeper.py" in names
    assert "hydra_plugins/__init__.py" not in names  # a namespace package
    assert not [name for name in names if name.startswith(("tests", "experiments", "conf/"))]

    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def python(*words: str) -> str:
        command = [sys.executable, *words]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=elsewhere, env=environment
        ).stdout

    assert python("-c", "import paralab; print(paralab.__file__)").startswith(str(site))
    assert "digits" in python("-m", "paralab", "list", "problems")
    assert "test/accuracy" in python("-m", "paralab", "train", "problem=iris", "trainer=supervised/logistic", "-q")
    assert "config_sources" not in python("-m", "paralab", "train", "--cfg", "job", "experiment=label_efficiency")
    assert sorted(path.name for path in elsewhere.iterdir()) == ["experiments"]  # no outputs/, no multirun/
