"""Progress of what takes over a second: a bar by tqdm where it is installed and somebody looks."""

from __future__ import annotations

import sys
from typing import Any, Callable, Union

Progress = Union[bool, None, Callable[[int, int], object]]
"""None: a bar if somebody looks. True: a bar. False: none. Or a function of (done, total)."""


def somebody_looks() -> bool:
    """Whether standard error is a terminal, or a notebook shows what happens."""
    if "ipykernel" in sys.modules:
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


class Bar:
    """Told (done, total) ten times a second, once the work has taken one second."""

    def __init__(self, what: str, unit: str) -> None:
        self._what = what
        self._unit = unit
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = self._begin(total) or False
        if self._bar:
            self._bar.total = total or None
            self._bar.update(done - self._bar.n)

    def _begin(self, total: int) -> Any:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return None
        return tqdm(desc=self._what, total=total or None, unit=self._unit, unit_scale=True, leave=False)

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar:
            self._bar.close()


class watching:
    """``with watching(progress, "read", "B") as call:`` gives what the native half calls, or None."""

    __slots__ = ("_call",)

    def __init__(self, progress: Progress, what: str, unit: str) -> None:
        self._call: Callable[[int, int], object] | None
        if callable(progress):
            self._call = progress
        elif progress is True or (progress is None and somebody_looks()):
            self._call = Bar(what, unit)
        else:
            self._call = None

    def __enter__(self) -> Callable[[int, int], object] | None:
        return self._call

    def __exit__(self, *_: object) -> None:
        if isinstance(self._call, Bar):
            self._call.close()
