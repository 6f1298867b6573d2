"""Live curves beside the record: `monitor=tensorboard` writes each line of the history as an event, too.

They decide nothing and are no part of a run's id or digests: history.jsonl is the truth, from which they are drawn anew
whenever a run goes on. So no line stands twice and none is missing, whatever killed the run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO, FileIO
from pathlib import Path
from socket import gethostname
from typing import Any

from paralab.errors import Refused
from paralab.record import history

FOLDER = "tensorboard"
Row = Mapping[str, float]


def check(kind: str) -> None:
    """Raise Refused, before anything is trained, where `kind` cannot be written here."""
    if kind == "tensorboard" and find_spec("tensorboard") is None:
        raise Refused("monitor=tensorboard needs TensorBoard, which is not installed: pip install paralab[tensorboard]")


class Curves:
    """What draws nothing: the curves of monitor=none."""

    def begin(self, past: Path) -> None:
        """Draw the history that a run which goes on has behind it."""

    def line(self, row: Row) -> None:
        """Draw one line of the history: every number in it but `step`, at its step."""

    def end(self, step: int, scores: Mapping[str, float], settings: Mapping[str, Any]) -> None:
        """Draw a finished run's scores, and its settings for the HPARAMS tab."""


@contextmanager
def curves(kind: str, folder: Path) -> Iterator[Curves]:
    """The curves of the run in `folder`, open."""
    if kind == "none":
        yield Curves()
        return
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    # TensorBoard reads files in the order of their names: one a session, the time first
    name = f"events.out.tfevents.{time.time_ns():020d}.{gethostname()}.{os.getpid()}"
    with (place / name).open("xb", buffering=0) as file:  # an event is there at once: 2 us
        yield TensorBoard(file)


class TensorBoard(Curves):
    """An event file, without torch or TensorFlow: 50 us a line of three numbers, half of it for their checksum."""

    def __init__(self, file: FileIO | BytesIO, clock: Callable[[], float] = time.time) -> None:
        # .35 s, only where asked for
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        self.event, self.summary, self.records = Event, Summary, RecordWriter(file)
        self.clock = clock
        self.began = clock()  # what stands for second 0 of the training clock
        self._write(file_version="brain.Event:2")
        self._write(step=0, session_log=SessionLog(status=SessionLog.START))  # voids the steps from 0 on of older files

    def begin(self, past: Path) -> None:
        rows = history.read(past)
        self.began -= rows[-1]["seconds"] if rows else 0.0
        for row in rows:
            self.line(row)

    def line(self, row: Row) -> None:
        self._scalars(int(row["step"]), {name: row[name] for name in row if name != "step"}, row["seconds"])

    def end(self, step: int, scores: Mapping[str, float], settings: Mapping[str, Any]) -> None:
        from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

        start = plugin_data_pb2.SessionStartInfo(start_time_secs=self.began)
        for name, value in _flat(settings):
            if isinstance(value, bool):
                start.hparams[name].bool_value = value
            elif isinstance(value, int | float):
                start.hparams[name].number_value = value
            else:
                start.hparams[name].string_value = str(value)
        over = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=self.clock())
        self._scalars(step, scores, scores.get("cost/seconds", 0.0))
        for tag, said in (
            (metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=start)),
            (metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=over)),
        ):
            about = metadata.create_summary_metadata(said)
            about.plugin_data.content = (
                type(said)
                .FromString(about.plugin_data.content)
                .SerializeToString(
                    deterministic=True  # else the settings' order is another in each process
                )
            )
            value = self.summary.Value(tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)
            self._write(summary=self.summary(value=[value]))

    def _scalars(self, step: int, row: Row, seconds: float) -> None:
        """On the training clock, so that TensorBoard's relative axis is what cost/seconds counts."""
        values = [self.summary.Value(tag=name, simple_value=value) for name, value in row.items()]
        self._write(self.began + seconds, step=step, summary=self.summary(value=values))

    def _write(self, when: float | None = None, **said: Any) -> None:
        self.records.write(self.event(wall_time=self.clock() if when is None else when, **said).SerializeToString())


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings by dotted names; null ones are left out: TensorBoard wants one type a name."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield f"{prefix}{key}", value
