"""Toy tasks that separate strategies in seconds: trainers like any other, NumPy only."""
