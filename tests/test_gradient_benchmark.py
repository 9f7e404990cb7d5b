"""The measures of benchmarks/gradient_ranking.py, by hand."""

import numpy as np
import pytest

from benchmarks.gradient_ranking import Site, compared

CODES = np.array([0, 1, 2], np.uint8)
EXACT = np.array([[0, -1, -2, -3], [-9, 0, -8, -10], [1, 2, 0, 3.0]])
SITE = Site("GATA", 101, 102, range(100, 103))


def test_equal_effects_agree_in_everything() -> None:
    assert compared(EXACT, EXACT, SITE, CODES) == pytest.approx((1, 1, 1))


def test_each_measure_sees_its_own_error() -> None:
    rho, signs, bases = compared(EXACT, -EXACT, SITE, CODES)
    assert (rho, signs, bases) == pytest.approx((-1, 0, 1))
    found = EXACT.copy()
    found[1, 0] = 0.5  # one of three that have at least half of the largest effect, 10
    rho, signs, bases = compared(EXACT, found, SITE, CODES)
    assert 0 < rho < 1
    assert (signs, bases) == pytest.approx((2 / 3, 1))
    found[2] = [20, 20, 0, 20]  # the strongest base is now another than the site's
    assert compared(EXACT, found, SITE, CODES)[2] == 0
