"""PPO: networks, rollout, learner, evaluation and the trainer made of them."""
