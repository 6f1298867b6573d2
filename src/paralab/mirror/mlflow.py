"""Runs copied into an MLflow store, once each; the folders stay the truth.

MLflow's own client is used, from one process: on sqlite several writers would wait for each other. A run there is known
by the tags `paralab.run` (its folder below the root) and `paralab.digest`; the latter is written last, so that a copy
which was cut short is made anew.
"""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from paralab.errors import Failed, Refused
from paralab.mirror.content import Content, content, digest, identity, link, named, params, tags
from paralab.record.read import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as Copy

Done = Literal["new", "replaced", "there", "left out"]
MODULES = ("mlflow", "sqlalchemy", "alembic")
SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
PAGE = 1000  # runs asked for at once
METRICS, PARAMS = 900, 100  # of a call: MLflow takes 1,000 and 100, and 1,000 in all
LONGEST = 6000  # characters of a parameter; a tag may have 8,000
SETTINGS = {  # read as mlflow is imported
    "MLFLOW_DISABLE_TELEMETRY": "true",  # else it reports what is called
    "MLFLOW_LOGGING_LEVEL": "ERROR",  # else each of the 60 migrations of a new store is a line
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # else a server that is not there is waited for over minutes
}
ENDED = {"finished": "FINISHED", "failed": "FAILED", "diverged": "FAILED"}  # others: KILLED
COPIED = "paralab.artifacts"
ARTIFACTS = ("config.yaml", "record.json", "history.jsonl", "scores.json", "scenario.npz", "predictions.npz", "run.log")
WEIGHTS = ("model", "model_last")


@dataclass(frozen=True)
class Step:
    """What became of one run."""

    run: Run
    done: Done
    why: str = ""


def sync(found: Sequence[Run], uri: str, artifacts: bool = False) -> Iterator[Step]:
    """Bring each run into the store unless it is there as it is; a changed one is copied anew, the old copy deleted.

    Running and damaged runs are left out. `artifacts`: model, predictions and logs are copied, else only linked.
    Raises Refused where MLflow or the store cannot be had, Failed where the store fails in between.
    """
    client = open_store(uri)
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        known: dict[str, tuple[str, dict[str, list[Copy]]]] = {}
        for run in found:
            if why := _left_out(run):
                yield Step(run, "left out", why)
                continue
            if run.experiment not in known:
                known[run.experiment] = _experiment(client, run.experiment, uri)
            place, copies = known[run.experiment]
            yield Step(run, _bring(client, place, run, copies.get(identity(run), []), artifacts))
    except (MlflowException, SQLAlchemyError) as error:
        raise Failed(f"MLflow at {shown(uri)} failed: {_why(error, uri)}") from error


def open_store(uri: str) -> MlflowClient:
    """A client of the store, made where it is not there; raises Refused."""
    for module in MODULES:
        if find_spec(module) is None:
            raise Refused(f"sync-mlflow needs {module}, which is not installed: pip install 'paralab[mlflow]'")
    place = _checked(uri)
    os.environ.update({name: value for name, value in SETTINGS.items() if name not in os.environ})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own imports, on which nobody here can act
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            client = MlflowClient(place)
            client.search_experiments(max_results=1)
        except MlflowException as error:
            raise Refused(f"--uri {shown(uri)} cannot be used: {_why(error, uri)}") from error
    return client


def shown(uri: str) -> str:
    """A store's address without the password in it."""
    name, at, rest = uri.rpartition("@")
    return f"{name.partition('://')[0]}://...@{rest}" if at and "://" in name else uri


def _why(error: Exception, uri: str) -> str:
    return str(error).strip().splitlines()[0].replace(uri, shown(uri))


def _checked(uri: str) -> str:
    """The address as MLflow keeps it, a file's from the root on; raises Refused for what it would retry for minutes."""
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if scheme not in SCHEMES:
        hint = f"; did you mean sqlite:///{uri}?" if not scheme else ""
        raise Refused(f"--uri {shown(uri)}: no address of a store, which begins with {', '.join(SCHEMES)}{hint}")
    if scheme != "sqlite":
        return uri
    start, _, name = uri.partition(":///")
    said, question, options = name.partition("?")
    path = Path(said).absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            file.seek(0)
            head = file.read(15)
    except OSError as error:
        raise Refused(f"--uri {uri} cannot be written: {error.strerror}") from error
    if head not in (b"", b"SQLite format 3"):
        raise Refused(f"--uri {uri}: the file is no sqlite database; name another one")
    return f"{start}:///{path}{question}{options}"


