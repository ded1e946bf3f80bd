//! `parallax info`: counts and extremes held to independent decoders, and the page for people.

use parallax::formats::format;
use parallax_testkit::recording;
use serde_json::Value;

use crate::program::{CSV, Folder, goldens, run, text};

fn json(arguments: &[&str]) -> Value {
    let ran = run([&["info", "--json"], arguments].concat());
    let mut lines = ran.out.lines();
    let value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(lines.next(), None, "one object, one line");
    value
}

#[test]
fn recordings_have_the_facts_of_independent_decoders() {
    for golden in goldens() {
        let Some(path) = recording(&golden.id, "recordings_have_the_facts_of_independent_decoders") else {
            continue;
        };
        let facts = json(&[text(&path)]);
        assert_eq!(facts["events"], golden.n, "{}", golden.id);
        let fact = |name: &str| {
            golden
                .facts
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        };
        for (name, key) in [
            ("n_on", "on"),
            ("t_first", "t_first"),
            ("t_last", "t_last"),
            ("x_max", "x_max"),
            ("y_max", "y_max"),
        ] {
            if let Some(value) = fact(name) {
                assert_eq!(facts[key], Value::from(value as i64), "{} {key}", golden.id);
            }
        }
        assert_eq!(facts["error"], Value::Null);
        let counts = facts["rate"]["counts"].as_array().unwrap();
        assert_eq!(
            counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(),
            golden.n
        );
        let page = run(["info", text(&path)]).ok();
        assert!(
            page.contains("format") && page.contains("rate") && page.contains('█'),
            "{page}"
        );
    }
}

#[test]
fn the_keys_of_the_json_are_stable() {
    let folder = Folder::new();
    let facts = json(&[text(&folder.file("a.csv", CSV))]);
    let keys: Vec<&str> = facts.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "file bytes format geometry sensor time_unit time_origin extra events on off t_first t_last t_min t_max x_max \
                    y_max steps_back largest_step_back canonical triggers trigger_inputs rate report error";
    assert_eq!(keys, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(facts["format"]["id"], "csv");
    assert_eq!(facts["geometry"], serde_json::json!({"width": 8, "height": 6}));
    assert_eq!(
        (&facts["events"], &facts["on"], &facts["off"]),
        (&4.into(), &3.into(), &1.into())
    );
    assert_eq!(
        (&facts["t_min"], &facts["t_max"], &facts["canonical"]),
        (&100.into(), &900.into(), &true.into())
    );
}

#[test]
fn disorder_is_counted_and_measured() {
    let folder = Folder::new();
    let facts = json(&[text(
        &folder.file("a.csv", "10,1,1,1\n30,1,1,1\n5,1,1,0\n29,1,1,1\n28,1,1,1\n"),
    )]);
    assert_eq!(
        (&facts["steps_back"], &facts["largest_step_back"]),
        (&2.into(), &25.into())
    );
    assert_eq!(
        (&facts["t_first"], &facts["t_min"], &facts["t_max"]),
        (&10.into(), &5.into(), &30.into())
    );
    assert_eq!(facts["canonical"], false);
    let report = facts["report"].as_array().unwrap();
    let back = report
        .iter()
        .find(|finding| finding["kind"] == "time-back")
        .unwrap();
    assert_eq!((&back["count"], &back["first_event"]), (&2.into(), &2.into()));
}

#[test]
fn the_page_has_only_ascii_where_the_locale_has() {
    let folder = Folder::new();
    let path = folder.file("a.csv", CSV);
    let page = crate::program::ran(
        crate::program::command()
            .args(["info", text(&path)])
            .env("LANG", "C")
            .output()
            .unwrap(),
    )
    .ok();
    assert!(page.is_ascii() && page.contains('#'), "{page}");
}

#[test]
fn what_could_be_read_of_a_damaged_file_is_shown() {
    let folder = Folder::new();
    let path = folder.file("a.csv", format!("{CSV}{}", "9".repeat(100_000)));
    let ran = run(["info", text(&path)]);
    assert!(
        ran.out.contains("4: 3 ON") && ran.out.contains("damaged"),
        "{}",
        ran.out
    );
    let error = ran.fails(6);
    assert!(error.contains("at byte") && error.contains("a.csv"), "{error}");
    let facts = json(&[text(&path)]);
    assert_eq!(
        (&facts["events"], &facts["error"]["kind"]),
        (&4.into(), &"limit".into())
    );
    assert!(facts["error"]["byte"].is_u64());
}

#[test]
fn a_file_that_cannot_be_opened_has_a_json_line_too() {
    let folder = Folder::new();
    let facts = json(&[text(&folder.path("none.raw"))]);
    assert_eq!(
        (&facts["error"]["kind"], &facts["format"], &facts["events"]),
        (&"not-found".into(), &Value::Null, &0.into())
    );
}

#[test]
fn several_files_are_several_pages() {
    let folder = Folder::new();
    let (a, b) = (folder.file("a.csv", CSV), folder.file("b.csv", CSV));
    let page = run(["info", text(&a), text(&b)]).ok();
    assert_eq!(page.matches("events").count(), 2);
    assert!(page.contains("\n\n"));
}

/// Every stream of a file is listed, and what is not handed out is counted.
#[test]
fn the_streams_of_a_file_are_listed() {
    let folder = Folder::new();
    let path = folder.path("a.aedat4");
    std::fs::write(&path, (format("aedat4").unwrap().sample)().bytes).unwrap();
    let page = run(["info", text(&path)]).ok();
    for line in [
        "stream    0: frames",
        "stream    1: events, 1280x720",
        "stream    3: external triggers",
        "IMU samples of stream 4",
    ] {
        assert!(page.contains(line), "{page}");
    }
}

#[test]
fn what_a_header_states_is_shown_and_cut_to_a_line() {
    let folder = Folder::new();
    let long = "x".repeat(500);
    let header = format!("% evt 2.0\n% geometry 640x480\n% serial_number {long}\n% end\n");
    let path = folder.file(
        "in.raw",
        [header.as_bytes(), &0x8000_0001_u32.to_le_bytes()].concat(),
    );
    let page = run(["info", text(&path)]).ok();
    assert!(
        page.contains("stated") && page.contains("serial_number: xxx"),
        "{page}"
    );
    assert!(!page.contains(&long), "{page}");
}
