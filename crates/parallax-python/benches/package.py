"""What the package costs: loading against Rust and against others, an import, a small operator, memory, a function
as an element, Ctrl-C.

Usage: package.py LOAD_PROGRAM RECORDING. Run by `cargo xtask bench python [RECORDING]`.

Every row is a median of at least five, with the smallest and the largest beside it. What is held against something else
is measured in turn with it, each first every other time. Loads are compared by their answers first.
"""

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import parallax as px

RUNS = 5


def timed(work, runs=RUNS):
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times


def row(what, times, scale=1e3, unit="ms", note=""):
    median, low, high = statistics.median(times), min(times), max(times)
    print(f"| {what} | {median * scale:.3g} [{low * scale:.3g}, {high * scale:.3g}] {unit} | {note} |", flush=True)
    return median


def turns(ways, number):
    """The ways, the first of them last every other time: what runs second finds another machine than what runs first."""
    return ways[::-1] if number % 2 else ways


def child(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def grown(path, folder, events):
    """The recording again and again until it has so many events, in the same format."""
    once = px.read(path)
    count = -(-events // len(once))
    span = int(once.t[-1]) - int(once.t[0]) + 1
    target = folder / f"large{path.suffix}"
    t = np.concatenate([once.t + index * span for index in range(count)])
    columns = [np.tile(getattr(once, name), count) for name in "xyp"]
    large = px.Events.from_numpy(t, *columns, meta=once.meta)
    large.write(target, format=once.format)
    return target


LOADED = """
import sys, time
import parallax as px
times = []
for _ in range(int(sys.argv[2])):
    events = None
    start = time.perf_counter()
    events = px.read(sys.argv[1])
    times.append(time.perf_counter() - start)
print(len(events), *times)
"""


def loads(program, path):
    print(f"\nload {path.name}, {path.stat().st_size / 1e6:.0f} MB, on {px.get_threads()} threads")
    events = px.read(path)
    start = time.perf_counter()
    child("import parallax")
    startup = time.perf_counter() - start

    def by_rust(runs):
        # What a process before gave back, the host takes in the meantime: both wait as long until they ask for memory.
        time.sleep(startup)
        return subprocess.run([program, str(path), str(runs)], capture_output=True, text=True, check=True).stdout

    by_python = lambda runs: child(LOADED, path, runs)
    ours = None
    # A process of its own each, so that both see fresh memory; then again and again in one process, the first load left
    # out.
    for what, rounds, runs in (("in a fresh process", 8 * RUNS, 1), ("again and again", 4, RUNS + 1)):
        rust, python = [], []
        for number in range(rounds):
            for work, times in turns([(by_rust, rust), (by_python, python)], number):
                words = work(runs).replace("events; seconds:", "").split()
                assert int(words[0]) == len(events)
                times += map(float, words[-runs:][runs > 1 :])
        rate = len(events) / 1e6
        base = row(f"Rust, {what}", rust, note=f"{rate / statistics.median(rust):.0f} Mev/s")
        mine = row(f"parallax.read, {what}", python, note=f"{rate / statistics.median(python):.0f} Mev/s")
        print(f"  parallax.read takes {100 * (mine / base - 1):+.1f} % against Rust (at most 5)", flush=True)
        ours = ours or mine
    for name, load in peers(path) if len(events) < 10_000_000 else ():
        try:
            found = load()
        except Exception as error:
            print(f"| {name} | - | {type(error).__name__}: {error} |")
            continue
        assert found == len(events), f"{name} finds {found} events, we find {len(events)}"
        times = timed(load, 3)
        row(name, times, note=f"{statistics.median(times) / ours:.1f} times ours")


def peers(path):
    """Other packages that load this file whole, as far as they are installed."""
    if importlib.util.find_spec("expelliarmus"):
        from expelliarmus import Wizard

        encoding = {"evt2": "evt2", "evt3": "evt3", "dat": "dat"}.get(px.open(path).format)
        if encoding:
            yield "expelliarmus", lambda: len(Wizard(encoding=encoding).read(str(path)))
    if importlib.util.find_spec("faery"):
        import faery

        yield "faery", lambda: len(faery.events_stream_from_file(path).to_array())


def imports():
    print("\nimport")
    code = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
    both = "import numpy, time; start = time.perf_counter(); import parallax; print(time.perf_counter() - start)"
    child(both)
    row("import numpy", [float(child(code.format("numpy"))) for _ in range(15)])
    row("import parallax, numpy being there", [float(child(both)) for _ in range(15)], note="at most 15 ms")


def small_operator():
    print("\na small operator on 1,000 events")
    events = px.sample()
    ready = px.polarity(keep="on")
    for what, work in (
        ("events.polarity(keep='on')", lambda: events.polarity(keep="on")),
        ("operator(events), made before", lambda: ready(events)),
        ("events[events.p == 1], NumPy's mask", lambda: events[events.p == 1]),
    ):
        times = []
        for _ in range(RUNS + 1):
            start = time.perf_counter()
            for _ in range(2_000):
                work()
            times.append((time.perf_counter() - start) / 2_000)
        row(what, times[1:], 1e6, "us", "at most 10 us" if "events.pol" in what else "")


PEAK = """
import re, sys
import parallax as px
events = px.read(sys.argv[1])
status = open("/proc/self/status").read()
print(len(events), *(int(re.search(name + r":\\s+(\\d+) kB", status).group(1)) * 1024 for name in ("VmHWM", "RssFile")))
"""


def memory(path):
    print(f"\nmemory of {path.name} loaded once, in a process of its own")
    events, peak, mapped = map(int, child(PEAK, path).split())
    allowed = 13.5 * events + (100 << 20)
    print(f"  {events} events, peak {peak / 1e6:.0f} MB, of it mapped files {mapped / 1e6:.0f} MB")
    print(f"  {peak / events:.2f} bytes an event; 13.5 an event and 100 MiB are {allowed / 1e6:.0f} MB")


CTRL_C = """
import os, signal, sys, threading, time
import parallax as px
def interrupt():
    time.sleep(float(sys.argv[2]))
    global sent
    sent = time.perf_counter()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    px.read(sys.argv[1])
    print("nan")
except KeyboardInterrupt:
    print(time.perf_counter() - sent)
"""


def interrupts(path):
    print("\nCtrl-C while loading")
    late = [float(child(CTRL_C, path, delay)) for delay in (0.03, 0.05, 0.07, 0.09, 0.11)]
    late = [time for time in late if time == time]
    if late:
        row("from the signal to KeyboardInterrupt", late, note="at most 100 ms")


def callable_element(path):
    """A function that hands each batch on as it is, against the pipeline without it, in turn."""
    print("\na Python function as an element, batches of 1 Mi events")
    ways = {"without": "", "python": "! python "}
    times = {way: [] for way in ways}
    for number in range(5 * RUNS - 1):
        for way, step in turns([*ways.items()], number):
            text = f"filesrc location='{path}' ! decode batch=1048576 {step}! fakesink"
            functions = {"same": lambda events: events} if step else {}
            start = time.perf_counter()
            px.launch(text, **functions)
            times[way].append(time.perf_counter() - start)
    without = row("decode ! sink", times["without"])
    with_function = row("decode ! python ! sink", times["python"])
    print(f"  the function takes {(with_function / without - 1) * 100:+.1f} % more (at most 2)")


def main():
    program, path = sys.argv[1], Path(sys.argv[2])
    imports()
    small_operator()
    loads(program, path)
    with tempfile.TemporaryDirectory() as folder:
        large = grown(path, Path(folder), 100_000_000)
        loads(program, large)
        memory(large)
        callable_element(large)
        interrupts(large)


if __name__ == "__main__":
    main()
