"""Operators: functions and methods that the registry makes, and what they answer."""

import inspect
import pickle

import numpy as np
import pytest
from conftest import columns
from hypothesis import given, strategies

import parallax as px

ALL = px.operators()


@pytest.mark.parametrize("operator", ALL, ids=lambda operator: operator.id)
def test_each_is_a_function_and_a_method_with_its_declared_parameters(operator):
    function, method = getattr(px, operator.name), getattr(px.Events, operator.name)
    for made, first in ((function, "events"), (method, "self")):
        params = list(inspect.signature(made).parameters.values())
        assert params[0].name == first
        assert all(param.kind is param.KEYWORD_ONLY for param in params[1:])
        declared = [(param.name, inspect.Parameter.empty if param.required else param.default) for param in operator.params]
        assert [(param.name.rstrip("_"), param.default) for param in params[1:]] == declared
        assert operator.title in made.__doc__
        assert all(param.doc in made.__doc__ for param in operator.params)
    assert operator.name in px.__all__


def test_no_operator_hides_what_events_have():
    own = set(vars(px.Events)) | {"read", "write", "open", "info"}
    assert own.isdisjoint(operator.name for operator in ALL)


@given(columns(), strategies.sampled_from(["on", "off", "both"]))
def test_polarity_as_a_mask(made, keep):
    events = px.Events.from_numpy(*made)
    p = made[3]
    mask = {"on": p == 1, "off": p == 0, "both": p >= 0}[keep]
    for kept in (events.polarity(keep=keep), px.polarity(events, keep=keep), px.polarity(keep=keep)(events)):
        for name, column in zip("txyp", made):
            np.testing.assert_array_equal(getattr(kept, name), column[mask])


def counted(t, x, y, p):
    counts = np.zeros((2, 48, 64), np.int32)
    np.add.at(counts, (p, y, x), 1)
    return counts


@given(columns())
def test_count_as_numpy_adds_up(made):
    counts = px.Events.from_numpy(*made, width=64, height=48).frame()
    np.testing.assert_array_equal(counts, counted(*made))
    assert counts.axes == ("polarity", "y", "x")


def test_a_large_batch_is_worked_on_in_slices_with_the_same_answer():
    random = np.random.default_rng(1)
    count = 1_000_000
    made = (
        np.sort(random.integers(0, 10**6, count)),
        random.integers(0, 64, count).astype(np.uint16),
        random.integers(0, 48, count).astype(np.uint16),
        random.integers(0, 2, count).astype(np.uint8),
    )
    events = px.Events.from_numpy(*made, width=64, height=48)
    np.testing.assert_array_equal(events.frame(), counted(*made))
    kept = events.polarity(keep="off")
    np.testing.assert_array_equal(kept.t, made[0][made[3] == 0])
    assert kept.order == "time"
    both = events.apply("polarity keep=off ! frame")
    assert both.numpy()[1].sum() == 0 and both.numpy()[0].sum() == len(kept)


def test_what_can_be_events_is_taken():
    events = px.sample()
    for other in (events.to_numpy(), events.to_arrow(), events.to_polars()):
        assert px.polarity(other, keep="on").t.tolist() == events.t[events.p == 1].tolist()
    with pytest.raises(px.ParamError, match="a list has no events"):
        px.polarity([1, 2])


def test_values_are_checked_and_named():
    with pytest.raises(px.ParamError, match="`keep` of `polarity` cannot be `up`"):
        px.polarity(px.sample(), keep="up")
    with pytest.raises(px.ParamError, match="`keep` of `polarity` cannot be a list"):
        px.polarity(px.sample(), keep=["on"])
    with pytest.raises(TypeError, match=r"polarity\(\) got an unexpected keyword argument .kep"):
        px.polarity(px.sample(), kep="on")
    with pytest.raises(px.NotFoundError, match="did you mean `polarity`"):
        px.apply("polarty")
    with pytest.raises(px.ParamError, match="stands at the end"):
        px.apply("frame ! polarity")
    with pytest.raises(px.ParamError, match="geometry"):
        px.frame(px.Events.from_numpy([1], [1], [1], [1]))


def test_composing():
    events = px.sample()
    steps = [px.polarity(keep="on"), lambda kept: kept[:100], "polarity keep=both", px.frame()]
    composed = px.Compose(steps)
    np.testing.assert_array_equal(composed(events), events.polarity(keep="on")[:100].frame())
    assert len(composed._fused) == 3, "what follows each other of our own is one"
    with pytest.raises(px.ParamError, match="a step cannot be 3"):
        px.Compose([3])
    with pytest.raises(px.ParamError, match="stands at the end"):
        px.Compose(["frame", "polarity"])
    without_function = px.Compose(["polarity keep=off", "frame"])
    again = pickle.loads(pickle.dumps(without_function))
    np.testing.assert_array_equal(again(events), without_function(events))
    assert px.Compose([])(events) is events


def test_an_operator_is_a_value():
    operator = px.polarity(keep="off")
    assert operator.text == "polarity keep=off" and not operator.makes_tensor
    assert operator == px.Operator("polarity keep=off") == pickle.loads(pickle.dumps(operator))
    assert len({operator, px.apply("polarity keep=off")}) == 1
    assert px.frame().makes_tensor
