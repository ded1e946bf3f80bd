//! What a new user gets wrong, and what a disk does: every error says what, where, and what to do.

use std::fs;
use std::path::Path;

use parallax::formats::format;

use crate::program::{CSV, Folder, ran, run, text};

#[test]
fn a_missing_file_a_directory_and_an_empty_file() {
    let folder = Folder::new();
    for verb in ["info", "digest"] {
        let error = run([verb, text(&folder.path("none.raw"))]).fails(7);
        assert!(error.contains("none.raw"), "{error}");
        let error = run([verb, text(&folder.path("."))]).fails(2);
        assert!(error.contains("directory"), "{error}");
        let error = run([verb, text(&folder.file("empty.raw", ""))]).fails(4);
        assert!(error.contains("empty") && error.contains("at byte 0"), "{error}");
    }
}

#[test]
fn a_file_of_one_byte_and_a_file_of_nonsense() {
    let folder = Folder::new();
    for (name, content) in [
        ("one.raw", &b"%"[..]),
        ("one.parquet", b"P"),
        ("one.xyz", b"\0"),
        ("noise.dump", &[0x9c; 5_000]),
    ] {
        let path = folder.file(name, content);
        let ran = run(["info", text(&path)]);
        assert!(
            matches!(ran.code, Some(4 | 5)),
            "{name}: {:?} {}{}",
            ran.code,
            ran.out,
            ran.err
        );
        assert!(ran.err.contains(name) && ran.err.contains("byte"), "{}", ran.err);
    }
}

#[test]
fn a_wrong_extension_does_not_hide_the_format() {
    let folder = Folder::new();
    let sample = (format("evt3").unwrap().sample)();
    let path = folder.file("misnamed.csv", &sample.bytes);
    let page = run(["info", text(&path)]).ok();
    assert!(
        page.contains("evt3") && page.contains(&sample.events.len().to_string()),
        "{page}"
    );
}

#[test]
fn a_truncated_recording_is_read_up_to_its_end_and_told() {
    let folder = Folder::new();
    let bytes = (format("evt3").unwrap().sample)().bytes;
    let path = folder.file("cut.raw", &bytes[..bytes.len() - 1]);
    let page = run(["info", text(&path)]).ok();
    assert!(page.contains("truncated at the end"), "{page}");
    assert!(
        run(["info", "--strict", text(&path)])
            .fails(4)
            .contains("truncated")
    );
}

#[test]
fn a_truncated_table_is_refused() {
    let folder = Folder::new();
    let (input, whole) = (folder.file("in.csv", CSV), folder.path("whole.parquet"));
    run(["convert", text(&input), text(&whole)]).ok();
    let bytes = fs::read(&whole).unwrap();
    for cut in [1, bytes.len() / 2, bytes.len() - 1] {
        let path = folder.file("cut.parquet", &bytes[..cut]);
        let ran = run(["info", text(&path)]);
        assert!(
            matches!(ran.code, Some(4 | 5)),
            "{cut}: {:?} {}{}",
            ran.code,
            ran.out,
            ran.err
        );
        assert!(ran.err.contains("cut.parquet"), "{}", ran.err);
    }
}

#[test]
fn an_output_in_no_folder_or_in_place_of_one() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    let error = run(["convert", text(&input), text(&folder.path("none/out.csv"))]).fails(7);
    assert!(
        error.contains("no folder") && error.contains("out.csv"),
        "{error}"
    );
    // Into a folder goes a file of the input's name: here that would be the input itself.
    let error = run(["convert", "--to", "csv", text(&input), text(&folder.path("."))]).fails(2);
    assert!(error.contains("same file"), "{error}");
    let error = run(["convert", text(&input), text(&folder.path("."))]).fails(2);
    assert!(error.contains("--to"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_with_advice() {
    let folder = Folder::new();
    let input = folder.path("in.csv");
    run(["synth", "--seconds", "1", text(&input)]).ok();
    for to in ["csv", "parquet", "arrow"] {
        let error = run(["convert", "--to", to, text(&input), "/dev/full"]).fails(3);
        assert!(
            error.contains("No space left") && error.contains("free some space"),
            "{error}"
        );
        assert!(error.contains("/dev/full"), "{error}");
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = crate::program::command()
        .args(["digest", text(&input)])
        .stdout(full)
        .output()
        .unwrap();
    assert!(ran(output).fails(3).contains("standard output"));
}

#[cfg(unix)]
#[test]
fn no_permission_to_read_or_to_write() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    let folder = Folder::new();
    let set = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let program = folder.path("parallax");
    fs::copy(env!("CARGO_BIN_EXE_parallax"), &program).unwrap();
    let (input, secret) = (folder.file("in.csv", CSV), folder.file("secret.csv", CSV));
    set(&secret, 0o000);
    // Nothing is forbidden to root, so as root it is somebody else who tries.
    let is_root = fs::read(&secret).is_ok();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&program);
        command.args(arguments).stdin(std::process::Stdio::null());
        if is_root {
            command.uid(65_534).gid(65_534);
        }
        ran(command.output().unwrap())
    };
    set(&folder.path("."), 0o555);
    let reading = run(&["info", text(&secret)]);
    let writing = run(&["convert", text(&input), text(&folder.path("out.csv"))]);
    set(&folder.path("."), 0o755);
    let error = reading.fails(3);
    assert!(
        error.contains("Permission denied") && error.contains("secret.csv"),
        "{error}"
    );
    let error = writing.fails(3);
    assert!(
        error.contains("Permission denied") && error.contains("out.csv"),
        "{error}"
    );
}
