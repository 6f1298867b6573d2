"""Which runs of a sweep are tried again, and when: held ones, interrupted ones, failures while retries are left."""

from __future__ import annotations

from dataclasses import dataclass, replace

from paralab.record.plan import Plan
from paralab.sweep.job import Ended

HELD_AGAIN = 2.0  # seconds between two looks whether another process still writes a run
MOVES = 10  # workers that may be told to end under one run: more, and something ends them all


@dataclass(frozen=True)
class Attempt:
    """One attempt at a run, which the driver knows by `key`."""

    key: int
    plan: Plan
    number: int = 0  # attempts made before that failed
    moves: int = 0  # workers that were told to end while it ran
    ended: Ended | None = None  # how the one before ended, where it is to be tried again

    @property
    def held(self) -> bool:
        return self.ended is not None and self.ended.end == "held"


def more(ended: Ended, attempt: Attempt, max_retries: int) -> tuple[float, str] | None:
    """Seconds until a run's next attempt, and what to say of it; None where there is to be none."""
    match ended.end:
        case "held":
            return HELD_AGAIN, "" if attempt.held else f"{ended.message}; this sweep waits"
        case "interrupted" | "not started" if attempt.moves < MOVES:
            return 0.0, "its worker was told to end; another goes on"
        case "failed" | "timed out" if attempt.number < max_retries and not ended.final:
            how = "goes on from its checkpoint" if _saved(attempt.plan) else "begins anew"
            return 0.0, f"{ended.message}; attempt {attempt.number + 2} {how}"
    return None


def after(attempt: Attempt, ended: Ended, begun: bool) -> Attempt:
    """The next attempt; forced only where none has `begun`.

    Else what was there before is out of the way, or the process that held the run has made it anew.
    """
    force = attempt.plan.config["force"] and not begun
    return replace(
        attempt,
        plan=replace(attempt.plan, config={**attempt.plan.config, "force": force}),
        ended=ended,
        number=attempt.number + (ended.end in ("failed", "timed out")),
        moves=attempt.moves + (ended.end in ("interrupted", "not started")),
    )


def _saved(plan: Plan) -> bool:
    place = plan.folder / "checkpoint"
    return place.is_dir() and any(not each.name.startswith(".") for each in place.iterdir())
