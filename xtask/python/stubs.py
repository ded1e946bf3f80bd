"""Write the type stubs of the package: of the operators' functions and methods from what the installed package declares, of
the native module from what PyO3 has put into it (a build with the feature `stubs`).

Usage: stubs.py FOLDER [--check]

FOLDER is the package's folder in the checkout. With --check nothing is written, and a stale stub fails.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import parallax as px
from parallax._operators import python_name

KINDS = {
    "bool": "bool",
    "int": "int",
    "float": "float",
    "text": "str",
    "time": "str | timedelta",
    "size": "int | str",
    "rate": "str",
}

HEAD = '''\
# Written by `cargo xtask python stubs` from what the operators declare. Do not edit.
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Literal, overload

from . import _native
from ._events import Events
from ._meta import Param
from ._progress import Progress
from ._tensor import Tensor

__all__ = {names}

class Operator:
    __slots__ = ("_chain",)
    _chain: _native.Chain
    def __init__(self, chain: str | _native.Chain) -> None: ...
    @property
    def text(self) -> str: ...
    @property
    def makes_tensor(self) -> bool: ...
    def __call__(self, events: Any, /, *, progress: Progress = None) -> Any: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class Compose:
    __slots__ = ("_steps", "_fused")
    _steps: tuple[Any, ...]
    _fused: tuple[Any, ...]
    def __init__(self, steps: Iterable[Operator | str | Callable[[Any], Any]]) -> None: ...
    @property
    def steps(self) -> tuple[Any, ...]: ...
    def __call__(self, events: Any, /) -> Any: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

def apply(chain: str, events: Any = None, /, *, progress: Progress = None) -> Any: ...

class OperatorInfo:
    __slots__ = ("id", "title", "doc", "makes_tensor", "params")
    id: str
    title: str
    doc: str
    makes_tensor: bool
    params: list[Param]
    def __init__(
        self,
        id: str,
        title: str,
        doc: str,
        params: list[dict[str, Any]],
        makes_tensor: bool,
    ) -> None: ...
    @property
    def name(self) -> str: ...

class _types:
    events: Any

def operators() -> list[OperatorInfo]: ...
def as_events(events: Any) -> Events: ...
def python_name(name: str) -> str: ...
def documented(operator: OperatorInfo, is_method: bool) -> str: ...
def some_value(param: Param) -> Any: ...
'''


def kind(param):
    if param.words:
        return "Literal[" + ", ".join(repr(word) for word in param.words) + "]"
    return KINDS[param.kind]


def declared(param):
    name, typed = python_name(param.name), kind(param)
    if param.required:
        return f"{name}: {typed}"
    return f"{name}: {typed} = {param.default!r}" if param.default is not None else f"{name}: {typed} | None = None"


def function(name, first, params, answer, indent=""):
    star = ["*"] if params else []
    return f"{indent}def {name}({', '.join([*first, *star, *params])}) -> {answer}: ..."


def stub():
    operators = px.operators()
    names = ["Compose", "Operator", "OperatorInfo", "OperatorMethods", "apply", "operators"]
    names += [operator.name for operator in operators]
    listed = "[\n" + "".join(f"    {name!r},\n" for name in names).replace("'", '"') + "]"
    lines = [HEAD.replace("{names}", listed)]
    for operator in operators:
        params = [declared(param) for param in operator.params]
        # Whether there is a tensor for each window only the values tell.
        answer = "Any" if operator.makes_tensor else "Events"
        lines.append("@overload")
        lines.append(function(operator.name, ["events: None = None", "/"], params, "Operator"))
        lines.append("@overload")
        lines.append(function(operator.name, ["events: Any", "/"], params, answer))
    lines += ["", "class OperatorMethods:", "    __slots__ = ()"]
    for operator in operators:
        params = [declared(param) for param in operator.params]
        answer = "Any" if operator.makes_tensor else "Events"
        lines.append(function(operator.name, ["self", "/"], params, answer, "    "))
    text = "\n".join(lines) + "\n"
    if "Tensor:" not in text and "-> Tensor" not in text:
        text = text.replace("from ._tensor import Tensor\n", "")
    return text


def native_stub():
    program = Path(sys.executable).with_name("pyo3-introspection")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, px._native.__file__, "_native", folder], check=True)
        (written,) = Path(folder).rglob("*.pyi")
        text = written.read_text()
    # In `types` from Python 3.13 on; checkers know it from here for every version.
    text = text.replace("from types import CapsuleType", "from typing_extensions import CapsuleType")
    return "# Written by `cargo xtask python stubs` from the native module. Do not edit.\n" + text


def main():
    folder, *flags = sys.argv[1:]
    stale = []
    for name, fresh in (("_operators.pyi", stub()), ("_native.pyi", native_stub())):
        path = Path(folder, name)
        if path.is_file() and path.read_text() == fresh:
            print(f"{path} is fresh")
        elif flags == ["--check"]:
            stale.append(str(path))
        else:
            path.write_text(fresh)
            print(f"wrote {path}")
    if stale:
        sys.exit(f"stale: {', '.join(stale)}; `cargo xtask python stubs` writes them")


main()