def _left_out(run: Run) -> str:
    if run.status == "running":
        return "still running"
    if run.status == "damaged":
        return f"damaged: {run.error}"
    return "" if (run.folder / "record.json").is_file() else "nothing recorded yet"


def _experiment(client: MlflowClient, name: str, uri: str) -> tuple[str, dict[str, list[Copy]]]:
    """The experiment's id there, and the copies that it holds by the folders that they are of."""
    there = client.get_experiment_by_name(name)
    if there is None:
        return client.create_experiment(name), {}
    if there.lifecycle_stage != "active":
        raise Refused(
            f"the experiment {name} is deleted in {shown(uri)}: "
            f"mlflow experiments restore --experiment-id {there.experiment_id}, or give another --uri"
        )
    copies: dict[str, list[Copy]] = defaultdict(list)
    token: str | None = None
    while True:
        page = client.search_runs([there.experiment_id], max_results=PAGE, page_token=token)
        for copy in page:
            copies[copy.data.tags.get("paralab.run", "")].append(copy)
        token = page.token
        if not token:
            return there.experiment_id, copies


def _bring(client: MlflowClient, place: str, run: Run, copies: Sequence[Copy], artifacts: bool) -> Done:
    now, home = digest(run), link(run.folder)
    same = next((copy for copy in copies if copy.data.tags.get("paralab.digest") == now), None)
    if same is None:
        key = _write(client, place, run, {"paralab.run": identity(run), "paralab.folder": home}, artifacts)
        client.set_tag(key, "paralab.digest", now)
    else:
        if same.data.tags.get("paralab.folder") != home:  # the root has moved
            client.set_tag(same.info.run_id, "paralab.folder", home)
        if artifacts and COPIED not in same.data.tags:
            _copy(client, same.info.run_id, run.folder)
    for copy in copies:
        if copy is not same:
            client.delete_run(copy.info.run_id)
    return "there" if same else "replaced" if copies else "new"


def _write(client: MlflowClient, place: str, run: Run, own: Mapping[str, str], artifacts: bool) -> str:
    """One run there, whole but for its digest; its id."""
    from mlflow.entities import Metric, Param

    said = content(run)
    labels = "" if run.labels is None else f" labels={run.labels}"
    name = f"{run.problem} {run.trainer}{labels} seed={run.seed}"
    source = {"mlflow.source.name": " ".join(run.command), "mlflow.source.type": "LOCAL"}
    told = {tag: value[:LONGEST] for tag, value in (tags(run, said) | source | _commit(said)).items()}
    copy = client.create_run(
        place, int(said.began * 1000), told | dict(own), name
    )  # a tag set later costs a query each
    key: str = copy.info.run_id
    settings = [Param(each, value[:LONGEST]) for each, value in params(said).items()]
    names = named(dict.fromkeys(metric for metric, _ in said.points))
    points = [
        Metric(names[metric], value, int((said.began + seconds) * 1000), step)
        for (metric, step), (value, seconds) in said.points.items()
    ]
    for part in range(max(-(-len(settings) // PARAMS), -(-len(points) // METRICS))):
        few, many = slice(part * PARAMS, (part + 1) * PARAMS), slice(part * METRICS, (part + 1) * METRICS)
        client.log_batch(key, points[many], settings[few])
    if artifacts:
        _copy(client, key, run.folder)
    client.set_terminated(key, ENDED.get(run.status, "KILLED"), int(said.ended * 1000))
    return key


def _commit(said: Content) -> dict[str, str]:
    commit = said.record.get("provenance", {}).get("git", {}).get("commit")
    return {"mlflow.source.git.commit": commit} if commit else {}


def _copy(client: MlflowClient, key: str, folder: Path) -> None:
    for name in ARTIFACTS:
        if (folder / name).is_file():
            client.log_artifact(key, str(folder / name))
    for name in WEIGHTS:
        if (folder / name).is_dir():
            client.log_artifacts(key, str(folder / name), name)
    client.set_tag(key, COPIED, "copied")
