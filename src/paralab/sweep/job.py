"""What a worker does: one run, its end as a value. A job never raises: it could raise TimeoutError itself."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from typing import Literal

from paralab.core import Metrics
from paralab.errors import Diverged, Failed, Held, Interrupted, Pruned, Refused, TimedOut
from paralab.record.plan import Plan
from paralab.record.writer import bury
from paralab.run import TIMEOUT, run
from paralab.sweep.channel import Address, Line

End = Literal["finished", "there", "held", "refused", "failed", "timed out", "interrupted", "not started", "pruned"]


@dataclass(frozen=True)
class Brief:
    """What each job of a sweep is told; it travels to the workers."""

    trust: tuple[str, ...]
    timeout: float | None  # seconds, from the start of an attempt to the snapshot that is told to stop
    address: Address | None  # where to tell how it gets on; None: to nobody


@dataclass(frozen=True)
class Ended:
    """How an attempt at a run ended, in one line."""

    end: End
    message: str = ""
    signal: int = 0  # that interrupted it
    final: bool = False  # another attempt would fail in the same way


class Asked:
    """What this process was asked by a signal; jobs see it at their next snapshot."""

    signal: int = 0


ASKED = Asked()


def ready() -> None:
    """Prepare a worker process: Ctrl-C is the driver's to see, SIGTERM asks the run to write its checkpoint and end.

    So does SIGHUP, of a terminal that is closed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):
        if name in signal.Signals.__members__:
            signal.signal(signal.Signals[name], _ask)


def _ask(number: int, frame: object) -> None:
    ASKED.signal = number


def work(plan: Plan, key: int, brief: Brief) -> Ended:
    """Run `plan`, which the driver knows by `key`."""
    begun = time.monotonic()
    with Line(brief.address, key) as line:

        def tell(step: int, steps: int, scores: Metrics) -> int:
            if ASKED.signal:
                return ASKED.signal
            if brief.timeout is not None and time.monotonic() - begun > brief.timeout:
                return TIMEOUT
            return line.tell(step, steps, scores)

        try:
            if asked := ASKED.signal or line.begin():
                return Ended("not started", f"{plan.folder}: stopped before it began", asked)
            result = run(plan, trust=brief.trust, tell=tell, say=lambda text: line.say(plan.told(text)))
            return Ended("there" if result.was_there else "finished")
        except Held as error:
            return Ended("held", str(error))
        except Refused as error:
            return Ended("refused", str(error), final=True)
        except TimedOut as error:
            return Ended("timed out", str(error))
        except Failed as error:
            return Ended("failed", str(error), final=isinstance(error.__cause__, Diverged))
        except Pruned as error:
            return Ended("pruned", str(error))
        except Interrupted as error:
            return Ended("interrupted", str(error), error.signal)
        except (Exception, SystemExit) as error:  # of what surrounds a run; or a plugin that calls exit()
            why = f"{type(error).__name__}: {error}"
            bury(plan.folder, why)
            return Ended("failed", f"{plan.folder}: {why}")
