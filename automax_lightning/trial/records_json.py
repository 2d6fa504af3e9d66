"""Trials as strict JSON and back. A path is kept relative to the search's directory, which may so be moved."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automax_lightning.trial.records import CurvePoint, Split, Status, TrialResult, TrialSpec
from automax_lightning.utils.serialization import decode, decode_values, encode, encode_values


def spec_to_json(spec: TrialSpec, root: Path) -> dict[str, Any]:
    """A proposal as JSON."""
    return {
        "number": spec.number,
        "configuration": encode_values(spec.configuration),
        "seed": spec.seed,
        "budget": spec.budget,
        "directory": _relative(spec.directory, root),
        "origin": spec.origin,
        "epochs": spec.epochs,
        **({"search": spec.search} if spec.search else {}),
        **({"split": dataclasses.asdict(spec.split)} if spec.split else {}),
    }


def spec_from_json(data: Mapping[str, Any], root: Path) -> TrialSpec:
    """The inverse of `spec_to_json`."""
    return TrialSpec(
        number=data["number"],
        configuration=decode_values(data["configuration"]),
        seed=data["seed"],
        budget=data["budget"],
        directory=_absolute(data["directory"], root),
        origin=data["origin"],
        epochs=data.get("epochs"),
        search=data.get("search", ""),
        split=Split(**data["split"]) if "split" in data else None,
    )


def result_to_json(result: TrialResult, root: Path) -> dict[str, Any]:
    """A result as JSON."""
    return {
        "number": result.number,
        "status": result.status.name,
        "score": encode(result.score),
        "val": encode_values(result.val),
        "test": encode_values(result.test),
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "curve": encode(list(result.curve)),
        "seconds": result.seconds,
        "checkpoint": _relative(result.checkpoint, root),
        "reason": result.reason,
        "error": result.error,
        **({"points": encode([list(point) for point in result.points])} if result.points else {}),
        **({} if result.best_step is None else {"best_step": result.best_step}),
    }


def result_from_json(data: Mapping[str, Any], root: Path) -> TrialResult:
    """The inverse of `result_to_json`."""
    return TrialResult(
        number=data["number"],
        status=Status[data["status"]],
        score=decode(data["score"]),
        val=decode_values(data["val"]),
        test=decode_values(data["test"]),
        epochs=data["epochs"],
        best_epoch=data["best_epoch"],
        curve=tuple(decode(data["curve"])),
        seconds=data["seconds"],
        checkpoint=_absolute(data["checkpoint"], root),
        reason=data["reason"],
        error=data["error"],
        points=tuple(CurvePoint(*point) for point in decode(data.get("points", []))),  # 0.1.0 wrote none
        best_step=data.get("best_step"),
    )


def _relative(path: Path | None, root: Path) -> str | None:
    return None if path is None else Path(os.path.relpath(path, root)).as_posix()


def _absolute(path: str | None, root: Path) -> Path | None:
    return None if path is None else root / path
