"""What the doors cost: a table by its path against pandas and a ColumnTransformer doing the same, on one thread.

The table, made from a seed, is 1,000,000 rows of 12 numbers, 2 dates, 6 categories of 10 values (2 % of their cells
empty) and a target. Both sides are fresh processes in turns; theirs is what one would write by hand: `read_csv` with
its dates named, median and StandardScaler for numbers and days, OneHotEncoder for categories (doors_side.py).

Musts: reading and preparing at most 1.1 of their time and 1.5 of their peak memory; predicting 100,000 rows in memory
at most 1.1 of their time. "Whole" are the processes, with imports and all of that.

benchmarks/doors.py [--quick]     (--quick: 100,000 rows)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from side_by_side import HERE, Done, close, row, run

TIME, MEMORY, PREDICTING = 1.1, 1.5, 1.1
ROWS, QUICK, NEW = 1_000_000, 100_000, 100_000
ROUNDS = 3
NUMBERS, DATES, CATEGORIES, VALUES, EMPTY = 12, 2, 6, 10, 0.02
BLOCK = 50_000  # rows written at a time
DAYS = 5000  # from 2010-01-01


def write(path: Path, rows: int, seed: int) -> None:
    """Numbers of about 8 digits, a target that follows two of them and one category."""
    stream = np.random.default_rng(seed)
    names = [f"n{place}" for place in range(NUMBERS)] + [f"d{place}" for place in range(DATES)]
    names += [f"c{place}" for place in range(CATEGORIES)]
    with path.open("w") as file:
        file.write(",".join([*names, "y"]) + "\n")
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            numbers = stream.normal(size=(count, NUMBERS)) * 10.0 ** np.arange(-2, NUMBERS - 2)
            days = np.datetime64("2010-01-01") + stream.integers(0, DAYS, (count, DATES))
            values = stream.integers(0, VALUES, (count, CATEGORIES))
            score = numbers[:, 0] * 100 + numbers[:, 1] * 10 + (values[:, 0] > 5) + stream.normal(size=count)
            cells = np.concatenate(
                [np.char.mod("%.8g", numbers), days.astype(str), np.char.add("value ", values.astype(str))], axis=1
            ).astype(object)
            cells[stream.random(cells.shape) < EMPTY] = ""
            answers = np.where(score > 0, "yes", "no")
            file.writelines(f"{','.join(each)},{said}\n" for each, said in zip(cells, answers, strict=True))


def side(which: str, table: Path, new: Path) -> tuple[Done, dict[str, float]]:
    done = run([sys.executable, str(HERE / "doors_side.py"), which, str(table), str(new)])
    return done, json.loads(done.said)


def main() -> int:
    rows = QUICK if "--quick" in sys.argv[1:] else ROWS
    with TemporaryDirectory() as folder:
        table, new = Path(folder, "table.csv"), Path(folder, "new.csv")
        write(table, rows, 0)
        write(new, NEW, 1)
        size = table.stat().st_size
        taken = []
        for turn in range(ROUNDS):
            order = ("ours", "theirs") if turn % 2 == 0 else ("theirs", "ours")
            sides = {which: side(which, table, new) for which in order}
            taken.append((sides["ours"], sides["theirs"]))
    assert all(one["width"] == other["width"] for (_, one), (_, other) in taken), "they do not prepare the same"
    pairs = {key: [(one[key], other[key]) for (_, one), (_, other) in taken] for key in taken[0][0][1]}
    table_rows = [
        row(f"reading and preparing {rows:,} rows", pairs["prepare"], TIME),
        row("the same, peak memory (GB, not s)", pairs["rss"], MEMORY),
        row(f"predicting {NEW:,} rows", pairs["predict"], PREDICTING),
        row("whole", [(one.wall, other.wall) for (one, _), (other, _) in taken]),
        row("whole, CPU", [(one.cpu, other.cpu) for (one, _), (other, _) in taken]),
    ]
    facts = {"table": {"rows": rows, "bytes": size}, "width": pairs["width"][0][0], "right": pairs["right"]}
    return close("doors", table_rows, {"rounds": ROUNDS, **facts})


if __name__ == "__main__":
    sys.exit(main())
