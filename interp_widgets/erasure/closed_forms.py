"""Erasure in closed form, from means and covariances alone.

With Sxx the covariance of the states and Sxz their cross-covariance with the one-hot labels:

leace            r(x) = x - W+ U U^T W (x - m), with W = Sxx^(-1/2) and U an orthonormal basis of the columns of W Sxz
                 (Belrose et al. 2023, theorem 4.3): of all affine maps that leave no linear trace of the label the one
                 that changes the states least.  Its change has covariance W+ U U^T W+, so the states' covariance
                 shrinks by that much and can grow in no direction.
mean_difference  r(x) = x - Q Q^T (x - m), with Q an orthonormal basis of the columns of Sxz: the same guarantee, at a
                 larger change
oracle           r(x, z) = x - Sxz Szz+ (z - E[z]) (theorem 4.5 there): with one-hot labels, each class moved by its own
                 mean onto the common one.  It needs the label of every state
quadratic        r(x, z) = A_z (x - m_z) + m: each class moved onto the Wasserstein barycentre of the classes' normal
                 distributions (appendix there): equal means and equal covariances.  It needs labels too
random           r(x) = x - Q Q^T (x - m) for random Q: the control
"""

from __future__ import annotations

import numpy as np
import torch

from interp_widgets.erasure.labels import Floats
from interp_widgets.erasure.moments import Moments
from interp_widgets.erasure.shrinkage import shrunk
from interp_widgets.errors import ArgumentError

_ITERATIONS = 100


def covariance(moments: Moments, shrinkage: bool) -> tuple[Floats, float]:
    """(Sxx, how much of it is the multiple of the identity)."""
    if shrinkage:
        return shrunk(moments.scatter / moments.n, moments.n)
    return moments.scatter / max(moments.n - 1, 1), 0.0


def leace(sigma: Floats, cross: Floats, most: int, tolerance: float) -> tuple[Floats, Floats]:
    """(left (width, rank), right (rank, width)) with r(x) = x - left right (x - m); rank at most `most`.

    sigma: Sxx; cross: Sxz. Eigenvalues below the largest times width times the machine's epsilon count as 0; singular
    values of W Sxz up to `tolerance` are left alone, and with them the trace that they are.
    """
    values, vectors = eigh(sigma)
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    if not kept.any():
        return np.zeros((len(sigma), 0)), np.zeros((0, len(sigma)))
    root, vectors = np.sqrt(values[kept]), vectors[:, kept]
    whitened = (vectors.T @ cross) / root[:, None]  # in the basis of eigenvectors
    u = basis(whitened, tolerance, most)
    return vectors @ (root[:, None] * u), (vectors @ (u / root[:, None])).T


def mean_difference(cross: Floats, most: int) -> Floats:
    """Q, (width, rank), from Sxz."""
    largest = float(np.abs(cross).max())
    return basis(cross, largest * 1e-12, most)


def random_directions(width: int, rank: int, seed: int) -> Floats:
    """Orthonormal columns (width, rank), uniformly distributed."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(width, rank)))
    return np.asarray(q * np.sign(np.diag(r)))


def basis(columns: Floats, tolerance: float, most: int) -> Floats:
    """Orthonormal basis of the columns' span, largest singular value first; values up to `tolerance` count as 0."""
    u, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(u[:, :most][:, sizes[:most] > tolerance])


def transport(moments: Moments, shrinkage: bool) -> Floats:
    """A, (classes, width, width), symmetric: from each class's covariance to the barycentre of all.

    Raises ArgumentError for a class of fewer than two states.
    """
    few = next((c for c, n in zip(moments.classes, moments.counts, strict=True) if n < 2), None)
    if few is not None:
        raise ArgumentError(f"labels: class {few!r} has one state; a covariance of its own needs two or more")
    sigmas = [
        shrunk(own / n, int(n))[0] if shrinkage else own / (n - 1)
        for own, n in zip(moments.scatters, moments.counts, strict=True)
    ]
    centre = barycentre(sigmas, moments.counts / moments.counts.sum())
    return np.stack([transport_map(one, centre) for one in sigmas])


def transport_map(source: Floats, goal: Floats) -> Floats:
    """The symmetric A with A source A = goal: S^(-1/2) (S^(1/2) G S^(1/2))^(1/2) S^(-1/2)."""
    root, inverse = roots(source)
    return np.asarray(inverse @ roots(root @ goal @ root)[0] @ inverse)


def barycentre(sigmas: list[Floats], weights: Floats) -> Floats:
    """Covariance of the Wasserstein barycentre of centred normal distributions.

    Of two in closed form, w1^2 S1 + w2^2 S2 + w1 w2 (M + M^T) with M = S1^(1/2) (S1^(1/2) S2 S1^(1/2))^(1/2) S1^(-1/2);
    of more by the fixed point of Alvarez-Esteban et al. 2016 (arXiv 1511.05355, equation 7).
    """
    if len(sigmas) == 2:
        (one, other), (w1, w2) = sigmas, weights
        root, inverse = roots(one)
        mixed = root @ roots(root @ other @ root)[0] @ inverse
        return np.asarray(w1 * w1 * one + w2 * w2 * other + w1 * w2 * (mixed + mixed.T))
    centre = sum((w * s for w, s in zip(weights, sigmas, strict=True)), np.zeros_like(sigmas[0]))
    total, loss = float(np.trace(centre)), np.inf
    for _ in range(_ITERATIONS):
        root, inverse = roots(centre)
        inner = sum(
            (w * roots(root @ s @ root)[0] for w, s in zip(weights, sigmas, strict=True)), np.zeros_like(centre)
        )
        now = float(np.trace(centre)) + total - 2 * float(np.trace(inner))
        if loss - now < np.finfo(np.float64).eps:
            break
        loss = now
        step = inverse @ inner @ inverse
        centre = step @ centre @ step
    return np.asarray((centre + centre.T) / 2)


def roots(matrix: Floats) -> tuple[Floats, Floats]:
    """Square root of a symmetric matrix without negative eigenvalues, and the pseudo-inverse of that root."""
    values, vectors = eigh((matrix + matrix.T) / 2)
    values = np.maximum(values, 0)
    kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
    root = np.sqrt(values)
    inverse = np.divide(1, root, out=np.zeros_like(root), where=kept)
    return np.asarray((vectors * root) @ vectors.T), np.asarray((vectors * inverse) @ vectors.T)


def eigh(matrix: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, ascending, and eigenvectors; by torch, whose LAPACK is the faster one."""
    values, vectors = torch.linalg.eigh(torch.from_numpy(matrix))
    return np.asarray(values.numpy()), np.asarray(vectors.numpy())
