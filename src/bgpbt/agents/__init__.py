"""PPO: networks, rollout, learner, evaluation and the trainer made of them."""

from bgpbt.agents.compiled.memory_need import MemoryNeed
from bgpbt.agents.networks.architecture import PAPER_POLICY, PAPER_VALUE, Architecture, Architectures
from bgpbt.agents.ppo.distillation import DistillationSettings
from bgpbt.agents.ppo.evaluation import EpisodeReturns
from bgpbt.agents.settings import PPOSettings
from bgpbt.agents.space_check import check_space
from bgpbt.agents.stack import StackedTrainer, local_devices
from bgpbt.agents.trainer import PPOTrainer
from bgpbt.xla import enable_persistent_cache

__all__ = [
    "PAPER_POLICY",
    "PAPER_VALUE",
    "Architecture",
    "Architectures",
    "DistillationSettings",
    "EpisodeReturns",
    "MemoryNeed",
    "PPOSettings",
    "PPOTrainer",
    "StackedTrainer",
    "check_space",
    "enable_persistent_cache",
    "local_devices",
]
