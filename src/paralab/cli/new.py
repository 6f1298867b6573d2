"""`paralab new`: an experiment to fill in, which runs as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from paralab.errors import Refused, closest

CONF = """\
# @package _global_
# {question}
name: {name}
question: {quoted}
plan:                    # texts for the report; changing one reruns nothing
  serves: To be written. Who waits for the answer, and what they do differently once they have it.
  decides: To be written. Which result leads to which decision, said before the first run.
  scope: To be written. What the answer holds for, and what it does not.
  deliverables: To be written. What is handed over, such as a table, a figure, a model.
  schedule: To be written. When each is due.
{decision}budget:
  steps: null            # null: each trainer's own number of steps
hydra:
  mode: MULTIRUN         # one run for each combination of what stands below
  sweeper:
    params:              # any key of the config can be an axis: values,with,commas or range(n)
      problem: {problem}
      trainer: >-
        {trainers}
{labels}      seed: range(3)
"""
DECISION = """\
decision:                # the rule, said before the first run: `paralab decide {name}` answers yes, no or not yet
  candidate: {candidate}
  baseline: {baseline}
  metric: null           # null: test/ and the problem's objective
  at_least: 0.0          # the least difference that counts
  max_seeds: 20
  looks: [10, 20]        # the numbers of seeds at which one looks
"""
README = """\
# {title}

{marked}

**Plan.** Whom it serves, its decision rule, scope, deliverables, schedule, budget and grid stand in
`{conf}`.

**Method.** To be written.
"""
# Trainers that learn from a problem of a kind, by what builds it.
TRAINERS = {
    "paralab.problems.classification.Classification": "supervised/logistic,unsupervised/kmeans_features",
    "paralab.problems.regression.Regression": "supervised/ridge,supervised/forest",
    "paralab.problems.anomaly.Anomaly": "supervised/forest,unsupervised/isolation_forest",
    "paralab.problems.control.Control": "reinforcement/ppo",
}
DIGITS = "digits"


def new(
    name: Annotated[str, typer.Argument(help="Name of the experiment: a-z, 0-9, _ and -.", show_default=False)],
    problem: Annotated[str, typer.Option(help="Problem, or several with commas.")] = DIGITS,
    trainers: Annotated[
        str | None, typer.Option(help="Trainers, with commas; two that fit where left out.", show_default=False)
    ] = None,
    question: Annotated[str | None, typer.Option(help="What the experiment asks.", show_default=False)] = None,
) -> None:
    """Scaffold an experiment: its YAML in ./conf and its README.

    Example: paralab new few_labels --problem digits --trainers supervised/mlp,semi_supervised/self_training
    """
    from paralab.catalog import folders, names
    from paralab.report.finding import marked, title

    _check_name(name)
    paths = folders()
    if name in names("experiment", paths):
        raise Refused(f"there is an experiment '{name}' already; choose another name")
    problems = _known(problem, "problem", names("problem", paths))
    chosen = _known(trainers or _fitting(problems, paths), "trainer", names("trainer", paths))
    asked = " ".join((question or f"To be written. What does {name} ask?").split())
    if "${" in asked or not asked.isprintable():
        raise Refused(f"--question {asked!r}: plain text is needed, without ${{")
    conf, readme = Path("conf") / "experiment" / f"{name}.yaml", Path("experiments") / name / "README.md"
    texts = {
        conf: CONF.format(
            name=json.dumps(name),
            question=asked,
            quoted=json.dumps(asked, ensure_ascii=False),
            problem=",".join(problems),
            trainers=",\n        ".join(chosen),
            labels="      labels: 50,null    # answers granted; null: every training row\n" * (problems == [DIGITS]),
            decision=_decision(name, problems, chosen),
        ),
        readme: README.format(title=title(name), marked=marked(name, asked, (), None), conf=conf.as_posix()),
    }
    _write(texts)
    print(f"{conf}\n{readme}\nRun it as it stands: paralab train experiment={name}")


def _check_name(name: str) -> None:
    """As runs are named; and no number or null, which `experiment=NAME` would not take for a name."""
    from paralab.guard import parse
    from paralab.record.folder import run_folder

    run_folder(Path(), name, "", "", "", 0)
    if parse([f"experiment={name}"])[0].value() != name:
        raise Refused(f"name={name}: `paralab train experiment={name}` would not take it for a name; add a letter")


def _decision(name: str, problems: list[str], trainers: list[str]) -> str:
    """Of the second trainer against the first, on the first problem; none where there is but one to name."""
    if len(trainers) < 2 or trainers[0] == trainers[1]:
        return ""
    more = f", problem: {problems[0]}" * (len(problems) > 1) + ", labels: 50" * (problems == [DIGITS])
    sides = [f"{{trainer: {each}{more}}}" if more else each for each in trainers]
    return DECISION.format(name=name, baseline=sides[0], candidate=sides[1])


def _known(given: str, group: str, known: list[str]) -> list[str]:
    chosen = [each.strip() for each in given.split(",") if each.strip()]
    for each in chosen:
        if each not in known:
            raise Refused(f"{group} '{each}' is not known. {closest(each, known)}")
    if not chosen:
        raise Refused(f"no {group} is named; `paralab list {group}s` shows them")
    return chosen


def _fitting(problems: list[str], paths: list[Path]) -> str:
    """Trainers that learn from every problem named; raises Refused where that cannot be told from their YAML."""
    fitting = {TRAINERS.get(_target("problem", each, paths)) for each in problems}
    only = fitting.pop() if len(fitting) == 1 else None
    if only is None:
        raise Refused(f"which trainers learn from {', '.join(problems)}? Name them with --trainers a,b")
    return only


def _target(group: str, name: str, paths: list[Path]) -> str:
    files = [path / group / f"{name}.yaml" for path in paths]
    text = next(file for file in files if file.is_file()).read_text(errors="replace")
    found = re.search(r"^_target_:\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def _write(texts: dict[Path, str]) -> None:
    """All of them or none: nothing that is there is replaced."""
    for path in texts:
        if path.exists():
            raise Refused(f"{path} is there already; choose another name, or move it away")
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x") as file:
                file.write(text)
        except OSError as error:
            raise Refused(f"{path} cannot be written ({error.strerror}); work in a folder of your own") from error
