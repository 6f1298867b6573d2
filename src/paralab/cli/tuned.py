"""What came of a study, at its end: the winner, how it does on seeds that nothing was chosen on, how to repeat it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from paralab.cli.picture import clean
from paralab.cli.summary import show_failures, told
from paralab.errors import Failed
from paralab.page.numbers import fixed, spread

if TYPE_CHECKING:
    from paralab.tune.result import Tuned

FAIR = {  # what tuning sets by itself, and why
    "select=true": "a part of the labels is withheld to choose by",
    "split_seed=0": "tuning and report runs have the same test rows, which no trial sees",
}


def summarise_tuned(tuned: Tuned, as_json: bool) -> int:
    """Print what came of a study; returns the exit code: that of the report runs, for trials may fail."""
    if as_json:
        print(json.dumps(tuned.plain))
    else:
        _show(tuned)
    errors = [outcome.error for outcome in tuned.report if outcome.error is not None]
    if not errors:
        return 0
    return 1 if any(isinstance(error, Failed) for error in errors) else 2


def _show(tuned: Tuned) -> None:
    console = Console(highlight=False)
    best, params = tuned.best, tuned.best["params"]
    counts = ", ".join(f"{count} {state}" for state, count in sorted(tuned.counts.items()))
    lines = [f"{len(tuned.trials)} trials: {counts}; {tuned.feedback} answers given to them"]
    if why := next((trial["error"] for trial in tuned.trials if trial["error"]), ""):
        lines.append(f"the first that failed: {why}")
    settings = " ".join(f"{key}={value}" for key, value in params.items())
    lines.append(f"best: trial {best['number']}, valid/{tuned.objective} {fixed(best['value'], 3)}: {settings}")
    if test := tuned.test:
        seeds = f"{test.n} seed{'s' if test.n > 1 else ''} that nothing was chosen on"
        lines.append(f"test/{tuned.objective} {spread(test.mean, test.sd)} over {seeds}")
    lines += [f"set by tuning: {word} ({FAIR[word]})" for word in tuned.added]
    lines.append(f"again: {tuned.command}")
    lines += [f"figure: {path}" for path in tuned.figures]
    try:
        for line in lines:
            console.print(Text(clean(line)), soft_wrap=True)
        show_failures([(outcome.plan.folder, told(outcome)) for outcome in tuned.report if outcome.error], console)
    except SystemExit:  # rich's answer to a closed pipe: `| head` has read enough, which is no failure
        return
