//! `parallax apply`: held to the same done by hand over the lines of a CSV.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{CSV, Folder, python, rows, run, text};

const WIDTH: usize = 40;
const HEIGHT: usize = 30;

fn scene(folder: &Folder) -> (PathBuf, Vec<[i64; 4]>) {
    let path = folder.path("scene.csv");
    run(["synth", "--seconds", "1", "--geometry", "40x30", text(&path)]).ok();
    let rows = rows(&fs::read_to_string(&path).unwrap());
    (path, rows)
}

fn apply(input: &Path, output: &Path, chain: &str) -> String {
    let ran = run(["apply", text(input), text(output), chain]);
    let err = ran.err.clone();
    ran.ok();
    err
}

/// Shape and elements of an NPY file of 32-bit integers, by NumPy's description of the format.
fn npy(path: &Path) -> (Vec<usize>, Vec<i32>) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..end]).unwrap();
    assert!(
        header.contains("'<i4'") && header.contains("'fortran_order': False"),
        "{header}"
    );
    let shape = header
        .split_once("'shape': (")
        .unwrap()
        .1
        .split_once(')')
        .unwrap()
        .0;
    let shape = shape
        .split(',')
        .filter_map(|part| part.trim().parse().ok())
        .collect();
    let elements = bytes[end..]
        .chunks(4)
        .map(|bytes| i32::from_le_bytes(bytes.try_into().unwrap()));
    (shape, elements.collect())
}

/// Counts of (polarity, y, x).
fn counts<'a>(rows: impl IntoIterator<Item = &'a [i64; 4]>) -> Vec<i32> {
    let mut counts = vec![0; 2 * HEIGHT * WIDTH];
    for [_, x, y, p] in rows {
        counts[(*p as usize * HEIGHT + *y as usize) * WIDTH + *x as usize] += 1;
    }
    counts
}

#[test]
fn events_pass_through_the_chain() {
    let folder = Folder::new();
    let (input, all) = scene(&folder);
    let mut last = HashMap::new();
    let wanted: Vec<[i64; 4]> = all
        .iter()
        .copied()
        .filter(|[_, x, y, _]| (5..25).contains(x) && (3..23).contains(y))
        .filter(|[t, x, y, _]| {
            let is_kept = last.get(&(*x, *y)).is_none_or(|last| t - last > 50_000);
            if is_kept {
                last.insert((*x, *y), *t);
            }
            is_kept
        })
        .filter(|row| row[3] == 1)
        .collect();
    assert!(wanted.len() > 100 && wanted.len() < all.len() / 4);
    let chain = "region x=5 y=3 w=20 h=20 ! refractory period=50ms ! polarity keep=on";
    for format in ["csv", "parquet"] {
        let out = folder.path(&format!("out.{format}"));
        let said = apply(&input, &out, chain);
        assert!(said.contains(" of "), "{said}");
        let lines = run(["cat", text(&out)]).ok();
        let found: Vec<Vec<i64>> = lines
            .lines()
            .map(|line| line.split(' ').map(|number| number.parse().unwrap()).collect())
            .collect();
        assert_eq!(
            found,
            wanted.iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
            "{format}"
        );
    }
}

#[test]
fn a_representation_of_the_whole_is_one_array() {
    let folder = Folder::new();
    let (input, all) = scene(&folder);
    let out = folder.path("out.npy");
    let said = apply(&input, &out, "frame");
    assert!(said.contains("1 tensor of i32 [2, 30, 40]"), "{said}");
    assert_eq!(npy(&out), (vec![2, HEIGHT, WIDTH], counts(&all)));
}

#[test]
fn windows_are_stacked_along_a_new_axis() {
    let folder = Folder::new();
    let (input, all) = scene(&folder);
    let out = folder.path("out.npy");
    apply(&input, &out, "polarity keep=on ! frame window=100ms");
    let on: Vec<[i64; 4]> = all.iter().copied().filter(|row| row[3] == 1).collect();
    let first = on[0][0];
    let windows = (on[on.len() - 1][0] - first) / 100_000;
    let mut wanted = Vec::new();
    for window in 0..windows {
        let span = first + window * 100_000..first + (window + 1) * 100_000;
        wanted.extend(counts(on.iter().filter(|row| span.contains(&row[0]))));
    }
    assert_eq!(npy(&out), (vec![windows as usize, 2, HEIGHT, WIDTH], wanted));
}

#[test]
fn every_kind_of_file_holds_the_same_tensors() {
    let folder = Folder::new();
    let (input, _) = scene(&folder);
    for extension in ["npy", "npz", "parquet", "arrow"] {
        apply(
            &input,
            &folder.path(&format!("counts.{extension}")),
            "frame window=100ms",
        );
    }
    python(
        "every_kind_of_file_holds_the_same_tensors",
        "tensors.py",
        &folder.path("."),
    );
}

