# Written by `cargo xtask python stubs` from the native module. Do not edit.
"""
The native module. Private: use the package `parallax`.
"""

from _typeshed import SupportsGetItem
from os import PathLike
from typing_extensions import CapsuleType
from typing import Any, Final, SupportsFloat, SupportsIndex, final

__all__ = ["__version__", "Batch", "Cells", "Chain", "ChainRun", "Film", "Frame", "Memory", "Options", "Pipeline", "Reader", "WindowReader", "after_fork", "convert", "formats", "frame_of", "get_mode", "info", "of_frame", "operators", "read", "read_frame", "set_mode", "set_threads", "threads", "ticks", "write"]

__version__: Final[str]
"""
The version of the library.
"""

@final
class Batch:
    """
    Events in four columns.
    """
    def __len__(self, /) -> int: ...
    def arrow_schema(self, /) -> CapsuleType:
        """
        The Arrow schema in a capsule.
        """
    def arrow_stream(self, /) -> CapsuleType:
        """
        The events as an Arrow stream of one table, in a capsule.
        """
    def column(self, /, name: str) -> Memory:
        """
        The column `t`, `x`, `y` or `p`.
        """
    @staticmethod
    def concat(batches: SupportsGetItem[int, Batch]) -> Batch:
        """
        All batches one after another.
        """
    def equals(self, /, other: Batch) -> bool:
        """
        Whether both have the same events in the same order under the same facts.
        """
    @property
    def findings(self, /) -> list[tuple[str, int, int | None, int | None, str, str]]:
        """
        What was odd in the data when they were read.
        """
    @property
    def format(self, /) -> str | None:
        """
        The format that it was read from.
        """
    @staticmethod
    def from_arrays(t: Any, x: Any, y: Any, p: Any, meta: SupportsGetItem[int, tuple[str, str]]) -> Batch:
        """
        Events in four NumPy arrays of the types int64, uint16, uint16, uint8, shared.
        """
    @staticmethod
    def from_arrow(capsule: CapsuleType, meta: SupportsGetItem[int, tuple[str, str]] | None) -> Batch:
        """
        Events in an Arrow stream, shared where it is one table with our types.
        """
    @property
    def meta(self, /) -> list[tuple[str, str]]:
        """
        The facts of the stream, as keys and values.
        """
    @property
    def order(self, /) -> str:
        """
        `unknown`, `time` or `strict`.
        """
    def slice(self, /, start: SupportsIndex, stop: SupportsIndex) -> Batch:
        """
        The events from `start` to before `stop`.
        """
    def sorted(self, /) -> Batch:
        """
        The events in the canonical order, by (t, y, x, p).
        """
    @property
    def span(self, /) -> tuple[int, int] | None:
        """
        The times of the first and the last event.
        """
    def time_range(self, /, range: str) -> Batch:
        """
        The events in a range of time as the command writes it: `1s..2s`, `+0..+100ms`.
        """
    def time_slice(self, /, start: SupportsIndex | None, stop: SupportsIndex | None) -> Batch:
        """
        The events with `start <= t < stop`, in the stream's unit.
        """
    def windows(self, /, spec: "dict[str, object]") -> WindowReader:
        """
        The windows of these events.
        """
    def with_meta(self, /, pairs: SupportsGetItem[int, tuple[str, str]]) -> Batch:
        """
        The same events under other facts.
        """

@final
class Cells:
    """
    The cells of a tensor that are not zero, on their way to Python.
    """
    def __arrow_c_stream__(self, /, requested_schema: Any | None = None) -> CapsuleType:
        """
        The table as an Arrow stream, in a capsule: time int32, polarity int8, y and x int16, and the value.
        """

@final
class Chain:
    """
    Operators, one after another; the last may make tensors.
    """
    def apply(self, /, batch: Batch, progress: Any | None = None) -> tuple[Batch | None, list[tuple[Memory, list[str], tuple[int, int] | None, list[tuple[str, str]]]]]:
        """
        The operators on a batch that is a whole stream.
        """
    def cells(self, /, batch: Batch, within: tuple[SupportsIndex, SupportsIndex]) -> Cells:
        """
        The cells that are not zero of the one tensor that the operators make of a batch that is a whole stream, as far as they
        lie within so many rows and columns.
        """
    @property
    def is_windowed(self, /) -> bool:
        """
        Whether it makes a tensor for each window, not one for all.
        """
    @staticmethod
    def join(chains: SupportsGetItem[int, Chain]) -> Chain:
        """
        All operators of these chains, one after another.
        """
    @property
    def makes_tensor(self, /) -> bool:
        """
        Whether it makes tensors.
        """
    @staticmethod
    def of(id: str, values: dict) -> Chain:
        """
        The operator called `id`, with these values; those that are None or the default are left out.
        """
    @staticmethod
    def parse(text: str) -> Chain:
        """
        The operators that a text names: `region w=8 h=8 ! count`.
        """
    def start(self, /, batch: Batch, exact: bool = False) -> ChainRun:
        """
        The operators on a stream with the facts of `batch`; `exact` whatever the mode is.
        """
    @property
    def text(self, /) -> str:
        """
        The chain in the grammar.
        """

