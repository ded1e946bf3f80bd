//! `parallax render` to GIF: decoded back, each frame is lit where the CSV has events of its window.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;

use parallax_testkit::recording;

use crate::program::{CSV, Folder, rows, run, text};

struct Film {
    width: usize,
    delays: Vec<u16>,
    /// The indices of each frame, and the palette.
    frames: Vec<Vec<u8>>,
    palette: Vec<u8>,
    plays_for_ever: bool,
}

fn decode(path: &Path) -> Film {
    let mut decoder = gif::DecodeOptions::new()
        .read_info(File::open(path).unwrap())
        .unwrap();
    let width = usize::from(decoder.width());
    let palette = decoder.global_palette().unwrap().to_vec();
    let (mut delays, mut frames) = (Vec::new(), Vec::new());
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        assert_eq!((frame.left, frame.top, usize::from(frame.width)), (0, 0, width));
        delays.push(frame.delay);
        frames.push(frame.buffer.to_vec());
    }
    let plays_for_ever = matches!(decoder.repeat(), gif::Repeat::Infinite);
    Film {
        width,
        delays,
        frames,
        palette,
        plays_for_ever,
    }
}

impl Film {
    /// Where the frame is not the dark background.
    fn lit(&self, frame: usize) -> HashSet<(i64, i64)> {
        let color = |index: u8| &self.palette[usize::from(index) * 3..][..3];
        let lit = |(place, index): (usize, &u8)| {
            (color(*index) != [14, 14, 20])
                .then_some(((place % self.width) as i64, (place / self.width) as i64))
        };
        self.frames[frame].iter().enumerate().filter_map(lit).collect()
    }
}

fn pixels(rows: &[[i64; 4]]) -> HashSet<(i64, i64)> {
    rows.iter().map(|row| (row[1], row[2])).collect()
}

fn scene(folder: &Folder) -> (std::path::PathBuf, Vec<[i64; 4]>) {
    let path = folder.path("scene.csv");
    run(["synth", "--seconds", "1", "--geometry", "40x30", text(&path)]).ok();
    let rows = rows(&fs::read_to_string(&path).unwrap());
    (path, rows)
}

#[test]
fn each_frame_shows_the_events_of_its_window_of_time() {
    let folder = Folder::new();
    let (input, rows) = scene(&folder);
    let out = folder.path("out.gif");
    run(["render", "--by-time", "20ms", text(&input), text(&out)]).ok();
    let film = decode(&out);
    let first = rows[0][0];
    let windows = (rows[rows.len() - 1][0] - first) / 20_000 + 1;
    assert_eq!(film.frames.len() as i64, windows);
    for frame in 0..film.frames.len() {
        let window = first + frame as i64 * 20_000..first + (frame as i64 + 1) * 20_000;
        let inside: Vec<[i64; 4]> = rows
            .iter()
            .copied()
            .filter(|row| window.contains(&row[0]))
            .collect();
        assert_eq!(film.lit(frame), pixels(&inside), "frame {frame}");
    }
    assert!(
        film.plays_for_ever && film.delays.iter().all(|delay| *delay == 2),
        "real time"
    );
}

#[test]
fn each_frame_shows_so_many_events() {
    let folder = Folder::new();
    let (input, rows) = scene(&folder);
    let out = folder.path("out.gif");
    run([
        "render",
        "--by-count",
        "100",
        "--rate",
        "30",
        "--frames",
        "12",
        text(&input),
        text(&out),
    ])
    .ok();
    let film = decode(&out);
    assert_eq!(film.frames.len(), 12);
    for frame in 0..12 {
        assert_eq!(
            film.lit(frame),
            pixels(&rows[frame * 100..(frame + 1) * 100]),
            "frame {frame}"
        );
    }
    assert_eq!(
        film.delays.iter().map(|delay| u32::from(*delay)).sum::<u32>(),
        40,
        "12 frames at 30 a second"
    );
}

