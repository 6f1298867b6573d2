"""A folder of small images, a folder a class, as rows of pixels.

    DIR/cat/1.png  DIR/dog/1.jpg ...      or      DIR/train/cat/1.png ...  DIR/test/cat/9.png ...  for split=official

The first frame of each image is turned as its camera was held, its transparency dropped, made grey or colour, and
stretched to a square; 16-bit grey is brought down to 8. What a file is, its bytes say, not its name.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from os.path import realpath
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

import numpy as np
from gymnasium.spaces import Box

from paralab.core import Array
from paralab.datasets.dataset import Dataset
from paralab.errors import Refused
from paralab.readers.kinds import listed, quoted
from paralab.readers.opening import free_memory

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MOST_PIXELS = 2**26  # of one image as stored, 200 MB in colour; a bomb of a few kB unpacks to any number
MOST_BYTES = 2**28  # of one file
MOST_EDGE = 1024  # pixels, as resized
COPIES = 2  # the rows, and those a trainer is shown
PARTS = {"train", "test"}


@dataclass(frozen=True)
class Found:
    """A file, what it shows, and how it was when it was found: a key of the cache."""

    path: Path
    kind: str  # the class
    tested: bool  # below test/
    size: int  # bytes
    changed: int  # nanoseconds


def load(path: Path, size: int, colour: bool) -> Dataset:
    """Inputs (n, size * size) or, in colour, (n, size * size * 3), float64 of 0..255, by class and file name.

    Read once in a process, until a file changes; the arrays are read-only. Raises Refused, naming the file or folder,
    for one that is no image, is damaged, links out of the folder or unpacks to too much, for a class without an image,
    for fewer than two classes, and for more than memory holds.
    """
    if not 1 <= size <= MOST_EDGE:
        raise Refused(f"problem.size={size}: pixels of an edge, 1 to {MOST_EDGE}; these are small images, as rows")
    try:
        found, notices = _find(path)
    except OSError as wrong:
        raise Refused(f"{quoted(wrong.filename or path, 200)} cannot be read: {wrong.strerror or wrong}") from wrong
    free, needed = free_memory(), 8 * len(found) * size * size * (3 if colour else 1) * COPIES
    if free is not None and needed > free:
        raise Refused(
            f"{quoted(path, 200)} does not fit: {len(found):,} images x {size} x {size} pixels"
            f"{' x 3 colours' if colour else ''} x 8 bytes x {COPIES} copies = {needed / 1e9:.1f} GB, "
            f"{free / 1e9:.1f} GB are free; lower problem.size"
        )
    return _load(path, tuple(found), size, colour, tuple(notices))


def _find(path: Path) -> tuple[list[Found], list[str]]:
    if not path.is_dir():
        raise Refused(f"problem.path={quoted(path, 200)} is no folder: give one that holds a folder of images a class")
    home, (folders, files) = path.resolve(), _inside(path)
    parts = {"": path} if {each.name for each in folders} != PARTS else {each.name: each for each in folders}
    found: list[Found] = []
    for name, part in parts.items():
        classes, beside = _inside(part)
        for folder in classes:
            inner, images = _inside(folder)
            if inner:
                raise Refused(f"{quoted(inner[0], 200)} is a folder in a class: lay a class's images in one folder")
            if not images:
                raise Refused(f"{quoted(folder, 200)} holds no image: add some, or remove the folder")
            for image in images:
                if not Path(realpath(image)).is_relative_to(home):
                    raise Refused(f"{quoted(image, 200)} is a link out of {quoted(path, 200)}: put a copy in its place")
                stat = image.stat()
                if not S_ISREG(stat.st_mode) or stat.st_size > MOST_BYTES:
                    most = f"{MOST_BYTES >> 20} MB"
                    raise Refused(f"{quoted(image, 200)} is no file of at most {most}: remove it, or scale it down")
                found.append(Found(image, _name(folder), name == "test", stat.st_size, stat.st_mtime_ns))
        if beside and (wrong := next((each for each in beside if _is_image(each)), None)):
            raise Refused(f"{quoted(wrong, 200)} is in no class: images lie in a folder a class")
    kinds = sorted({each.kind for each in found})
    if len(kinds) < 2:
        what = f"one class, {quoted(kinds[0])}" if kinds else "no folder of images"
        raise Refused(f"{quoted(path, 200)} holds {what}: give each of 2 or more classes a folder of its own")
    return found, [f"left out, being in no class: {listed([each.name for each in files])}"] if files else []


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Folders and files by name; hidden ones, such as .DS_Store, and Windows' thumbnails are no one's data."""
    every = sorted(each for each in folder.iterdir() if not each.name.startswith(".") and each.name != "Thumbs.db")
    return [each for each in every if each.is_dir()], [each for each in every if not each.is_dir()]


