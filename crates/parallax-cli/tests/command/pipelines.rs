//! `parallax launch`, `inspect` and `graph`: what a pipeline prints, writes and returns.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use parallax_testkit::recordings::skip_here;
use serde_json::Value;

use crate::program::{CSV, Folder, command, ran, run, text};
#[cfg(target_os = "linux")]
use crate::signals::{send, wait_for_handler};

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
    wait_for_handler(&child);
    thread::sleep(Duration::from_millis(300));
    send(&child, "-INT");
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
    if Command::new("dot").arg("-V").output().is_err() {
        assert_eq!(folder.names(), ["g.dot"]);
        return skip_here("a_graph_is_drawn_or_written_as_text", "there is no `dot`");
    }
    assert_eq!(folder.names(), ["g.svg"]);
    let drawn = fs::read_to_string(folder.path("g.svg")).unwrap();
    // One box for each element, one arrow for each link, as Graphviz counts them.
    assert_eq!(
        (
            drawn.matches("class=\"node\"").count(),
            drawn.matches("class=\"edge\"").count()
        ),
        (5, 4)
    );
}

#[test]
#[cfg(target_os = "linux")]
fn it_ends_quietly_when_its_reader_goes_away() {
    let mut child = command()
        .args(["launch", "fakesrc size=8 ! consolesink"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "0  8 bytes");
    drop(reader);
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn what_passed_is_told_on_stderr() {
    let ran = run([
        "launch",
        "--stats",
        "fakesrc num_buffers=7 size=10 ! queue ! nullsink",
    ]);
    assert_eq!(ran.code, Some(0));
    // FNV-1a of nothing known: slots hold what was there. The figures are those of the elements.
    assert!(
        ran.out.starts_with("nullsink0: fnv1a ") && ran.out.ends_with(" over 70 bytes\n"),
        "{}",
        ran.out
    );
    let packets = |name: &str| {
        ran.err
            .lines()
            .any(|line| line.starts_with(name) && line.contains("7 packets") && line.contains("70 bytes"))
    };
    assert!(
        packets("fakesrc0") && packets("queue0") && packets("nullsink0"),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("pool of fakesrc0: 0 of 64 slots of 10 bytes in use"),
        "{}",
        ran.err
    );
}

#[test]
fn metrics_are_served_while_it_runs() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = "fakesrc num_buffers=3 size=10 interval=700ms ! queue ! throttle ! fakesink";
    let address = port.to_string();
    let arguments = ["launch", "--metrics", &address, text];
    if cfg!(not(feature = "prometheus")) {
        assert!(run(arguments).fails(5).contains("--features prometheus"));
        return;
    }
    let mut child = command().args(arguments).spawn().unwrap();
    let wanted = [
        "parallax_element_packets{element=\"fakesrc0\"} 3",
        "parallax_element_bytes{element=\"queue0\"} 30",
        "parallax_pool_slots{element=\"fakesrc0\",pool=\"0\"} 64",
        "parallax_packet_bytes_count{element=\"throttle0\",pad=\"sink\"}",
    ];
    let mut page = String::new();
    while child.try_wait().unwrap().is_none() && !wanted.iter().all(|line| page.contains(line)) {
        page.clear();
        if let Ok(mut socket) = TcpStream::connect(port) {
            socket
                .write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
                .unwrap();
            // A reset at the end takes nothing away from what came.
            let _ = socket.read_to_string(&mut page);
        }
        thread::sleep(Duration::from_millis(50));
    }
    assert!(wanted.iter().all(|line| page.contains(line)), "{page}");
    assert!(child.wait().unwrap().success());
}
