"""A study on disk: experiments/<name>/sweeps/<id>/ holds what it was begun with and its journal, written by one driver.

Its id follows from the configs, the space and the settings that decide what is sampled, not from the number of trials:
raising that one goes on. Journal: Optuna's, JSON lines, nothing pickled.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from paralab.errors import Refused
from paralab.record import files
from paralab.record.identity import KEYS
from paralab.record.lock import locked
from paralab.tune.options import Tuning
from paralab.tune.points import Points

FILE, JOURNAL = "study.json", "journal.log"
LOST = "lost"  # numbers of trials whose driver was killed: each is asked again, and counts for nothing
AGAIN = "again"  # of a trial: the lost one whose point it is
NOT_SAMPLING = ("n_trials", "report_seeds")  # may change from one start to the next


@contextmanager
def opened(points: Points, tuning: Tuning) -> Iterator[tuple[optuna.Study, Path]]:
    """The study and its folder, held by this process alone, trials that were under way asked again.

    Raises Refused where the same command was begun with other configs: a YAML was edited since.
    """
    begun = _begun(points, tuning)
    identity = {key: begun[key] for key in ("ids", "space", "settings")}
    name = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    config = points.examples[0].config
    home = Path(config["root"], config["name"], "sweeps", name)
    _check_unchanged(home, begun)
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{home} cannot be written ({error.strerror}); choose another place with root=DIR") from error
    with locked(home):
        if not (home / FILE).exists():
            files.write_json(home / FILE, begun)
        study = _load(home, name)
        _ask_again(study)
        yield study, home


def counted(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that make up `n_trials`: ended ones, and those under way."""
    lost = study.user_attrs.get(LOST, [])
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.state is not TrialState.WAITING and trial.number not in lost]


def _load(home: Path, name: str) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = home / JOURNAL
    (home / f"{JOURNAL}.lock").unlink(missing_ok=True)  # a killed driver's: this one holds the whole folder
    if journal.exists():  # a line torn by a kill would join the next one
        whole = journal.read_bytes()
        if cut := len(whole) - (whole.rfind(b"\n") + 1):
            with journal.open("r+b") as file:
                file.truncate(len(whole) - cut)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        backend = JournalFileBackend(str(journal), JournalFileOpenLock(str(journal)))
        return optuna.create_study(
            storage=JournalStorage(backend), study_name=name, direction="maximize", load_if_exists=True
        )


def _ask_again(study: optuna.Study) -> None:
    """Trials that a killed driver left: told as lost, their points asked again, so that their runs go on."""
    trials = study.get_trials(deepcopy=False)
    running = [trial for trial in trials if trial.state is TrialState.RUNNING]
    if running:
        lost = {*study.user_attrs.get(LOST, []), *(trial.number for trial in running)}
        study.set_user_attr(LOST, sorted(lost))
    queued = {trial.user_attrs.get(AGAIN) for trial in trials}
    for trial in running:
        if trial.params and trial.number not in queued:
            study.enqueue_trial(trial.params, user_attrs={**trial.user_attrs, AGAIN: trial.number})
        study.tell(trial.number, state=TrialState.FAIL)


def _begun(points: Points, tuning: Tuning) -> dict[str, Any]:
    """What a study is begun with: one config a choice of groups, the space, the settings."""
    settings = {key: value for key, value in asdict(tuning).items() if key not in NOT_SAMPLING}
    return {
        "said": sorted([*points.fixed, *points.added]),
        "space": {key: _plain(dimension) for key, dimension in sorted(points.space.items())},
        "settings": settings,
        "ids": sorted(plan.config_id for plan in points.examples),
        "configs": {plan.config_id: {key: plan.config[key] for key in KEYS} for plan in points.examples},
    }


def _plain(dimension: Any) -> dict[str, Any]:
    return json.loads(json.dumps({"kind": type(dimension).__name__, **asdict(dimension)}))  # type: ignore[no-any-return]


def _check_unchanged(home: Path, begun: Mapping[str, Any]) -> None:
    if (home / FILE).exists() or not home.parent.is_dir():
        return
    for other in sorted(home.parent.glob(f"*/{FILE}")):
        old = files.read_json(other)
        if all(old[key] == begun[key] for key in ("said", "space", "settings")):
            changed = ", ".join(sorted(_differing(old["configs"], begun["configs"]))) or "a file that the problem reads"
            raise Refused(
                f"{other.parent} was begun by the same command with another conf ({changed}): "
                "put it back to go on, or begin another study with hydra.sweeper.study_seed="
            )


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """Keys by which the configs of two studies differ, in their order."""
    found: set[str] = set()
    for one, other in zip(old.values(), new.values(), strict=False):
        mine, theirs = dict(_leaves(one)), dict(_leaves(other))
        found |= {key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)}
    return found


def _leaves(value: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    for key, each in value.items():
        if isinstance(each, Mapping):
            yield from _leaves(each, f"{where}{key}.")
        else:
            yield f"{where}{key}", list(each) if isinstance(each, tuple) else each
