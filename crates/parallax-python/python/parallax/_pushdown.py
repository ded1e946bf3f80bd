"""What a predicate of Polars says about time, region and polarity: bounds that every row it keeps lies within.

In: an expression. Out: `Bounds`, which hold for every row that the expression keeps, and perhaps for others: whoever uses them
applies the expression as well. What is not understood bounds nothing, so a Polars that writes its expressions another way is
slower and never wrong.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars

_NANOS = {"Nanoseconds": 1, "Microseconds": 1_000, "Milliseconds": 1_000_000}
_FLIPPED = {"Lt": "Gt", "LtEq": "GtEq", "Gt": "Lt", "GtEq": "LtEq", "Eq": "Eq"}
_INFINITE = (-math.inf, math.inf)


class Bounds(NamedTuple):
    """The smallest and the largest value that each column can have, both inside; time in nanoseconds."""

    t: tuple[float, float] = _INFINITE
    x: tuple[float, float] = _INFINITE
    y: tuple[float, float] = _INFINITE
    polarity: tuple[float, float] = _INFINITE

    def met(self, other: Bounds) -> Bounds:
        """What lies within both."""
        return Bounds(*((max(a[0], b[0]), min(a[1], b[1])) for a, b in zip(self, other)))

    def joined(self, other: Bounds) -> Bounds:
        """What holds all that lies within either."""
        return Bounds(*((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(self, other)))

    @property
    def is_empty(self) -> bool:
        """Whether no row can lie within them."""
        return any(low > high for low, high in self)


def bounds_of(predicate: polars.Expr | None) -> Bounds:
    """The bounds that a predicate states."""
    if predicate is None:
        return Bounds()
    # Whoever imports the package does not wait for it.
    import json

    try:
        with warnings.catch_warnings():
            # It says that this form may change from version to version: then nothing is understood.
            warnings.simplefilter("ignore")
            tree = json.loads(predicate.meta.serialize(format="json"))
        return _bounds(tree)
    except Exception:
        return Bounds()


def _bounds(tree: Any) -> Bounds:
    kind, node = _node(tree)
    if kind == "BinaryExpr":
        op, left, right = node["op"], node["left"], node["right"]
        if op in ("And", "LogicalAnd"):
            return _bounds(left).met(_bounds(right))
        if op in ("Or", "LogicalOr"):
            return _bounds(left).joined(_bounds(right))
        if op in _FLIPPED:
            column, value = _column(left), _literal(right)
            if column is None or value is None:
                column, value, op = _column(right), _literal(left), _FLIPPED[op]
            return _compared(column, op, value)
    if kind == "Function":
        name, options = _node(node["function"]["Boolean"])
        inputs = node["input"]
        if name == "IsBetween":
            column, low, high = _column(inputs[0]), _literal(inputs[1]), _literal(inputs[2])
            return _compared(column, "GtEq", low).met(_compared(column, "LtEq", high))
        if name in ("AllHorizontal", "Any"):
            return Bounds()
    if kind == "Alias":
        return _bounds(node[0])
    return Bounds()


def _node(tree: Any) -> tuple[str, Any]:
    """The name of a node and what is in it."""
    if isinstance(tree, str):
        return tree, {}
    ((kind, node),) = tree.items()
    return kind, node


class _Scaled(NamedTuple):
    """A column as an expression shows it."""

    name: str
    scale: float = 1
    """How many nanoseconds one stands for; 1 for a column as it is."""
    slack: float = 0
    """How far beyond a bound, in nanoseconds, a value may lie that the expression rounds to it."""
    is_number: bool = False
    """Of time: whether it is a number, no length of time."""


def _column(tree: Any) -> _Scaled | None:
    """The column that an expression is."""
    kind, node = _node(tree)
    if kind == "Alias":
        return _column(node[0])
    if kind == "Column":
        name = {"p": "polarity"}.get(node, node)
        return _Scaled(name) if name in Bounds._fields else None
    if kind == "Function":
        # `pl.col("t").dt.total_microseconds()`, which rounds towards zero.
        name, _ = _node(node["function"].get("TemporalExpr", "none"))
        inner = _column(node["input"][0])
        scale = {"TotalMicroseconds": 1_000, "TotalNanoseconds": 1, "TotalMilliseconds": 1_000_000}.get(name)
        return _Scaled("t", scale, scale, True) if scale and inner == _Scaled("t") else None
    if kind == "BinaryExpr" and node["op"] == "TrueDivide":
        inner, divisor = _column(node["left"]), _literal(node["right"])
        if inner and inner.is_number and divisor and divisor[0] > 0 and not divisor[1]:
            return inner._replace(scale=inner.scale * divisor[0])
    return None


def _literal(tree: Any) -> tuple[float, bool] | None:
    """A number, and whether it is a length of time, in nanoseconds."""
    kind, node = _node(tree)
    if kind == "Alias":
        return _literal(node[0])
    if kind != "Literal":
        return None
    kind, node = _node(node)
    kind, value = _node(node)
    if kind == "Duration":
        return value[0] * _NANOS[value[1]], True
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value):
        return value, False
    return None


def _compared(column: _Scaled | None, op: str, value: tuple[float, bool] | None) -> Bounds:
    if column is None or value is None:
        return Bounds()
    number, is_time = value
    if is_time != (column.name == "t" and not column.is_number):
        return Bounds()
    if column.name == "t" and column.is_number:
        number *= column.scale
        # What a quotient of floats is rounded by is far below this.
        slack = column.slack + abs(number) * 1e-9
        low, high = number - slack, number + slack
    else:
        low = high = number
    limits = {"Lt": (-math.inf, high), "LtEq": (-math.inf, high), "Gt": (low, math.inf), "GtEq": (low, math.inf)}
    return Bounds(**{column.name: limits.get(op, (low, high))})
