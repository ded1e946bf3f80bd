//! `parallax launch`, `inspect` and `graph`: what a pipeline prints, writes and returns.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::program::{CSV, Folder, command, ran, run, text};

#[test]
fn a_pipeline_filters_a_recording_into_a_table() {
    let folder = Folder::new();
    let input = folder.file("in.csv", CSV);
    let output = folder.path("on.csv");
    let pipeline = format!(
        "filesrc location={} ! decode ! polarity keep=on ! filesink location={}",
        text(&input),
        text(&output)
    );
    assert_eq!(run(["launch", &pipeline]).ok(), "");
    let rows = crate::program::rows(&fs::read_to_string(&output).unwrap());
    assert_eq!(rows, [[100, 1, 2, 1], [250, 7, 5, 1], [900, 0, 0, 1]]);
    // A second run does not overwrite it, and says so.
    assert!(run(["launch", &pipeline]).fails(2).contains("overwrite=true"));
}

#[test]
fn pictures_are_those_of_render() {
    let folder = Folder::new();
    let recording = folder.path("recording.raw");
    run(["synth", "--seconds", "1", "--to", "evt3", text(&recording)]).ok();
    for (options, parameters) in [
        (vec![], ""),
        (vec!["--decay", "5ms", "--size", "40"], "decay=5ms size=40"),
        (vec!["--colormap", "viridis"], "colormap=viridis"),
    ] {
        let (ours, theirs) = (folder.path("ours.png"), folder.path("theirs.png"));
        let mut render = vec!["render", "--force", "--time", "+0..+300ms"];
        render.extend(options);
        run(render.into_iter().chain([text(&recording), text(&theirs)])).ok();
        let pipeline = format!(
            "filesrc location={} ! decode ! time range=+0..+300ms ! pngsink overwrite=true {parameters} location={}",
            text(&recording),
            text(&ours)
        );
        run(["launch", &pipeline]).ok();
        assert!(
            fs::read(&ours).unwrap() == fs::read(&theirs).unwrap(),
            "{parameters}"
        );
    }
}

#[test]
fn words_of_the_shell_are_one_pipeline() {
    let folder = Folder::new();
    let input = folder.file("my take.bin", "foobar");
    let location = format!("location={}", text(&input));
    let said = run([
        "launch", "filesrc", &location, "!", "tee", "name=t", "!", "nullsink", "name=n", "t.", "!", "sink",
    ]);
    // FNV-1a of "foobar", from its published test vectors.
    assert_eq!(said.ok(), "n: fnv1a 85944171f73967e8 over 6 bytes\n");
}

#[test]
fn figures_come_as_json() {
    let out = run([
        "launch",
        "--json",
        "fakesrc num_buffers=7 size=10 ! queue ! fakesink",
    ])
    .ok();
    let json: Value = serde_json::from_str(&out).unwrap();
    let packets: Vec<_> = json["elements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|element| &element["packets"])
        .collect();
    assert_eq!(packets, [7, 7, 7]);
    assert_eq!(
        (&json["pools"][0]["in_use"], &json["pools"][0]["loans"]),
        (&0.into(), &7.into())
    );
}

#[test]
fn errors_name_the_element_and_the_way_out() {
    assert!(
        run(["launch", "fakesrc ! fakesnk"])
            .fails(7)
            .contains("did you mean `fakesink`?")
    );
    let caps = run(["launch", "fakesrc num_buffers=1 ! frame ! fakesink"]).fails(2);
    assert!(
        caps.contains("`media` is bytes there and events here") && caps.contains("decode"),
        "{caps}"
    );
    let missing = run(["launch", "filesrc location=nowhere.raw ! fakesink"]).fails(7);
    assert!(
        missing.contains("nowhere.raw") && missing.contains("filesrc0"),
        "{missing}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_completes_the_file() {
    let folder = Folder::new();
    let output = folder.path("out.bin");
    let pipeline = format!(
        "fakesrc size=1000 ! queue ! throttle ! filesink location={}",
        text(&output)
    );
    let child = command()
        .args(["launch", &pipeline])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_millis(300));
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let size = fs::metadata(&output).unwrap().len();
    assert!(size > 0 && size.is_multiple_of(1000), "{size}");
}

#[test]
fn every_element_is_listed_and_shown() {
    let json: Value = serde_json::from_str(&run(["inspect", "--json"]).ok()).unwrap();
    let table = run(["inspect"]).ok();
    let rows = parallax::elements::registry().rows();
    assert_eq!(json.as_array().unwrap().len(), rows.len());
    for row in rows {
        assert!(
            table.contains(row.id()) && table.contains(row.declaration.title()),
            "{}",
            row.id()
        );
    }
    let page = run(["inspect", "queue"]).ok();
    assert!(
        page.contains("max_buffers=") && page.contains("pads: sink, src"),
        "{page}"
    );
    assert_eq!(
        run(["inspect", "identity"]).ok(),
        run(["inspect", "passthrough"]).ok()
    );
    assert!(run(["inspect", "quue"]).fails(7).contains("queue"));
}

#[test]
fn a_graph_is_drawn_or_written_as_text() {
    let folder = Folder::new();
    let pipeline = "fakesrc ! tee name=t ! queue ! fakesink t. ! nullsink";
    let dot = run(["graph", pipeline]).ok();
    assert!(
        dot.starts_with("digraph") && dot.matches(" -> ").count() == 4,
        "{dot}"
    );
    run(["graph", pipeline, "-o", text(&folder.path("g.svg"))]).ok();
    // Graphviz, where it is installed, takes it; else its text is there.
    let names = folder.names();
    assert!(names == ["g.svg"] || names == ["g.dot"], "{names:?}");
}
