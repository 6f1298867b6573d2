"""`paralab verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paralab.audit.verify import Verified

MOST = 20  # faults shown of one kind


def verify(
    experiment: Annotated[str | None, typer.Argument(help="Name of the experiment.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Verify every experiment under the root.")] = False,
    root: Annotated[Path, typer.Option("--root", help="Where experiments lie.")] = Path("experiments"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of lines.")] = False,
) -> None:
    """Check digests, missing seeds, tuning seeds and the declared rule.

    Example: paralab verify label_efficiency

    Every file of every run is read and held against its digest; the runs against each other, against the sweeps that
    planned them and against the rule that they carry. Exit code 1 where anything is wrong, with a line about each;
    runs of other versions or machines are told as warnings.
    """
    from paralab.audit.look import Seen, folders, look
    from paralab.audit.verify import conclude
    from paralab.cli.counting import counted
    from paralab.errors import Refused, closest
    from paralab.record.read import experiments

    known = experiments(root)
    if (experiment is None) != every:
        raise Refused("name an experiment, or give --all for every one" + (", not both" if every else ""))
    if experiment is not None and experiment not in known:
        raise Refused(f"no experiment '{experiment}' in {root}. {closest(experiment, known)}")
    if not known:
        raise Refused(f"no experiments in {root}; --root DIR says where they lie")
    found = []
    for name in known if experiment is None else [experiment]:
        seen, places = Seen(), folders(root, name)
        looked = [look(place, name, seen) for place in counted(places, len(places), f"runs of {name}")]
        found.append(conclude(root, name, looked, seen))
    if as_json:
        import json

        print(json.dumps(_plain(found), indent=1))
    else:
        for each in found:
            _show(each)
    raise typer.Exit(1 if any(each.faults for each in found) else 0)


def _plain(found: list[Verified]) -> dict[str, object]:
    rows = {
        each.experiment: {
            "runs": each.runs, "files": each.files, "warnings": list(each.warnings),
            "faults": [{"kind": fault.kind, "where": fault.where, "what": fault.what} for fault in each.faults],
        }
        for each in found
    }  # fmt: skip
    return {"holds": not any(each.faults for each in found), "experiments": rows}


def _show(each: Verified) -> None:
    from paralab.cli.failure import printable

    seen = f"{each.experiment}: {each.runs:,} runs, {each.files:,} files"
    many = f"{len(each.faults):,} fault{'s' * (len(each.faults) != 1)}" if each.faults else "all holds"
    print(printable(f"{seen}: {many}"))
    shown: dict[str, int] = {}
    for fault in each.faults:
        shown[fault.kind] = shown.get(fault.kind, 0) + 1
        if shown[fault.kind] <= MOST:
            print(printable(f"{fault.kind}: {fault}"))
    for kind, count in shown.items():
        if count > MOST:
            print(f"{kind}: {count - MOST:,} more; --json names all")
    for warning in each.warnings:
        print(printable(f"warning: {warning}"))
