"""Tensors: what a representation makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _native
from ._meta import Meta, meta_of, pairs_of
from ._numpy import np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


class Tensor:
    """Numbers with a shape and named axes, in memory that Rust made and Python may write.

    NumPy, and everything that speaks DLPack (PyTorch, JAX, CuPy), sees the same memory without a copy.

    Examples
    --------
    >>> import numpy as np
    >>> import parallax as px
    >>> counts = px.frame(px.sample())
    >>> counts
    Tensor(int32, polarity=2, y=48, x=64)
    >>> array = np.asarray(counts)
    >>> array[0, 0, 0] = 7
    >>> counts.numpy()[0, 0, 0]
    np.int32(7)
    """

    __slots__ = ("_memory", "_array", "_axes", "_time_span", "_meta", "__weakref__")

    def __init__(
        self,
        memory: _native.Memory,
        axes: list[str],
        time_span: tuple[int, int] | None,
        meta: list[tuple[str, str]],
    ) -> None:
        self._memory = memory
        self._array: NDArray[Any] | None = None
        self._axes = tuple(axes)
        self._time_span = time_span
        self._meta = meta

    @property
    def shape(self) -> tuple[int, ...]:
        """How many elements each axis has, outermost first."""
        return self._memory.shape

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self._memory.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return np.dtype(self._memory.dtype)

    @property
    def nbytes(self) -> int:
        """How many bytes the elements take."""
        return self._memory.nbytes

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the axes, outermost first."""
        return self._axes

    @property
    def time_span(self) -> tuple[int, int] | None:
        """The time that it stands for, half-open, in the stream's unit, if known."""
        return self._time_span

    @property
    def meta(self) -> Meta:
        """The facts of the stream that it was made from."""
        return meta_of(self._meta)

    def numpy(self) -> NDArray[Any]:
        """The elements as a writable NumPy array over the same memory.

        Returns
        -------
        numpy.ndarray

        Examples
        --------
        >>> import parallax as px
        >>> px.frame(px.sample()).numpy().sum()
        np.int64(1000)
        """
        if self._array is None:
            self._array = np.asarray(self._memory)
        return self._array

    def to_torch(self) -> torch.Tensor:
        """The elements as a PyTorch tensor over the same memory.

        Returns
        -------
        torch.Tensor
        """
        import torch

        return torch.from_numpy(self.numpy())

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._memory.__array_interface__

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        return self._memory.__dlpack__(
            stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._memory.__dlpack_device__()

    def __len__(self) -> int:
        return len(self.numpy())

    def __getitem__(self, index: Any) -> Any:
        return self.numpy()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.numpy()[index] = value

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.numpy(), self._axes, self._time_span, pairs_of(self.meta))

    def __copy__(self) -> Tensor:
        return _rebuild(self.numpy(), self._axes, self._time_span, self._meta)

    def __deepcopy__(self, _: Any) -> Tensor:
        return self.__copy__()

    def __repr__(self) -> str:
        axes = ", ".join(f"{name}={length}" for name, length in zip(self._axes, self.shape))
        return f"Tensor({self._memory.dtype}, {axes})" if axes else f"Tensor({self._memory.dtype})"


def _rebuild(
    array: NDArray[Any],
    axes: tuple[str, ...],
    time_span: tuple[int, int] | None,
    meta: list[tuple[str, str]],
) -> Tensor:
    """A tensor with a copy of these elements."""
    shape = list(array.shape)
    bytes_ = np.ascontiguousarray(array).tobytes()
    return Tensor(_native.Memory.of_bytes(bytes_, array.dtype.name, shape), list(axes), time_span, meta)
