"""Proximal policy optimisation.

In reading order:

- `hyperparameters`: what an order sets
- `rollout`: acting in the environments, and what is recorded of it
- `advantages`: generalised advantage estimation
- `loss`: the objective
- `minibatch`: the data of one update
- `learner`: one iteration, which collects and learns
- `evaluation`: the score of a policy
- `distillation`, `teacher_schedule`: learning from a teacher
- `buffers`: the memory that iterations write into
"""
