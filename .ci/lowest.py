"""Print the lowest release of every direct dependency as `name==bound`, read from pyproject.toml, as constraints of pip.

python .ci/lowest.py [EXTRA ...] > constraints.txt
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import tomllib

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"

AS_INSTALLED = ("torch", "torchvision")
"""Not pinned: the old releases on PyPI bring gigabytes of CUDA libraries of their own.

torch 2.4 was tried with tests/trial/test_fit.py.
"""


def lowest(requirements: Iterable[str]) -> dict[str, str]:
    """The lower bound of each requirement, by name.

    Args:
        requirements: such as ``"smac>=2.4,<2.5"``; those of this project's own extras are left out.

    Raises:
        ValueError: if a requirement has no lower bound.
    """
    bounds = {}
    for requirement in requirements:
        parts = re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\w.]+)(?:,.*)?", requirement)
        if parts is None:
            raise ValueError(f"{requirement}: no lower bound")
        bounds[parts[1]] = parts[2]
    return {name: bound for name, bound in bounds.items() if name not in AS_INSTALLED}


def main(extras: list[str]) -> None:
    """Print the constraints of the dependencies and of these extras."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    bounds = lowest(requirement for group in groups for requirement in group)
    sys.stdout.writelines(f"{name}=={bound}\n" for name, bound in sorted(bounds.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
