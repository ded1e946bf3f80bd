"""Pipelines: written as a text, played by native threads, with ends and functions in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterator, Literal, NamedTuple, cast

from . import _native
from ._errors import _wrong
from ._events import Events
from ._operators import as_events
from ._tensor import Tensor

if TYPE_CHECKING:
    from types import TracebackType

State = Literal["null", "ready", "paused", "playing"]


class Message(NamedTuple):
    """What a pipeline has to say."""

    kind: str
    """``"eos"``, ``"error"``, ``"warning"``, ``"info"``, ``"progress"``, ``"latency"`` or ``"state"``."""
    element: str | None
    """The element that says it."""
    text: str


class AppSource:
    """The program's end of an ``appsrc``: what is sent goes into the pipeline.

    Examples
    --------
    >>> import parallax as px
    >>> pipeline = px.Pipeline("appsrc ! polarity keep=on ! appsink")
    >>> with pipeline:
    ...     with pipeline.source() as source:
    ...         source.send(px.sample())
    ...     print([len(events) for events in pipeline.sink()])
    [500]
    """

    __slots__ = ("_pipeline", "_name")

    def __init__(self, pipeline: _native.Pipeline, name: str) -> None:
        self._pipeline = pipeline
        self._name = name

    @property
    def name(self) -> str:
        """The element's name."""
        return self._name

    def send(self, packet: Any, /) -> None:
        """Sends events, or bytes; waits while the pipeline has no room.

        Parameters
        ----------
        packet : Events or bytes
            Or what can be events: a structured array, an Arrow table.
        """
        self._pipeline.send(self._name, packet if isinstance(packet, bytes) else as_events(packet)._batch)

    def end(self) -> None:
        """Ends the stream."""
        self._pipeline.end_source(self._name)

    def __enter__(self) -> AppSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class AppSink:
    """The program's end of an ``appsink``: iterating gives what comes, until the stream ends.

    Where the pipeline fails, iterating raises what its element failed with.
    """

    __slots__ = ("_pipeline", "_name")

    def __init__(self, pipeline: _native.Pipeline, name: str) -> None:
        self._pipeline = pipeline
        self._name = name

    @property
    def name(self) -> str:
        """The element's name."""
        return self._name

    def receive(self, *, timeout: float | None = None) -> Any:
        """The next packet; None at the end of the stream.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        Events, Tensor, bytes or None

        Raises
        ------
        DeadlineError
            If nothing came in time.
        """
        return _taken(self._pipeline.receive(self._name, timeout))

    def __iter__(self) -> Iterator[Any]:
        while (packet := self.receive()) is not None:
            yield packet
        # The sink ends before the pipeline is told so.
        self._pipeline.wait(_SOON)


# The end of a stream is known a moment after its last sink has seen it.
_SOON = 1.0


