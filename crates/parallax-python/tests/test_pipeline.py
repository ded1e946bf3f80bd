"""Pipelines from Python: ends, functions, messages, states."""

import gc
import threading
import time

import numpy as np
import pytest

import parallax as px


def test_a_file_through_operators(tmp_path):
    source, target = tmp_path / "in.raw", tmp_path / "out.parquet"
    px.sample().write(source, format="evt3")
    passed = px.launch(f"filesrc location={source} ! decode ! polarity keep=on ! filesink location={target}")
    assert px.read(target).equals(px.read(source).polarity(keep="on").with_meta(**px.read(target).meta._asdict()))
    assert all(packets for packets, _ in passed.values())


def test_the_ends_share_memory():
    events = px.sample()
    with px.Pipeline("appsrc ! passthrough ! appsink") as pipeline:
        with pipeline.source() as source:
            source.send(events)
            source.send(b"some bytes")
            source.send(events.to_numpy()[:10])
        first, second, third = pipeline.sink()
    assert first.t.ctypes.data == events.t.ctypes.data
    assert second == b"some bytes" and len(third) == 10


def test_tensors_come_out():
    with px.Pipeline("appsrc ! frame ! appsink") as pipeline:
        with pipeline.source() as source:
            source.send(px.sample())
        (counts,) = pipeline.sink()
    np.testing.assert_array_equal(counts, px.sample().frame())


def test_a_function_as_an_element():
    addresses, threads = [], set()

    def keep_on(events):
        addresses.append(events.t.ctypes.data)
        threads.add(threading.current_thread().ident)
        return events[events.p == 1] if len(events) > 10 else None

    events = px.sample()
    with px.Pipeline("appsrc ! python ! appsink", keep=keep_on) as pipeline:
        with pipeline.source() as source:
            for part in (events[:500], events[500:505], events[505:]):
                source.send(part)
        kept = list(pipeline.sink())
    assert [len(part) for part in kept] == [250, 248]
    assert addresses[0] == events.t.ctypes.data, "no copy on the way in"
    assert threads and threading.get_ident() not in threads


def test_several_functions_and_branches():
    text = "appsrc name=in ! tee name=t ! queue ! python function=first ! appsink name=a t. ! queue ! python function=second ! appsink name=b"
    with px.Pipeline(text, first=lambda events: events[:3], second=lambda events: b"bytes") as pipeline:
        with pipeline.source("in") as source:
            source.send(px.sample())
        assert [len(part) for part in pipeline.sink("a")] == [3]
        assert list(pipeline.sink("b")) == [b"bytes"]
        with pytest.raises(px.ParamError, match="there are: a, b"):
            pipeline.sink()
        with pytest.raises(px.ParamError, match="no appsrc is called"):
            pipeline.source("out")


def test_what_a_function_raises_is_the_pipelines_error():
    def broken(events):
        raise ZeroDivisionError("by nothing")

    with px.Pipeline("appsrc ! python name=mine ! appsink", f=broken) as pipeline:
        with pipeline.source() as source:
            source.send(px.sample())
        with pytest.raises(px.ParallaxError, match="by nothing"):
            list(pipeline.sink())
        said = [message for message in pipeline.messages() if message.kind == "error"]
        assert said[0].element == "mine" and "ZeroDivisionError" in said[0].text
    for answer in (3, [1]):
        with px.Pipeline("appsrc ! python ! appsink", f=lambda _, answer=answer: answer) as pipeline:
            with pipeline.source() as source:
                source.send(px.sample())
            with pytest.raises(px.ParallaxError, match="has no events"):
                list(pipeline.sink())


def test_wrong_texts_say_so():
    for text, error, match in (
        ("fakesrc ! nosuch", px.NotFoundError, "nosuch"),
        ("fakesrc ! queue", px.ParamError, "not linked"),
        ("fakesrc ! python ! fakesink", px.NotFoundError, "no function"),
        ("", px.ParallaxError, "."),
    ):
        with pytest.raises(error, match=match):
            px.Pipeline(text).run()
    with pytest.raises(px.ParamError, match="give a function"):
        px.Pipeline("fakesrc ! python ! fakesink", f=3)
    with pytest.raises(px.ParamError, match="`memory` cannot be"):
        px.Pipeline("fakesrc ! fakesink", memory="cheap")


def test_states_messages_and_figures():
    pipeline = px.Pipeline("fakesrc num_buffers=7 ! queue ! fakesink name=end")
    assert pipeline.state == "null" and "null" in repr(pipeline)
    assert pipeline.play() is pipeline and pipeline.state == "playing"
    assert pipeline.wait(timeout=10)
    pipeline.stop()
    assert pipeline.state == "null" and pipeline.stats()["end"][0] == 7
    kinds = [message.kind for message in pipeline.messages()]
    assert kinds.count("eos") == 1 and "state" in kinds
    assert list(pipeline.messages()) == []
    assert pipeline.dot().startswith("digraph") and "end" in pipeline.dot()
    with pytest.raises(px.ClosedError, match="does not run"):
        px.Pipeline("fakesrc ! fakesink").wait()


def test_an_endless_one_is_ended_and_stopped():
    pipeline = px.Pipeline("fakesrc ! fakesink").play()
    assert not pipeline.wait(timeout=0.05)
    pipeline.pause()
    assert pipeline.state == "paused"
    pipeline.play()
    pipeline.end()
    assert pipeline.wait(timeout=10)
    pipeline.stop()
    with pytest.raises(px.ParamError, match="`timeout` cannot be"):
        pipeline.play().wait(timeout=-1)
    del pipeline
    gc.collect()


def test_a_sink_that_waits_in_vain():
    with px.Pipeline("appsrc ! appsink") as pipeline:
        with pytest.raises(TimeoutError, match="in time"):
            pipeline.sink().receive(timeout=0.05)
        source = pipeline.source()
        source.end()
        with pytest.raises(px.ClosedError, match="was ended"):
            source.send(px.sample())
        assert pipeline.sink().receive() is None


def test_one_that_calls_python_lets_go_at_once():
    started = threading.Event()

    def slow(events):
        started.set()
        time.sleep(0.2)
        return events

    pipeline = px.Pipeline("appsrc ! python ! appsink", f=slow).play()
    pipeline.source().send(px.sample())
    assert started.wait(10)
    # Its thread needs the GIL to end.
    del pipeline
    gc.collect()