@final
class ChainRun:
    """
    A chain on its way through a stream.
    """
    def end(self, /) -> tuple[Batch | None, list[tuple[Memory, list[str], tuple[int, int] | None, list[tuple[str, str]]]]]:
        """
        Ends the stream: what was held back.
        """
    def push(self, /, batch: Batch) -> tuple[Batch | None, list[tuple[Memory, list[str], tuple[int, int] | None, list[tuple[str, str]]]]]:
        """
        Takes the next batch of the stream.
        """

@final
class Film:
    """
    A GIF in the making, which plays for ever.
    """
    def __new__(cls, /, path: str | PathLike[str], width: SupportsIndex, height: SupportsIndex, palette: bytes, seconds_per_frame: SupportsFloat | SupportsIndex, overwrite: bool = False) -> Film:
        """
        `palette`: 256 colours in RGB.
        """
    def finish(self, /) -> None:
        """
        Ends the GIF; the file is there afterwards.
        """
    def write(self, /, indices: SupportsGetItem[int, SupportsIndex]) -> None:
        """
        Appends a frame: an index for each pixel, row after row from the top.
        """

@final
class Frame:
    """
    A table on its way to Python.
    """
    def __arrow_c_stream__(self, /, requested_schema: Any | None = None) -> CapsuleType:
        """
        The table as an Arrow stream, in a capsule.
        """
    def __len__(self, /) -> int: ...
    @property
    def findings(self, /) -> list[tuple[str, int, int | None, int | None, str, str]]:
        """
        What was odd in the data.
        """
    @property
    def in_order(self, /) -> bool:
        """
        Whether time never goes back.
        """

@final
class Memory:
    """
    Memory with a shape, in C order, that NumPy and DLPack see without a copy.
    """
    @property
    def __array_interface__(self, /) -> dict:
        """
        NumPy's array interface, version 3.
        """
    def __dlpack__(self, /, *, stream: Any | None = None, max_version: tuple[SupportsIndex, SupportsIndex] | None = None, dl_device: tuple[SupportsIndex, SupportsIndex] | None = None, copy: bool | None = None) -> CapsuleType:
        """
        The memory as a DLPack capsule.
        """
    def __dlpack_device__(self, /) -> tuple[int, int]:
        """
        DLPack's device: the CPU.
        """
    @property
    def dtype(self, /) -> str:
        """
        NumPy's name of the elements' type.
        """
    @property
    def nbytes(self, /) -> int:
        """
        How many bytes it takes.
        """
    @staticmethod
    def of_bytes(bytes: bytes, dtype: str, shape: SupportsGetItem[int, SupportsIndex]) -> Memory:
        """
        Memory of its own with a copy of these bytes, to write.
        """
    @property
    def readonly(self, /) -> bool:
        """
        Whether nobody may write it.
        """
    @property
    def shape(self, /) -> tuple:
        """
        How many elements each axis has.
        """

@final
class Options:
    """
    How to read: checked once, used for any number of recordings.
    """
    def __new__(cls, /, *, format: str | None = None, time: str | None = None, order: str = "keep", strict: bool = False, geometry: tuple[SupportsIndex, SupportsIndex] | None = None, mmap: bool = True, chunk: SupportsIndex | None = None, memory_limit: SupportsIndex | None = None, max_events: SupportsIndex | None = None) -> Options: ...
    def within(self, /, time: str | None = None) -> Options:
        """
        The same for another range of time, on the threads of now; what is found out of where times lie in files is shared.
        """

@final
class Pipeline:
    """
    A pipeline.
    """
    def __new__(cls, /, text: str, functions: SupportsGetItem[int, tuple[str, Any]], memory: str = "heap") -> Pipeline:
        """
        The pipeline that a text writes, with functions by name.
        """
    def dot(self, /) -> str:
        """
        The graph for Graphviz.
        """
    def end(self, /) -> None:
        """
        Has every source end its stream now.
        """
    def end_source(self, /, name: str) -> None:
        """
        Ends the stream of the source called `name`.
        """
    @property
    def ends(self, /) -> tuple[list[str], list[str]]:
        """
        The names of the ends that Python holds: sources, sinks.
        """
    def message(self, /, timeout_s: SupportsFloat | SupportsIndex | None = None) -> tuple[str, str | None, str] | None:
        """
        The next message of the bus; none if none came in time.
        """
    @property
    def names(self, /) -> list[str]:
        """
        The elements' names, in the order in which they were added.
        """
    def receive(self, /, name: str, timeout_s: SupportsFloat | SupportsIndex | None = None) -> tuple[Batch | None, tuple[Memory, list[str], tuple[int, int] | None, list[tuple[str, str]]] | None, bytes | None]:
        """
        The next packet of the sink called `name`; all three are none at the end. An error if the pipeline has failed.
        """
    def send(self, /, name: str, packet: Any) -> None:
        """
        Sends a packet into the source called `name`, waiting for room.
        """
    def set_state(self, /, state: str) -> None:
        """
        Goes to a state.
        """
    @property
    def state(self, /) -> str:
        """
        `null`, `ready`, `paused` or `playing`.
        """
    def stats(self, /) -> list[tuple[str, int, int]]:
        """
        What passed each element: name, packets, bytes.
        """
    def wait(self, /, timeout_s: SupportsFloat | SupportsIndex | None = None) -> bool:
        """
        Waits for the end of the stream; false if that took too long.
        """

