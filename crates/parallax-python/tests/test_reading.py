"""Reading and writing: other decoders say what must come out."""

import asyncio
import hashlib
import os
import threading
import time

import numpy as np
import pytest

import parallax as px
from parallax._progress import Bar, watching

CSV = b"t,x,y,p\n10,3,4,1\n12,5,6,0\n90,5,6,0\n"

# From the oracle: SHA-256 of the N x 4 matrix of little-endian int64 t, x, y, p, on which independent decoders agree.
DIGESTS = {
    "faery/evt3.raw": "d200a017c73b3e10b83071abcfec98bf0154d6ad2d8241f99f9900e4ccbe262c",
    "faery/evt2.raw": "cc4f712b190a45a99307f6690c7f9529cd25defde3a8a83fcd6c33b67244d6ad",
    "faery/gen4.dat": "0a9dd5278f03b41c39422e9d82402fa803a9a3f55103b364bccc2e1daa790e22",
    "faery/dvs.csv": "2ef78e6aa24b61bf31c42873acbe627a1f3be75fc1a88006691b4baaa7c1afe0",
}


def digest(parts):
    sha = hashlib.sha256()
    for events in parts:
        columns = [getattr(events, name).astype("<i8") for name in "txyp"]
        sha.update(np.stack(columns, axis=1).tobytes())
    return sha.hexdigest()


@pytest.mark.parametrize("name", DIGESTS)
def test_a_recording_whole_and_in_batches(recording, name):
    path = recording(name)
    events = px.read(path)
    assert digest([events]) == DIGESTS[name]
    assert digest(px.open(path, chunk=100_000)) == DIGESTS[name]
    found = px.info(str(path))
    assert found.events == len(events) and found.on_events == events.p.sum()
    assert (found.start, found.stop) == (events.t.min(), events.t.max())
    assert found.format == events.format and found.bytes == os.path.getsize(path)


def test_bytes_options_and_facts():
    events = px.read(CSV, geometry="10x8", order="strict")
    assert events.meta.geometry == (10, 8) and events.format == "csv" and events.order == "strict"
    assert px.read(CSV, time="+2us..+50us").t.tolist() == [12]
    assert px.read(CSV, time=("11us", None)).t.tolist() == [12, 90]
    assert px.read(CSV, format="csv columns=t,x,y,p").t.tolist() == [10, 12, 90]


def test_dirty_data_are_reported_or_refused():
    back = b"t,x,y,p\n10,3,4,1\n5,3,4,0\n"
    finding = px.read(back).report[-1]
    assert (finding.kind, finding.count, finding.first_event) == ("time-back", 1, 1)
    with pytest.raises(px.MalformedError):
        px.read(back, strict=True)
    with pytest.raises(px.MalformedError):
        px.read(back, order="check")
    assert "time-back" not in [finding.kind for finding in px.read(CSV).report]


def test_what_was_readable_comes_with_the_error(tmp_path, recording):
    whole = recording("faery/evt3.raw")
    with pytest.raises(px.LimitError) as caught:
        px.read(whole, max_events=1_000)
    assert len(caught.value.events) == 1_000
    assert caught.value.context["file"] == str(whole)


@pytest.mark.parametrize("row", [row for row in px.formats() if row.can_write and row.can_read], ids=lambda row: row.id)
def test_what_is_written_is_read_back(tmp_path, row):
    events = px.sample()
    path = tmp_path / f"events.{row.extensions[0]}"
    events.write(path, format=row.id)
    # EventFlow has an order of its own for events of one time: (t, x, y, p).
    sorting = (lambda e: np.lexsort((e.p, e.y, e.x, e.t))) if row.id == "event_tensor" else (lambda e: slice(None))
    for other in (px.read(path, format=row.id), px.read(path.read_bytes(), format=row.id)):
        for name in "txyp":
            np.testing.assert_array_equal(getattr(other, name)[sorting(other)], getattr(events, name)[sorting(events)])
    with pytest.raises(px.ParamError, match="exists"):
        events.write(path, format=row.id)
    px.write(events[:10], path, format=row.id, overwrite=True)
    assert len(px.read(path, format=row.id)) == 10


def test_converting(tmp_path):
    path = tmp_path / "events.parquet"
    assert px.convert(CSV, path, time="12us..") == 2
    assert px.read(path).t.tolist() == [12, 90]
    assert px.convert(path, tmp_path / "events.bin", to="csv") == 2
    with pytest.raises(px.ParamError, match="the output is the input"):
        px.convert(path, path, overwrite=True)
    with pytest.raises(px.UnsupportedError, match="xyz"):
        px.convert(CSV, tmp_path / "events.xyz")
    assert sorted(os.listdir(tmp_path)) == ["events.bin", "events.parquet"]