#[test]
fn a_picture_is_lit_where_the_tensor_is_not_zero() {
    let folder = Folder::new();
    let (input, all) = scene(&folder);
    let out = folder.path("out.png");
    let ran = run([
        "apply",
        "--time",
        "200ms..210ms",
        text(&input),
        text(&out),
        "frame",
    ]);
    assert!(ran.err.contains("1 tensor"), "{}", ran.err);
    ran.ok();
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(&out).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    assert_eq!(
        (info.width as usize, info.height as usize),
        (2 * WIDTH, HEIGHT),
        "OFF left, ON right"
    );
    let black = &rgb.clone()[..3];
    let unlit: Vec<u8> = [0, 0, 4].to_vec();
    assert!(black == unlit || rgb.chunks(3).any(|pixel| pixel == unlit));
    let lit: HashSet<(usize, usize)> = rgb
        .chunks(3)
        .enumerate()
        .filter(|(_, pixel)| *pixel != unlit)
        .map(|(index, _)| (index % (2 * WIDTH), index / (2 * WIDTH)))
        .collect();
    let wanted: HashSet<(usize, usize)> = all
        .iter()
        .filter(|row| (200_000..210_000).contains(&row[0]))
        .map(|[_, x, y, p]| (*x as usize + *p as usize * WIDTH, *y as usize))
        .collect();
    assert!(wanted.len() > 20);
    assert_eq!(lit, wanted);
}

#[test]
fn the_bytes_depend_neither_on_the_chunk_nor_on_the_threads() {
    let folder = Folder::new();
    let (input, _) = scene(&folder);
    for (name, chain) in [
        ("out.parquet", "refractory period=5ms ! decimate n=3"),
        ("out.npy", "refractory period=5ms ! frame window=30ms"),
        ("out.npz", "frame window=200ms"),
    ] {
        let outputs = [["1048576", "2"], ["1000", "1"], ["7", "3"]].map(|[chunk, threads]| {
            let out = folder.path(name);
            run([
                "apply",
                "-f",
                "--chunk",
                chunk,
                "--threads",
                threads,
                text(&input),
                text(&out),
                chain,
            ])
            .ok();
            fs::read(out).unwrap()
        });
        assert!(outputs.iter().all(|output| *output == outputs[0]), "{name}");
    }
}

#[test]
fn times_in_fixed_steps_are_told() {
    let folder = Folder::new();
    let input = folder.file("in.csv", "t,x@4,y@4,on\n1000,1,1,1\n1400,1,1,1\n2600,1,1,1\n");
    let out = folder.path("out.csv");
    let ran = run([
        "apply",
        "--fixed-step",
        "1ms",
        text(&input),
        text(&out),
        "polarity keep=both",
    ]);
    assert!(
        ran.err.contains("3 events were rounded") && ran.err.contains("400 us at most"),
        "{}",
        ran.err
    );
    let times: Vec<i64> = rows(&fs::read_to_string(&out).unwrap())
        .iter()
        .map(|row| row[0])
        .collect();
    assert_eq!(times, [1_000, 1_000, 3_000]);
}

#[test]
fn what_cannot_be_is_told_and_leaves_nothing() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    let fails = |chain: &str, out: &str, code: i32| {
        run(["apply", text(&input), text(&folder.path(out)), chain]).fails(code)
    };
    let error = fails("refractry period=1ms", "out.csv", 7);
    assert!(
        error.contains("did you mean `refractory`") && error.contains('^'),
        "{error}"
    );
    let error = fails("refractory period=0ms", "out.csv", 2);
    assert!(error.contains("period") && error.contains('^'), "{error}");
    assert!(fails("frame ! polarity", "out.npy", 2).contains("at the end"));
    let error = fails("frame", "out.raw", 5);
    assert!(error.contains("tensors") && error.contains("npy"), "{error}");
    let error = fails("polarity keep=on", "out.png", 5);
    assert!(error.contains("representation"), "{error}");
    let error = fails("frame window=1s", "out.npy", 2);
    assert!(
        error.contains("no tensor") && error.contains("incomplete"),
        "{error}"
    );
    let error = fails("frame window=100us", "out.png", 2);
    assert!(error.contains("one tensor"), "{error}");
    let unknown = folder.file("unknown.csv", "0,1,1,1\n");
    let error = run(["apply", text(&unknown), text(&folder.path("out.npy")), "frame"]).fails(2);
    assert!(error.contains("size"), "{error}");
    let error = run(["apply", "--force", text(&input), text(&input), "polarity"]).fails(2);
    assert!(error.contains("same file"), "{error}");
    assert_eq!(folder.names(), ["in.csv", "unknown.csv"]);
}

#[test]
fn the_readable_part_of_a_damaged_input_is_applied_and_told() {
    let folder = Folder::new();
    let input = folder.file("in.csv", format!("{CSV}{}", "9".repeat(100_000)));
    let out = folder.path("out.csv");
    let error = run(["apply", text(&input), text(&out), "polarity keep=on"]).fails(6);
    assert!(error.contains("4 events before the damage"), "{error}");
    assert_eq!(rows(&fs::read_to_string(&out).unwrap()).len(), 3);
}
