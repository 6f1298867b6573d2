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
    "collect": "Merge run folders of several machines, checked by digest.",
    "clean": "Show the disk used; remove failed runs and old checkpoints.",
    "predict": "Answer new rows with a finished run's model.",
    "runs": "Show every run with its status, score and training seconds.",
    "list": "List problems, trainers or experiments, yours in ./conf included.",
    "data": "Check a table: rows, types, missing values, duplicates, leaks.",
    "new": "Scaffold an experiment: its YAML in ./conf and its README.",
    "doctor": "Say what is installed, what the machine has, and what is wrong.",
}
HELP = f"""Usage: paralab VERB ...

Train, compare and keep models of four paradigms behind one interface.

Verbs (paralab VERB --help tells more):
{chr(10).join(f"  {verb:<8}{summary}" for verb, summary in VERBS.items())}

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
    import typer

    app = typer.Typer(
        add_completion=False,  # Hydra's, which knows the config, is used instead
        rich_markup_mode=None,  # plain help: importing rich would double the start
        pretty_exceptions_enable=False,
    )
    helps = {"help_option_names": ["-h", "--help"]}
    match verb:
        case "train":  # hands every option to Hydra's own parser, --help included
            from paralab.cli.train import train

            hydras = {"ignore_unknown_options": True, "allow_extra_args": True}
            app.command(context_settings=hydras, add_help_option=False)(train)
        case "plan":
            from paralab.cli.plan import plan

            hydras = {"ignore_unknown_options": True, "allow_extra_args": True}
            app.command(context_settings=hydras, add_help_option=False)(plan)
        case "watch":
            from paralab.cli.watch import watch

            app.command(context_settings=helps)(watch)
        case "collect":
            from paralab.cli.collect import collect

            app.command(context_settings=helps)(collect)
        case "clean":
            from paralab.cli.clean import clean

            app.command(context_settings=helps)(clean)
        case "report":
            from paralab.cli.report import report

            app.command(context_settings=helps)(report)
        case "runs":
            from paralab.cli.runs import runs

            app.command(context_settings=helps)(runs)
        case "list":
            from paralab.cli.list import list_

            app.command(context_settings=helps)(list_)
        case "predict":
            from paralab.cli.predict import predict

            app.command(context_settings=helps)(predict)
        case "data":
            from paralab.cli.data import check, data

            app.callback(context_settings=helps)(data)
            app.command("check", context_settings=helps)(check)
        case "new":
            from paralab.cli.new import new

            app.command(context_settings=helps)(new)
        case "doctor":
            from paralab.cli.doctor import doctor

            app.command(context_settings=helps)(doctor)
        case _:
            from paralab.errors import Refused, closest

            raise Refused(f"there is no verb '{verb}'. {closest(verb, VERBS)}")
    return app
