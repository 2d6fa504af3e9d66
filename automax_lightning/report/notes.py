"""What a user should look at after a search: a range that is too narrow, a gain that is none, a split that is too small."""

from __future__ import annotations

from automax_lightning.report.verdict import gap_on_test, small_splits
from automax_lightning.search.record import SearchRecord
from automax_lightning.space.description import Parameter
from automax_lightning.utils.formatting import show

_MARGIN = 0.02
"""How near to an end of its range a value lies at it, as a share of the range, on the scale on which it is searched."""


def notes(record: SearchRecord) -> list[str]:
    """Sentences on the result of a search, the most useful first; none where there is nothing to say.

    Args:
        record: the search.

    Returns:
        Plain text; whoever shows it escapes it.
    """
    if record.best is None:
        return []
    first = _default_is_best(record) or _ends_of_ranges(record)
    return [*first, *_noise(record), *small_splits(record)]


def _default_is_best(record: SearchRecord) -> list[str]:
    best, default, count = record.best, record.default, len(record.scored)
    if best is None or default is None or count < 2:
        return []
    if record.configuration_of(best.number) != record.configuration_of(default.number):
        return []
    return [f"The default configuration was already the best of {count} trials: the search has gained nothing."]


def _ends_of_ranges(record: SearchRecord) -> list[str]:
    if record.best is None or len(record.scored) < 2:
        return []
    chosen = record.configuration_of(record.best.number)
    return [
        _end(each, chosen[each.name]) for each in record.parameters if each.name in chosen and _is_at_end(each, chosen[each.name])
    ]


def _is_at_end(parameter: Parameter, value: float) -> bool:
    if not parameter.is_range:
        return False
    if parameter.is_integer:
        return value in (parameter.low, parameter.high)
    return not _MARGIN < parameter.position(value) < 1 - _MARGIN


def _end(parameter: Parameter, value: float) -> str:
    side = "upper" if parameter.position(value) > 0.5 else "lower"
    span = f"{show(parameter.low)} to {show(parameter.high)}"
    return f"The best {parameter.label}, {show(value)}, lies at the {side} end of its range ({span}): widen {parameter.label}."


def _noise(record: SearchRecord) -> list[str]:
    metric, gap = gap_on_test(record)
    if gap is None or not gap.low <= 0 <= gap.high:
        return []
    ends = f"95 % interval {gap.low:+.4f} to {gap.high:+.4f}"
    return [f"On the test split the gain over the default is inside the noise: {metric} {gap.value:+.4f} ({ends})."]
