//! Single elements: what they hand on, write and say.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parallax_elements::{ConsoleSink, FakeSource, Tap, Valve, app_sink, app_source, parse, registry};
use parallax_events::{Event, EventBatch, Limits, Meta, Tensor};
use parallax_formats::{EventReader, ReadOptions, SeekInput, read_npy, read_npz};
use parallax_memory::{Bytes, Flags};
use parallax_pipeline::{Built, Collector, Context, Message, Packet, Payload, Pipeline, Sink, State};

const CSV: &str = "t,x,y,p\n100,1,2,1\n200,3,4,0\n250,7,5,1\n600,0,0,1\n1100,5,5,0\n";

fn said(pipeline: &Pipeline) -> Vec<String> {
    let text = |message| match message {
        Message::Info { element, text } => Some(format!("{element}: {text}")),
        Message::Warning { element, text } => Some(format!("{element} warns: {text}")),
        _ => None,
    };
    std::iter::from_fn(|| pipeline.bus().poll())
        .filter_map(text)
        .collect()
}

/// Runs the text and returns what was said.
fn run(text: &str) -> Vec<String> {
    let mut pipeline = parse(text).unwrap();
    pipeline.run().unwrap();
    said(&pipeline)
}

fn fails(text: &str) -> String {
    parse(text)
        .and_then(|mut pipeline| pipeline.run())
        .unwrap_err()
        .to_string()
}

fn recording(folder: &Path) -> String {
    let path = folder.join("in.csv");
    std::fs::write(&path, CSV).unwrap();
    format!(
        "filesrc location={} ! decode sensor_width=8 sensor_height=8",
        path.display()
    )
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| name != "in.csv");
    names.sort();
    names
}

fn events(path: &Path) -> Vec<Event> {
    let mut reader = EventReader::open(path, &ReadOptions::default()).unwrap();
    let mut events = Vec::new();
    while let Some(columns) = reader.next_columns().unwrap() {
        events.extend(columns.iter());
    }
    events
}

#[test]
fn a_tap_counts_and_shows() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{} ! tap name=t ! fakesink", recording(folder.path()));
    // The decoder warns that the file does not say its unit of time.
    let by_tap: Vec<String> = run(&text)
        .into_iter()
        .filter(|text| text.starts_with("t: "))
        .collect();
    assert_eq!(by_tap, ["t: 1 packets, 5 events, 65 bytes, from 100us to 1100us"]);
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let mut pipeline = Pipeline::new();
    let source = pipeline.add("source", FakeSource::new(10).with_limit(7)).unwrap();
    let tap = Tap::new(move |packet: &Packet| {
        counter.fetch_add(packet.payload.bytes(), Ordering::Relaxed);
    });
    let tap = pipeline.add("tap", tap).unwrap();
    let sink = pipeline.add_text("sink", "fakesink", registry()).unwrap();
    pipeline.link(source, tap).unwrap();
    pipeline.link(tap, sink).unwrap();
    pipeline.run().unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 70);
    assert_eq!(said(&pipeline), ["tap: 7 packets, 0 events, 70 bytes"]);
}

/// What comes out of an element for these packets.
fn through(text: &str, packets: impl IntoIterator<Item = Packet>) -> Vec<Packet> {
    let Built::Element(mut element) = registry().build(text).unwrap() else {
        panic!("no element")
    };
    element.start(&Context::alone()).unwrap();
    let mut collector = Collector::new(1);
    for packet in packets {
        element.process(packet, &mut collector.out()).unwrap();
    }
    element.drain(&mut collector.out()).unwrap();
    collector.take(0)
}

