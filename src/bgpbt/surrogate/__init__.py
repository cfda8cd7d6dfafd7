"""The Gaussian process, its trust region and its acquisition: NumPy and SciPy, float64, no JAX."""
