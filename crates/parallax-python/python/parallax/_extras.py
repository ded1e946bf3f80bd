"""Packages that are used where they are, and imported when they are asked for."""

from __future__ import annotations

import importlib

_EXTRAS = {"pyarrow": "arrow"}


def needed(package: str) -> None:
    """An error that says how to get a package, if it is not here."""
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        extra = _EXTRAS.get(package, package)
        raise ModuleNotFoundError(
            f"{package} is not installed; get it with: pip install 'parallax-events[{extra}]'", name=package
        ) from None
