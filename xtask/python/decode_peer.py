"""One load of a recording by another library, in a process of its own.

    decode_peer.py LIBRARY FORMAT FILE time|facts

Prints one line of JSON: with `time`, seconds (imports not counted), events and the most memory; with `facts`, the number
of events and four sums over (index + 1) * field modulo 2^64, as the project's own program computes them.
"""

import json
import resource
import sys
import time


def load_evt3(format, path):
    import evt3

    events = evt3.decode_file(path)
    return events.t, events.x, events.y, events.p


def load_evutils(format, path):
    from evutils.io import EventReader

    events = EventReader(path, width=1280, height=720).read_all()
    if isinstance(events, tuple):
        events = events[0]
    if hasattr(events, "t"):
        return events.t, events.x, events.y, events.p
    return events["t"], events["x"], events["y"], events["p"]


def load_expelliarmus(format, path):
    from expelliarmus import Wizard

    events = Wizard(encoding=format).read(path)
    return events["t"], events["x"], events["y"], events["p"]


def load_faery(format, path):
    import faery
    import numpy

    options = {"dimensions_fallback": (1280, 720)}
    if format in ("evt2", "evt3"):
        options["version_fallback"] = format
    packets = list(faery.events_stream_from_file(path, **options))
    events = numpy.concatenate(packets)
    return events["t"], events["x"], events["y"], events["on"]


def load_event_stream(format, path):
    import event_stream
    import numpy

    with event_stream.Decoder(path) as decoder:
        events = numpy.concatenate(list(decoder))
    names = events.dtype.names
    # The format counts rows upwards.
    return events[names[0]], events[names[1]], 719 - events[names[2]], events[names[3]]


def load_aestream(format, path):
    import aestream
    import numpy

    events = numpy.asarray(aestream.FileInput(path, (1280, 720)).load())
    names = events.dtype.names
    return tuple(events[name] for name in names[:4])


def load_polars(format, path):
    import numpy
    import polars

    is_csv = format == "csv"
    table = polars.read_csv(path, separator="," if is_csv else " ", has_header=is_csv)
    t, x, y, p = (table[name].to_numpy() for name in table.columns[:4])
    if t.dtype.kind == "f":
        t = numpy.rint(t * 1e6).astype("i8")
    return t, x, y, p


def load_numpy(format, path):
    import numpy

    with open(path, "rb") as file:
        content = file.read()
    start = 0
    while content[start : start + 1] == b"%":
        start = content.index(b"\n", start) + 1
    words = numpy.frombuffer(content, "<u4", offset=start + 2).reshape(-1, 2)
    address = words[:, 1]
    return words[:, 0], address & 0x3FFF, address >> 14 & 0x3FFF, address >> 28 & 1


def facts(columns):
    import numpy

    count = len(columns[0])
    sums = []
    for column in columns:
        column = numpy.asarray(column)
        if column.dtype.kind == "m":
            column = column.astype("m8[us]")
        total = 0
        for start in range(0, count, 1 << 22):
            part = column[start : start + (1 << 22)].astype("i8").view("u8")
            index = numpy.arange(start + 1, start + 1 + len(part), dtype="u8")
            total += int((index * part).sum(dtype="u8"))
        sums.append(total % 2**64)
    return {"n": count, "sums": sums}


def main():
    library, format, path, what = sys.argv[1:]
    load = globals()["load_" + library]
    # Imports are not what is measured.
    __import__("evutils.io" if library == "evutils" else library)
    if library != "numpy":
        import numpy  # noqa: F401
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    start = time.perf_counter()
    columns = load(format, path)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if what == "facts":
        print(json.dumps(facts(columns)))
    else:
        result = {"seconds": seconds, "events": len(columns[0]), "before": before, "peak": peak}
        print(json.dumps(result))


if __name__ == "__main__":
    main()
