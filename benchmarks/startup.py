"""How long one waits for words: `paralab --help` and `paralab list problems` against `python -c "import hydra"`.

Each is a fresh process of this environment. The musts are on CPU seconds (user and system): a busy machine moves them
less than the wall, which is shown beside them. benchmarks/startup.py [--quick]
"""

from __future__ import annotations

import sys

from side_by_side import PARALAB, close, row, run

THEIRS = [sys.executable, "-c", "import hydra"]
OURS = {"paralab --help": ([PARALAB, "--help"], 0.5), "paralab list": ([PARALAB, "list", "problems"], 1.2)}
ROUNDS, QUICK = 25, 7


def main() -> int:
    rounds = QUICK if "--quick" in sys.argv[1:] else ROUNDS
    commands = {"import hydra": THEIRS, **{name: command for name, (command, _) in OURS.items()}}
    for command in commands.values():
        run(command)
    taken = []
    for turn in range(rounds):
        order = list(commands)[:: 1 if turn % 2 else -1]
        taken.append({name: run(commands[name]) for name in order})
    rows = []
    for name, (_, must) in OURS.items():
        rows.append(row(f"{name}, CPU", [(each[name].cpu, each["import hydra"].cpu) for each in taken], must))
        rows.append(row(f"{name}, wall", [(each[name].wall, each["import hydra"].wall) for each in taken]))
    return close("startup", rows, {"rounds": rounds, "theirs": 'python -c "import hydra"'})


if __name__ == "__main__":
    sys.exit(main())
