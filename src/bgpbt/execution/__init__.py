"""The loop between strategy and trainer, and the executors."""
