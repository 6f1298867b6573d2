"""Theirs of sweep.py: Hydra's own sweeper and its joblib launcher over the same configs and the same training function.

benchmarks/sweep_side.py hydra/sweeper=basic hydra/launcher=joblib ... -m, with the launcher on PYTHONPATH
"""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig, open_dict


@hydra.main(version_base=None, config_path=str(Path(__file__).parents[1] / "conf"), config_name="config")
def main(config: DictConfig) -> float:
    from hydra.core.hydra_config import HydraConfig

    from paralab.run import run
    from paralab.sweep.plan import freeze

    with open_dict(config):
        config.hydra = HydraConfig.get()
    return run(freeze(config)).scores["test/accuracy"]


if __name__ == "__main__":
    import paralab.schema  # noqa: F401  # the types of the root config, which `paralab train` brings too

    main()
