"""What a reader must know to read a table rightly: said under it, never left to be guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from paralab.compare import told
from paralab.compare.gather import Block, left_out, of_tuning
from paralab.record.read import Run

FEW = 6  # below it no test of the protocol can say anything


def notes(block: Block, runs: Sequence[Run]) -> list[str]:
    """Of one block: seeds, what the figures are, and where budgets do not mean the same for every method."""
    said = [_seeds(block), "± is the standard deviation of a single seed; intervals are 95 % t intervals of the mean."]
    said += [*told.seen(block.split), *told.paradigms(block), *told.clusters(block)]
    if any(name.endswith("oracle_accuracy") for cell in block.cells for name in cell.metrics):
        said.append(told.ORACLE)
    missing = [run for run in left_out(runs) if run.problem == block.problem]
    if any(run.status in ("failed", "diverged") for run in missing):
        said.append("Failed and diverged runs are in no mean, which flatters their methods.")
    tuned = [run for run in runs if of_tuning(run) and run.problem == block.problem]
    if tuned:
        said.append(f"Tuning took {len(tuned)} more runs, on seeds of its own and never scored on test: in no figure.")
    return said


def _seeds(block: Block) -> str:
    numbers = Counter(cell.score.n for cell in block.cells)
    if len(numbers) > 1:
        fewer = f"{min(numbers)} to {max(numbers)} seeds a cell (n is said where it is below {max(numbers)})"
    else:
        n = min(numbers)
        fewer = f"{n} seed{'s' if n > 1 else ''} a cell"
    return f"{fewer}{': descriptive only' if min(numbers) < FEW else ''}."