@final
class Reader:
    """
    A recording that is read batch by batch.
    """
    def __new__(cls, /, source: str | PathLike[str] | bytes, options: Options) -> Reader: ...
    def between(self, /, start: SupportsIndex | None, stop: SupportsIndex | None) -> Reader:
        """
        The same recording from the start, only the events with `start <= t < stop` in the stream's unit.
        """
    @property
    def evidence(self, /) -> str:
        """
        How the format was recognised.
        """
    @property
    def findings(self, /) -> list[tuple[str, int, int | None, int | None, str, str]]:
        """
        What was odd in what has been read so far.
        """
    @property
    def format(self, /) -> str:
        """
        The format's id.
        """
    def in_range(self, /, range: str) -> Reader:
        """
        The same recording from the start, only the events in `range`: `1s..2s`, `+0..+100ms`.
        """
    @property
    def meta(self, /) -> list[tuple[str, str]]:
        """
        The facts of the stream, as keys and values.
        """
    def next(self, /) -> Batch | None:
        """
        The next batch; `None` at the end.
        """
    @property
    def progress(self, /) -> tuple[int, int | None, int]:
        """
        Bytes behind us, bytes in all if known, events handed out.
        """
    @property
    def score(self, /) -> int:
        """
        How sure that is, from 1 to 100.
        """
    def windows(self, /, spec: "dict[str, object]") -> WindowReader:
        """
        The windows of what is left.
        """

@final
class WindowReader:
    """
    Windows, one after another.
    """
    def next(self, /) -> tuple[int, tuple[int, int] | None, bool, Batch] | None:
        """
        The next window; `None` at the end.
        """

def after_fork() -> None:
    """
    To be called in a forked child: the pool's threads are not here.
    """

def convert(source: str | PathLike[str] | bytes, path: str | PathLike[str], options: Options, *, format: str | None = None, overwrite: bool = False, progress: Any | None = None) -> tuple[int, str, str, list[tuple[str, int, int | None, int | None, str, str]]]:
    """
    Converts a recording, in constant memory.
    """

def formats() -> list:
    """
    A dictionary for each format.
    """

def frame_of(batch: Batch, signed: bool) -> Frame:
    """
    Events that are there already as such a table.
    """

def get_mode() -> str:
    """
    `exact`, or `fixed_step:1000ns`.
    """

def info(source: str | PathLike[str] | bytes, options: Options, progress: Any | None = None) -> tuple[tuple[str, str], list[tuple[str, str]], tuple[int, int], tuple[int, int] | None, int | None, list[tuple[str, int, int | None, int | None, str, str]]]:
    """
    Looks through a recording in constant memory.
    """

def of_frame(capsule: CapsuleType) -> tuple[Batch, bool] | None:
    """
    The events in such a table, over the same memory but for the polarities, and whether one of those is -1; the sensor is as
    large as they need. `None` if the table is not of these types or not in one piece.
    """

def operators() -> list:
    """
    A dictionary for each operator.
    """

def read(source: str | PathLike[str] | bytes, options: Options, progress: Any | None = None) -> Batch:
    """
    A whole recording.
    """

def read_frame(source: str | PathLike[str] | bytes, options: Options, spec: "dict[str, object]", chain: Chain | None = None, progress: Any | None = None) -> Frame:
    """
    A recording as a table, with the operators of `chain` applied. `told` is called with the events so far.
    """

def set_mode(text: str) -> None:
    """
    Sets how operators treat time from now on.
    """

def set_threads(threads: SupportsIndex | None) -> None:
    """
    Sets how many threads work runs on from now on; `None` is one for each core.
    """

def threads() -> int:
    """
    How many threads work runs on.
    """

def ticks(text: str, unit: str) -> int:
    """
    A time such as `50ms` in a stream's unit, exactly.
    """

def write(batch: Batch, path: str | PathLike[str], *, format: str | None = None, overwrite: bool = False, progress: Any | None = None) -> None:
    """
    Writes a batch.
    """
