"""Event-camera data as zero-copy columns, tables and tensors.

`read` a recording into `Events`, whose columns are NumPy arrays that nobody copied; hand them on to pyarrow, Polars, DuckDB,
pandas, PyTorch and JAX; filter them and make tensors of them with the operators, each of which is a function here and a
method of `Events`.

Examples
--------
>>> import parallax as px
>>> events = px.sample()
>>> frame = events.polarity(keep="on").frame()
>>> frame.shape
(2, 48, 64)
"""

import typing as _typing

from ._errors import (
    ClosedError,
    DeadlineError,
    InternalError,
    IoError,
    LimitError,
    MalformedError,
    NotFoundError,
    ParallaxError,
    ParamError,
    PeerError,
    UnsupportedError,
)
from ._events import Event, Events, Window, concat
from ._meta import Finding, Format, Info, Meta, Param, Report
from ._native import Memory, __version__
from ._operators import *
from ._operators import __all__ as _operator_names
from ._reader import Reader, Windows, convert, formats, info, open, read, write
from ._sample import sample
from ._settings import get_mode, get_threads, set_mode, set_threads
from ._tensor import Tensor

if _typing.TYPE_CHECKING:
    from ._picture import Picture, animate, show
    from ._pipeline import AppSink, AppSource, Message, Pipeline, launch
    from ._scan import scan

__all__ = [
    "AppSink",
    "AppSource",
    "ClosedError",
    "DeadlineError",
    "Event",
    "Events",
    "Finding",
    "Format",
    "Info",
    "InternalError",
    "IoError",
    "LimitError",
    "MalformedError",
    "Memory",
    "Message",
    "Meta",
    "NotFoundError",
    "ParallaxError",
    "Param",
    "ParamError",
    "PeerError",
    "Picture",
    "Pipeline",
    "Reader",
    "Report",
    "Tensor",
    "UnsupportedError",
    "Window",
    "Windows",
    "__version__",
    "animate",
    "concat",
    "convert",
    "formats",
    "get_mode",
    "get_threads",
    "info",
    "launch",
    "open",
    "read",
    "sample",
    "scan",
    "set_mode",
    "set_threads",
    "show",
    "write",
]
__all__ += _operator_names

# A third of the import is for pictures, pipelines and scans, which most scripts do not use: had when first named.
_LATER = {
    "AppSink": "_pipeline",
    "AppSource": "_pipeline",
    "Message": "_pipeline",
    "Picture": "_picture",
    "Pipeline": "_pipeline",
    "animate": "_picture",
    "launch": "_pipeline",
    "scan": "_scan",
    "show": "_picture",
}

if not _typing.TYPE_CHECKING:

    def __getattr__(name):
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        globals()[name] = value = getattr(import_module("." + _LATER[name], __name__), name)
        return value

    def __dir__():
        return sorted({*globals(), *_LATER})
