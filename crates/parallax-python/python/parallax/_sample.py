"""A few events for trying things out, where there is no recording."""

from __future__ import annotations

from . import _native
from ._events import Events
from ._meta import Meta, pairs_of
from ._numpy import np


def sample(count: int = 1_000, *, width: int = 64, height: int = 48) -> Events:
    """Events of a dot that goes round: the same ones every time, for examples and tests.

    Parameters
    ----------
    count : int, default 1000
        How many; one every 100 us, ON and OFF in turn.
    width, height : int
        The sensor's size.

    Returns
    -------
    Events

    Examples
    --------
    >>> import parallax as px
    >>> px.sample()
    Events(count: 1_000, span: 0 to 99900 us, rate: 10 kev/s, size: 64x48)
    """
    index = np.arange(count, dtype=np.int64)
    # Whole numbers alone, so that it is the same everywhere: once round the edge of a square.
    side, at = np.divmod(index % 160, 40)
    x = np.choose(side, [at, 40 + 0 * at, 40 - at, 0 * at]) * width // 64
    y = np.choose(side, [0 * at, at, 40 + 0 * at, 40 - at]) * height // 64
    facts = Meta(width=width, height=height, sensor="sample")
    p = (index % 2).astype(np.uint8)
    batch = _native.Batch.from_arrays(index * 100, x.astype(np.uint16), y.astype(np.uint16), p, pairs_of(facts))
    return Events(batch)
