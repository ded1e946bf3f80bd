//! Several inputs: patterns, folders, outputs in a folder, and one bad file that does not stop the others.

use std::fs;

use crate::program::{CSV, Folder, run, text};

/// A folder `in` with two recordings, one below, a text that is none, and a hidden one.
fn recordings() -> Folder {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("in/deep/.hidden")).unwrap();
    for name in [
        "in/b.csv",
        "in/a.csv",
        "in/deep/c.csv",
        "in/.secret.csv",
        "in/deep/.hidden/d.csv",
    ] {
        folder.file(name, CSV);
    }
    folder.file("in/notes.md", "# Nothing to see\n");
    folder
}

fn names(folder: &Folder, of: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder.path(of))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn digests(paths: &[&str]) -> Vec<String> {
    let lines = run([&["digest"], paths].concat()).ok();
    lines
        .lines()
        .map(|line| line.split("  ").next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_pattern_in_quotes_is_expanded_in_order() {
    let folder = recordings();
    let pattern = folder.path("in/*.csv");
    let lines = run(["digest", text(&pattern)]).ok();
    let files: Vec<&str> = lines
        .lines()
        .map(|line| line.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(files, ["a.csv", "b.csv"]);
    let deep = run(["digest", text(&folder.path("in/**/*.csv"))]).ok();
    assert_eq!(deep.lines().count(), 3, "{deep}");
    let error = run(["digest", text(&folder.path("in/*.raw"))]).fails(7);
    assert!(error.contains("no file matches"), "{error}");
    // A name that looks like a pattern and exists is that file.
    let odd = folder.file("in/[odd].csv", CSV);
    assert_eq!(run(["digest", text(&odd)]).ok().lines().count(), 1);
}

#[test]
fn a_folder_is_taken_with_recursive_and_only_its_recordings() {
    let folder = recordings();
    let input = folder.path("in");
    for verb in ["info", "digest", "cat"] {
        let error = run([verb, text(&input)]).fails(2);
        assert!(
            error.contains("directory") && error.contains("--recursive"),
            "{error}"
        );
    }
    assert_eq!(run(["digest", "-r", text(&input)]).ok().lines().count(), 3);
    let json = run(["info", "--recursive", "--json", text(&input)]).ok();
    assert_eq!(json.lines().count(), 3);
    fs::create_dir(folder.path("empty")).unwrap();
    assert!(
        run(["info", "-r", text(&folder.path("empty"))])
            .fails(7)
            .contains("no recording")
    );
}

#[test]
fn a_folder_goes_into_a_folder_with_its_structure() {
    let folder = recordings();
    let (input, output) = (folder.path("in"), folder.path("made/out"));
    let ran = run(["convert", "-r", "--to", "parquet", text(&input), text(&output)]);
    assert!(
        ran.err.contains("3 of 3 converted") && ran.err.contains("1 other file"),
        "{}",
        ran.err
    );
    ran.ok();
    assert_eq!(names(&folder, "made/out"), ["a.parquet", "b.parquet", "deep"]);
    assert_eq!(names(&folder, "made/out/deep"), ["c.parquet"]);
    let made = folder.path("made/out/deep/c.parquet");
    let digests = digests(&[text(&made), text(&folder.path("in/a.csv"))]);
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn outputs_below_the_input_are_not_inputs() {
    let folder = recordings();
    let (input, output) = (folder.path("in"), folder.path("in/made"));
    for _ in 0..2 {
        let ran = run(["convert", "-r", "-f", "--to", "csv", text(&input), text(&output)]);
        assert!(ran.err.contains("3 of 3 converted"), "{}", ran.err);
        ran.ok();
    }
}

#[test]
fn one_bad_file_does_not_stop_the_others_and_is_named() {
    let folder = recordings();
    folder.file("in/aa.csv", "t,x,y,on\n1,2\n");
    folder.file("in/empty.csv", "");
    let output = folder.path("out/");
    let ran = run([
        "convert",
        "--to",
        "arrow",
        text(&folder.path("in/*.csv")),
        text(&output),
    ]);
    assert!(ran.err.contains("2 of 4 converted; failed: "), "{}", ran.err);
    assert!(ran.err.lines().last().unwrap().contains("aa.csv"), "{}", ran.err);
    ran.fails(5);
    assert_eq!(names(&folder, "out"), ["a.arrow", "b.arrow"]);
    // Again: what is there stays, and each file says so.
    let before = fs::read(folder.path("out/a.arrow")).unwrap();
    let again = run([
        "convert",
        "--to",
        "arrow",
        text(&folder.path("in/*.csv")),
        text(&output),
    ]);
    assert!(
        again.err.contains("0 of 4 converted") && again.err.contains("--force"),
        "{}",
        again.err
    );
    again.fails(2);
    assert_eq!(fs::read(folder.path("out/a.arrow")).unwrap(), before);
}

#[test]
fn no_input_is_written_to() {
    let folder = recordings();
    let input = folder.path("in/*.csv");
    let ran = run([
        "convert",
        "--force",
        "--to",
        "csv",
        text(&input),
        text(&folder.path("in")),
    ]);
    assert!(
        ran.err.contains("same file") && ran.err.contains("0 of 2 converted"),
        "{}",
        ran.err
    );
    ran.fails(2);
    assert_eq!(fs::read_to_string(folder.path("in/a.csv")).unwrap(), CSV);
    // An output that would replace another input, which may not have had its turn yet.
    let table = folder.path("in/b.parquet");
    run(["convert", text(&folder.path("in/b.csv")), text(&table)]).ok();
    let before = fs::read(&table).unwrap();
    let both = [text(&folder.path("in/b.csv")).to_owned(), text(&table).to_owned()];
    let ran = run([
        "convert",
        "--force",
        "--to",
        "parquet",
        &both[0],
        &both[1],
        text(&folder.path("in")),
    ]);
    assert!(ran.err.matches("same file").count() == 2, "{}", ran.err);
    assert_eq!(fs::read(&table).unwrap(), before);
}

#[test]
fn two_inputs_for_one_output_are_told() {
    let folder = Folder::new();
    let (first, second) = (folder.file("a.csv", CSV), folder.file("a.txt", CSV));
    let ran = run([
        "convert",
        "--to",
        "arrow",
        text(&first),
        text(&second),
        text(&folder.path("out")),
    ]);
    assert!(
        ran.err.contains("a.arrow was made from") && ran.err.contains("1 of 2"),
        "{}",
        ran.err
    );
    ran.fails(2);
}

#[test]
fn what_is_no_folder_and_a_format_without_a_name_are_refused() {
    let folder = recordings();
    let pattern = folder.path("in/*.csv");
    let run = |to: &[&str], out: &str| run([&["convert"], to, &[text(&pattern), out]].concat());
    let named = &["--to", "parquet"][..];
    assert!(run(named, "-").fails(2).contains("standard output"));
    assert!(
        run(named, text(&folder.path("joined.parquet")))
            .fails(2)
            .contains("name a folder")
    );
    assert!(
        run(named, text(&folder.file("x", "")))
            .fails(2)
            .contains("one file")
    );
    assert!(
        run(&[], text(&folder.path("out")))
            .fails(2)
            .contains("--to parquet")
    );
    assert!(!folder.path("out").exists() && !folder.path("joined.parquet").exists());
}
