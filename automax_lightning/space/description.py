"""The search space as the journal tells it: ranges, scales and choices, without ConfigSpace and without the factory."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from automax_lightning.utils.formatting import short_names, show
from automax_lightning.utils.serialization import encode

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace
    from ConfigSpace.hyperparameters import Hyperparameter

_FIELDS = ("lower", "upper", "log", "choices", "value", "default_value")


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One searched hyperparameter.

    Args:
        name: as in the space.
        label: its shortest unique name.
        low: lower end of a range; None for choices.
        high: upper end of a range; None for choices.
        log: whether the range is searched on a logarithmic scale.
        is_integer: whether the range holds whole numbers only.
        choices: of a categorical hyperparameter.
        condition: when it is active, as ConfigSpace says it; empty for always.
    """

    name: str
    label: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    is_integer: bool = False
    choices: tuple[Any, ...] = ()
    condition: str = ""

    @property
    def is_range(self) -> bool:
        """Whether the values are numbers of a range."""
        return self.low is not None

    @property
    def is_constant(self) -> bool:
        """Whether there is nothing to choose."""
        return self.low == self.high if self.is_range else len(self.choices) < 2

    def position(self, value: Any) -> float:
        """Where a value stands between the ends, from 0 to 1."""
        if not self.is_range:
            return self.index(value) / max(1, len(self.choices) - 1)
        low, high, at = (math.log(x) if self.log else float(x) for x in (self.low, self.high, value))  # type: ignore[arg-type]
        return (at - low) / (high - low) if high > low else 0.5

    def index(self, value: Any) -> int:
        """Which choice a value is."""
        keys = [_key(choice) for choice in self.choices]
        return keys.index(_key(value)) if _key(value) in keys else 0

    def ticks(self) -> list[tuple[float, str]]:
        """Positions from 0 to 1 with what stands there."""
        if not self.is_range:
            return [(self.position(choice), show(choice)) for choice in self.choices]
        assert self.low is not None
        assert self.high is not None
        return [(0.0, show(self.low)), (1.0, show(self.high))]


def parameters(space: Mapping[str, str], seen: Iterable[Mapping[str, Any]] = ()) -> list[Parameter]:
    """The hyperparameters of a space, in its order.

    Args:
        space: its fingerprint, as the journal keeps it.
        seen: configurations that were tried; they tell of hyperparameters whose fingerprint tells too little.

    Example:
        >>> space = {"lr": "UniformFloatHyperparameter(lower=0.001, upper=0.1, log=True, default_value=0.01)"}
        >>> lr, = parameters(space)
        >>> lr.low, lr.high, lr.log, lr.position(0.01)
        (0.001, 0.1, True, 0.5)
    """
    texts = {name: text for name, text in space.items() if _class_of(text).endswith(("Hyperparameter", "Constant"))}
    labels = short_names(texts)
    conditions = _conditions(space, texts)
    tried = list(seen)
    return [
        _parameter(name, labels[name], text, conditions.get(name, ""), [each[name] for each in tried if name in each])
        for name, text in texts.items()
    ]


def _parameter(name: str, label: str, text: str, condition: str, seen: list[Any]) -> Parameter:
    fields, kind = _fields(text), _class_of(text)
    if "lower" in fields and "upper" in fields:
        integer = "Integer" in kind
        return Parameter(name, label, fields["lower"], fields["upper"], bool(fields.get("log")), integer, condition=condition)
    choices = fields.get("choices") or ((fields["value"],) if "value" in fields else ())
    if not choices:  # an ordinal, or values of a type that is no literal
        choices = tuple({_key(value): value for value in seen}.values())
    return Parameter(name, label, choices=tuple(choices), condition=condition)


def _conditions(space: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    known = set(names)
    for key, text in space.items():
        child, bar, condition = text.lstrip("( ").partition(" | ")
        if key.startswith("condition ") and bar and child in known:
            found[child] = condition
    return found


def _class_of(text: str) -> str:
    return text.partition("(")[0]


def _fields(text: str) -> dict[str, Any]:
    """The keyword arguments of a fingerprint, those that are plain values."""
    try:
        call = ast.parse(text, mode="eval").body
    except SyntaxError:
        return {}
    keywords = call.keywords if isinstance(call, ast.Call) else []
    found: dict[str, Any] = {}
    for keyword in keywords:
        with contextlib.suppress(ValueError, TypeError):
            found[str(keyword.arg)] = ast.literal_eval(_Plain().visit(keyword.value))
    return {name: value for name, value in found.items() if name in _FIELDS}


class _Plain(ast.NodeTransformer):
    """``np.float64(0.1)`` as ``0.1``: how NumPy scalars show themselves differs between its versions."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return self.visit(node.args[0]) if len(node.args) == 1 else node


def _key(value: Any) -> str:
    try:
        return json.dumps(encode(value))
    except Exception:  # whatever a user has among the choices
        return repr(value)


def space_fingerprint(space: ConfigurationSpace) -> dict[str, str]:
    """Every hyperparameter, condition and forbidden clause as exact text: equal for equal spaces, in any process."""
    exact = {name: _exact(hyperparameter) for name, hyperparameter in space.items()}
    exact |= {f"condition {index}": text for index, text in enumerate(sorted(map(str, space.conditions)))}
    return exact | {f"forbidden {index}": text for index, text in enumerate(sorted(map(str, space.forbidden_clauses)))}


def _exact(hyperparameter: Hyperparameter[Any, Any]) -> str:
    names = ("lower", "upper", "log", "choices", "value", "default_value")
    parts = [f"{name}={getattr(hyperparameter, name)!r}" for name in names if hasattr(hyperparameter, name)]
    return f"{type(hyperparameter).__name__}({', '.join(parts)})"


def space_difference(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What differs between two fingerprints, a line each; empty for equal ones.

    Example:
        >>> space_difference({"lr": "a", "k": "b"}, {"lr": "c", "m": "d"})
        ['k: b -> (gone)', 'lr: a -> c', 'm: (new) -> d']
    """
    return [
        f"{name}: {old.get(name, '(new)')} -> {new.get(name, '(gone)')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
