#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""IR-MAD by scipy's generalized eigenvalues, the reference that test_normalization.cpp compares with: prints its figures.

Covariances are solved as Nielsen (2007) writes them; squares are scaled by what the weights leave of normal differences' variance.
"""
import numpy as np
import scipy.linalg
import scipy.stats


def drawn_pixels(count, changed):
    """Three bands before and two after, whole numbers; the first `changed` pixels have nothing in common."""
    state = 12345
    rows = []

    def unit():
        nonlocal state
        state = (1103515245 * state + 12345) % 2**31
        return state / 2**31

    for i in range(count):
        common = unit()
        before = [np.floor(100 * common + 60 * unit() + 20), np.floor(150 * common + 30 * unit()), np.floor(80 * common + 90 * unit())]
        after = [np.floor(0.5 * before[0] + 12 * unit() + 30), np.floor(1.5 * before[2] + 0.2 * before[1] + 30 * unit())]
        if i < changed:
            after = [np.floor(200 * unit()), np.floor(250 * unit())]
        rows.append(before + after)
    return np.array(rows)


def irmad(pixels, bands_before, rounds):
    p, k = bands_before, min(bands_before, pixels.shape[1] - bands_before)
    weights = np.ones(len(pixels))
    for turn in range(rounds):
        mean = np.average(pixels, axis=0, weights=weights)
        c = np.cov(pixels.T, aweights=weights, ddof=0)
        xx, yy, xy = c[:p, :p], c[p:, p:], c[:p, p:]
        squares, a = scipy.linalg.eigh(xy @ np.linalg.solve(yy, xy.T), xx)
        a, rho = a[:, ::-1][:, :k], np.sqrt(squares[::-1][:k])
        b = np.linalg.solve(yy, xy.T @ a) / rho
        mad = (pixels[:, :p] - mean[:p]) @ a - (pixels[:, p:] - mean[p:]) @ b
        left = 2 * scipy.stats.beta.cdf(0.5, k / 2 + 1, k / 2) if turn > 0 else 1
        weights = scipy.stats.chi2.sf(left * (mad**2 / (2 * (1 - rho))).sum(axis=1), k)
    return rho, weights


if __name__ == "__main__":
    drawn = drawn_pixels(2000, 500)
    for count in (1, 2, 10):
        correlations, weights = irmad(drawn, 3, count)
        print(count, correlations, weights[[0, 100, 499, 500, 1000, 1999]], weights.sum())
