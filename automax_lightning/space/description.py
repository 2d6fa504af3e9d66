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
from automax_lightning.utils.serialization import decode, encode

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace
    from ConfigSpace.hyperparameters import Hyperparameter

_FIELDS = ("lower", "upper", "log", "choices", "value", "default_value")
_CONDITION, _FORBIDDEN = "condition", "forbidden"
_SIGNS = {"EQ": "==", "NEQ": "!=", "LT": "<", "GT": ">"}


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


def parameters(space: Mapping[str, Any], seen: Iterable[Mapping[str, Any]] = ()) -> list[Parameter]:
    """The hyperparameters of a space, in its order.

    Args:
        space: its description, as the journal keeps it: of `describe_space`, or the texts that releases until 0.1.0 wrote.
        seen: configurations that were tried; they tell of hyperparameters whose text tells too little.

    Example:
        >>> space = {"lr": {"type": "uniform_float", "lower": 0.001, "upper": 0.1, "log": True, "default_value": 0.01}}
        >>> lr, = parameters(space)
        >>> lr.low, lr.high, lr.log, lr.position(0.01)
        (0.001, 0.1, True, 0.5)
    """
    described = {name: _read(entry) for name, entry in space.items() if not _is_clause(name, _CONDITION, _FORBIDDEN)}
    labels = short_names(described)
    conditions = _conditions(space)
    tried = list(seen)
    return [
        _parameter(name, labels[name], fields, conditions.get(name, ""), [each[name] for each in tried if name in each])
        for name, fields in described.items()
    ]


def _is_clause(name: str, *kinds: str) -> bool:
    kind, _, index = name.partition(" ")
    return kind in kinds and index.isdecimal()


def _read(entry: Any) -> dict[str, Any]:
    """What a hyperparameter is, as ConfigSpace's own dictionary tells it, or the text of an older journal."""
    if isinstance(entry, str):
        return {"type": _class_of(entry).lower(), **_fields(entry)}
    return dict(entry)


def _parameter(name: str, label: str, fields: Mapping[str, Any], condition: str, seen: list[Any]) -> Parameter:
    if "lower" in fields and "upper" in fields:
        integer = "int" in fields["type"]
        return Parameter(name, label, fields["lower"], fields["upper"], bool(fields.get("log")), integer, condition=condition)
    choices = fields.get("choices") or fields.get("sequence") or ((fields["value"],) if "value" in fields else ())
    if not choices:  # in a text: an ordinal, or values of a type that is no literal
        choices = tuple({_key(value): value for value in seen}.values())
    return Parameter(name, label, choices=tuple(choices), condition=condition)


def _conditions(space: Mapping[str, Any]) -> dict[str, str]:
    """Child -> when it is active."""
    conditions: dict[str, str] = {}
    for entry in (entry for name, entry in space.items() if _is_clause(name, _CONDITION)):
        if isinstance(entry, str):
            child, _, condition = entry.lstrip("( ").partition(" | ")
            conditions[child] = condition
        else:
            conditions[entry["child"]] = _clause(entry)
    return conditions


def _clause(entry: Mapping[str, Any]) -> str:
    """A condition as a sentence: ``loss == 'APLoss' && lr > 0.1``."""
    if "conditions" in entry:
        sign = " && " if entry["type"] == "AND" else " || "
        return sign.join(_clause(each) for each in entry["conditions"])
    if entry["type"] == "IN":
        return f"{entry['parent']} in {{{', '.join(map(repr, entry['values']))}}}"
    return f"{entry['parent']} {_SIGNS[entry['type']]} {entry['value']!r}"


def _class_of(text: str) -> str:
    return text.partition("(")[0]


def _fields(text: str) -> dict[str, Any]:
    """The keyword arguments of a text, those that are plain values."""
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


def describe_space(space: ConfigurationSpace) -> dict[str, dict[str, Any]]:
    """Every hyperparameter, condition and forbidden clause as ConfigSpace's own dictionaries: equal for equal spaces.

    Returns:
        Name of a hyperparameter, ``condition 0`` or ``forbidden 0`` -> its entry of ConfigSpace's JSON format, in plain values.
        The comments of a space (``meta``) and its name do not change what is searched, and are left out.

    Raises:
        SpaceError: if a value is not a bool, number, string, None, or a tuple of them.
    """
    whole = space.to_serialized_dict()
    described = {entry["name"]: _entry(entry) for entry in whole["hyperparameters"]}
    described = {name: described[name] for name in space}  # its own order; ConfigSpace's dictionary has another
    return described | _numbered(_CONDITION, whole["conditions"]) | _numbered(_FORBIDDEN, whole["forbiddens"])


def _entry(entry: Mapping[str, Any]) -> Any:
    fields = {name: value for name, value in entry.items() if name not in ("name", "meta")}
    if fields.get("weights", 0) is None:
        del fields["weights"]
    return _plain(fields, entry["name"])


def _plain(value: Any, where: str) -> Any:
    """As the journal gives it back, so that both can be compared."""
    return decode(encode(value, where))


def _numbered(kind: str, clauses: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    in_order = sorted((_plain(clause, kind) for clause in clauses), key=repr)
    return {f"{kind} {index}": clause for index, clause in enumerate(in_order)}


def space_texts(space: ConfigurationSpace) -> dict[str, str]:
    """The description of a space that releases until 0.1.0 wrote, to compare it with their journals."""
    exact = {name: _exact(hyperparameter) for name, hyperparameter in space.items()}
    exact |= {f"{_CONDITION} {index}": text for index, text in enumerate(sorted(map(str, space.conditions)))}
    return exact | {f"{_FORBIDDEN} {index}": text for index, text in enumerate(sorted(map(str, space.forbidden_clauses)))}


def _exact(hyperparameter: Hyperparameter[Any, Any]) -> str:
    names = ("lower", "upper", "log", "choices", "value", "default_value")
    parts = [f"{name}={getattr(hyperparameter, name)!r}" for name in names if hasattr(hyperparameter, name)]
    return f"{type(hyperparameter).__name__}({', '.join(parts)})"
