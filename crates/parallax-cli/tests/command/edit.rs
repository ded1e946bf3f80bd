//! What `convert` changes: region, polarity, unit, origin. Held to the same done by hand over the lines of a CSV.

use std::fs;
use std::path::Path;

use crate::program::{Folder, rows, run, text};

fn scene(folder: &Folder) -> std::path::PathBuf {
    let path = folder.path("scene.csv");
    run(["synth", "--seconds", "1", "--geometry", "40x30", text(&path)]).ok();
    path
}

/// Converts to CSV and returns the header and the rows.
fn converted(input: &Path, flags: &[&str]) -> (String, Vec<[i64; 4]>) {
    let csv = run([&["convert", "--to", "csv"], flags, &[text(input), "-"]].concat()).ok();
    (csv.lines().next().unwrap().to_owned(), rows(&csv))
}

#[test]
fn a_region_is_half_open_and_moves_only_when_asked() {
    let folder = Folder::new();
    let input = scene(&folder);
    let all = rows(&fs::read_to_string(&input).unwrap());
    let inside: Vec<[i64; 4]> = all
        .iter()
        .copied()
        .filter(|[_, x, y, _]| (10..15).contains(x) && (20..30).contains(y))
        .collect();
    assert!(inside.len() > 50 && inside.len() < all.len() / 4);
    let (header, kept) = converted(&input, &["--roi", "10,20,5,10"]);
    assert_eq!((header.as_str(), &kept), ("t,x@40,y@30,on", &inside));
    let moved: Vec<[i64; 4]> = inside
        .iter()
        .map(|[t, x, y, p]| [*t, x - 10, y - 20, *p])
        .collect();
    let (header, kept) = converted(&input, &["--roi", "10,20,5,10", "--crop"]);
    assert_eq!((header.as_str(), &kept), ("t,x@5,y@10,on", &moved));
}

#[test]
fn one_polarity_is_kept() {
    let folder = Folder::new();
    let input = scene(&folder);
    let all = rows(&fs::read_to_string(&input).unwrap());
    for (name, value) in [("on", 1), ("off", 0)] {
        let wanted: Vec<[i64; 4]> = all.iter().copied().filter(|row| row[3] == value).collect();
        assert!(!wanted.is_empty());
        assert_eq!(converted(&input, &["--polarity", name]).1, wanted);
    }
}

#[test]
fn a_unit_is_exact_or_an_error() {
    let folder = Folder::new();
    let input = folder.file("in.csv", "t,x@4,y@4,on\n1000,1,2,1\n3000,0,0,0\n");
    let unit = |path: &Path| {
        let page: serde_json::Value =
            serde_json::from_str(&run(["info", "--json", text(path)]).ok()).unwrap();
        (
            page["time_unit"].as_str().unwrap().to_owned(),
            page["t_min"].as_i64(),
            page["t_max"].as_i64(),
        )
    };
    for (name, least, most) in [("ns", 1_000_000, 3_000_000), ("us", 1_000, 3_000), ("ms", 1, 3)] {
        let out = folder.path(&format!("out-{name}.parquet"));
        run(["convert", "--unit", name, text(&input), text(&out)]).ok();
        assert_eq!(unit(&out), (name.to_owned(), Some(least), Some(most)));
    }
    let odd = folder.file("odd.csv", "t,x,y,on\n1000,1,2,1\n3001,0,0,0\n");
    let out = folder.path("odd.parquet");
    let error = run(["convert", "--unit", "ms", text(&odd), text(&out)]).fails(2);
    assert!(error.contains("3001 us") && error.contains("event: 1"), "{error}");
    assert!(!out.exists());
    assert!(
        run(["convert", "--unit", "s", text(&odd), text(&out)])
            .fails(2)
            .contains("ms, us or ns")
    );
}

#[test]
fn rows_are_turned_where_the_output_can_say_so() {
    let folder = Folder::new();
    let input = scene(&folder);
    let turned: Vec<i64> = rows(&fs::read_to_string(&input).unwrap())
        .iter()
        .map(|row| 29 - row[2])
        .collect();
    let out = folder.path("upwards.parquet");
    run(["convert", "--origin", "bottom-left", text(&input), text(&out)]).ok();
    let printed: Vec<i64> = run(["cat", text(&out)])
        .ok()
        .lines()
        .map(|line| line.split(' ').nth(2).unwrap().parse().unwrap())
        .collect();
    assert_eq!(printed, turned);
    // And back: the same picture, the same bytes.
    let back = folder.path("back.csv");
    run(["convert", "--origin", "top-left", text(&out), text(&back)]).ok();
    assert_eq!(fs::read(&back).unwrap(), fs::read(&input).unwrap());
    let error = run([
        "convert",
        "--origin",
        "bottom-left",
        text(&input),
        text(&folder.path("out.raw")),
        "--to",
        "evt3",
    ]);
    assert!(error.fails(5).contains("row 0"));
    let unknown = folder.file("unknown.csv", "0,1,1,1\n");
    let error = run([
        "convert",
        "--origin",
        "bottom-left",
        text(&unknown),
        text(&folder.path("out.parquet")),
    ]);
    assert!(error.fails(2).contains("--geometry"));
}

#[test]
fn raw_rows_are_those_of_the_file() {
    let folder = Folder::new();
    let (csv, es) = (
        folder.file("in.csv", "t,x@8,y@6,on\n10,1,0,1\n20,2,5,0\n"),
        folder.path("in.es"),
    );
    run(["convert", text(&csv), text(&es)]).ok();
    let rows_of = |path: &Path| -> Vec<String> {
        let lines = run(["cat", text(path)]).ok();
        lines
            .lines()
            .map(|line| line.split(' ').nth(2).unwrap().to_owned())
            .collect()
    };
    let (raw, usual) = (folder.path("raw.parquet"), folder.path("usual.parquet"));
    run(["convert", "--origin", "raw", text(&es), text(&raw)]).ok();
    run(["convert", text(&es), text(&usual)]).ok();
    assert_eq!(rows_of(&usual), ["0", "5"]);
    assert_eq!(rows_of(&raw), ["5", "0"], "the format counts upwards");
}

#[test]
fn what_cannot_be_a_region_is_told() {
    let folder = Folder::new();
    let input = scene(&folder);
    let out = folder.path("out.csv");
    for (region, wanted) in [
        ("0,0,41,1", "sensor of 40x30"),
        ("0,0,0,1", "no pixels"),
        ("1,2,3", "X,Y,W,H"),
    ] {
        let error = run(["convert", "--roi", region, text(&input), text(&out)]).fails(2);
        assert!(error.contains(wanted), "{error}");
    }
    run(["convert", "--crop", text(&input), text(&out)]).fails(2);
    assert!(!out.exists());
}

#[test]
fn the_chunk_does_not_change_what_is_changed() {
    let folder = Folder::new();
    let input = scene(&folder);
    let outputs = ["1048576", "7"].map(|chunk| {
        let out = folder.path(&format!("out-{chunk}.parquet"));
        run([
            "convert",
            "--chunk",
            chunk,
            "--roi",
            "3,4,20,20",
            "--crop",
            "--polarity",
            "on",
            "--unit",
            "ns",
            "--origin",
            "bottom-left",
            text(&input),
            text(&out),
        ])
        .ok();
        fs::read(out).unwrap()
    });
    assert_eq!(outputs[0], outputs[1]);
}
