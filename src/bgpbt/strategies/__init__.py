"""Strategies: who trains next, from which weights, with which configuration. Pure; no JAX."""
