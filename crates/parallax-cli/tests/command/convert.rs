//! `parallax convert`: the same events in another format, and outputs that are complete or not there.

use parallax::Event;
use parallax::formats::FORMATS;
use parallax_testkit::recording;

use crate::program::{CSV, Folder, expected_digest, goldens, run, text};

fn digest(path: &std::path::Path) -> String {
    run(["digest", text(path)])
        .ok()
        .split("  ")
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn recordings_come_through_parquet_and_arrow_unchanged() {
    for golden in goldens() {
        let Some(path) = recording(&golden.id, "recordings_come_through_parquet_and_arrow_unchanged") else {
            continue;
        };
        for extension in ["parquet", "arrow"] {
            let folder = Folder::new();
            let out = folder.path(&format!("out.{extension}"));
            assert_eq!(
                run(["convert", text(&path), text(&out)]).ok(),
                "",
                "{}",
                golden.id
            );
            assert_eq!(digest(&out), golden.sha256, "{} as {extension}", golden.id);
        }
    }
}

#[test]
fn every_format_that_is_written_is_read_back() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    for format in FORMATS.iter().filter(|format| format.create.is_some()) {
        let out = folder.path(&format!("out-{}.{}", format.id(), format.extensions[0]));
        run(["convert", "--to", format.id(), text(&input), text(&out)]).ok();
        assert_eq!(digest(&out), digest(&input), "{}", format.id());
    }
}

#[test]
fn the_chunk_does_not_change_the_bytes() {
    let folder = Folder::new();
    let input = folder.path("in.parquet");
    run(["synth", "--geometry", "64x48", "--seconds", "1", text(&input)]).ok();
    for extension in ["parquet", "arrow", "csv"] {
        let outputs = ["1048576", "1000", "7"].map(|chunk| {
            let out = folder.path(&format!("out-{chunk}.{extension}"));
            run(["convert", "--chunk", chunk, text(&input), text(&out)]).ok();
            std::fs::read(out).unwrap()
        });
        assert!(outputs.iter().all(|output| *output == outputs[0]), "{extension}");
    }
}

/// From EVT 2.0 by hand to EVT 3.0 and on, where they fit; said where they do not.
#[test]
fn triggers_come_along_or_are_said_to_be_left_out() {
    let folder = Folder::new();
    let words: [u32; 5] = [
        0x8000_0001,
        0xA000_0301,
        5 << 22 | 3 << 11 | 4,
        0xA000_0300 | 9 << 22,
        0x1000_0000 | 9 << 22 | 1 << 11,
    ];
    let mut bytes = b"% evt 2.0\n% geometry 640x480\n% end\n".to_vec();
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    let input = folder.path("in.raw");
    std::fs::write(&input, &bytes).unwrap();
    let evt3 = folder.path("evt3.raw");
    let ran = run(["convert", "--to", "evt3", text(&input), text(&evt3)]);
    assert!(
        ran.err.contains("2 external triggers were written too"),
        "{}",
        ran.err
    );
    ran.ok();
    let evt2 = folder.path("evt2.raw");
    run(["convert", "--to", "evt2", text(&evt3), text(&evt2)]).ok();
    let written = std::fs::read(&evt2).unwrap();
    // At one time, the event comes first.
    let wanted = [words[0], words[1], words[2], words[4], words[3]];
    let wanted: Vec<u8> = wanted.iter().flat_map(|word| word.to_le_bytes()).collect();
    assert!(written.ends_with(&wanted), "{written:x?}");
    let csv = run(["convert", text(&input), text(&folder.path("out.csv"))]);
    assert!(
        csv.err
            .contains("2 external triggers were left out: csv holds none"),
        "{}",
        csv.err
    );
    csv.ok();
}

#[test]
fn order_and_time_are_as_asked() {
    let folder = Folder::new();
    let input = folder.file("in.csv", "30,1,1,1\n10,2,1,1\n20,3,1,0\n");
    let sorted = folder.path("sorted.parquet");
    run(["convert", "--order", "strict", text(&input), text(&sorted)]).ok();
    let (sha256, _) = expected_digest(&[
        Event::new(10, 2, 1, 1),
        Event::new(20, 3, 1, 0),
        Event::new(30, 1, 1, 1),
    ]);
    assert_eq!(digest(&sorted), sha256);
    let cut = folder.path("cut.parquet");
    run(["convert", "--time", "10us..20us", text(&input), text(&cut)]).ok();
    assert_eq!(digest(&cut), expected_digest(&[Event::new(10, 2, 1, 1)]).0);
}

