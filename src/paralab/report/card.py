"""The model card of an experiment: what was made, for whom, on which data, how good, its costs and its limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from paralab.compare.gather import Block, left_out, of_tuning
from paralab.compare.variants import config
from paralab.page.colours import label
from paralab.page.numbers import interval, short, spread
from paralab.record.read import Run
from paralab.report.notes import notes
from paralab.report.panel import provenance, recorded
from paralab.report.sheets import heading, spoken

Section = tuple[str, list[str]]  # a heading and what is said under it
SHARED = ("git commit", "working tree", "lock", "Python", "system", "CPU", "threads", "ATen")


def card(name: str, question: str, made: Sequence[Block], runs: Sequence[Run]) -> list[Section]:
    """The sections, in the order in which a reader needs them."""
    settings = config(made[0].cells[0].runs[0].folder)
    facts = dict(provenance(runs))
    return [
        ("What it is", _what(name, question, made)),
        ("For whom", _plan(settings.get("plan"))),
        ("Data", [_data(block) for block in made]),
        ("Metrics", [_metrics(block) for block in made]),
        ("Results", [line for block in made for line in _results(block)]),
        ("Limits", list(dict.fromkeys(note for block in made for note in notes(block, runs)))),
        ("Costs", _costs(runs)),
        ("Made with", [f"{what}: {facts[what]}" for what in SHARED if what in facts]),
    ]


def _what(name: str, question: str, made: Sequence[Block]) -> list[str]:
    methods = {method.trainer: method for block in made for method in block.methods}
    listed = ", ".join(f"{trainer.split('/', 1)[-1]} ({label(methods[trainer].paradigm)})" for trainer in methods)
    models = sum(cell.score.n for block in made for cell in block.cells)
    said = [f"Experiment {name}: {models} trained models of {len(methods)} trainers: {listed}."]
    return [question, *said] if question else said


def _plan(plan: object) -> list[str]:
    """The texts of the config's plan."""
    if not isinstance(plan, dict) or not plan:
        return ["Not said: the experiment's config has no plan."]
    return [f"{str(key).capitalize()}: {text}" for key, text in plan.items()]


def _data(block: Block) -> str:
    run = block.cells[0].runs[0]
    settings = config(run.folder)
    problem = settings.get("problem")
    data = problem.get("data") if isinstance(problem, dict) else None
    source = data.get("_target_") if isinstance(data, dict) else None
    digest = str(recorded(run.folder).get("data") or "")[:12]
    split = [f"split {block.split or 'unknown'}"]
    if block.split in ("holdout", "group", "time") and settings.get("test_size") is not None:
        split.append(f"{settings['test_size']} of the rows tested on")
    split.append("the split follows the seed" if settings.get("split_seed") is None else "one fixed split")
    budgets = ", ".join(heading(budget) for budget in block.budgets)
    known = [f"{block.problem}", *([f"from {source}"] if source else []), *([f"SHA-256 {digest}"] if digest else [])]
    return f"{', '.join(known)}; {', '.join(split)}; labels granted: {budgets}."


def _metrics(block: Block) -> str:
    also = sorted({name.removeprefix("test/") for cell in block.cells for name in cell.metrics if "test/" in name})
    also = [spoken(name) for name in also if name != block.objective]
    more = f"; also measured: {', '.join(also)}" if also else ""
    return f"{block.problem}: ranked by test {spoken(block.objective)}, greater is better{more}."


def _results(block: Block) -> list[str]:
    said = []
    for budget in block.budgets:
        held = [method for method in block.methods if budget in method.cells]
        best = min(held, key=lambda method: (-method.cells[budget].score.mean, method.name))
        score = best.cells[budget].score
        figures = f"{spread(score.mean, score.sd)} {interval(score.low, score.high)}".strip()
        said.append(f"{block.problem}, {heading(budget)} labels: {best.name} leads with {figures}, n = {score.n}.")
    return said


def _costs(runs: Sequence[Run]) -> list[str]:
    trained = [run for run in runs if run.scores]
    seconds = math.fsum(_cost(run, "seconds") for run in trained)
    tuned = math.fsum(_cost(run, "seconds") for run in trained if of_tuning(run))
    memory = max((_cost(run, "peak_rss_mb") for run in trained), default=0.0)
    said = [f"Training took {_clock(seconds)} in all, over {len(trained)} runs."]
    if tuned:
        said.append(f"Of that, tuning took {_clock(tuned)}.")
    if memory:
        said.append(f"The largest process held {memory:.0f} MB.")
    if lost := len(left_out(runs)):
        said.append(f"{lost} runs are in no mean.")
    return said


def _cost(run: Run, kind: str) -> float:
    value = run.scores.get(f"cost/{kind}", 0.0)
    return value if math.isfinite(value) else 0.0


def _clock(seconds: float) -> str:
    if seconds < 120:
        return f"{short(seconds)} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