fn bytes(packet: &Packet) -> Vec<u8> {
    match &packet.payload {
        Payload::Bytes(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn faults_are_what_the_seed_says() {
    let numbered = || (0..1000_u32).map(|number| Packet::from(Bytes::from(number.to_le_bytes().to_vec())));
    let number = |packet: &Packet| u32::from_le_bytes(bytes(packet).try_into().unwrap());
    assert_eq!(through("fault", numbered()).len(), 1000);
    assert_eq!(through("fault drop=1", numbered()).len(), 0);
    assert_eq!(through("fault repeat=1", numbered()).len(), 2000);
    let kept = through("fault drop=0.3 seed=5", numbered());
    // Six standard deviations around the mean.
    assert!((613..=787).contains(&kept.len()), "{}", kept.len());
    let mut expected = 0;
    for packet in &kept {
        let gap = number(packet) != expected;
        assert_eq!(packet.metadata.flags().contains(Flags::GAP), gap);
        expected = number(packet) + 1;
    }
    let numbers = |text: &str| through(text, numbered()).iter().map(number).collect::<Vec<_>>();
    assert_eq!(
        numbers("fault drop=0.3 seed=5"),
        kept.iter().map(number).collect::<Vec<_>>()
    );
    assert_ne!(numbers("fault drop=0.3 seed=6"), numbers("fault drop=0.3 seed=5"));
    for (packet, wanted) in through("fault corrupt=1", numbered()).iter().zip(0..) {
        assert_eq!((number(packet) ^ wanted).count_ones(), 1, "one bit");
        assert!(packet.metadata.flags().contains(Flags::CORRUPT));
    }
    let error = fails("fakesrc num_buffers=5 ! fault name=f fail_after=3 ! fakesink");
    assert!(
        error.contains("fails after 3 packets") && error.contains('f'),
        "{error}"
    );
    let said = run("fakesrc num-buffers=5 ! fault drop=1 ! fakesink");
    assert_eq!(said, ["fault0: of 5 packets 5 dropped, 0 repeated, 0 corrupted"]);
}

#[test]
fn corrupted_events_and_tensors_stay_what_they_are() {
    let meta = Arc::new(Meta::with_geometry(8, 4).unwrap());
    let all: Vec<Event> = (0..20).map(|t| Event::new(t, 1, 1, 1)).collect();
    let batch = EventBatch::from_events(&all, Arc::clone(&meta)).unwrap();
    let tensor = Tensor::from_vec(vec![0_u16; 6], [2, 3], ["y", "x"], meta).unwrap();
    let out = through("fault corrupt=1", [batch.into(), tensor.into()]);
    let [Payload::Events(batch), Payload::Tensor(tensor)] = [&out[0].payload, &out[1].payload] else {
        panic!("{out:?}")
    };
    let changed = batch.to_events().iter().zip(&all).filter(|(a, b)| a != b).count();
    assert_eq!(changed, 1);
    assert_eq!(
        tensor
            .as_slice::<u16>()
            .unwrap()
            .iter()
            .map(|value| value.count_ones())
            .sum::<u32>(),
        1
    );
}

#[test]
fn each_packet_may_be_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    run(&format!(
        "{} ! window length=500us ! filesink location={}",
        recording(folder.path()),
        at("w-%02d.csv").display()
    ));
    assert_eq!(names(folder.path()), ["w-00.csv", "w-01.csv", "w-02.csv"]);
    let times = |name: &str| events(&at(name)).iter().map(|event| event.t).collect::<Vec<_>>();
    assert_eq!(
        [times("w-00.csv"), times("w-01.csv"), times("w-02.csv")],
        [vec![100, 200, 250], vec![600], vec![1100]]
    );
    run(&format!(
        "fakesrc size=3 fill=zero num_buffers=2 ! filesink location={}",
        at("%d.bin").display()
    ));
    assert_eq!(std::fs::read(at("1.bin")).unwrap(), [0; 3]);
    assert!(
        fails(&format!("fakesrc ! filesink location={}", at("%d.bin").display())).contains("overwrite=true")
    );
    assert!(fails("fakesrc ! filesink location=%d-%d").contains("two numbers"));
}

#[test]
fn tensors_go_where_the_extension_says() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path());
    let at = |name: &str| folder.path().join(name);
    let write = |chain: &str, name: &str| {
        run(&format!(
            "{source} ! {chain} ! filesink location={}",
            at(name).display()
        ))
    };
    write("frame", "one.npy");
    write("window length=500us ! frame", "three.npy");
    write("window length=500us ! frame", "three.npz");
    write("window length=500us ! frame", "three.parquet");
    write("window length=500us ! frame", "each-%d.npy");
    let shape = |name: &str| {
        read_npy(&mut std::fs::File::open(at(name)).unwrap(), &Limits::default())
            .unwrap()
            .shape()
            .to_vec()
    };
    assert_eq!(
        (shape("one.npy"), shape("three.npy")),
        (vec![2, 8, 8], vec![3, 2, 8, 8])
    );
    assert_eq!(shape("each-2.npy"), [2, 8, 8]);
    let archive = read_npz(
        SeekInput::File(std::fs::File::open(at("three.npz")).unwrap()),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(archive.len(), 3);
    assert!(std::fs::read(at("three.parquet")).unwrap().starts_with(b"PAR1"));
    let error = fails(&format!(
        "{source} ! frame ! filesink location={}",
        at("x.mp4").display()
    ));
    assert!(
        error.contains("`mp4`") && error.contains("npz") && error.contains("pngsink"),
        "{error}"
    );
    assert!(!at("x.mp4").exists());
}

/// Colours of a PNG that this project wrote: eight bits of RGB.
fn pixels(path: &Path) -> (u32, u32, Vec<u8>) {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

#[test]
fn pictures_show_what_came() {
    let folder = tempfile::tempdir().unwrap();
    let source = recording(folder.path());
    let at = |name: &str| folder.path().join(name);
    let draw = |chain: &str, name: &str| run(&format!("{source} ! {chain} location={}", at(name).display()));
    draw("pngsink colormap=gray", "all.png");
    let (width, height, all) = pixels(&at("all.png"));
    assert_eq!((width, height), (8, 8));
    // ON is white and OFF black on grey, each pixel had one event.
    for event in events(&folder.path().join("in.csv")) {
        let place = (usize::from(event.y) * 8 + usize::from(event.x)) * 3;
        assert_eq!(all[place], if event.p == 1 { 255 } else { 0 }, "{event:?}");
    }
    assert_eq!(all.iter().filter(|&&value| value == 128).count(), (64 - 5) * 3);
    draw("window length=500us ! pngsink", "w-%03d.png");
    assert_eq!(
        names(folder.path()),
        ["all.png", "w-000.png", "w-001.png", "w-002.png"]
    );
    draw("frame ! pngsink", "tensor.png");
    assert_eq!(pixels(&at("tensor.png")).0, 16, "both polarities side by side");
    draw("pngsink size=4x2", "small.png");
    assert_eq!(pixels(&at("small.png")).1, 2);
    assert!(
        fails(&format!(
            "{source} ! pngsink location={}",
            at("all.png").display()
        ))
        .contains("overwrite=true")
    );
    let several = fails(&format!(
        "{source} ! window count=2 ! frame ! pngsink location={}",
        at("x.png").display()
    ));
    assert!(several.contains("%05d"), "{several}");
    assert!(
        registry()
            .build("pngsink location=a.png size=0x4")
            .unwrap_err()
            .to_string()
            .contains("size of pngsink")
    );
    let nothing = run(&format!(
        "{source} ! time range=+1h.. ! pngsink location={}",
        at("none.png").display()
    ));
    assert!(
        nothing.iter().any(|text| text.contains("there is no picture")) && !at("none.png").exists(),
        "{nothing:?}"
    );
    let mut unknown = parse(&format!(
        "filesrc location={} ! decode ! pngsink location={}",
        at("in.csv").display(),
        at("y.png").display()
    ))
    .unwrap();
    assert!(unknown.run().unwrap_err().to_string().contains("sensor_width="));
}

#[test]
fn sources_end_where_they_are_told_to_and_dashes_are_underscores() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.bin");
    std::fs::write(&path, b"123456789").unwrap();
    let text = format!(
        "filesrc location={} blocksize=3 num-buffers=2 ! nullsink checksum=crc32",
        path.display()
    );
    let wanted = format!("nullsink0: crc32 {:08x} over 6 bytes", crc32fast::hash(b"123456"));
    assert_eq!(run(&text), [wanted]);
    assert!(
        parse(&text).unwrap().to_text().contains("num_buffers=2"),
        "one of the two ways is printed"
    );
    let (sink, receiver) = app_sink(10);
    let mut pipeline = Pipeline::new();
    pipeline.add("out", sink).unwrap();
    let text = "fakesrc num_buffers=3 interval=5ms ! output-selector ! out.";
    let mut pipeline = pipeline.with_text(text, registry()).unwrap();
    pipeline.run().unwrap();
    let times: Vec<_> = std::iter::from_fn(|| receiver.receive())
        .map(|packet| packet.metadata.time())
        .collect();
    assert_eq!(times, [Some(0), Some(5_000_000), Some(10_000_000)]);
}

#[test]
fn a_valve_is_turned_from_outside() {
    let (source, sender) = app_source(1);
    let (sink, receiver) = app_sink(10);
    let (valve, handle) = Valve::new(false);
    let mut pipeline = Pipeline::new();
    let [source, valve, sink] = [
        pipeline.add("in", source),
        pipeline.add("valve", valve),
        pipeline.add("out", sink),
    ]
    .map(Result::unwrap);
    pipeline.link(source, valve).unwrap();
    pipeline.link(valve, sink).unwrap();
    pipeline.set_state(State::Playing).unwrap();
    let send = |number: u8| sender.send(Bytes::from(vec![number])).unwrap();
    // Of three packets, the first has passed the valve when the third has room to wait.
    (1..=3).for_each(send);
    handle.open();
    (4..=6).for_each(send);
    let first = receiver.receive().unwrap();
    assert!((2..=4).contains(&bytes(&first)[0]) && first.metadata.flags().contains(Flags::GAP));
    handle.close();
    drop(sender);
    pipeline
        .wait_eos_timeout(std::time::Duration::from_secs(20))
        .unwrap();
    pipeline.stop().unwrap();
}

#[test]
fn the_console_gets_a_line_a_packet_or_the_content() {
    let mut lines = Vec::new();
    let packet = || {
        let mut packet = Packet::from(Bytes::from(b"abc\n".to_vec()));
        packet.metadata.set_time(Some(5_000));
        packet
    };
    ConsoleSink::new(&mut lines).consume(packet()).unwrap();
    ConsoleSink::new(&mut lines)
        .with_content(true)
        .consume(packet())
        .unwrap();
    assert_eq!(
        String::from_utf8(lines).unwrap(),
        "       0  at 5us  4 bytes\nabc\n"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn nobody_has_to_be_at_the_other_end_of_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let text = format!(
        "filesrc location={} blocksize=4 ! nullsink checksum=crc32",
        path.display()
    );
    let mut pipeline = parse(&text).unwrap();
    let start = Instant::now();
    pipeline.set_state(State::Playing).unwrap();
    pipeline.stop().unwrap();
    assert!(start.elapsed() < Duration::from_secs(1));
    // Somebody comes, says it in two pieces, and goes: that is the end.
    pipeline.set_state(State::Playing).unwrap();
    let writing = std::thread::spawn(move || {
        let mut pipe = fs::OpenOptions::new().write(true).open(path).unwrap();
        for part in ["12345", "6789"] {
            pipe.write_all(part.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(80));
        }
    });
    assert!(pipeline.wait_eos_timeout(Duration::from_secs(10)).unwrap());
    writing.join().unwrap();
    // The CRC catalogue's check value.
    assert!(
        said(&pipeline)
            .iter()
            .any(|line| line.contains("crc32 cbf43926 over 9 bytes"))
    );
}
