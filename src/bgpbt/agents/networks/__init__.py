"""What an agent is made of.

In reading order:

- `architecture`: the shapes of its two networks
- `perceptron`, `activations`: a network, and the functions of its units
- `normaliser`: scales observations
- `action_space`, `squashed_normal`, `categorical`: the distribution over actions that a policy's outputs give
- `member`: an agent in the middle of its training, and its form in a checkpoint
- `padding`: small networks inside large ones
- `growth`: larger networks that compute what smaller ones do
"""

from bgpbt.moved import moved

__getattr__ = moved(
    __name__,
    {
        "bgpbt.agents.networks.perceptron": (
            "PaddedSpectral",
            "Parameters",
            "Spectral",
            "apply",
            "initialise",
            "kernel_gradient",
            "spectral_step",
        )
    },
)
