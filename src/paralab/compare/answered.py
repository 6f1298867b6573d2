"""An experiment's question with its answer, whether its rule was declared in time, and the commands to go on with."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paralab.catalog import folders, names
from paralab.compare.decide import Decision, decide, figures, level, question
from paralab.compare.declared import Declared, declared
from paralab.compare.rule import Rule, digest, text
from paralab.errors import Refused
from paralab.record.read import Run


@dataclass(frozen=True)
class Answered:
    decision: Decision
    digest: str  # of its rule
    changed: str | None  # where not every run was begun under it
    commands: tuple[str, ...]  # that run what the next look waits for


def answered(root: Path, experiment: str, runs: Sequence[Run]) -> Answered | None:
    """The answer of the rule that the experiment states, None where it states none; raises Refused as `decide` does."""
    found = declared(root, experiment, runs)
    return None if found is None else _answered(root, experiment, runs, found)


def demand(root: Path, experiment: str, runs: Sequence[Run]) -> Answered:
    """As `answered`; raises Refused where there is no rule, with what to write."""
    found = answered(root, experiment, runs)
    if found is None:
        raise Refused(
            f"experiment '{experiment}' states no rule; write decision: {{candidate, baseline, max_seeds, looks}} "
            f"into conf/experiment/{experiment}.yaml before its first run (docs/deciding.md)"
        )
    return found


def told(found: Answered) -> tuple[str, tuple[str, ...]]:
    """For a page: "Yes.", and sentences of what was asked, the effect with its interval, and whether the rule held."""
    decision = found.decision
    lines = [f"Asked: is {question(decision)}?", f"{decision.why[:1].upper()}{decision.why[1:]}."]
    if decision.effect is not None:
        lines.append(f"Candidate less baseline: {figures(decision)}, {level(decision)}; about {decision.about}.")
    if decision.failed:
        lines.append(f"Failed, and counted against the candidate: {'; '.join(decision.failed)}.")
    if found.changed:
        lines.append(f"The rule was not the same all along. {found.changed[:1].upper()}{found.changed[1:]}.")
    return f"{decision.answer.capitalize()}.", tuple(lines)


def _answered(root: Path, experiment: str, runs: Sequence[Run], found: Declared) -> Answered:
    decision = decide(runs, found.rule)
    commands = _commands(root, experiment, runs, found.rule, decision.missing) if decision.missing else ()
    return Answered(decision, digest(found.rule), found.changed, commands)


def _commands(root: Path, experiment: str, runs: Sequence[Run], rule: Rule, missing: Sequence[int]) -> tuple[str, ...]:
    seeds = f"seed={_seeds(missing)}"
    elsewhere = [] if root == Path("experiments") else [f"root={root}"]
    if experiment in names("experiment", folders()):
        return (shlex.join(["paralab", "train", f"experiment={experiment}", *_narrowed(rule), seeds, *elsewhere]),)
    started = [_started(experiment, runs, side) for side in (rule.candidate, rule.baseline)]
    return tuple(
        shlex.join([*words, seeds, *([] if "-m" in words or len(missing) == 1 else ["-m"]), *elsewhere])
        for words in dict.fromkeys(started)
    )


def _seeds(missing: Sequence[int]) -> str:
    first, last = missing[0], missing[-1]
    if len(missing) > 1 and list(missing) == list(range(first, last + 1)):
        return f"range({first},{last + 1})"
    return ",".join(map(str, missing))


def _narrowed(rule: Rule) -> list[str]:
    """The axes of both sides alone, where the same words say them of both; else the whole experiment runs."""
    one, other = rule.candidate, rule.baseline
    keys = [key for key in one if key not in ("trainer", "problem")]
    apart = one["trainer"] != other["trainer"] and any(key.startswith("trainer.") for key in keys)
    plain = not any(isinstance(value, list) for side in (one, other) for value in side.values())
    if apart or not plain or {*one, "problem"} != {*other, "problem"}:
        return []
    return [f"{key}={','.join(dict.fromkeys(text(side[key]) for side in (one, other)))}" for key in ("trainer", *keys)]


def _started(experiment: str, runs: Sequence[Run], side: Mapping[str, object]) -> tuple[str, ...]:
    """The command that most runs of this side's trainer were started by, without its seeds."""
    own = [run for run in runs if run.trainer == side["trainer"]]
    commands = Counter(run.command[1:] for run in own if run.command[1:2] == ("train",))
    if commands:
        words = max(sorted(commands), key=lambda each: commands[each])
        return ("paralab", *(word for word in words if not word.startswith(("seed=", "root="))))
    problem = runs[0].problem.partition("-")[0] if runs else "PROBLEM"
    settings = [f"{key}={text(value)}" for key, value in side.items() if key != "problem"]
    return ("paralab", "train", f"name={experiment}", f"problem={problem}", *settings)
