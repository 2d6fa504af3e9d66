"""Single files of ``libauc.models``, without the package that imports everything."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType


def libauc_file(name: str) -> ModuleType:
    """A file of ``libauc.models``, executed anew at each call.

    The package imports every other one it knows, torch_geometric among them, which takes seconds. And its networks look
    their activation up in a global of their module whenever they are called, so that with one module for all of them
    the newest one would decide for the others.

    Args:
        name: name of the file, without its ending.

    Example:
        >>> libauc_file("resnet_cifar").resnet20.__name__
        'resnet20'
    """
    package = find_spec("libauc")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "models" / f"{name}.py"
    loader = SourceFileLoader(f"libauc_models_{name}", str(path))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module
