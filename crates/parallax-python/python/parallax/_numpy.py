"""NumPy, imported when it is first used.

Its import takes three times as long as all else of this package, and has BLAS start threads that keep the cores busy for a
moment after it. Who reads recordings into tables of Polars or Arrow needs neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["np"]

if TYPE_CHECKING:
    import numpy as np
else:

    class _Later:
        """NumPy's names, each looked up once."""

        def __getattr__(self, name):
            import numpy

            value = getattr(numpy, name)
            setattr(self, name, value)
            return value

    np = _Later()
