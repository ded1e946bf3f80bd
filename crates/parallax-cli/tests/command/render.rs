//! `parallax render`: what is lit is what had events, by a naive count over the same text.

use std::collections::HashSet;
use std::path::Path;

use parallax_testkit::recording;

use crate::program::{CSV, Folder, run, text};

struct Png {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

fn decode(path: &Path) -> Png {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    Png {
        width: info.width as usize,
        height: info.height as usize,
        rgb,
    }
}

impl Png {
    /// Where the picture is not the dark background.
    fn lit(&self) -> HashSet<(usize, usize)> {
        let lit = |(index, pixel): (usize, &[u8])| {
            (pixel != [14, 14, 20]).then_some((index % self.width, index / self.width))
        };
        self.rgb.chunks(3).enumerate().filter_map(lit).collect()
    }
}

#[test]
fn what_is_lit_had_events_in_the_window() {
    let folder = Folder::new();
    let scene = folder.path("scene.csv");
    run(["synth", "--seconds", "1", "--geometry", "40x30", text(&scene)]).ok();
    let out = folder.path("out.png");
    run(["render", "--time", "200ms..220ms", text(&scene), text(&out)]).ok();
    let lines = std::fs::read_to_string(&scene).unwrap();
    let expected: HashSet<(usize, usize)> = lines
        .lines()
        .skip(1)
        .map(|line| {
            line.split(',')
                .map(|field| field.parse::<usize>().unwrap())
                .collect::<Vec<_>>()
        })
        .filter(|fields| (200_000..220_000).contains(&fields[0]))
        .map(|fields| (fields[1], fields[2]))
        .collect();
    let picture = decode(&out);
    assert_eq!((picture.width, picture.height), (40, 30));
    assert!(
        expected.len() > 50 && expected.len() < 1_000,
        "{}",
        expected.len()
    );
    assert!(picture.lit() == expected, "other pixels are lit than had events");
}

#[test]
fn the_busiest_window_is_found() {
    let folder = Folder::new();
    let input = folder.file(
        "in.csv",
        "t,x@4,y@1,on\n0,0,0,1\n1000,1,0,1\n1010,2,0,1\n2500,3,0,0\n",
    );
    let out = folder.path("out.png");
    let ran = run(["render", "--window", "1ms", text(&input), text(&out)]);
    assert!(
        ran.err.contains("2 events from 0.001000 s to 0.001010 s"),
        "{}",
        ran.err
    );
    assert_eq!(decode(&out).rgb.len(), 12);
}

#[test]
fn on_and_off_have_their_colours_and_old_events_fade() {
    let folder = Folder::new();
    let input = folder.file("in.csv", "t,x@3,y@1,on\n0,0,0,1\n1000,1,0,1\n1000,2,0,0\n");
    let picture = |flags: &[&str]| {
        let out = folder.path("out.png");
        run([
            &["render", "--force", "--time", "0..1s"],
            flags,
            &[text(&input), text(&out)],
        ]
        .concat())
        .ok();
        decode(&out).rgb
    };
    let flat = picture(&[]);
    assert_eq!(flat[0..3], flat[3..6], "both ON, once");
    assert!(flat[3] > flat[5] && flat[6] < flat[8], "ON is red, OFF is blue");
    let faded = picture(&["--decay", "500us"]);
    assert!(faded[0] < faded[3], "the older event is darker");
    let light = picture(&["--background", "light"]);
    assert_ne!(flat, light);
    let (gray, viridis, inferno) = (
        picture(&["--colormap", "gray"]),
        picture(&["--colormap", "viridis"]),
        picture(&["--colormap", "inferno"]),
    );
    assert!(
        gray.chunks(3)
            .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
    );
    assert_eq!(viridis[3..6], viridis[6..9], "ON and OFF alike");
    assert_ne!(viridis, inferno);
}

#[test]
fn the_bytes_do_not_depend_on_the_chunk_or_the_door() {
    let test = "the_bytes_do_not_depend_on_the_chunk_or_the_door";
    let Some(path) = recording("faery/evt3.raw", test) else {
        return;
    };
    let folder = Folder::new();
    let pictures = [
        &[][..],
        &["--chunk", "1000"],
        &["--no-mmap", "--memory-limit", "64KiB"],
    ]
    .map(|flags| {
        let out = folder.path("out.png");
        run([
            &["render", "--force", "--decay", "10ms"],
            flags,
            &[text(&path), text(&out)],
        ]
        .concat())
        .ok();
        std::fs::read(out).unwrap()
    });
    assert!(pictures.iter().all(|picture| *picture == pictures[0]));
}

#[test]
fn a_size_that_is_not_stated_is_taken_from_the_events_and_told() {
    let folder = Folder::new();
    let input = folder.file("in.csv", "0,3,1,1\n5,0,4,0\n");
    let out = folder.path("out.png");
    let ran = run(["render", text(&input), text(&out)]);
    assert!(
        ran.err.contains("4x5") && ran.err.contains("--geometry"),
        "{}",
        ran.err
    );
    ran.ok();
    run([
        "render",
        "--force",
        "--geometry",
        "10x20",
        text(&input),
        text(&out),
    ])
    .ok();
    assert_eq!((decode(&out).width, decode(&out).height), (10, 20));
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    let error = run(["render", text(&input), text(&folder.path("out.jpg"))]).fails(5);
    assert!(error.contains(".png"), "{error}");
    let error = run([
        "render",
        "--time",
        "5s..6s",
        text(&input),
        text(&folder.path("out.png")),
    ])
    .fails(2);
    assert!(error.contains("no events"), "{error}");
    let huge = folder.file("huge.csv", "0,65534,65534,1\n");
    let error = run(["render", text(&huge), text(&folder.path("out.png"))]).fails(6);
    assert!(error.contains("--geometry"), "{error}");
    assert_eq!(folder.names(), ["huge.csv", "in.csv"]);
}
