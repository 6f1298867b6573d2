"""What a random policy earns, the floor of a control problem: benchmarks/random_policy.py CartPole-v1 [key=JSON ...]"""

from __future__ import annotations

import json
import sys

import numpy as np

from paralab.environments.making import make

EPISODES = 1000


def random_returns(name: str, kwargs: dict[str, object], seed: int = 0) -> list[float]:
    """Returns of EPISODES episodes of uniformly drawn actions."""
    env = make(name, kwargs, ())
    env.action_space.seed(seed)
    env.reset(seed=seed)
    returns = []
    for _ in range(EPISODES):
        env.reset()
        total, over = 0.0, False
        while not over:
            _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            total, over = total + float(reward), terminated or truncated
        returns.append(total)
    env.close()
    return returns


def main() -> None:
    name, *rest = sys.argv[1:]
    pairs = (pair.partition("=") for pair in rest)
    earned = random_returns(name, {key: json.loads(value) for key, _, value in pairs})
    print(json.dumps({"id": name, "episodes": EPISODES, "mean": np.mean(earned), "sd": np.std(earned, ddof=1)}))


if __name__ == "__main__":
    main()
