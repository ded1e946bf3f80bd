"""Facts: of a stream, of what was odd in it, of formats and operators."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

TimeUnit = Literal["ms", "us", "ns"]

_OURS = "parallax."
_EXTRA = "parallax.extra."


class Meta(NamedTuple):
    """What is true of a whole stream. Readers fill in what their input states and leave the rest open.

    Examples
    --------
    >>> import parallax as px
    >>> px.sample().meta.geometry
    (64, 48)
    >>> px.Meta(width=640, height=480)._replace(sensor="mine").sensor
    'mine'
    """

    time_unit: TimeUnit = "us"
    """The unit of every time in the stream."""
    time_origin: Literal["stream-start", "unix"] = "stream-start"
    """What t = 0 means."""
    width: int | None = None
    """Columns of the sensor; every x is below it."""
    height: int | None = None
    """Rows of the sensor; every y is below it."""
    origin: Literal["top-left", "bottom-left"] = "top-left"
    """Where (0, 0) is."""
    channels: int | None = None
    """Channels of an audio or IMU stream."""
    sensor: str | None = None
    """The sensor's name, as the input states it."""
    extra: dict[str, str] = {}
    """What else the input states: serial number, date, firmware."""

    @property
    def geometry(self) -> tuple[int, int] | None:
        """Width and height of the sensor, if known."""
        if self.width is None or self.height is None:
            return None
        return self.width, self.height

    @property
    def ticks_per_second(self) -> int:
        """How many units of time a second has."""
        return {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[self.time_unit]


def pairs_of(meta: Meta) -> list[tuple[str, str]]:
    """The facts as the native half takes them."""
    pairs: list[tuple[str, str]] = []
    for name, value in zip(meta._fields, meta):
        if isinstance(value, dict):
            pairs.extend((_EXTRA + key, str(item)) for key, item in value.items())
        elif value is not None:
            pairs.append((_OURS + name, str(value)))
    return pairs


def meta_of(pairs: list[tuple[str, str]]) -> Meta:
    """The facts as the native half gives them."""
    facts: dict[str, Any] = {}
    extra: dict[str, str] = {}
    for key, value in pairs:
        if key.startswith(_EXTRA):
            extra[key[len(_EXTRA) :]] = value
        else:
            facts[key[len(_OURS) :]] = value
    for name in ("width", "height", "channels"):
        if name in facts:
            facts[name] = int(facts[name])
    return Meta(**facts, extra=extra)


class Finding(NamedTuple):
    """One kind of oddity in the data, with how often and where first."""

    kind: str
    """``"time-back"``, ``"truncated-tail"``, ``"outside-geometry"`` and so on."""
    count: int  # type: ignore[assignment]
    """How often."""
    first_byte: int | None
    """The byte of the input at which the first one stands."""
    first_event: int | None
    """The event at (or before) which the first one stands."""
    detail: str
    """What exactly, from the first one."""
    text: str
    """All of it, for a person."""


class Report(tuple["Finding", ...]):
    """What was odd in the data when they were read: a tuple of `Finding`, empty if all was well.

    Examples
    --------
    >>> import parallax as px
    >>> report = px.read(b"t,x,y,p\\n10,3,4,1\\n5,3,4,0\\n").report
    >>> report[-1].kind, report[-1].count, report[-1].first_event
    ('time-back', 1, 1)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        if not self:
            return "Report(nothing was odd)"
        return "Report(" + "; ".join(finding.text for finding in self) + ")"


def report_of(rows: list[tuple[Any, ...]]) -> Report:
    """The report as the native half gives it."""
    return Report(Finding(*row) for row in rows)


class Param(NamedTuple):
    """A parameter of a format or an operator, as it declares it."""

    name: str
    kind: str
    """``"int"``, ``"float"``, ``"bool"``, ``"text"``, ``"time"``, ``"size"``, ``"rate"`` or ``"choice"``."""
    unit: str
    doc: str
    allowed: str
    """What is allowed, in words; empty if everything is."""
    required: bool
    default: Any
    least: Any
    words: list[str] | None
    """The words of a choice."""


class Format(NamedTuple):
    """A file format."""

    id: str
    title: str
    extensions: list[str]
    can_read: bool
    can_write: bool
    params: list[Param]
    doc: str


class Info(NamedTuple):
    """What a look through a recording finds."""

    format: str
    """The format's id."""
    evidence: str
    """How the format was recognised."""
    meta: Meta
    events: int
    on_events: int
    start: int | None
    """The smallest time, in the stream's unit."""
    stop: int | None
    """The largest time."""
    bytes: int | None
    """The size of the file."""
    report: Report

    @property
    def seconds(self) -> float:
        """From the smallest time to the largest."""
        if self.start is None or self.stop is None:
            return 0.0
        return (self.stop - self.start) / self.meta.ticks_per_second

    @property
    def rate(self) -> float:
        """Events per second; 0 if they span no time."""
        return self.events / self.seconds if self.seconds else 0.0
