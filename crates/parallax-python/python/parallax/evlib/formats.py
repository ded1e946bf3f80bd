"""Formats of files and texts, as `evlib.formats` has them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .._errors import _wrong
from .._events import Events
from .._numpy import np
from .._reader import formats as rows
from .._reader import open
from .loading import lazy
from .streaming import STREAMING_THRESHOLD

if TYPE_CHECKING:
    import polars

_NAMES = {"evt2": "EVT2", "evt21": "EVT2.1", "evt3": "EVT3", "aedat4": "AEDAT 4.0", "hdf5": "HDF5", "csv": "Text", "rpg": "Text"}


def load_events(
    path: str | os.PathLike[str],
    sort: bool = False,
    x_col: int | None = None,
    y_col: int | None = None,
    t_col: int | None = None,
    p_col: int | None = None,
    header_lines: int = 0,
) -> polars.LazyFrame:
    """The table of `parallax.evlib.load_events`, unsorted, where columns of a text may stand in another order.

    Parameters
    ----------
    path, sort
        As for `load_events`.
    x_col, y_col, t_col, p_col : int, optional
        Which column of a text holds what, from 0. All or none.
    header_lines : int, default 0
        How many lines of a text come before the events. Parallax finds that by itself.

    Returns
    -------
    polars.LazyFrame
    """
    places = {"x": x_col, "y": y_col, "t": t_col, "p": p_col}
    given = {name: place for name, place in places.items() if place is not None}
    if not given:
        return lazy(os.fspath(path), None, sort, STREAMING_THRESHOLD, None, None, None)
    if sorted(given.values()) != [0, 1, 2, 3]:
        raise _wrong("the columns are not all named, each once, from 0 to 3", "give x_col, y_col, t_col and p_col")
    order = ",".join(sorted(given, key=lambda name: given[name]))
    return lazy(os.fspath(path), f"csv columns={order}", sort, STREAMING_THRESHOLD, None, None, None)


def detect_format(path: str | os.PathLike[str]) -> tuple[str, float, dict[str, str]]:
    """What a file is: evlib's name of the format, how sure that is, and how it was found.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    name : str
        ``"EVT3"``, ``"Text"`` and so on; for a format that evlib does not know, Parallax' own id in capitals.
    confidence : float
        From 0 to 1.
    metadata : dict of str to str

    Examples
    --------
    >>> import parallax as px, parallax.evlib as evlib, pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "events.raw")
    >>> px.sample().write(path, format="evt2")
    >>> evlib.detect_format(path)[0]
    'EVT2'
    >>> folder.cleanup()
    """
    with open(path) as reader:
        found = {"detection_method": reader.evidence, "parallax_id": reader.format}
        return _NAMES.get(reader.format, reader.format.upper()), reader.confidence, found


def get_format_description(format: str) -> str:
    """A line about a format.

    Parameters
    ----------
    format : str
        evlib's name, or Parallax' id.

    Returns
    -------
    str

    Examples
    --------
    >>> import parallax.evlib as evlib
    >>> evlib.get_format_description("EVT3")
    'Prophesee EVT 3.0 (RAW)'
    """
    ids = {name: id for id, name in reversed(_NAMES.items())}
    id = ids.get(format, format.lower())
    for row in rows():
        if row.id == id:
            return row.title
    raise _wrong(f"no format is called {format!r}", "parallax.formats() lists them")


def save_events_to_text(xs: Any, ys: Any, ts: Any, ps: Any, path: str | os.PathLike[str]) -> None:
    """Writes events as text: a line ``t x y p`` each, t in seconds. An existing file is replaced.

    Parameters
    ----------
    xs, ys : array_like
        Pixels.
    ts : array_like
        Times in seconds.
    ps : array_like
        Polarities: 0 and 1, or -1 and 1.
    path : str or path
    """
    micros = np.rint(np.asarray(ts, dtype=np.float64) * 1e6).astype(np.int64)
    events = Events.from_numpy(micros, np.asarray(xs), np.asarray(ys), np.asarray(ps))
    events.write(path, format="rpg", overwrite=True)
