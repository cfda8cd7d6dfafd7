"""Bayesian Generational Population-Based Training.

Wan, Lu, Parker-Holder, Ball, Nguyen, Ru and Osborne (2022), "Bayesian Generational
Population-Based Training", AutoML-Conf 2022, arXiv 2207.09405.
"""

__version__ = "0.1.0"
