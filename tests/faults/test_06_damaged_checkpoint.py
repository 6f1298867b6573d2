"""Rows 6, 7 and 8. A newest checkpoint that is cut: the older one, with a warning. A flipped byte in a checkpoint or
a model: digest mismatch, the older one or refused. A checkpoint of another config, schema or library: refused, both
named.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from paralab.errors import Failed, Refused
from paralab.package.model import load_model
from paralab.record import checkpoint, files
from tests.faults.conftest import Warm
from tests.faults.left import only_run, outcome

WORDS = (
    "train",
    "problem=iris",
    "trainer=supervised/mlp",
    "budget.steps=6",
    "checkpoint_seconds=0",
    "select=true",
    "-q",
)
KILLED = {"kind": "snapshot", "at": 5, "delay": 0.05}
FLIPS = 25  # a file


@pytest.fixture
def cut(warm: Warm, tmp_path: Path) -> Path:
    """A run of 6 steps that was killed, with its newest two checkpoints."""
    assert warm(*WORDS, folder=tmp_path / "cut", fault={"kind": "kill", "at": 200}).code == -9
    return only_run(tmp_path / "cut")


def _newest(folder: Path) -> Path:
    return max((folder / "checkpoint").glob("step-*"))


@pytest.mark.parametrize("name", ["state.npz", "judge.json", "manifest.json", "last/mlp.safetensors"])
def test_the_newest_checkpoint_cut(name: str, cut: Path, warm: Warm, tmp_path: Path) -> None:
    """At a random length, none at all included; the run ends as if it never was."""
    newest = _newest(cut)
    older = int(min((cut / "checkpoint").glob("step-*")).name[5:])
    data = (newest / name).read_bytes()
    (newest / name).write_bytes(data[: np.random.default_rng(len(name)).integers(len(data))])
    done = warm(*WORDS, folder=tmp_path / "cut")
    assert done.code == 0, done.err
    log = (cut / "run.log").read_text()
    assert f"{newest.relative_to(tmp_path / 'cut')} is damaged" in log
    assert f"resumed from step {older} of 6" in log
    assert warm(*WORDS, folder=tmp_path / "whole").code == 0
    assert outcome(cut) == outcome(only_run(tmp_path / "whole"))


def test_every_byte_of_a_checkpoint_counts(cut: Path) -> None:
    newest, config_id = _newest(cut), cut.parent.name
    for path in sorted(path for path in newest.rglob("*") if path.is_file()):
        for place, same in _flipped(path):
            where = (path.relative_to(newest).as_posix(), place)
            found, refused, warned = _load(cut / "checkpoint", config_id)
            if refused:  # as of another config or version
                assert where[0] == "manifest.json", where
                assert "force=true" in refused, where
            elif same:  # a space for another
                continue
            else:
                assert found, where
                assert found.folder != newest, where
                assert "damaged" in warned, where


def _load(folder: Path, config_id: str) -> tuple[checkpoint.Checkpoint | None, str, str]:
    """The checkpoint, or why it is refused; and what is warned of."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            found, refused = checkpoint.load(folder, config_id), ""
        except Refused as error:
            found, refused = None, str(error)
    return found, refused, " ".join(str(each.message) for each in warned)


def test_every_byte_of_a_model_counts(warm: Warm, tmp_path: Path) -> None:
    assert warm(*WORDS, folder=tmp_path / "whole").code == 0
    model = only_run(tmp_path / "whole") / "model"
    for path in sorted(path for path in model.iterdir() if path.is_file()):
        for _, same in _flipped(path):
            if not same:
                with pytest.raises((Failed, Refused), match=r"^[^\n]*seed-0/model[^\n]*$"):
                    load_model(model)


def _flipped(path: Path) -> Iterator[tuple[int, bool]]:
    """At every n-th byte, with one of its bits flipped in the file: the place, and whether it still says the same."""
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // FLIPS)):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        yield place, path.name == "manifest.json" and _said(bytes(data)) == _said(whole)
    path.write_bytes(whole)


def _said(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


@pytest.mark.parametrize(
    "change",
    [{"config_id": "0123456789ab"}, {"format": 99}, {"versions": {"numpy": "0.1"}}],
    ids=lambda each: next(iter(each)),
)
def test_a_checkpoint_of_something_else(change: dict[str, object], cut: Path, warm: Warm, tmp_path: Path) -> None:
    for place in (cut / "checkpoint").glob("step-*"):
        whole = json.loads((place / "manifest.json").read_text())
        (place / "manifest.json").write_text(json.dumps({**whole, **change}))
    before = files.digests(cut / "checkpoint")
    done = warm(*WORDS, folder=tmp_path / "cut")
    assert done.code == 2
    key, theirs = next(iter(change.items()))
    assert f"{key} {theirs}, this is {whole[key]}" in done.line()
    assert "force=true" in done.line()
    assert files.digests(cut / "checkpoint") == before
    assert warm(*WORDS, "force=true", folder=tmp_path / "cut").code == 0