class Pipeline:
    """Elements that hand packets to each other on native threads.

    Parameters
    ----------
    text : str
        The pipeline, as the command ``parallax launch`` reads it; `docs/pipelines.md` lists the elements. There are three more:
        ``appsrc`` and ``appsink`` are ends that the program holds, ``python function=name`` calls a function with each packet.
    memory : {"heap", "huge", "shared"}
        What pools are made of.
    **functions
        The functions that ``python`` elements name. A function gets events, a tensor or bytes, and returns events or bytes, or None
        to drop the packet. It runs on the pipeline's thread and shares the packet's memory.

    Examples
    --------
    >>> import parallax as px
    >>> def first_half(events):
    ...     return events[: len(events) // 2]
    >>> with px.Pipeline("appsrc ! python function=cut ! appsink", cut=first_half) as pipeline:
    ...     with pipeline.source() as source:
    ...         source.send(px.sample())
    ...     print([len(events) for events in pipeline.sink()])
    [500]
    """

    __slots__ = ("_pipeline", "_text")

    def __init__(
        self,
        text: str,
        /,
        *,
        memory: Literal["heap", "huge", "shared"] = "heap",
        **functions: Callable[[Any], Any],
    ) -> None:
        for name, function in functions.items():
            if not callable(function):
                raise _wrong(f"`{name}` is a {type(function).__name__}", "give a function")
        self._text = text
        self._pipeline = _native.Pipeline(
            text, [(name, _wrapped(function)) for name, function in functions.items()], memory
        )

    @property
    def text(self) -> str:
        """The pipeline as it was written."""
        return self._text

    @property
    def names(self) -> list[str]:
        """The names of the elements."""
        return self._pipeline.names

    @property
    def state(self) -> State:
        """Where it is: nothing is open, everything has started, sources wait, data flows."""
        return cast(State, self._pipeline.state)

    def play(self) -> Pipeline:
        """Has data flow; returns at once.

        Returns
        -------
        Pipeline
            This one.
        """
        self._pipeline.set_state("playing")
        return self

    def pause(self) -> None:
        """Holds the sources; what is under way goes on to the sinks."""
        self._pipeline.set_state("paused")

    def stop(self) -> None:
        """Stops from any state, without an end of the stream; files that were begun are not there."""
        self._pipeline.set_state("null")

    def end(self) -> None:
        """Has every source end its stream, so that files are completed."""
        self._pipeline.end()

    def wait(self, *, timeout: float | None = None) -> bool:
        """Waits until every sink has completed.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        bool
            False if that took too long.

        Raises
        ------
        ParallaxError
            What an element failed with.
        """
        return self._pipeline.wait(timeout)

    def run(self) -> None:
        """Plays to the end of the stream, and stops. Ctrl-C ends the stream early, so that files are completed.

        Examples
        --------
        >>> import parallax as px
        >>> px.Pipeline("fakesrc num_buffers=3 ! fakesink").run()
        """
        self.play()
        try:
            try:
                self.wait()
            except KeyboardInterrupt:
                self.end()
                self.wait(timeout=10.0)
                raise
        finally:
            self.stop()

    def messages(self, *, timeout: float | None = 0.0) -> Iterator[Message]:
        """The messages of the bus, each once.

        Parameters
        ----------
        timeout : float, optional
            How many seconds to wait for the next one; as long as it takes, if None. At first only those that are there.

        Yields
        ------
        Message
            After the ``"eos"`` or an ``"error"`` there may be more.

        Examples
        --------
        >>> import parallax as px
        >>> pipeline = px.Pipeline("fakesrc num_buffers=3 ! fakesink")
        >>> pipeline.run()
        >>> [message.kind for message in pipeline.messages() if message.kind != "state"]
        ['latency', 'eos']
        """
        while (row := self._pipeline.message(timeout)) is not None:
            yield Message(*row)

    def source(self, name: str | None = None) -> AppSource:
        """The program's end of an ``appsrc``.

        Parameters
        ----------
        name : str, optional
            The element's name; the only one, if absent.

        Returns
        -------
        AppSource
        """
        return AppSource(self._pipeline, _named(name, self._pipeline.ends[0], "appsrc"))

    def sink(self, name: str | None = None) -> AppSink:
        """The program's end of an ``appsink``.

        Parameters
        ----------
        name : str, optional
            The element's name; the only one, if absent.

        Returns
        -------
        AppSink
        """
        return AppSink(self._pipeline, _named(name, self._pipeline.ends[1], "appsink"))

    def dot(self) -> str:
        """The graph for Graphviz, with the agreed caps and what passed.

        Returns
        -------
        str
        """
        return self._pipeline.dot()

    def stats(self) -> dict[str, tuple[int, int]]:
        """How many packets and bytes passed each element, by name.

        Returns
        -------
        dict of str to tuple

        Examples
        --------
        >>> import parallax as px
        >>> pipeline = px.Pipeline("fakesrc num_buffers=3 ! fakesink name=end")
        >>> pipeline.run()
        >>> pipeline.stats()["end"][0]
        3
        """
        return {name: (packets, size) for name, packets, size in self._pipeline.stats()}

    def __enter__(self) -> Pipeline:
        return self.play()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Pipeline({self._text!r}, state: {self.state})"

    def _repr_svg_(self) -> str | None:
        from ._drawing import svg_of

        return svg_of(self.dot())


def launch(text: str, /, **functions: Callable[[Any], Any]) -> dict[str, tuple[int, int]]:
    """Runs the pipeline that a text writes, to the end of its stream.

    Parameters
    ----------
    text, **functions
        As for `Pipeline`.

    Returns
    -------
    dict of str to tuple
        What passed each element: packets and bytes.

    Examples
    --------
    >>> import parallax as px
    >>> px.launch("fakesrc num_buffers=5 ! fakesink name=end")["end"][0]
    5
    """
    pipeline = Pipeline(text, **functions)  # type: ignore[arg-type]
    pipeline.run()
    return pipeline.stats()


def _wrapped(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function as the native half calls it."""

    def call(given: Any) -> Any:
        made = function(_taken(given))
        return made if made is None or isinstance(made, bytes) else as_events(made)._batch

    return call


def _taken(given: tuple[_native.Batch | None, Any, bytes | None]) -> Any:
    batch, tensor, data = given
    if batch is not None:
        return Events(batch)
    return Tensor(*tensor) if tensor is not None else data


def _named(name: str | None, known: list[str], id: str) -> str:
    if name is None and len(known) == 1:
        return known[0]
    if name in known:
        return name
    listed = ", ".join(known) or "none"
    raise _wrong(f"no {id} is called {name!r}" if name else f"there is not one {id}", f"there are: {listed}")
