"""The command line: one file a verb; nothing heavy is imported before the verb is known."""

from __future__ import annotations

import sys

import typer

from paralab.cli.list import list_
from paralab.cli.report import report
from paralab.cli.runs import runs
from paralab.cli.train import train

app = typer.Typer(
    name="paralab",
    help="Train, compare and keep models of four paradigms behind one interface.",
    epilog='Tab completion for bash: eval "$(paralab -sc install=bash)"',
    no_args_is_help=True,
    add_completion=False,  # Hydra's, which knows the config, is used instead
    rich_markup_mode=None,  # plain help: importing rich would double the start
    pretty_exceptions_enable=False,
)
# `train` hands every option to Hydra's own parser, --help included.
app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False)(train)
app.command()(report)
app.command()(runs)
app.command(name="list")(list_)


def main() -> None:
    """Run a verb; exit code 2 for what the user got wrong, 1 for what failed, 128 + n for signal n."""
    if {"-sc", "--shell-completion"} & set(sys.argv):
        from paralab.cli.completion import complete

        complete(sys.argv[1:], verbs=[command.name or "train" for command in app.registered_commands])
        return
    try:
        app()
    except KeyboardInterrupt:
        print("paralab: stopped at once; what was finished is kept", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        from paralab.cli.failure import explain

        sys.exit(explain(error))
