"""Stable-Baselines3's algorithms on Gymnasium's environments as a trainer (extra `sb3`).

Raffin, Hill, Gleave, Kanervisto, Ernestus and Dormann, Stable-Baselines3: Reliable Reinforcement Learning
Implementations, Journal of Machine Learning Research 22 (2021).
"""

from bgpbt.trainers.sb3.hyperparameters import ALGORITHMS, default_of
from bgpbt.trainers.sb3.trainer import SB3Trainer

__all__ = ["ALGORITHMS", "SB3Trainer", "default_of"]
