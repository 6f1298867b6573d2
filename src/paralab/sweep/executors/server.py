"""The fork server of a sweep: a process that has imported what its workers, copies of it, will need."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from typing import Any

from paralab.sweep.executors import warm


@contextmanager
def server(modules: Sequence[str]) -> Iterator[Any]:
    """A context whose processes are copies of one that has imported `modules`; it ends with them."""
    context = multiprocessing.get_context("forkserver")
    os.environ[warm.VARIABLE] = warm.describe(list(modules))
    try:
        _end()  # of an earlier sweep, which imported other modules
        context.set_forkserver_preload([warm.__name__])
        with _ignored(signal.SIGINT):  # inherited: Ctrl-C while it imports would end it
            forkserver.ensure_running()
    finally:
        del os.environ[warm.VARIABLE]
    try:
        yield context
    finally:
        _end()


@contextmanager
def _ignored(number: signal.Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # which alone may say what a signal does
        yield
        return
    handler = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, handler)


def _end() -> None:
    """Unless another process of this program comes from it."""
    its: Any = forkserver._forkserver
    if its._forkserver_pid is not None and not multiprocessing.active_children():
        with suppress(ProcessLookupError):
            os.kill(its._forkserver_pid, signal.SIGKILL)
        its._stop()
