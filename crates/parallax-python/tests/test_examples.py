"""Every example in the documentation runs, and so does the notebook."""

import doctest
import inspect
import json
from pathlib import Path

import pytest

import parallax as px
import parallax.data
import parallax.evlib
from parallax.evlib import filtering, formats, loading, representations, streaming

NOTEBOOK = Path(__file__).parents[3] / "docs/tour.ipynb"


def documented():
    """Every public thing that has a documentation of its own."""
    yield from documented_in("parallax", px, px.__all__)
    for module in (parallax.data, parallax.evlib, filtering, formats, loading, representations, streaming):
        names = [name for name in vars(module) if not name.startswith("_")]
        ours = [name for name in names if getattr(getattr(module, name), "__module__", None) == module.__name__]
        yield from documented_in(module.__name__, module, ours)


def documented_in(module_name, module, names):
    yield module_name, module
    for name in names:
        thing = getattr(module, name)
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        if module is not px:
            name = f"{module_name}.{name}"
        yield name, thing
        if inspect.isclass(thing):
            for attribute in dir(thing):
                member = inspect.getattr_static(thing, attribute)
                member = getattr(member, "__func__", member)
                is_ours = (getattr(member, "__module__", None) or "parallax").startswith("parallax")
                if not attribute.startswith("_") and isinstance(member.__doc__, str) and is_ours:
                    yield f"{name}.{attribute}", member


THINGS = dict(documented())


@pytest.mark.parametrize("name", THINGS)
def test_example(name):
    text = THINGS[name].__doc__ or ""
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    printed = []
    doctest.DocTestRunner(verbose=False).run(test, out=printed.append)
    assert not printed, "".join(printed)


def test_the_notebook_runs():
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 8
    names = {"__name__": "__main__"}
    for index, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"cell {index} of {NOTEBOOK.name}", "exec"), names)


def test_everything_public_has_a_documentation():
    for name in px.__all__:
        assert name == "__version__" or getattr(px, name).__doc__, name
    for name, thing in THINGS.items():
        if inspect.isfunction(thing) and "Events." in name:
            assert ">>>" in thing.__doc__ or "import" not in thing.__doc__, name
