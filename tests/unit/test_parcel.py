"""Run folders as bytes: any tree comes out as it went in, nothing else comes out at all, nothing finished is lost."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paralab.errors import Failed
from paralab.record import files
from paralab.record.folder import SCORES
from paralab.sweep import parcel

# Any bytes that Linux takes for a name
LETTERS = st.binary(min_size=1, max_size=12).map(os.fsdecode)
NAMES = LETTERS.filter(lambda name: "/" not in name and "\0" not in name and name not in (".", ".."))
TREES = st.recursive(
    st.binary(max_size=40), lambda tree: st.dictionaries(NAMES, tree, max_size=4), max_leaves=12
).filter(lambda tree: isinstance(tree, dict))


def _write(place: Path, tree: dict[str, Any]) -> None:
    place.mkdir()
    for name, inside in tree.items():
        if isinstance(inside, bytes):
            (place / name).write_bytes(inside)
        else:
            _write(place / name, inside)


def _read(place: Path) -> dict[str, Any]:
    return {path.name: _read(path) if path.is_dir() else path.read_bytes() for path in place.iterdir()}


def _packed(contents: Any, data: bytes = b"") -> bytes:
    table = contents if isinstance(contents, bytes) else json.dumps(contents).encode()
    return len(table).to_bytes(parcel.HEAD, "big") + table + data


@settings(deadline=None, max_examples=40)  # disks differ
@given(tree=TREES)
def test_any_tree_comes_out_as_it_went_in(tree: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        there, here = Path(folder, "there"), Path(folder, "deep", "here")
        _write(there, tree)
        parcel.unpack(parcel.pack(there, ()), here)
        dots = {name for name in tree if name.startswith(".") and isinstance(tree[name], bytes)}
        assert _read(here) == {name: tree[name] for name in tree.keys() - dots}


def test_the_lock_stays(tmp_path: Path) -> None:
    _write(tmp_path / "run", {"lock.json": b"{}", ".lock.x": b"", "checkpoint": {"lock.json": b"1"}})
    parcel.unpack(parcel.pack(tmp_path / "run"), tmp_path / "there")
    assert _read(tmp_path / "there") == {"checkpoint": {"lock.json": b"1"}}


@pytest.mark.parametrize(
    "contents",
    [
        [["/etc/passwd", 1]], [["../x", 1]], [["a", None], ["a/../../x", 1]], [["a/./b", 1]], [["", 1]], [["a//b", 1]],
        [["a", 1], ["a", 0]], [["a", 1], ["a/b", 0]], [["a/b", 1]], [["a\0b", 1]],
        [["a", 2]], [["a", 0]], [["a", -1], ["b", 2]], [["a", 1.0]], [["a", True]], [["a", "1"]], [[7, 1]], [["a"]],
        [["a", parcel.LARGEST], ["b", 1]], {"a": 1}, 7, None, [7], [["\ud800", 1]], [["a" * 5000, 1]],
        b"[" * 100_000, b"\xff", b"", b"9" * 5000,
    ],
)  # fmt: skip
def test_what_no_driver_would_pack_is_refused_whole(contents: Any, tmp_path: Path) -> None:
    with pytest.raises(Failed):
        parcel.unpack(_packed(contents, b"x"), tmp_path / "outer" / "run")
    assert not (tmp_path / "outer" / "run").exists()
    assert not list(tmp_path.rglob("x"))


@settings(deadline=None, max_examples=40)  # disks differ
@given(cut=st.integers(0, 10_000), at=st.integers(0, 10_000), by=st.integers(1, 255))
def test_a_parcel_that_is_cut_or_changed_never_leaves_its_folder(cut: int, at: int, by: int) -> None:
    with TemporaryDirectory() as folder:
        run, here = Path(folder, "run"), Path(folder, "outer", "here")
        _write(run, {"a": {"b": b"123", "c": b""}, "d": b"4"})
        whole = bytearray(parcel.pack(run))
        with pytest.raises(Failed):
            parcel.unpack(bytes(whole[: cut % len(whole)]), here)
        assert not here.exists()
        whole[at % len(whole)] ^= by
        try:
            parcel.unpack(bytes(whole), here)
        except Failed:
            assert not here.exists()
        assert {path.name for path in Path(folder).iterdir()} <= {"run", "outer"}
        assert {path.name for path in Path(folder).glob("outer/*")} <= {"here"}


def test_links_and_other_things_do_not_travel(tmp_path: Path) -> None:
    for number, make in enumerate((lambda path: path.symlink_to("/etc"), lambda path: os.mkfifo(path))):
        place = tmp_path / str(number) / "model"
        place.mkdir(parents=True)
        make(place / "x")
        with pytest.raises(Failed, match="no plain file"):
            parcel.pack(place.parent)


def test_what_is_too_large_does_not_travel(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(parcel.LARGEST + 1)  # no bytes on disk
    with pytest.raises(Failed, match="cannot travel"):
        parcel.pack(tmp_path)


def _run(place: Path, mark: str, finished: bool = True) -> bytes:
    """A run's folder as a parcel, and gone."""
    place.mkdir(parents=True)
    (place / "history.jsonl").write_text(mark)
    said = {"history.jsonl": files.digest(place / "history.jsonl")}
    if finished:
        files.write_json(place / SCORES, {"test/accuracy": 1.0})
        said[SCORES] = files.digest(place / SCORES)
    files.write_json(place / "record.json", {"status": "finished" if finished else "interrupted", "files": said})
    data = parcel.pack(place)
    shutil.rmtree(place)
    return data


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A locked run's folder."""
    place = tmp_path / "runs" / "iris" / "seed-0"
    place.mkdir(parents=True)
    (place / "lock.json").write_text("mine")
    return place