def _name(folder: Path) -> str:
    try:
        folder.name.encode()
    except UnicodeEncodeError as wrong:
        raise Refused(f"{quoted(folder, 200)} is a class whose name is no UTF-8: rename the folder") from wrong
    return folder.name


def _is_image(path: Path) -> bool:
    from PIL import Image as pillow

    try:
        with pillow.open(path, formats=FORMATS):
            return True
    except Exception:  # see _pixels
        return False


@lru_cache(maxsize=4)
def _load(path: Path, found: tuple[Found, ...], size: int, colour: bool, notices: tuple[str, ...]) -> Dataset:
    classes = tuple(sorted({each.kind for each in found}))
    inputs = np.empty((len(found), size * size * (3 if colour else 1)))
    targets = np.array([classes.index(each.kind) for each in found], np.int64)
    shapes, files = set(), sha256()
    for row, each in enumerate(found):
        stored = _bytes(each.path)
        files.update(f"{each.kind}/{each.path.name}/{len(stored)}/".encode("utf-8", "surrogateescape") + stored)
        inputs[row], shape = _pixels(each.path, stored, size, colour)
        shapes.add(shape)
    said = [*notices, *_stretched(shapes, size)]
    official = np.flatnonzero([each.tested for each in found])
    for array in (inputs, targets, official):
        array.flags.writeable = False
    space = Box(0.0, 255.0, (inputs.shape[1],), np.float64)
    source = f"{len(found)} images in {path}, SHA-256 of the files {files.hexdigest()}"
    tested = official if len(official) else None
    return Dataset(inputs, targets, space, classes, source, official=tested, notices=tuple(said))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise Refused(f"{quoted(path, 200)} cannot be read: {wrong.strerror or wrong}") from wrong


def _pixels(path: Path, stored: bytes, size: int, colour: bool) -> tuple[Array, tuple[int, int]]:
    """Grey or interleaved colour values row by row, (d,), and the width and height as stored."""
    from PIL import Image as pillow
    from PIL import ImageOps, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, and of sizes, which are checked below
        try:
            with pillow.open(io.BytesIO(stored), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise Refused(
                        f"{quoted(path, 200)} has {width} x {height} pixels, at most {MOST_PIXELS:,} are read: "
                        "scale it down first"
                    )
                upright = ImageOps.exif_transpose(image)
                plain = _eight_bit(path, upright).convert("RGB" if colour else "L")
                small = plain.resize((size, size), pillow.Resampling.BILINEAR)  # antialiased where it shrinks
                return np.asarray(small, np.float64).reshape(-1), (width, height)
        except Refused:
            raise
        except UnidentifiedImageError as wrong:
            raise Refused(
                f"{quoted(path, 200)} is no image of a known kind ({', '.join(FORMATS)}): remove or convert it"
            ) from wrong
        except pillow.DecompressionBombError as wrong:
            raise Refused(f"{quoted(path, 200)} unpacks to too many pixels: scale it down first") from wrong
        except Exception as wrong:  # the decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
            said = " ".join(str(wrong).split()) or type(wrong).__name__
            raise Refused(f"{quoted(path, 200)} is a damaged image ({said[:100]}): replace or remove it") from wrong


def _eight_bit(path: Path, image: Image) -> Image:
    """16-bit grey as 8-bit; Pillow's own way clips what is above 255."""
    from PIL.Image import fromarray

    if image.mode.startswith("I;16"):
        return fromarray(np.rint(np.asarray(image, np.float64) / 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise Refused(f"{quoted(path, 200)} has 32 bits a pixel, of no known range: save it with 8 or 16 bits")
    return image


def _stretched(shapes: set[tuple[int, int]], size: int) -> Iterator[str]:
    if any(width != height for width, height in shapes):
        least, most = (f"{width} x {height}" for width, height in (min(shapes), max(shapes)))
        yield f"images of {least if least == most else f'{least} to {most}'} pixels are stretched to {size} x {size}"
