"""Every example in the documentation runs."""

import doctest
import inspect

import pytest

import parallax as px


def documented():
    """Every public thing that has a documentation of its own."""
    yield "parallax", px
    for name in px.__all__:
        thing = getattr(px, name)
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
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


def test_everything_public_has_a_documentation():
    for name in px.__all__:
        assert name == "__version__" or getattr(px, name).__doc__, name
    for name, thing in THINGS.items():
        if inspect.isfunction(thing) and "Events." in name:
            assert ">>>" in thing.__doc__ or "import" not in thing.__doc__, name