#[test]
fn an_output_that_exists_stays_unless_forced() {
    let folder = Folder::new();
    let (input, out) = (folder.file("in.csv", CSV), folder.file("out.csv", "precious"));
    let error = run(["convert", text(&input), text(&out)]).fails(2);
    assert!(error.contains("out.csv") && error.contains("--force"), "{error}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "precious");
    run(["convert", "--force", text(&input), text(&out)]).ok();
    assert_eq!(digest(&out), digest(&input));
    assert_eq!(folder.names(), ["in.csv", "out.csv"]);
}

#[test]
fn input_and_output_must_differ() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    let other_name = folder.path("./in.csv");
    let error = run(["convert", "--force", text(&input), text(&other_name)]).fails(2);
    assert!(error.contains("same file"), "{error}");
    assert_eq!(std::fs::read_to_string(&input).unwrap(), CSV);
}

#[test]
fn the_readable_part_of_a_damaged_input_is_written_and_told() {
    let folder = Folder::new();
    let (input, out) = (
        folder.file("in.csv", format!("{CSV}{}", "9".repeat(100_000))),
        folder.path("out.parquet"),
    );
    let error = run(["convert", text(&input), text(&out)]).fails(6);
    assert!(
        error.contains("4 events before the damage were written"),
        "{error}"
    );
    assert!(error.contains("at byte") && error.contains("in.csv"), "{error}");
    assert_eq!(digest(&out), digest(&folder.file("whole.csv", CSV)));
}

#[test]
fn strict_and_check_write_nothing_if_there_is_a_fault() {
    let folder = Folder::new();
    let input = folder.file("in.csv", "30,1,1,1\n10,2,1,1\n");
    for (flags, fault) in [
        (&["--strict"][..], "time goes back"),
        (&["--order", "check"], "not in order"),
    ] {
        let out = folder.path("out.parquet");
        let error = run([&["convert"], flags, &[text(&input), text(&out)]].concat()).fails(4);
        assert!(
            error.contains("nothing was written") && error.contains(fault),
            "{error}"
        );
        assert_eq!(folder.names(), ["in.csv"]);
    }
}

#[test]
fn unknown_formats_are_named_with_the_known_ones() {
    let folder = Folder::new();
    let (input, out) = (folder.file("in.csv", CSV), folder.path("out.parquet"));
    let error = run(["convert", "--to", "parqet", text(&input), text(&out)]).fails(7);
    assert!(error.contains("parquet"), "{error}");
    let error = run(["convert", text(&input), text(&folder.path("out.xyz"))]).fails(5);
    assert!(error.contains(".xyz") && error.contains("parquet"), "{error}");
    let error = run(["convert", text(&input), text(&folder.path("out"))]).fails(2);
    assert!(error.contains("extension"), "{error}");
    let error = run(["convert", "--from", "csv unit=weeks", text(&input), text(&out)]).fails(2);
    assert!(error.contains("unit") && error.contains("weeks"), "{error}");
    assert_eq!(folder.names(), ["in.csv"]);
}

#[test]
fn standard_output_takes_the_bytes() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    assert_eq!(run(["convert", "--to", "csv", text(&input), "-"]).ok(), CSV);
}

#[test]
fn a_synthetic_scene_is_the_same_again() {
    let folder = Folder::new();
    let make = |name: &str, seed: &str| {
        let path = folder.path(name);
        run([
            "synth",
            "--seconds",
            "1",
            "--geometry",
            "80x60",
            "--seed",
            seed,
            text(&path),
        ])
        .ok();
        digest(&path)
    };
    let first = make("a.parquet", "5");
    assert_eq!(first, make("b.csv", "5"));
    assert_ne!(first, make("c.parquet", "6"));
    let page = run(["info", text(&folder.path("a.parquet"))]).ok();
    assert!(
        page.contains("80x60, synthetic") && page.contains("canonical"),
        "{page}"
    );
}
