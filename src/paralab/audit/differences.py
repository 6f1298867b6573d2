"""What differs between two records of the same run: code, packages, machine, threads. Each a short line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from paralab.record.read import Json

# Whose versions may change a number; of the others a record has hundreds.
COMPUTING = (
    "paralab", "numpy", "scipy", "scikit-learn", "torch", "stable_baselines3", "sb3_contrib", "gymnasium", "pandas",
    "pyarrow", "pillow", "skops", "joblib", "threadpoolctl", "Box2D", "pygame", "pygame-ce", "lightgbm", "xgboost",
    "xgboost-cpu", "catboost", "mlxtend", "mujoco", "ale-py",
)  # fmt: skip
FEW = 4  # CPU flags named


@dataclass(frozen=True)
class Difference:
    what: str
    then: str
    now: str
    minor: bool = False  # a package that computes nothing

    def __str__(self) -> str:
        return f"{self.what} {self.then} then, {self.now} now"


def differences(then: Json, now: Json) -> list[Difference]:
    """Between two record.json of one run, what matters most first; [] where neither says a thing the other does not."""
    old, new = _of(then, "provenance"), _of(now, "provenance")
    found = [
        *_packages(_of(old, "packages"), _of(new, "packages")),
        *_each(old, new, {"python": "Python", "os": "OS", "cores": "cores"}),
        *_code(then, now),
        *_cpu(_of(old, "cpu"), _of(new, "cpu")),
        *_threads(_of(old, "threads"), _of(new, "threads")),
        *_variables(_of(old, "environment"), _of(new, "environment")),
        *_each(
            _of(then, "device"), _of(now, "device"), {"name": "device", "gpu": "GPU", "cuda": "CUDA", "cudnn": "cuDNN"}
        ),
    ]
    return sorted(found, key=lambda each: each.minor)


def _packages(old: Json, new: Json) -> Iterator[Difference]:
    for name in sorted({*old, *new}, key=str.lower):
        if old.get(name) != new.get(name):
            yield Difference(name, _text(old.get(name)), _text(new.get(name)), minor=name not in COMPUTING)


def _each(old: Json, new: Json, names: Mapping[str, str]) -> Iterator[Difference]:
    for key, what in names.items():
        if old.get(key) != new.get(key):
            yield Difference(what, _text(old.get(key)), _text(new.get(key)))


def _code(then: Json, now: Json) -> Iterator[Difference]:
    old, new = (_of(_of(record, "provenance"), "git") for record in (then, now))
    commits = [str(git.get("commit") or "")[:12] for git in (old, new)]
    if commits[0] != commits[1]:
        yield Difference("git commit", commits[0] or "none", commits[1] or "none")
    diffs = [str(_of(record, "files").get("dirty.diff") or "")[:12] for record in (then, now)]
    states = [
        f"changed ({diff})" if diff else "changed" if git.get("dirty") else "clean"
        for diff, git in zip(diffs, (old, new), strict=True)
    ]
    if states[0] != states[1] and any(commits):
        yield Difference("working tree", states[0], states[1])
    locks = [str(_of(record, "provenance").get("lock") or "none")[:12] for record in (then, now)]
    if locks[0] != locks[1]:
        yield Difference("constraints.txt", locks[0], locks[1])


def _cpu(old: Json, new: Json) -> Iterator[Difference]:
    yield from _each(old, new, {"model": "CPU"})
    flags = [set(str(cpu.get("flags") or "").split()) for cpu in (old, new)]
    if flags[0] != flags[1]:
        yield Difference("CPU flags", _some(flags[0] - flags[1]), _some(flags[1] - flags[0]))


def _some(flags: set[str]) -> str:
    names = sorted(flags)
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return f"also {', '.join(names[:FEW])}{more}" if names else "no others"


def _threads(old: Json, new: Json) -> Iterator[Difference]:
    """Of what both had loaded: a worker of a sweep has more than one run needs."""
    both = {key: what for key, what in {"torch": "torch threads", "aten": "ATen capability"}.items() if key in old}
    yield from _each(old, new, {key: what for key, what in both.items() if key in new})
    for key, what in {"num_threads": "threads", "internal_api": "thread pools"}.items():
        then, now = ({str(pool.get(key)) for pool in _list(threads.get("pools"))} for threads in (old, new))
        if then and now and not (then & now):
            yield Difference(what, ", ".join(sorted(then)), ", ".join(sorted(now)))


def _variables(old: Json, new: Json) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Difference(name, _text(old.get(name), "unset"), _text(new.get(name), "unset"))


def _of(record: Json, key: str) -> Json:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object, none: str = "none") -> str:
    return none if value is None else str(value)