def _marks(tmp_path: Path) -> list[str]:
    return sorted(path.read_text() for path in tmp_path.rglob("history.jsonl"))


def test_what_comes_home_replaces_what_broke_off_and_keeps_the_lock(tmp_path: Path, place: Path) -> None:
    parcel.arrive(_run(tmp_path / "x", "half", finished=False), place, anew=False)
    (place / "best").mkdir()
    parcel.arrive(_run(tmp_path / "x", "whole"), place, anew=False)
    assert {path.name for path in place.iterdir()} == {"history.jsonl", "record.json", SCORES, "lock.json"}
    assert (_marks(tmp_path), (place / "lock.json").read_text()) == (["whole"], "mine")
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_finished_run_is_never_replaced_but_set_aside_where_it_was_to_be_trained_anew(
    tmp_path: Path, place: Path
) -> None:
    parcel.arrive(_run(tmp_path / "x", "first"), place, anew=False)
    parcel.arrive(_run(tmp_path / "x", "second"), place, anew=False)
    assert _marks(tmp_path) == ["first"]
    parcel.arrive(_run(tmp_path / "x", "third"), place, anew=True)
    assert ((place / "history.jsonl").read_text(), _marks(tmp_path)) == ("third", ["first", "third"])


def test_a_run_that_never_began_replaces_none(tmp_path: Path, place: Path) -> None:
    parcel.arrive(_run(tmp_path / "x", "first"), place, anew=False)
    parcel.arrive(_packed([["run.log", 1]], b"x"), place, anew=True)
    assert _marks(tmp_path) == ["first"]
    assert (place / SCORES).exists()


@pytest.mark.parametrize("name", ["history.jsonl", SCORES, "more"])
def test_a_run_that_comes_home_damaged_changes_nothing(tmp_path: Path, place: Path, name: str) -> None:
    parcel.arrive(_run(tmp_path / "x", "half", finished=False), place, anew=False)
    parcel.unpack(_run(tmp_path / "x", "whole"), tmp_path / "y")
    (tmp_path / "y" / name).write_text("{}")
    with pytest.raises(Failed, match=name):
        parcel.arrive(parcel.pack(tmp_path / "y"), place, anew=True)
    assert ((place / "history.jsonl").read_text(), (place / SCORES).exists()) == ("half", False)
    with pytest.raises(Failed, match="no record"):
        parcel.arrive(_packed([[SCORES, 2]], b"{}"), place, anew=False)


def test_a_driver_killed_between_two_renames_loses_nothing(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcel.arrive(_run(tmp_path / "x", "half", finished=False), place, anew=False)
    whole, rename = _run(tmp_path / "x", "whole"), Path.rename

    def killed(path: Path, to: Path) -> Path:
        if path.name.endswith(".coming"):
            raise KeyboardInterrupt
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", killed)
    monkeypatch.setattr(shutil, "rmtree", lambda path, ignore_errors=False: None)  # nothing is done after a kill
    with pytest.raises(KeyboardInterrupt):
        parcel.arrive(whole, place, anew=False)
    assert not place.exists()
    monkeypatch.undo()
    parcel.settle(place)
    assert ((place / "history.jsonl").read_text(), (place / SCORES).is_file()) == ("whole", True)
    parcel.settle(place)
