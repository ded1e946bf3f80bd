"""Exceptions: one for each kind of error, which also is the builtin that code written for Python expects."""

from __future__ import annotations

from typing import Any


class ParallaxError(Exception):
    """Everything that Parallax raises on purpose.

    Attributes
    ----------
    kind : str
        What a caller can do about it, in one word: ``"io"``, ``"malformed"``, ``"param"`` and so on.
    message : str
        What happened, without the rest.
    context : dict of str to str
        Where it happened: ``{"file": "a.raw"}``.
    offset : int or None
        The byte of the input at which it happened.
    hint : str or None
        What to do next.

    Examples
    --------
    >>> import parallax as px
    >>> try:
    ...     px.apply("polarity kep=on")
    ... except ValueError as error:
    ...     print(error.kind, "|", error.message)
    param | `polarity` has no parameter `kep`
    """

    kind: str = "internal"
    message: str = ""
    context: dict[str, str] = {}
    offset: int | None = None
    hint: str | None = None

    _readable: Any = None

    @property
    def events(self) -> Any:
        """What was readable before the damage, as `Events`; None where the error is not one of a whole read."""
        if self._readable is None:
            return None
        from ._events import Events

        return Events(self._readable)


class IoError(ParallaxError, OSError):
    """The operating system refused: permissions, a full disk, a broken device."""

    kind = "io"


class MalformedError(ParallaxError, ValueError):
    """The input is not what it claims to be."""

    kind = "malformed"


class UnsupportedError(ParallaxError, NotImplementedError):
    """The input is valid, but this build cannot handle it."""

    kind = "unsupported"


class LimitError(ParallaxError, OverflowError):
    """A limit was met: raise it, or read in parts."""

    kind = "limit"


class ParamError(ParallaxError, ValueError):
    """A parameter is unknown, missing, out of range, or of another type."""

    kind = "param"


class NotFoundError(ParallaxError, FileNotFoundError, LookupError):
    """A file, a format, an operator or a column does not exist."""

    kind = "not-found"


class ClosedError(ParallaxError, EOFError):
    """The other side has ended, or the caller asked to stop."""

    kind = "closed"


class DeadlineError(ParallaxError, TimeoutError):
    """It did not happen in time."""

    kind = "timeout"


class PeerError(ParallaxError, ConnectionError):
    """Another process or machine broke the protocol or died."""

    kind = "peer"


class InternalError(ParallaxError, RuntimeError):
    """A defect of Parallax. Please report it."""

    kind = "internal"


_BY_KIND: dict[str, type[ParallaxError]] = {
    error.kind: error
    for error in (
        IoError,
        MalformedError,
        UnsupportedError,
        LimitError,
        ParamError,
        NotFoundError,
        ClosedError,
        DeadlineError,
        PeerError,
        InternalError,
    )
}


def _wrong(message: str, hint: str) -> ParamError:
    """A wrong parameter, found on this side."""
    error = ParamError(f"{message}; {hint}")
    error.message = message
    error.context = {}
    error.hint = hint
    return error
