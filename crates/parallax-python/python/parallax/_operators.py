"""Operators: a function and a method for each, made from what the operators declare about themselves.

The native half lists them; nothing here knows one by name. What type checkers see is `_operators.pyi`, which
`cargo xtask python stubs` writes from the same list.
"""

from __future__ import annotations

import keyword
import sys
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Callable, Iterable

from . import _native
from ._errors import _wrong
from ._meta import Param

if TYPE_CHECKING:
    from ._events import Events


class Operator:
    """Operators, one after another, ready to be applied.

    An operator's function makes one where no events are given; `apply` makes one from a text.

    Examples
    --------
    >>> import parallax as px
    >>> keep_on = px.polarity(keep="on")
    >>> keep_on
    Operator('polarity')
    >>> len(keep_on(px.sample()))
    500
    """

    __slots__ = ("_chain",)

    def __init__(self, chain: str | _native.Chain) -> None:
        self._chain = _native.Chain.parse(chain) if isinstance(chain, str) else chain

    @property
    def text(self) -> str:
        """The operators in the grammar that the command and pipelines read, without what equals the defaults."""
        return self._chain.text

    @property
    def makes_tensor(self) -> bool:
        """Whether it makes a tensor; else it makes events."""
        return self._chain.makes_tensor

    def __call__(self, events: Any, /, *, progress: Any = None) -> Any:
        return _run(events, self._chain, progress)

    def __reduce__(self) -> tuple[Any, ...]:
        return Operator, (self.text,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Operator) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Operator({self.text!r})"


class Compose:
    """Operators and functions, one after another.

    What follows each other of our own runs as one, without coming back to Python in between.

    Parameters
    ----------
    steps : iterable
        Operators, texts of the grammar, and functions of what the step before made.

    Examples
    --------
    >>> import parallax as px
    >>> frames = px.Compose([px.polarity(keep="on"), "frame", lambda tensor: tensor.numpy().sum()])
    >>> frames(px.sample())
    np.int64(500)
    >>> frames
    Compose(['polarity', 'frame', <lambda>])
    """

    __slots__ = ("_steps", "_fused")

    def __init__(self, steps: Iterable[Operator | str | Callable[[Any], Any]]) -> None:
        self._steps = tuple(Operator(step) if isinstance(step, str) else step for step in steps)
        fused: list[Any] = []
        run: list[_native.Chain] = []
        for step in self._steps:
            if isinstance(step, Operator):
                run.append(step._chain)
            elif callable(step):
                if run:
                    fused.append(Operator(_native.Chain.join(run)))
                    run = []
                fused.append(step)
            else:
                raise _wrong(f"a step cannot be {step!r}", "give operators, texts and functions")
        if run:
            fused.append(Operator(_native.Chain.join(run)))
        self._fused = tuple(fused)

    @property
    def steps(self) -> tuple[Any, ...]:
        """The operators and functions, as they were given."""
        return self._steps

    def __call__(self, events: Any, /) -> Any:
        for step in self._fused:
            events = step(events)
        return events

    def __reduce__(self) -> tuple[Any, ...]:
        return Compose, (self._steps,)

    def __repr__(self) -> str:
        names = (
            repr(step.text) if isinstance(step, Operator) else getattr(step, "__name__", repr(step))
            for step in self._steps
        )
        return f"Compose([{', '.join(names)}])"


def apply(chain: str, events: Any = None, /, *, progress: Any = None) -> Any:
    """Operators, written one after another, as an operator, or on events.

    Parameters
    ----------
    chain : str
        As in ``"polarity keep=on ! frame"``: the grammar of the command and of pipelines.
    events : Events, optional
        What to apply them to.
    progress : bool or callable, optional
        See `read`.

    Returns
    -------
    Operator, Events, Tensor or list of Tensor
        An operator if there are no events; a tensor for each window if the chain asks for windows.

    Examples
    --------
    >>> import parallax as px
    >>> px.apply("polarity keep=on ! frame", px.sample()).shape
    (2, 48, 64)
    >>> px.apply("polarity keep=off")
    Operator('polarity keep=off')
    """
    operator = Operator(chain)
    return operator if events is None else operator(events, progress=progress)


