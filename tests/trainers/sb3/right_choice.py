"""A Gymnasium environment whose returns are known: it shows which of three choices it pays."""

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

CHOICES = 3
EPISODE = 10  # steps, and the best return

SEEDS: list[int | None] = []
"""Seeds that any of these environments was reset with, in sequence."""


class RightChoice(gymnasium.Env):  # type: ignore[misc, type-arg, unused-ignore]
    """Pays 1 for the choice that is shown."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (CHOICES,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(CHOICES)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Begin an episode."""
        super().reset(seed=seed)
        SEEDS.append(seed)
        self._steps = 0
        return self._show(), {}

    def step(self, action: int) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Pay, and show the next."""
        reward = float(action == self._right)
        self._steps += 1
        return self._show(), reward, False, self._steps == EPISODE, {}

    def _show(self) -> npt.NDArray[np.float32]:
        self._right = int(self.np_random.integers(CHOICES))
        shown: npt.NDArray[np.float32] = np.eye(CHOICES, dtype=np.float32)[self._right]
        return shown