#[test]
fn empty_windows_are_frames_and_late_events_are_drawn() {
    let folder = Folder::new();
    let input = folder.file(
        "in.csv",
        "t,x@4,y@1,on\n0,0,0,1\n35000,1,0,1\n5000,2,0,1\n40000,3,0,0\n",
    );
    let out = folder.path("out.gif");
    let ran = run([
        "render",
        "--by-time",
        "10ms",
        "--speed",
        "0.5",
        text(&input),
        text(&out),
    ]);
    assert!(
        ran.err.contains("5 frames at 50.0 a second (0.500 x real time)"),
        "{}",
        ran.err
    );
    let film = decode(&out);
    let lit: Vec<usize> = (0..5).map(|frame| film.lit(frame).len()).collect();
    assert_eq!(lit, [1, 0, 0, 2, 1]);
}

#[test]
fn events_fade_over_several_frames() {
    let folder = Folder::new();
    let input = folder.file("in.csv", "t,x@2,y@1,on\n0,0,0,1\n10000,1,0,1\n20000,1,0,1\n");
    let out = folder.path("out.gif");
    run([
        "render",
        "--by-time",
        "10ms",
        "--decay",
        "20ms",
        text(&input),
        text(&out),
    ])
    .ok();
    let film = decode(&out);
    let red = |frame: usize| film.palette[usize::from(film.frames[frame][0]) * 3];
    assert!(
        red(0) > red(1) && red(1) > red(2) && red(2) > 14,
        "{} {} {}",
        red(0),
        red(1),
        red(2)
    );
}

#[test]
fn the_size_is_as_asked() {
    let folder = Folder::new();
    let input = folder.file("in.csv", "t,x@4,y@2,on\n0,3,1,1\n");
    for (name, size, width, lit) in [
        ("half", "2", 2, 1),
        ("double", "8x4", 8, 4),
        ("same", "4x2", 4, 1),
    ] {
        let out = folder.path(&format!("{name}.gif"));
        run(["render", "--size", size, text(&input), text(&out)]).ok();
        let film = decode(&out);
        assert_eq!((film.width, film.lit(0).len()), (width, lit), "{name}");
        let png = folder.path(&format!("{name}.png"));
        run(["render", "--size", size, text(&input), text(&png)]).ok();
        let decoder = png::Decoder::new(std::io::BufReader::new(File::open(&png).unwrap()));
        assert_eq!(decoder.read_info().unwrap().info().width as usize, width);
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_chunk_or_the_door() {
    let test = "the_bytes_do_not_depend_on_the_chunk_or_the_door";
    let Some(path) = recording("faery/evt3.raw", test) else {
        return;
    };
    let folder = Folder::new();
    let films = [
        &[][..],
        &["--chunk", "1000"],
        &["--no-mmap", "--memory-limit", "64KiB"],
    ]
    .map(|flags| {
        let out = folder.path("out.gif");
        let fixed = [
            "render", "--force", "--decay", "10ms", "--size", "320", "--frames", "10",
        ];
        run([&fixed[..], flags, &[text(&path), text(&out)]].concat()).ok();
        fs::read(out).unwrap()
    });
    assert!(films.iter().all(|film| *film == films[0]));
}

#[test]
fn a_hostile_gap_costs_no_more_than_the_frames_allow() {
    let folder = Folder::new();
    let input = folder.file("in.csv", "t,x@2,y@1,on\n0,0,0,1\n9223372036854775807,1,0,1\n");
    let out = folder.path("out.gif");
    let ran = run([
        "render",
        "--by-time",
        "1us",
        "--frames",
        "20",
        text(&input),
        text(&out),
    ]);
    assert!(ran.err.contains("stopped at 20 frames"), "{}", ran.err);
    assert_eq!(decode(&out).frames.len(), 20);
}

#[test]
fn what_is_for_films_alone_and_what_no_film_can_be_is_told() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    let (png, film) = (folder.path("out.png"), folder.path("out.gif"));
    let error = run(["render", "--rate", "10", text(&input), text(&png)]).fails(2);
    assert!(error.contains("--rate") && error.contains(".gif"), "{error}");
    let error = run(["render", "--rate", "60", text(&input), text(&film)]).fails(2);
    assert!(error.contains("60.0") && error.contains("50"), "{error}");
    run(["render", "--by-count", "0", text(&input), text(&film)]).fails(2);
    run([
        "render",
        "--by-count",
        "1",
        "--by-time",
        "1ms",
        text(&input),
        text(&film),
    ])
    .fails(2);
    let error = run(["render", "--time", "5s..6s", text(&input), text(&film)]).fails(2);
    assert!(error.contains("no events"), "{error}");
    assert_eq!(folder.names(), ["in.csv"]);
}
