"""What the tests share: the recordings, and how hypothesis runs."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings, strategies

settings.register_profile(
    "parallax",
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("parallax")


@pytest.fixture
def recording():
    """A function from a recording's name to its path; skips the test by name where it is not here."""

    def find(name):
        folder = os.environ.get("PARALLAX_RECORDINGS")
        if folder and (path := Path(folder, name)).is_file():
            return path
        if os.environ.get("CI") not in (None, "", "false"):
            pytest.fail(f"no recording {name}; in CI nothing may be skipped")
        pytest.skip(f"no recording {name}: PARALLAX_RECORDINGS is {folder or 'not set'}")

    return find


@strategies.composite
def columns(draw, most=200, in_order=False):
    """Columns (t, x, y, p) of the types that are ours."""
    count = draw(strategies.integers(0, most))

    def column(low, high, dtype):
        values = draw(strategies.lists(strategies.integers(low, high), min_size=count, max_size=count))
        return np.array(values, dtype=dtype)

    t = column(-10_000, 10_000, np.int64)
    if in_order:
        t.sort()
    return t, column(0, 63, np.uint16), column(0, 47, np.uint16), column(0, 1, np.uint8)
