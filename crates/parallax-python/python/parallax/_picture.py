"""Events for people: a line of figures, and a small picture in a notebook. No dependency but NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._events import Events

_WIDEST = 320
_MOST_DRAWN = 1_000_000
_ON, _OFF = (220, 50, 47), (38, 98, 210)


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
        data = base64.b64encode(_png(_drawn(events))).decode("ascii")
        picture = f"<img alt='where the events are' src='data:image/png;base64,{data}'>"
    return f"<div>{picture}<table>{rows}</table></div>"


def _drawn(events: Events) -> NDArray[np.uint8]:
    """At most a million events, evenly picked, on white: so it takes no time, however many there are."""
    step = -(-len(events) // _MOST_DRAWN)
    x, y, p = events.x[::step], events.y[::step], events.p[::step]
    width, height = events.meta.geometry or (int(x.max()) + 1, int(y.max()) + 1)
    shrink = -(-max(width, height) // _WIDEST)
    columns, rows = -(-width // shrink), -(-height // shrink)
    cells = (y // shrink).astype(np.int64) * columns + x // shrink
    counts = np.bincount(cells * 2 + p, minlength=rows * columns * 2).reshape(rows, columns, 2)
    most = max(float(np.quantile(counts[counts > 0], 0.95)), 1.0)
    off, on = (np.minimum(counts[..., polarity] / most, 1.0)[..., None] for polarity in (0, 1))
    ink = on * (255 - np.array(_ON, float)) + off * (255 - np.array(_OFF, float))
    picture: NDArray[np.uint8] = np.clip(255.0 - ink, 0, 255).astype(np.uint8)
    if max(columns, rows) * 4 <= _WIDEST:
        picture = picture.repeat(4, axis=0).repeat(4, axis=1)
    return picture


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
