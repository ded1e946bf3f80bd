"""What the package does in an environment that has NumPy and nothing else. A program, since pytest is not there either."""

import importlib.util
import pickle

import numpy as np

import parallax as px

for absent in ("pyarrow", "polars", "pandas", "torch", "tqdm", "pytest"):
    assert importlib.util.find_spec(absent) is None, f"{absent} is here"

events = px.sample()
assert events.t.sum() == 49_950_000
assert len(events.polarity(keep="on")) == 500
counts = np.asarray(px.apply("polarity keep=off ! frame", events))
assert counts.sum() == 500 and counts.flags.writeable
assert len(events[events.p == 1]["+0":"+10ms"]) == 50
assert px.Events.from_arrow(events).equals(events), "Arrow's interface needs no pyarrow"
assert px.Events.from_numpy(events.to_numpy(), meta=events.meta).equals(events)
assert pickle.loads(pickle.dumps(events)).equals(events)
assert "data:image/png" in events._repr_html_()
assert px.read(b"t,x,y,p\n1,2,3,1\n", progress=True).t.tolist() == [1]
for to in (events.to_arrow, events.to_polars, events.to_pandas, events.to_torch):
    try:
        to()
    except ModuleNotFoundError as error:
        assert error.name in ("pyarrow", "polars", "pandas", "torch") and "pip install" in str(error)
    else:
        raise AssertionError(f"{to} worked without its package")
print(f"NumPy {np.__version__} alone: all is well")
