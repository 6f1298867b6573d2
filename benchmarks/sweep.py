"""A sweep of small trainings, ours against Hydra's joblib launcher; what planning costs; what workers hold.

benchmarks/sweep.py [--quick]: 200 logistic regressions on breast_cancer, each side two workers of one thread, the same
training function (`paralab.run.run`) on the same configs; in turns, three rounds, with --quick one. Then 1,000 and
10,000 jobs planned, and 1,000 recognised as finished; then the memory of two workers. The launcher
(hydra-joblib-launcher 1.2.0, 8 KB) is fetched into benchmarks/rivals, where no other Hydra program sees it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import side_by_side
from side_by_side import ENVIRONMENT, HERE, PARALAB, Row, close, row, run

RIVALS = HERE / "rivals"
JOB = ["problem=breast_cancer", "trainer=supervised/logistic"]
JOBS, WORKERS = 200, 2
BARE = """
import sys, time
from paralab.compose import compose, loader
from paralab.run import run
from paralab.sweep.plan import freeze
load = loader()
plans = [freeze(compose(load, [*sys.argv[1:], f"seed={seed}"])) for seed in range(45)]
for plan in plans[:5]:
    run(plan)
start = time.perf_counter()
for plan in plans[5:]:
    run(plan)
print((time.perf_counter() - start) / 40)
"""


def main() -> int:
    rounds = 1 if "--quick" in sys.argv[1:] else 3
    _fetch()
    with tempfile.TemporaryDirectory() as place:
        pairs, bare = [], []
        for turn in range(rounds):
            sides = [("ours", _ours), ("theirs", _theirs)][:: 1 if turn % 2 else -1]
            taken = {name: side(Path(place, f"{name}{turn}")) for name, side in sides}
            pairs.append((taken["ours"], taken["theirs"]))
            bare.append(_seconds_of_one(Path(place, f"bare{turn}")))
        one = median(bare)
        overheads = [(ours * WORKERS / JOBS - one, 1.0) for ours, _ in pairs]
        warm = _overhead(Path(place, "long"))
        rows = [
            row(f"{JOBS} logistic regressions, wall", pairs, must=1 / 5),
            row("overhead a run, start-up included", overheads),
            Row("overhead a run", warm - one, 1.0, warm - one, 0.020),
            *_planning(Path(place, "planning")),
            _memory(Path(place, "memory")),
        ]
    return close("sweep", rows, {"rounds": rounds, "seconds_of_a_run": one, "workers": WORKERS})


def _fetch() -> None:
    if not RIVALS.exists():
        fetch = ["install", "--quiet", "--no-deps", "--target", str(RIVALS), "hydra-joblib-launcher==1.2.0"]
        subprocess.run([sys.executable, "-m", "pip", *fetch], check=True)


def _grid(root: Path, jobs: int) -> list[str]:
    return [PARALAB, "train", *JOB, f"seed=range({jobs})", "-m", "-q", f"root={root}", f"executor.workers={WORKERS}"]


def _ours(root: Path) -> float:
    return run(_grid(root, JOBS)).wall


def _theirs(root: Path) -> float:
    launcher = ["hydra/sweeper=basic", "hydra/launcher=joblib", f"hydra.launcher.n_jobs={WORKERS}"]
    words = ["-m", *JOB, f"seed=range({JOBS})", f"root={root}", f"hydra.sweep.dir={root}-hydra", *launcher]
    side_by_side.ENVIRONMENT["PYTHONPATH"] = str(RIVALS)
    try:
        return run([sys.executable, str(HERE / "sweep_side.py"), *words]).wall
    finally:
        del side_by_side.ENVIRONMENT["PYTHONPATH"]


def _seconds_of_one(root: Path) -> float:
    """A run of the same function in a warm process, alone on the machine."""
    return float(run([sys.executable, "-c", BARE, *JOB, f"root={root}"]).said)


def _overhead(root: Path) -> float:
    """Worker seconds a run once a sweep has started: from the difference of a long sweep and a short one."""
    short, long = (run(_grid(root / str(jobs), jobs)).wall for jobs in (JOBS // 4, JOBS))
    return (long - short) * WORKERS / (JOBS - JOBS // 4)


def _planning(root: Path) -> list[Row]:
    """CPU seconds of whole commands: `paralab plan`, and a sweep whose runs are all there."""
    rows = []
    cpu = {}
    for jobs, must in ((1_000, 10.0), (10_000, None)):
        grid = [*JOB, f"seed=range({jobs // 10})", "trainer.C=" + ",".join(f"{n / 10}" for n in range(1, 11))]
        cpu[jobs] = run([PARALAB, "plan", *grid, "--json", f"root={root}"]).cpu
        rows.append(Row(f"{jobs:,} jobs planned, CPU", cpu[jobs], 1.0, cpu[jobs], must))
    rows.append(Row("10,000 against ten times 1,000", cpu[10_000], 10 * cpu[1_000], cpu[10_000] / cpu[1_000] / 10, 1.0))
    _pretend(grid := [*JOB, "seed=range(1000)"], root)
    there = run([PARALAB, "train", *grid, "-m", "-q", f"root={root}"])
    assert "1000 of them already there" in there.said, there.said
    rows.append(Row("1,000 recognised as finished, CPU", there.cpu, 1.0, there.cpu, 10.0))
    return rows


def _pretend(grid: list[str], root: Path) -> None:
    """One run in earnest, and its folder copied to where the others would be."""
    run([PARALAB, "train", *JOB, "-q", f"root={root}"])
    one = next(root.glob("scratch/runs/*/*/*/*/seed-0"))
    for seed in range(1, 1000):
        shutil.copytree(one, one.with_name(f"seed-{seed}"))
        record = one.with_name(f"seed-{seed}") / "record.json"
        record.write_text(record.read_text().replace('"seed": 0', f'"seed": {seed}', 1))


def _memory(root: Path) -> Row:
    """Proportional memory (PSS) of the server and two workers against 1.5 servers and twice what a job adds, in MB."""
    sizes: list[dict[int, float]] = []
    process = subprocess.Popen(_grid(root, JOBS), env=ENVIRONMENT, stdout=subprocess.DEVNULL, cwd=HERE.parent)
    over = threading.Event()
    watcher = threading.Thread(target=_sample, args=(process.pid, sizes, over))
    watcher.start()
    process.wait()
    over.set()
    watcher.join()
    whole = max(sum(sample.values()) for sample in sizes)
    server = max(next(iter(sample.values())) for sample in sizes if len(sample) == 1)
    record = json.loads(next(root.glob("scratch/runs/*/*/*/*/seed-0/scores.json")).read_text())
    job = max(record["cost/peak_rss_mb"] - server, 0.0)
    return Row("memory of two workers, MB", whole, 1.5 * server + 2 * job, whole / (1.5 * server + 2 * job), 1.0)


def _sample(driver: int, sizes: list[dict[int, float]], over: threading.Event) -> None:
    """The server of forks, then its workers, oldest first, every 20 ms."""
    while not over.wait(0.02):
        try:
            children = [int(pid) for pid in Path(f"/proc/{driver}/task/{driver}/children").read_text().split()]
            servers = [pid for pid in children if "forkserver" in Path(f"/proc/{pid}/cmdline").read_text()]
            if servers:
                workers = Path(f"/proc/{servers[0]}/task/{servers[0]}/children").read_text().split()
                sizes.append({pid: _pss(pid) for pid in (servers[0], *map(int, workers))})
        except (OSError, ValueError):  # one has ended meanwhile
            time.sleep(0.001)


def _pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    sys.exit(main())
