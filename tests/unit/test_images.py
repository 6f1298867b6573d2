"""A folder of images, a folder a class: what is read, in which order, and what is refused in one line."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from paralab.core import Array, Labelled, show
from paralab.errors import Refused
from paralab.named import Classes
from paralab.problems.images import images as problem_of
from paralab.readers import images
from paralab.record import log
from tests.conftest import Cli
from tests.known import PLAIN

KINDS = ("png", "jpg", "bmp", "gif", "tif", "webp", "ppm")


def paint(path: Path, value: int | tuple[int, int, int] = 0, size: tuple[int, int] = (8, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(value, int) else "RGB", size, value).save(path)
    return path


def folder(tmp_path: Path, each: int = 6) -> Path:
    """Dark images of one class, light ones of the other."""
    for place in range(each):
        paint(tmp_path / "set" / "dark" / f"{place}.png", 10 + place)
        paint(tmp_path / "set" / "light" / f"{place}.png", 200 + place)
    return tmp_path / "set"


def refused(path: Path, size: int = 4, colour: bool = False) -> str:
    with pytest.raises(Refused) as error:
        images.load(path, size, colour)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    return str(error.value)


def test_rows_are_pixels_in_the_order_of_names_and_classes_those_of_folders(tmp_path: Path) -> None:
    data = images.load(folder(tmp_path), 4, False)
    assert (data.inputs.shape, data.inputs.dtype, data.classes) == ((12, 16), np.float64, ("dark", "light"))
    assert list(data.inputs[:, 0]) == [*range(10, 16), *range(200, 206)]
    assert list(data.targets) == [0] * 6 + [1] * 6
    assert all(data.space.contains(row) for row in data.inputs)
    assert data.notices == ()
    assert "12 images" in data.source


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_by_its_bytes_whatever_its_name(kind: str, tmp_path: Path) -> None:
    for value, name in ((30, "a"), (220, "b")):
        paint(tmp_path / "set" / name / f"x.{kind}", (value, value, value))
    (tmp_path / "set" / "b" / f"x.{kind}").rename(tmp_path / "set" / "b" / "x.dat")
    data = images.load(tmp_path / "set", 2, True)
    assert data.inputs.shape == (2, 12)
    np.testing.assert_allclose(data.inputs, np.repeat([[30.0], [220.0]], 12, axis=1), atol=2)


def test_colour_grey_and_depth(tmp_path: Path) -> None:
    paint(tmp_path / "set" / "a" / "red.png", (255, 0, 0))
    deep = tmp_path / "set" / "b" / "deep.png"
    deep.parent.mkdir()
    Image.fromarray(np.full((8, 8), 32896, np.uint16)).save(deep)  # 128 of 255; Pillow alone would make it 255
    grey, colour = (images.load(tmp_path / "set", 2, each).inputs for each in (False, True))
    assert list(colour[0, :3]) == [255, 0, 0]
    assert grey[0, 0] == 76
    assert set(grey[1]) == set(colour[1]) == {128}
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(deep.with_suffix(".tif"))
    assert "deep.tif' has 32 bits a pixel" in refused(tmp_path / "set")


def test_it_is_read_once_until_a_file_changes_and_nobody_writes_into_it(tmp_path: Path) -> None:
    place = folder(tmp_path)
    first = images.load(place, 4, False)
    assert images.load(place, 4, False) is first
    with pytest.raises(ValueError, match="read-only"):
        first.inputs[0] = 0
    paint(place / "dark" / "0.png", 99)
    os.utime(place / "dark" / "0.png", ns=(1, 1))
    second = images.load(place, 4, False)
    assert second.inputs[0, 0] == 99
    assert second.digest != first.digest
    assert second.source != first.source


def test_train_and_test_folders_are_the_official_split(tmp_path: Path) -> None:
    for place in range(4):
        for kind, value in (("dark", 10), ("light", 200)):
            paint(tmp_path / "set" / "train" / kind / f"{place}.png", value + place)
            paint(tmp_path / "set" / "test" / kind / f"{place}.png", value + 20 + place)
    from dataclasses import replace

    problem = problem_of(str(tmp_path / "set"), 4, False, "accuracy", 10.0, replace(PLAIN, split="official"))
    tested = problem.indices["test"]
    data = images.load(tmp_path / "set", 4, False)
    assert data.classes == ("dark", "light")
    np.testing.assert_array_equal(np.sort(data.inputs[tested, 0]), [30, 31, 32, 33, 220, 221, 222, 223])
    shown = show(problem, Labelled)
    assert shown.task.outputs["label"] == Classes(["dark", "light"])  # type: ignore[index]
    assert shown.inputs.flags.writeable


def test_what_belongs_to_no_class_is_told(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (place / "README.txt").write_text("about")
    (place / ".DS_Store").write_bytes(b"x")
    (place / "dark" / "Thumbs.db").write_bytes(b"x")
    paint(place / "dark" / "wide.png", 3, (30, 10))
    for _ in range(2):  # read, and from memory
        with log.noting() as noted:
            problem_of(str(place), 4, False, "accuracy", 10.0, PLAIN)
    said = " ".join(" ".join(noted).split())
    assert said.count("README.txt") == 1
    assert "8 x 8 to 30 x 10 pixels are stretched" in said
    assert "13 images of 2 classes" in said


def broken(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few kB that says it has billions of pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9_999))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda place: (place / "dark" / "notes.txt").write_text("hello"), "notes.txt' is no image of a known kind"),
        (lambda place: (place / "dark" / "e.png").write_bytes(b""), "e.png' is no image of a known kind"),
        (lambda place: (place / "dark" / "b.png").write_bytes(bomb()), "b.png' unpacks to too many pixels"),
        (lambda place: (place / "dark" / "b.png").write_bytes(bomb(9000, 9000)), "9000 x 9000 pixels, at most"),
        (
            lambda place: (place / "dark" / "0.png").write_bytes(broken((place / "dark" / "0.png").read_bytes())),
            "dark/0.png' is",
        ),
        (lambda place: (place / "empty").mkdir(), "empty' holds no image: add some, or remove the folder"),
        (lambda place: paint(place / "dark" / "more" / "0.png"), "more' is a folder in a class"),
        (lambda place: paint(place / "loose.png"), "loose.png' is in no class"),
        (lambda place: (place / "dark" / "gone.png").symlink_to("/nowhere/x.png"), "gone.png' is a link out of"),
        (
            lambda place: (place / "dark" / "out.png").symlink_to(paint(place.parent / "o.png")),
            "out.png' is a link out",
        ),
        (lambda place: (place / "far").symlink_to(paint(place.parent / "far" / "o.png").parent), "link out of"),
        (lambda place: (place / "dark" / "loop.png").symlink_to("loop.png"), "loop.png' cannot be read"),
        (lambda place: os.mkfifo(place / "dark" / "pipe.png"), "pipe.png' is no file of at most 256 MB"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(spoil: Callable[[Path], object], said: str, tmp_path: Path) -> None:
    place = folder(tmp_path)
    spoil(place)
    assert said in refused(place)


def test_folders_that_are_no_data_set_are_refused(tmp_path: Path) -> None:
    assert "is no folder" in refused(tmp_path / "nope")
    assert "is no folder" in refused(paint(tmp_path / "a.png"))
    (tmp_path / "none").mkdir()
    assert "holds no folder of images" in refused(tmp_path / "none")
    paint(tmp_path / "one" / "cat" / "1.png")
    assert "holds one class, 'cat'" in refused(tmp_path / "one")
    place = folder(tmp_path)
    for size in (0, -1, 5000):
        assert f"problem.size={size}: pixels of an edge, 1 to 1024" in refused(place, size)


def test_more_than_memory_holds_is_refused_with_the_arithmetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "free_memory", lambda: 100_000)
    said = refused(folder(tmp_path), 100, True)
    assert "12 images x 100 x 100 pixels x 3 colours x 8 bytes x 2 copies = 0.0 GB" in said


def read(place: Path) -> tuple[Array | None, str]:
    try:
        return images.load(place, 2, True).inputs, ""
    except Refused as refusal:
        return None, str(refusal)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(KINDS), how=st.sampled_from(["cut", "flip", "random"]))
def test_damaged_bytes_are_read_or_refused_in_one_line(
    data: st.DataObject, kind: str, how: Literal["cut", "flip", "random"], tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "set", ignore_errors=True)
    target = paint(tmp_path / "set" / "a" / f"x.{kind}", (1, 2, 3))
    paint(tmp_path / "set" / "b" / "x.png", 9)
    whole = bytearray(target.read_bytes())
    if how == "cut":
        whole = whole[: data.draw(st.integers(0, len(whole) - 1))]
    elif how == "flip":
        for _ in range(data.draw(st.integers(1, 8))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    else:
        whole = bytearray(data.draw(st.binary(max_size=200)))
    target.write_bytes(whole)
    rows, said = read(tmp_path / "set")
    if rows is None:
        assert f"/x.{kind}'" in said
        assert "\n" not in said
        return
    assert rows.shape == (2, 12)
    assert rows.min() >= 0
    assert rows.max() <= 255


@pytest.mark.parametrize("trainer", ["supervised/logistic", "unsupervised/kmeans", "reinforcement/linucb"])
def test_every_paradigm_takes_them(trainer: str, tmp_path: Path, cli: Cli) -> None:
    place = folder(tmp_path, 12)
    code, out, err = cli(
        "train",
        "problem=images",
        f"problem.path={place}",
        "problem.size=6",
        f"trainer={trainer}",
        "budget.steps=1",
        "-q",
    )
    assert code == 0, err
    assert "test/accuracy" in out
