"""Imported by the fork server before anything else: it imports there, once, what every worker would import.

What it is to import stands in an environment variable, for the server takes the names of modules only, looks for them
on a path of its own, and dies of one that raises. Where the variable is missing nothing happens.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
from contextlib import suppress

VARIABLE = "PARALAB_WARM"


def describe(modules: list[str]) -> str:
    """What the variable is to say."""
    return json.dumps({"modules": modules, "path": sys.path})


def _warm(said: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # sent to all of a group: workers first, the server ends after them
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    asked = json.loads(said)
    sys.path[:] = asked["path"]
    for module in asked["modules"]:
        with suppress(Exception, SystemExit):  # the run that needs it says what is wrong with it
            importlib.import_module(module)
    if "torch" in sys.modules:
        import torch._dynamo  # noqa: F401  torch imports it with the first optimiser: 2.4 s
    with suppress(Exception):  # as above
        importlib.import_module("paralab.record.provenance").collect()  # reads what is installed, once: .4 s
    gc.collect()
    gc.freeze()  # a collection in a worker would write to, and so copy, every page of it


if asked := os.environ.pop(VARIABLE, None):
    _warm(asked)
