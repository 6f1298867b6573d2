"""The command line: one file a verb. Only the verb asked for is imported: typer would triple `paralab --help`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

VERBS = {  # the first line of each verb's own help, held by a test
    "train": "Train one model, a grid of them, or run an experiment.",
    "plan": "Say what a grid would run, what is there, and what it would cost.",
    "watch": "Watch an experiment's sweep from another terminal.",
    "report": "Write and show an experiment's tables, figures and page.",
    "compare": "Say which method is better, by the test that fits the case.",
    "decide": "Answer an experiment's declared question: yes, no or not yet.",
    "reproduce": "Run a run again from its record; say how far it is the same.",
    "verify": "Check digests, missing seeds, tuning seeds and the declared rule.",
    "export": "Write all scores and costs as CSV, Parquet or TensorBoard files.",
    "sync-mlflow": "Copy an experiment's runs into an MLflow store, once each.",
    "collect": "Merge run folders of several machines, checked by digest.",
    "clean": "Show the disk used; remove failed runs and old checkpoints.",
    "predict": "Answer new rows with a finished run's model.",
    "runs": "Show every run with its status, score and training seconds.",
    "list": "List problems, trainers or experiments, yours in ./conf included.",
    "data": "Check a table: rows, types, missing values, duplicates, leaks.",
    "new": "Scaffold an experiment: its YAML in ./conf and its README.",
    "doctor": "Say what is installed, what the machine has, and what is wrong.",
}
HYDRAS = ("train", "plan")  # hand every option to Hydra's own parser, --help included
HELP = f"""Usage: paralab VERB ...

Train, compare and keep models of four paradigms behind one interface.

Verbs (paralab VERB --help tells more):
{chr(10).join(f"  {verb:<11} {summary}" for verb, summary in VERBS.items())}

Example: paralab train problem=digits trainer=supervised/mlp labels=100

Tab completion for bash: eval "$(paralab -sc install=bash)"
"""


def main() -> None:
    """Run a verb; exit code 2 for what the user got wrong, 1 for what failed, 128 + n for signal n."""
    verb, *arguments = sys.argv[1:] or ["--help"]
    if verb in ("--help", "-h"):
        print(HELP, end="")
        return
    if verb == "--version":
        from importlib.metadata import version

        print(f"paralab {version('paralab')}")
        return
    if {"-sc", "--shell-completion"} & set(sys.argv):
        from paralab.cli.completion import complete

        complete(sys.argv[1:], VERBS, _app)
        return
    try:
        code = _app(verb)(arguments, prog_name=f"paralab {verb}", standalone_mode=False)
        if code == 130:  # what typer makes of it
            raise KeyboardInterrupt
        sys.exit(code)
    except KeyboardInterrupt:
        print("paralab: stopped at once; what was finished is kept", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        from paralab.cli.failure import explain

        sys.exit(explain(error))


def _app(verb: str) -> typer.Typer:
    """One verb as an application of its own; raises Refused with the closest name where it is none."""
    from importlib import import_module

    import typer

    if verb not in VERBS:
        from paralab.errors import Refused, closest

        raise Refused(f"there is no verb '{verb}'. {closest(verb, VERBS)}")
    app = typer.Typer(
        add_completion=False,  # Hydra's, which knows the config, is used instead
        rich_markup_mode=None,  # plain help: importing rich would double the start
        pretty_exceptions_enable=False,
    )
    name = verb.replace("-", "_")
    module = import_module(f"paralab.cli.{name}")
    helps = {"help_option_names": ["-h", "--help"]}
    if verb in HYDRAS:
        hydras = {"ignore_unknown_options": True, "allow_extra_args": True}
        app.command(context_settings=hydras, add_help_option=False)(getattr(module, name))
    elif verb == "data":
        app.callback(context_settings=helps)(module.data)
        app.command("check", context_settings=helps)(module.check)
    else:
        app.command(context_settings=helps)(getattr(module, "list_" if verb == "list" else name))
    return app
