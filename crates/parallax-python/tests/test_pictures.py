"""Pictures and films: read back by another decoder's rules."""

import shutil
import struct
import zlib

import numpy as np
import pytest

import parallax as px


def decoded(png):
    """The pixels of an RGB PNG without filters, by the specification."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, size = 8, b"", None
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        if name == b"IHDR":
            size = struct.unpack(">II", body[:8])
        if name == b"IDAT":
            data += body
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(size[1], size[0] * 3 + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(size[1], size[0], 3)


def test_a_plot_is_red_where_on_and_blue_where_off(tmp_path):
    events = px.Events.from_numpy([1, 2, 3], [0, 30, 30], [0, 10, 11], [1, 0, 0], width=40, height=20)
    picture = events.plot(widest=40)
    assert picture.pixels.shape == (20, 40, 3)
    red, blue, white = (picture.pixels[y, x].astype(int) for y, x in ((0, 0), (10, 30), (5, 5)))
    assert red[0] > red[2] and blue[2] > blue[0] and (white == 255).all()
    assert (picture.pixels.astype(int).sum(axis=2) < 765).sum() == 3
    picture.save(tmp_path / "events.png")
    np.testing.assert_array_equal(decoded((tmp_path / "events.png").read_bytes()), picture.pixels)
    np.testing.assert_array_equal(decoded(picture._repr_png_()), picture.pixels)
    assert px.Events.from_numpy([], [], [], []).plot().pixels.size
    with pytest.raises(px.ParamError, match="`widest`"):
        events.plot(widest=0)
    upwards = events.with_meta(origin="bottom-left").plot(widest=40)
    assert (upwards.pixels == picture.pixels[::-1]).all()


def test_tensors_as_pictures():
    events = px.sample()
    counts = px.show(events.frame())
    assert counts.pixels.shape == (48, 64, 3)
    assert px.show(events.frame(bins=3)).pixels.shape == (48, 3 * 64 + 2 * 2, 3)
    signed = px.show(np.array([[1.0, -1.0, 0.0]]))
    assert signed.pixels[0, 0, 0] > signed.pixels[0, 0, 2] and signed.pixels[0, 1, 2] > signed.pixels[0, 1, 0]
    assert (signed.pixels[0, 2] == 255).all()
    assert px.show(np.array([[0, 5]])).pixels[0, :, 0].tolist() == [255, 0]
    assert px.show(np.zeros((2000, 3000))).pixels.shape[1] <= 960
    for wrong in (np.zeros(3), np.zeros((0, 4)), np.array([["a"]])):
        with pytest.raises(px.ParamError, match="is no picture"):
            px.show(wrong)


def frames_of(gif):
    """How many images a GIF has, and how long each stands, by the specification of its blocks."""
    assert gif[:6] == b"GIF89a"
    flags = gif[10]
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    delays, images = [], 0

    def skip(at):
        while gif[at]:
            at += gif[at] + 1
        return at + 1

    while gif[at] != 0x3B:
        if gif[at] == 0x21:
            if gif[at + 1] == 0xF9:
                delays.append(struct.unpack("<H", gif[at + 4 : at + 6])[0])
            at = skip(at + 2)
        else:
            assert gif[at] == 0x2C
            images += 1
            local = gif[at + 9]
            at = skip(at + 10 + (3 << ((local & 7) + 1) if local & 0x80 else 0) + 1)
    return images, delays


def test_a_film_has_a_frame_for_each_window(tmp_path):
    path = tmp_path / "film.gif"
    assert px.animate(px.sample(), path, window="25ms") == 4
    images, delays = frames_of(path.read_bytes())
    assert images == 4 and sum(delays) == 10, "25 ms each, in hundredths"
    with pytest.raises(px.ParamError, match="exists"):
        px.animate(px.sample(), path)
    recording = tmp_path / "events.raw"
    px.sample().write(recording, format="evt3")
    again = tmp_path / "again.gif"
    assert px.animate(recording, again, window="25ms", overwrite=True) == 4
    assert again.read_bytes() == path.read_bytes()
    with px.open(recording) as reader:
        assert px.animate(reader, again, window="50ms", seconds_per_frame=0.5, overwrite=True) == 2
    assert frames_of(again.read_bytes()) == (2, [50, 50])
    for wrong, match in ((tmp_path / "film.avi", "no film"), (tmp_path / "empty.gif", "no events")):
        with pytest.raises(px.ParamError, match=match):
            px.animate(px.sample()[:0] if wrong.suffix == ".gif" else px.sample(), wrong)
    assert not (tmp_path / "empty.gif").exists()


def test_a_film_as_mp4(tmp_path):
    path = tmp_path / "film.mp4"
    if shutil.which("ffmpeg") is None:
        with pytest.raises(px.ParamError, match="ffmpeg is not installed"):
            px.animate(px.sample(), path)
        return
    assert px.animate(px.sample(), path, window="25ms") == 4
    assert path.read_bytes()[4:8] == b"ftyp"
    assert [file.name for file in tmp_path.iterdir()] == ["film.mp4"]
