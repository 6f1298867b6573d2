"""The door through which Hydra finds the sweeper; Hydra executes this file at every start, so nothing heavy is here."""

from typing import Any, cast

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

NODE: dict[str, Any] = {
    "_target_": "hydra_plugins.paralab_sweeper.ParalabSweeper",
    "params": {},  # of an experiment: its grid's axes, or its search space
    "n_trials": None,  # None: a grid; else a study of so many trials in all
    "sampler": "tpe",  # tpe | cmaes | random | grid
    "pruner": "none",  # none | median | hyperband
    "seeds": 1,  # tuning seeds a trial, whose mean is its value
    "report_seeds": 10,  # that the winner is run on
    "study_seed": 0,  # of what the sampler draws
}


class ParalabSweeper(Sweeper):
    def __init__(self, **node: Any) -> None:
        """Hydra gives what stands in NODE; it is read from the config, where it is needed."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context, self.task, self.given = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        load, task = cast(Any, self.context.config_loader), cast(Any, self.task)
        if self.given.hydra.sweeper.n_trials is None:
            from paralab.sweep.sweeper import sweep

            return sweep(load, self.given, arguments, task)
        from paralab.tune.tuner import tune

        return tune(load, self.given, arguments, task)


for name, trials in {"paralab": None, "optuna": 30}.items():
    node = {**NODE, "n_trials": trials}
    ConfigStore.instance().store(group="hydra/sweeper", name=name, node=node, provider="paralab")