def _run(events: Any, chain: _native.Chain, progress: Any) -> Any:
    """A chain on events, or on what can be events."""
    if type(events) is not _types.events:
        events = as_events(events)
    batch = events._batch
    if len(batch) > _LARGE:
        from ._progress import watching

        with watching(progress, "apply", "ev") as call:
            made, rows = chain.apply(batch, call)
    else:
        made, rows = chain.apply(batch)
    if made is not None:
        return _types.events(made)
    from ._tensor import Tensor

    tensors = [Tensor(*row) for row in rows]
    return tensors if chain.is_windowed else tensors[0]


_LARGE = 1 << 18


class _types:
    """What operators take and make, which is defined after them: `_events` fills it in."""

    events: Any = None


def as_events(events: Any) -> Events:
    """Events as they are, or of a structured array, a table or a data frame."""
    from ._events import Events

    if isinstance(events, Events):
        return events
    if hasattr(events, "__arrow_c_stream__"):
        return Events.from_arrow(events)
    if getattr(getattr(events, "dtype", None), "names", None):
        return Events.from_numpy(events)
    raise _wrong(f"a {type(events).__name__} has no events", "give Events, a structured array, or an Arrow table")


class _Maker:
    """The chains of one operator, by its values: what was asked for before is not checked and built again."""

    __slots__ = ("_id", "_names", "_chains")

    def __init__(self, id: str, names: list[str]) -> None:
        self._id = id
        self._names = names
        self._chains: dict[Any, _native.Chain] = {}

    def function(self, events: Any, values: tuple[Any, ...]) -> Any:
        """What an operator's function does."""
        chain = self._chain(values)
        return Operator(chain) if events is None else _run(events, chain, None)

    def method(self, events: Any, values: tuple[Any, ...]) -> Any:
        """What an operator's method does."""
        return _run(events, self._chain(values), None)

    def _chain(self, values: tuple[Any, ...]) -> _native.Chain:
        # 1, 1.0 and True are equal, and not the same to an operator.
        key = values, tuple(map(type, values))
        try:
            return self._chains[key]
        except KeyError:
            chain = _native.Chain.of(self._id, dict(zip(self._names, values)))
            if len(self._chains) >= _MOST_CHAINS:
                self._chains.clear()
            self._chains[key] = chain
            return chain
        except TypeError:
            # A value without a hash: the native half says what is wrong with it.
            return _native.Chain.of(self._id, dict(zip(self._names, values)))


_MOST_CHAINS = 64


class OperatorInfo:
    """What an operator declares about itself.

    Examples
    --------
    >>> import parallax as px
    >>> [operator.title for operator in px.operators() if operator.id == "polarity"]
    ['Keeps the events of one polarity']
    """

    __slots__ = ("id", "title", "doc", "makes_tensor", "params")

    def __init__(
        self,
        id: str,
        title: str,
        doc: str,
        params: list[dict[str, Any]],
        makes_tensor: bool,
    ) -> None:
        self.id = id
        self.title = title
        self.doc = doc
        self.makes_tensor = makes_tensor
        self.params = [Param(**param) for param in params]

    def __repr__(self) -> str:
        return f"<operator {self.id}: {self.title}>"

    @property
    def name(self) -> str:
        """The name of its function."""
        return python_name(self.id)


def operators() -> list[OperatorInfo]:
    """Every operator, as it declares itself.

    Returns
    -------
    list of OperatorInfo

    Examples
    --------
    >>> import parallax as px
    >>> [param.name for operator in px.operators() if operator.id == "polarity" for param in operator.params]
    ['keep']
    """
    return [OperatorInfo(**row) for row in _native.operators()]


class OperatorMethods:
    """The operators as methods of `Events`."""

    __slots__ = ()


def python_name(name: str) -> str:
    """An id or a parameter as a name of Python."""
    name = name.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name