def test_a_failed_conversion_leaves_nothing(tmp_path):
    with pytest.raises(px.MalformedError):
        px.convert(b"t,x,y,p\n10,3,4,1\n5,3,4,0\n", tmp_path / "events.parquet", strict=True)
    assert os.listdir(tmp_path) == []


def test_errors_are_builtins_too(tmp_path):
    missing = tmp_path / "missing.raw"
    for kind in (FileNotFoundError, OSError, LookupError, px.NotFoundError, px.ParallaxError):
        with pytest.raises(kind, match="missing.raw"):
            px.read(missing)
    with pytest.raises(px.ParamError, match="directory"):
        px.read(tmp_path)
    with pytest.raises(ValueError, match="empty"):
        px.read(b"")
    with pytest.raises(NotImplementedError, match="not recognised"):
        px.read(b"\0" * 100)
    with pytest.raises(px.NotFoundError, match="did you mean `evt3`"):
        px.read(CSV, format="evt33")
    with pytest.raises(px.ParamError, match="`chunk` cannot be 0"):
        px.open(CSV, chunk=0)
    with pytest.raises(px.ParamError):
        px.read(CSV, time="1..2")
    with pytest.raises(TypeError):
        px.read(3)


def test_windows_of_a_reader_are_those_of_the_whole(recording):
    path = recording("faery/evt3.raw")
    events = px.read(path, order="strict")
    for reader, whole in (
        (px.open(path, order="strict", chunk=50_000).by_time("50ms"), events.by_time("50ms")),
        (px.open(path, chunk=50_000).by_count(77_777, incomplete=True), px.read(path).by_count(77_777, incomplete=True)),
    ):
        for one, other in zip(reader, whole, strict=True):
            assert one.window == other.window and one.equals(other)


def test_between_reads_only_that(recording):
    path = recording("faery/evt3.raw")
    events = px.read(path, order="strict")
    with px.open(path, order="strict") as reader:
        part = px.concat(reader.between("12s", "13s"))
        assert part.equals(events.between("12s", "13s"))
        assert px.concat(reader.between(12_000_000, 13_000_000)).equals(part)
        assert px.concat(reader.between("+0", "+1s")).equals(events.between("+0", "+1s"))
        assert "evt3" in repr(reader)
    assert repr(reader) == "Reader(closed)"
    with pytest.raises(ValueError, match="closed"):
        next(iter(reader))


def test_async_iteration_lets_others_run():
    rows = b"t,x,y,p\n" + b"".join(b"%d,3,4,1\n" % t for t in range(20_000))

    async def main():
        ticks, batches = 0, []

        async def ticking():
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        task = asyncio.create_task(ticking())
        reader = px.open(rows, chunk=1_000)
        async for batch in reader:
            batches.append(len(batch))
        async for window in px.open(rows).by_count(10_000):
            batches.append(len(window))
        task.cancel()
        return ticks, batches

    ticks, batches = asyncio.run(main())
    assert batches == [1_000] * 20 + [10_000] * 2
    assert ticks > 20


def test_a_reader_is_shared_by_threads():
    rows = b"t,x,y,p\n" + b"".join(b"%d,3,4,1\n" % t for t in range(50_000))
    reader = px.open(rows, chunk=100)
    seen = []

    def take():
        for batch in reader:
            seen.append(batch.t[0])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(0, 50_000, 100))


def test_a_pipe_is_read(tmp_path):
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(CSV * 1))
    writer.start()
    assert px.read(path).t.tolist() == [10, 12, 90]
    writer.join()


def test_progress_is_told_once_it_takes_a_second(tmp_path):
    told = []
    px.read(CSV, progress=lambda done, total: told.append((done, total)))
    assert not told

    def slow(path):
        os.mkfifo(path)

        def write():
            with path.open("wb") as file:
                file.write(CSV)
                file.flush()
                time.sleep(1.5)

        writer = threading.Thread(target=write)
        writer.start()
        return writer

    writer = slow(tmp_path / "pipe.csv")
    px.read(tmp_path / "pipe.csv", progress=lambda done, total: told.append((done, total)))
    writer.join()
    assert told and all(total == 0 for _, total in told), "of a pipe nobody knows how long it is"

    def broken(done, total):
        raise ZeroDivisionError

    writer = slow(tmp_path / "other.csv")
    with pytest.raises(ZeroDivisionError):
        px.read(tmp_path / "other.csv", progress=broken)
    writer.join()


def test_the_bar_is_one_of_tqdm(capsys):
    bar = Bar("read", "B")
    for done in (10, 50):
        bar(done, 100)
    assert bar._bar.n == 50 and bar._bar.total == 100
    bar.close()
    assert "read" in capsys.readouterr().err
    with watching(False, "read", "B") as call:
        assert call is None
