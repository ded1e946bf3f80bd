"""Events and tensors for people: a line of figures, pictures, films. No dependency but NumPy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _native
from ._errors import _wrong

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._events import Events
    from ._time import Time

_WIDEST = 320
_MOST_DRAWN = 1_000_000
_ON, _OFF = np.array((220.0, 50.0, 47.0)), np.array((38.0, 98.0, 210.0))
# ON and OFF of a film have so many levels each: 256 colours together.
_LEVELS = 16


class Picture:
    """An RGB picture, shown by notebooks.

    Examples
    --------
    >>> import parallax as px
    >>> px.sample().plot()
    Picture(256x192)
    """

    __slots__ = ("_pixels",)

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels = pixels

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The pixels, uint8 (y, x, 3)."""
        return self._pixels

    def png(self) -> bytes:
        """The picture as a PNG file.

        Returns
        -------
        bytes
        """
        return _png(self._pixels)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it as a PNG file.

        Parameters
        ----------
        path : str or path
        """
        with open(path, "wb") as file:
            file.write(self.png())

    def _repr_png_(self) -> bytes:
        return self.png()

    def __repr__(self) -> str:
        height, width, _ = self._pixels.shape
        return f"Picture({width}x{height})"


def plot(events: Events, *, widest: int = 640, brightness: float | None = None) -> Picture:
    """Where the events are: see `Events.plot`."""
    return Picture(_enlarged(_colored(*_counted(events, widest, None), brightness), widest))


def show(tensor: Any, /, *, widest: int = 960) -> Picture:
    """A tensor as a picture: the last two axes are rows and columns, the others stand side by side.

    A polarity axis of two is drawn in one picture, ON red and OFF blue; negative numbers are blue, positive ones red; numbers
    that are all positive are dark.

    Parameters
    ----------
    tensor : Tensor or array_like
        With two axes at least.
    widest : int, default 960
        The most pixels across; a larger one is thinned out.

    Returns
    -------
    Picture

    Examples
    --------
    >>> import parallax as px
    >>> px.show(px.sample().voxel(bins=3))
    Picture(196x48)
    """
    array = np.asarray(tensor)
    if array.ndim < 2 or not array.size or array.dtype.kind not in "biuf":
        raise _wrong(f"an array of {array.dtype} with the shape {array.shape} is no picture", "give numbers (.., y, x)")
    axes = getattr(tensor, "axes", ())
    has_polarity = array.ndim > 2 and array.shape[-3] == 2 and (not axes or axes[-3] == "polarity") and array.min() >= 0
    planes = array.reshape(-1, *array.shape[-3:]) if has_polarity else array.reshape(-1, 1, *array.shape[-2:])
    most = max(float(np.abs(planes).max()), 1e-300)
    pictures = []
    for plane in planes:
        if has_polarity:
            picture = _inked(plane[1] / most, plane[0] / most)
        elif array.min() < 0:
            picture = _inked(np.maximum(plane[0], 0) / most, np.maximum(-plane[0].astype(np.float64), 0) / most)
        else:
            grey = 255 - np.clip(plane[0] / most * 255.0, 0, 255)
            picture = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
        pictures += [picture, np.full((picture.shape[0], 2, 3), 160, np.uint8)]
    joined = np.concatenate(pictures[:-1], axis=1)
    step = -(-joined.shape[1] // widest)
    return Picture(np.ascontiguousarray(joined[::step, ::step]))


def animate(
    events: Any,
    path: str | os.PathLike[str],
    *,
    window: Time = "33ms",
    seconds_per_frame: float | None = None,
    widest: int = 640,
    brightness: float | None = None,
    overwrite: bool = False,
) -> int:
    """A film of events, a frame for each window of time: GIF, or MP4 where ffmpeg is installed. The file appears when it is whole.

    Parameters
    ----------
    events : Events, Reader, or what `open` takes
        A reader is filmed in constant memory.
    path : str or path
        With the extension ``.gif`` or ``.mp4``.
    window : int, str or timedelta, default "33ms"
        How much time a frame stands for.
    seconds_per_frame : float, optional
        How long it is shown; as long as it stands for, if absent.
    widest : int, default 640
        The most pixels across.
    brightness : float, optional
        How many events of a pixel are drawn in full colour; found from the first frame, if absent.
    overwrite : bool, default False
        Whether a file that exists is replaced.

    Returns
    -------
    int
        How many frames it has.

    Examples
    --------
    >>> import parallax as px, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     px.animate(px.sample(), pathlib.Path(folder, "film.gif"), window="25ms")
    4
    """
    from ._events import Events
    from ._reader import Reader
    from ._reader import open as open_recording

    stream: Any = events if isinstance(events, (Events, Reader)) else open_recording(events)
    size, pace, film, frames = stream.meta.geometry, seconds_per_frame, None, 0
    try:
        for part in stream.by_time(window, incomplete=True):
            size = size or _size(part)
            off, on = _counted(part, widest, size)
            if brightness is None and len(part):
                brightness = _full(off, on)
            if film is None:
                if pace is None:
                    pace = (part.window.stop - part.window.start) / stream.meta.ticks_per_second
                film = _film(path, on.shape[1], on.shape[0], pace, overwrite)
            film.write(_indices(off, on, brightness or 1.0).tobytes())
            frames += 1
    except BaseException:
        if isinstance(film, _Mp4):
            film.abandon()
        raise
    if film is None:
        raise _wrong("there are no events", "a film needs one at least")
    film.finish()
    return frames


def described(events: Events) -> list[tuple[str, str]]:
    """What there is to say in a line: count, span, rate, size."""
    meta, count = events.meta, len(events)
    lines = [("count", f"{count:_}")]
    if count:
        first, last = int(events.t[0]), int(events.t[-1])
        lines.append(("span", f"{first} to {last} {meta.time_unit}"))
        if events.seconds > 0:
            lines.append(("rate", _scaled(count / events.seconds, "ev/s")))
    size = "unknown" if meta.geometry is None else f"{meta.width}x{meta.height}"
    lines.append(("size", size))
    return lines


def as_html(events: Events) -> str:
    """The figures, and a picture of where the events are: ON red, OFF blue."""
    import base64

    lines = described(events)
    if events.meta.sensor:
        lines.append(("sensor", events.meta.sensor))
    lines += [("memory", _scaled(events.nbytes, "B")), ("order", events.order)]
    lines += [("odd", finding.text) for finding in events.report]
    rows = "".join(
        f"<tr><th style='text-align:left'>{_escaped(name)}</th>"
        f"<td style='text-align:left'>{_escaped(value)}</td></tr>"
        for name, value in lines
    )
    picture = ""
    if len(events):
        data = base64.b64encode(plot(events, widest=_WIDEST).png()).decode("ascii")
        picture = f"<img alt='where the events are' src='data:image/png;base64,{data}'>"
    return f"<div>{picture}<table>{rows}</table></div>"


def _size(events: Events) -> tuple[int, int]:
    if not len(events):
        return 1, 1
    return int(events.x.max()) + 1, int(events.y.max()) + 1


def _counted(
    events: Events, widest: int, size: tuple[int, int] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many OFF and ON events each cell of the picture has, of at most a million, evenly picked: so it takes no time,
    however many there are."""
    if widest < 1:
        raise _wrong(f"`widest` cannot be {widest}", "a picture has 1 pixel at least")
    step = max(-(-len(events) // _MOST_DRAWN), 1)
    x, y, p = events.x[::step], events.y[::step], events.p[::step]
    width, height = size or events.meta.geometry or _size(events)
    shrink = -(-max(width, height) // widest)
    columns, rows = -(-width // shrink), -(-height // shrink)
    if events.meta.geometry is None:
        inside = (x < width) & (y < height)
        x, y, p = x[inside], y[inside], p[inside]
    if events.meta.origin == "bottom-left":
        y = height - 1 - y
    cells = (y // shrink).astype(np.int64) * columns + x // shrink
    counts = np.bincount(cells * 2 + p, minlength=rows * columns * 2).reshape(rows, columns, 2)
    return counts[..., 0], counts[..., 1]


def _full(off: NDArray[Any], on: NDArray[Any]) -> float:
    """How many events of a cell are drawn in full colour: few cells have more."""
    counts = np.concatenate([off[off > 0], on[on > 0]])
    return max(float(np.quantile(counts, 0.95)), 1.0) if counts.size else 1.0


def _colored(off: NDArray[Any], on: NDArray[Any], brightness: float | None) -> NDArray[np.uint8]:
    full = _full(off, on) if brightness is None else brightness
    return _inked(on / full, off / full)


def _inked(on: NDArray[Any], off: NDArray[Any]) -> NDArray[np.uint8]:
    """Two inks on white, each from 0 to 1."""
    ink = np.minimum(on, 1.0)[..., None] * (255 - _ON) + np.minimum(off, 1.0)[..., None] * (255 - _OFF)
    picture: NDArray[np.uint8] = np.clip(255.0 - ink, 0, 255).astype(np.uint8)
    return picture


def _enlarged(picture: NDArray[np.uint8], widest: int) -> NDArray[np.uint8]:
    if max(picture.shape[:2]) * 4 <= widest:
        return picture.repeat(4, axis=0).repeat(4, axis=1)
    return picture


def _indices(off: NDArray[Any], on: NDArray[Any], full: float) -> NDArray[np.uint8]:
    """Colours of a film's palette."""
    off, on = (np.ceil(np.minimum(counts / full, 1.0) * (_LEVELS - 1)) for counts in (off, on))
    indices: NDArray[np.uint8] = (on * _LEVELS + off).astype(np.uint8)
    return indices


def _palette() -> NDArray[np.uint8]:
    on, off = np.divmod(np.arange(_LEVELS * _LEVELS), _LEVELS)
    return _inked(on / (_LEVELS - 1), off / (_LEVELS - 1))


def _film(path: str | os.PathLike[str], width: int, height: int, pace: float, overwrite: bool) -> Any:
    extension = os.path.splitext(os.fspath(path))[1].lower()
    if extension == ".gif":
        return _native.Film(path, width, height, _palette().tobytes(), pace, overwrite)
    if extension == ".mp4":
        return _Mp4(path, width, height, pace, overwrite)
    raise _wrong(f"`{extension}` is no film", "films are .gif and .mp4")


class _Mp4:
    """A film that ffmpeg makes of the frames."""

    def __init__(self, path: str | os.PathLike[str], width: int, height: int, pace: float, overwrite: bool) -> None:
        import shutil
        import subprocess

        program = shutil.which("ffmpeg")
        if program is None:
            raise _wrong("ffmpeg is not installed, which makes MP4", "install it, or make a .gif")
        if os.path.exists(path) and not overwrite:
            raise _wrong(f"{os.fspath(path)} exists", "pass overwrite=True to replace it")
        self._path, self._palette = os.fspath(path), _palette()
        self._partial = self._path + ".partial.mp4"
        self._shape = height, width
        command = [program, "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        command += ["-s", f"{width}x{height}", "-r", f"{1 / pace:.6f}", "-i", "-"]
        # Its usual pixels need even sides.
        command += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", self._partial]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)

    def write(self, indices: bytes) -> None:
        frame = self._palette[np.frombuffer(indices, np.uint8).reshape(self._shape)]
        assert self._process.stdin is not None
        self._process.stdin.write(frame.tobytes())

    def finish(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.wait() != 0:
            self.abandon()
            raise OSError(f"ffmpeg could not make {self._path}")
        os.replace(self._partial, self._path)

    def abandon(self) -> None:
        self._process.kill()
        self._process.wait()
        if os.path.exists(self._partial):
            os.remove(self._partial)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """An RGB picture as PNG."""
    import struct
    import zlib

    height, width, _ = pixels.shape

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    # Each row begins with its filter: none.
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, width * 3)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes()))
        + chunk(b"IEND", b"")
    )


def _scaled(value: float, unit: str) -> str:
    for power, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= power:
            return f"{value / power:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