def documented(operator: OperatorInfo, is_method: bool) -> str:
    """The documentation of an operator's function, in numpy's style."""
    made = "Tensor, or list of Tensor (one for each window)" if operator.makes_tensor else "Events"
    text = [f"{operator.title}.", ""]
    if operator.doc:
        text += [operator.doc.strip(), ""]
    taken = []
    if not is_method:
        taken += ["events : Events, optional", "    What to apply it to; without them, an operator is made."]
    for param in operator.params:
        if param.words:
            kind = "{" + ", ".join(repr(word) for word in param.words) + "}"
        else:
            kind = _DOCUMENTED.get(param.kind, param.kind)
        if param.default is not None:
            kind += f", default {param.default!r}"
        elif not param.required:
            kind += ", optional"
        allowed = f" ({param.allowed})" if param.allowed and not param.words else ""
        taken += [f"{python_name(param.name)} : {kind}", f"    {param.doc}{allowed}."]
    if taken:
        text += ["Parameters", "----------", *taken, ""]
    text += ["Returns", "-------", made if is_method else f"{made}; or Operator, without events", ""]
    call = f"px.sample().{operator.name}(" if is_method else f"px.{operator.name}(px.sample()"
    values = [f"{python_name(param.name)}={some_value(param)!r}" for param in operator.params if param.required]
    call += (", " if values and not is_method else "") + ", ".join(values) + ")"
    text += ["Examples", "--------", ">>> import parallax as px", f">>> made = {call}", ""]
    return "\n".join(text)


_DOCUMENTED = {
    "text": "str",
    "time": "str or timedelta",
    "size": "int or str",
    "rate": "str",
}


def some_value(param: Param) -> Any:
    """A value that a required parameter takes, for its example."""
    if param.words:
        return param.words[0]
    if param.least is not None:
        return param.least
    return {"bool": True, "int": 1, "float": 1.0, "time": "1ms", "rate": "1Hz", "size": 4096}.get(param.kind, "1")


def _make() -> list[str]:
    """Makes the functions, here and as methods. Each is like one written by hand: its parameters have names and defaults."""
    here, names = sys.modules[__name__], []
    for operator in operators():
        maker = _Maker(operator.id, [python_name(param.name) for param in operator.params])
        function = _function(operator, "events", maker.function)
        function.__defaults__ = (None,)
        function.__doc__ = documented(operator, False)
        function.__module__ = "parallax"
        method = _function(operator, "self", maker.method)
        method.__doc__ = documented(operator, True)
        method.__qualname__ = f"Events.{operator.name}"
        setattr(here, operator.name, function)
        setattr(OperatorMethods, operator.name, method)
        names.append(operator.name)
    return names


def _function(operator: OperatorInfo, first: str, call: Callable[[Any, tuple[Any, ...]], Any]) -> FunctionType:
    """A function of `first` and the operator's parameters, by name; `call` gets both."""
    names = [python_name(param.name) for param in operator.params]
    # To compile a hundred functions would take longer than to import NumPy: one with as many parameters gets other names.
    code = _template(len(names)).replace(
        co_varnames=(first, *names), co_name=operator.name, co_filename="<operators>"
    )
    known = {"_call": call, "__name__": __name__, "__builtins__": __builtins__}
    function = FunctionType(code, known, operator.name)
    function.__qualname__ = operator.name
    function.__kwdefaults__ = {
        name: param.default for name, param in zip(names, operator.params) if not param.required
    }
    return function


_TEMPLATES: dict[int, CodeType] = {}


def _template(count: int) -> CodeType:
    if count not in _TEMPLATES:
        names = [f"_{index}" for index in range(count)]
        params = ", ".join(["_first", "/", *(["*", *names] if count else [])])
        values = "".join(f"{name}, " for name in names)
        made: dict[str, Any] = {}
        exec(f"def made({params}): return _call(_first, ({values}))", made)
        _TEMPLATES[count] = made["made"].__code__
    return _TEMPLATES[count]


_NAMES = _make()
__all__ = ["Compose", "Operator", "OperatorInfo", "OperatorMethods", "apply", "operators", *_NAMES]
