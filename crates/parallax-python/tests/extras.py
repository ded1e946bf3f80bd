"""What the package does in an environment that has one of its extras and nothing else. A program: extras.py EXTRA."""

import contextlib
import importlib.util
import io
import sys

import parallax as px

USES = {
    "arrow": lambda events: px.Events.from_arrow(events.to_arrow()).equals(events),
    "pandas": lambda events: events.to_pandas().x.sum() == events.x.sum(),
    "polars": lambda events: px.Events.from_polars(events.to_polars()).x.sum() == events.x.sum(),
    "torch": lambda events: int(events.to_torch()["x"].sum()) == events.x.sum(),
    "progress": lambda events: px.read(b"t,x,y,p\n1,2,3,1\n", progress=True).t.tolist() == [1],
}
PACKAGES = {"arrow": "pyarrow", "progress": "tqdm"}
# What pandas and PyTorch bring along is not what they are held to.
extra = sys.argv[1]
events = px.sample()
importlib.import_module(PACKAGES.get(extra, extra))
assert USES[extra](events), f"{extra} does not do what it is for"
for other, use in USES.items():
    package = PACKAGES.get(other, other)
    if other in (extra, "progress") or importlib.util.find_spec(package):
        continue
    try:
        use(events)
    except ModuleNotFoundError as error:
        assert error.name == package, f"{other} asks for {error.name}"
    else:
        raise AssertionError(f"{other} worked without {package}")
if extra == "polars":
    assert px.scan(b"t,x,y,p\n1,2,3,1\n").collect().height == 1, "a scan needs Polars alone"
    import parallax.evlib  # noqa: F401
with contextlib.redirect_stdout(io.StringIO()) as said:
    print(events)
assert "1_000" in said.getvalue(), said.getvalue()
print(f"{extra} alone: all is well")
