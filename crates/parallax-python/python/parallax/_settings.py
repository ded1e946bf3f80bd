"""What holds for the whole process."""

from __future__ import annotations

import os

from . import _native


def set_threads(count: int | None, /) -> None:
    """Sets on how many threads work runs. No result depends on it.

    Parameters
    ----------
    count : int or None
        None is one for each core, as it is at first.

    Examples
    --------
    >>> import parallax as px
    >>> px.set_threads(2)
    >>> px.get_threads()
    2
    >>> px.set_threads(None)
    """
    _native.set_threads(count)


def get_threads() -> int:
    """On how many threads work runs.

    Returns
    -------
    int
    """
    return _native.threads()


def set_mode(mode: str, /) -> None:
    """Sets how operators treat time from now on.

    Parameters
    ----------
    mode : str
        ``"exact"``, as it is at first: times as recorded. Or ``"fixed_step:1000ns"``: every time becomes the nearest multiple of
        this step on the way in, and the `Events.report` says how far times were moved.

    Examples
    --------
    >>> import parallax as px
    >>> px.set_mode("fixed_step:1ms")
    >>> moved = px.polarity(px.sample(), keep="on")
    >>> moved.t[:6]
    array([   0,    0, 1000, 1000, 1000, 1000])
    >>> moved.report[0].detail
    'by at most 500 us, 250.000 us on average'
    >>> px.set_mode("exact")
    """
    _native.set_mode(mode)


def get_mode() -> str:
    """How operators treat time.

    Returns
    -------
    str
    """
    return _native.get_mode()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_native.after_fork)
