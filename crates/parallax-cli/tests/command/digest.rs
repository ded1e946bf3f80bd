//! `parallax digest`: held to the digests on which independent decoders agree.

use parallax::Event;
use parallax_testkit::recording;

use crate::program::{CSV, Folder, expected_digest, goldens, ran, run, text};

#[test]
fn recordings_have_the_digests_of_independent_decoders() {
    for golden in goldens() {
        let Some(path) = recording(&golden.id, "recordings_have_the_digests_of_independent_decoders") else {
            continue;
        };
        let line = format!("{}  {}  {}\n", golden.sha256, golden.n, path.display());
        assert_eq!(run(["digest", text(&path)]).ok(), line);
        assert_eq!(
            run(["digest", "--no-mmap", "--chunk", "1000", text(&path)]).ok(),
            line
        );
    }
}

#[test]
fn the_line_and_the_json_say_the_same() {
    let folder = Folder::new();
    let path = folder.file("a.csv", CSV);
    let (sha256, count) = expected_digest(&[
        Event::new(100, 1, 2, 1),
        Event::new(250, 7, 5, 0),
        Event::new(250, 7, 5, 1),
        Event::new(900, 0, 0, 1),
    ]);
    assert_eq!(
        run(["digest", text(&path)]).ok(),
        format!("{sha256}  {count}  {}\n", path.display())
    );
    let json: serde_json::Value = serde_json::from_str(&run(["digest", "--json", text(&path)]).ok()).unwrap();
    assert_eq!(json["sha256"], sha256.as_str());
    assert_eq!(json["events"], count);
    assert_eq!(json["file"], text(&path));
}

#[test]
fn times_are_brought_to_microseconds_or_refused() {
    let folder = Folder::new();
    let (sha256, _) = expected_digest(&[Event::new(17, 1, 2, 1)]);
    let whole = folder.file("whole.csv", "17000,1,2,1\n");
    assert!(
        run(["digest", "--from", "csv unit=ns", text(&whole)])
            .ok()
            .starts_with(&sha256)
    );
    let fraction = folder.file("fraction.csv", "17001,1,2,1\n");
    let error = run(["digest", "--from", "csv unit=ns", text(&fraction)]).fails(2);
    assert!(
        error.contains("17001 ns") && error.contains("fraction.csv"),
        "{error}"
    );
}

#[test]
fn a_bad_file_among_good_ones_is_told_and_the_others_are_done() {
    let folder = Folder::new();
    let good = folder.file("good.csv", CSV);
    let ran = run(["digest", text(&folder.path("none.csv")), text(&good)]);
    assert!(ran.out.ends_with("good.csv\n"), "{}", ran.out);
    assert!(ran.fails(7).contains("none.csv"));
}

#[test]
fn a_pipe_is_read_as_the_file_is() {
    let folder = Folder::new();
    let path = folder.file("a.csv", CSV);
    let piped = {
        let mut child = crate::program::command()
            .args(["digest", "-"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), CSV.as_bytes()).unwrap();
        ran(child.wait_with_output().unwrap()).ok()
    };
    let whole = run(["digest", text(&path)]).ok();
    assert_eq!(piped.split("  ").next(), whole.split("  ").next());
}

#[test]
fn a_range_of_time_is_half_open() {
    let folder = Folder::new();
    let path = folder.file("a.csv", CSV);
    for (range, count) in [("100us..250us", 1), ("+0..+151us", 3), ("250us..", 3), ("..", 4)] {
        let out = run(["digest", "--time", range, text(&path)]).ok();
        assert_eq!(
            out.split("  ").nth(1),
            Some(count.to_string().as_str()),
            "{range}"
        );
    }
}
