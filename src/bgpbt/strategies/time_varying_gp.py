"""The time-varying Gaussian process of PB2 and PB2-Mix: fit, and posterior with fantasies.

Bogunovic, Scarlett & Cevher (2016), section 3; Parker-Holder et al. (2020), section 4.1; for categories
Parker-Holder et al. (2021), section 4. Covariance of two observations that differ in h categories:

    k = v exp(-|x - x'|² / (2 l²) - h / (2 c²)) (1 - e)^(|t - t'| / 2),   plus s on the diagonal

PB2 has one lengthscale for all inputs; all five numbers are fitted by marginal likelihood.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from bgpbt.arrays import Floats

__all__ = ["Parameters", "Points", "Posterior", "fit", "posterior", "upper_bound"]


# Bounds of log variance, log lengthscale, log categorical lengthscale, log(e / (1 - e)), log noise variance,
# for targets of variance 1, inputs in [0, 1] and time in rounds.
LOWER = np.log([0.05, 0.05, 0.1, 1e-4, 1e-3])
UPPER = np.log([20.0, 5.0, 5.0, 1.0, 1.0])
START = np.log([1.0, 0.5, 0.7, 0.05, 0.1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Where the function is or was looked at."""

    x_nd: Floats  # ordered inputs in [0, 1], the context among them
    choice_nk: Floats  # indices of categories; no column if there are none
    time_n: Floats  # rounds

    @property
    def size(self) -> int:
        """Number of points."""
        return int(self.time_n.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Hyperparameters of the process."""

    variance: float
    lengthscale: float
    categorical_lengthscale: float
    forgetting: float  # e, per round
    noise: float  # variance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior:
    """What the data say; pending points only narrow the variance (Desautels et al., 2014, GP-BUCB)."""

    parameters: Parameters
    data: Points
    data_and_pending: Points
    weight_n: Floats  # (K + s)^-1 y over the data
    precision_mm: Floats  # (K + s)^-1 over data and pending points


def fit(data: Points, y_n: Floats) -> Parameters:
    """Return the parameters of highest marginal likelihood; `y_n` is standardised."""
    squared_nn, mismatch_nn, lag_nn = _differences(data, data)

    def negative(theta: Floats) -> tuple[float, Floats]:
        return _negative_log_likelihood(theta, squared_nn, mismatch_nn, lag_nn, y_n)

    starts = (START, np.log([1.0, 0.2, 0.7, 0.3, 0.3]))
    bounds = list(zip(LOWER, UPPER, strict=True))
    results = [minimize(negative, start, jac=True, method="L-BFGS-B", bounds=bounds) for start in starts]
    return _parameters(min(results, key=lambda result: float(result.fun)).x)


def posterior(parameters: Parameters, data: Points, y_n: Floats, pending: Points) -> Posterior:
    """Condition on the data, and the variance on the pending points as well."""
    noisy_nn = _kernel(parameters, data, data) + parameters.noise * np.eye(data.size)
    joint = Points(
        x_nd=np.vstack([data.x_nd, pending.x_nd]),
        choice_nk=np.vstack([data.choice_nk, pending.choice_nk]),
        time_n=np.concatenate([data.time_n, pending.time_n]),
    )
    noisy_mm = _kernel(parameters, joint, joint) + parameters.noise * np.eye(joint.size)
    return Posterior(
        parameters=parameters,
        data=data,
        data_and_pending=joint,
        weight_n=cho_solve(cho_factor(noisy_nn, lower=True), y_n),
        precision_mm=cho_solve(cho_factor(noisy_mm, lower=True), np.eye(joint.size)),
    )


def upper_bound(model: Posterior, at: Points, kappa: float) -> tuple[Floats, Floats]:
    """Return mean + kappa standard deviation, (q,), and its gradient in the ordered inputs, (q, d)."""
    lengthscale = model.parameters.lengthscale
    k_qn = _kernel(model.parameters, at, model.data)
    k_qm = _kernel(model.parameters, at, model.data_and_pending)
    solved_qm = k_qm @ model.precision_mm
    variance_q = np.maximum(model.parameters.variance - np.sum(k_qm * solved_qm, axis=1), 1e-12)
    deviation_q = np.sqrt(variance_q)
    toward_qnd = (model.data.x_nd[None] - at.x_nd[:, None]) / lengthscale**2
    toward_qmd = (model.data_and_pending.x_nd[None] - at.x_nd[:, None]) / lengthscale**2
    mean_slope_qd = np.einsum("qn,n,qnd->qd", k_qn, model.weight_n, toward_qnd)
    variance_slope_qd = -2.0 * np.einsum("qm,qm,qmd->qd", k_qm, solved_qm, toward_qmd)
    value_q = k_qn @ model.weight_n + kappa * deviation_q
    return value_q, mean_slope_qd + kappa * variance_slope_qd / (2.0 * deviation_q[:, None])


def _kernel(parameters: Parameters, a: Points, b: Points) -> Floats:
    squared_nm, mismatch_nm, lag_nm = _differences(a, b)
    exponent_nm = -squared_nm / (2.0 * parameters.lengthscale**2)
    exponent_nm -= mismatch_nm / (2.0 * parameters.categorical_lengthscale**2)
    exponent_nm += 0.5 * lag_nm * np.log1p(-parameters.forgetting)
    return np.asarray(parameters.variance * np.exp(exponent_nm))


def _differences(a: Points, b: Points) -> tuple[Floats, Floats, Floats]:
    """Return squared distances, numbers of differing categories, and time lags: each (n, m)."""
    squared_nm: Floats = np.sum((a.x_nd[:, None] - b.x_nd[None]) ** 2, axis=2)
    mismatch_nm: Floats = np.sum(a.choice_nk[:, None] != b.choice_nk[None], axis=2, dtype=np.float64)
    return squared_nm, mismatch_nm, np.abs(a.time_n[:, None] - b.time_n[None])


def _parameters(theta: Floats) -> Parameters:
    variance, lengthscale, categorical_lengthscale, odds, noise = (float(value) for value in np.exp(theta))
    return Parameters(
        variance=variance,
        lengthscale=lengthscale,
        categorical_lengthscale=categorical_lengthscale,
        forgetting=odds / (1.0 + odds),
        noise=noise,
    )


def _negative_log_likelihood(
    theta: Floats, squared_nn: Floats, mismatch_nn: Floats, lag_nn: Floats, y_n: Floats
) -> tuple[float, Floats]:
    """Return the value and gradient in theta: Rasmussen & Williams (2006), eqs. 2.30 and 5.9."""
    p = _parameters(theta)
    exponent_nn = -squared_nn / (2.0 * p.lengthscale**2) - mismatch_nn / (2.0 * p.categorical_lengthscale**2)
    kernel_nn = p.variance * np.exp(exponent_nn + 0.5 * lag_nn * np.log1p(-p.forgetting))
    identity_nn = np.eye(y_n.size)
    factor = cho_factor(kernel_nn + p.noise * identity_nn, lower=True)
    precision_nn = cho_solve(factor, identity_nn)
    weight_n = precision_nn @ y_n
    value = 0.5 * y_n @ weight_n + np.sum(np.log(np.diag(factor[0]))) + 0.5 * y_n.size * np.log(2.0 * np.pi)
    slope_nn = precision_nn - np.outer(weight_n, weight_n)  # of twice the value, in the covariance
    sloped_nn = slope_nn * kernel_nn
    gradient = 0.5 * np.array(
        [
            np.sum(sloped_nn),
            np.sum(sloped_nn * squared_nn) / p.lengthscale**2,
            np.sum(sloped_nn * mismatch_nn) / p.categorical_lengthscale**2,
            np.sum(sloped_nn * lag_nn) * -0.5 * p.forgetting,
            np.trace(slope_nn) * p.noise,
        ]
    )
    return float(value), gradient
