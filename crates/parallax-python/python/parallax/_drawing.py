"""Graphs as pictures, where Graphviz is installed."""

from __future__ import annotations


def svg_of(dot: str) -> str | None:
    """What Graphviz draws of a graph; None where it is not installed."""
    import shutil
    import subprocess

    program = shutil.which("dot")
    if program is None:
        return None
    try:
        drawn = subprocess.run([program, "-Tsvg"], input=dot, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return drawn.stdout
