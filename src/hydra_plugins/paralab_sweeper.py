"""The door through which Hydra finds the sweeper; Hydra executes this file at every start, so nothing heavy is here."""

from typing import Any, cast

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class ParalabSweeper(Sweeper):
    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context, self.task, self.given = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        from paralab.sweep.sweeper import sweep

        return sweep(cast(Any, self.context.config_loader), self.given, arguments, cast(Any, self.task))


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="paralab",
    node={"_target_": "hydra_plugins.paralab_sweeper.ParalabSweeper", "params": {}},
    provider="paralab",
)
