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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_native.after_fork)
