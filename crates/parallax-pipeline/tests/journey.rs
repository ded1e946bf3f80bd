//! Seeks, latency, progress, the plan and the figures of a run, where threads run, variables in the text.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use parallax_events::{Declaration, ErrorKind, Nanos, ParamSpec, Result};
use parallax_memory::Bytes;
use parallax_pipeline::{
    Aggregator, Built, Context, Element, ElementRow, Message, Out, Packet, Pipeline, PipelineConfig, Ports,
    Position, Produced, QueueConfig, Registry, Sink, Source, State,
};

/// Gives the numbers from where it stands up to 1000, and then waits.
#[derive(Debug, Default)]
struct Numbers {
    next: u64,
    context: Option<Context>,
}

impl Source for Numbers {
    fn start(&mut self, context: &Context) -> Result<()> {
        self.next = 0;
        self.context = Some(context.clone());
        Ok(())
    }

    fn produce(&mut self) -> Result<Produced> {
        if self.next == 1000 {
            std::thread::sleep(Duration::from_millis(1));
            return Ok(Produced::Nothing);
        }
        self.next += 1;
        if let Some(context) = &self.context {
            context.progress(self.next, 1000);
        }
        Ok(Produced::Packet(Bytes::from(vec![(self.next - 1) as u8]).into()))
    }

    fn seek(&mut self, position: Position) -> Result<()> {
        match position {
            Position::Byte(byte) => {
                self.next = byte.min(1000);
                // Else the progress from before the seek stands until the next packet.
                if let Some(context) = &self.context {
                    context.progress(self.next, 1000);
                }
                Ok(())
            }
            _ => Err(parallax_events::Error::unsupported("by bytes only")),
        }
    }

    fn latency(&self) -> Nanos {
        Nanos(5)
    }
}

/// Holds everything back until it is flushed or drained, and counts flushes.
#[derive(Debug, Default)]
struct Hoard {
    held: Vec<Packet>,
    flushes: Arc<Mutex<usize>>,
}

impl Element for Hoard {
    fn process(&mut self, packet: Packet, _: &mut Out<'_>) -> Result<()> {
        self.held.push(packet);
        Ok(())
    }

    fn drain(&mut self, out: &mut Out<'_>) -> Result<()> {
        std::mem::take(&mut self.held)
            .into_iter()
            .try_for_each(|packet| out.push(packet))
    }

    fn flush(&mut self) {
        *self.flushes.lock().unwrap() += 1;
        self.held.clear();
    }

    fn latency(&self) -> Nanos {
        Nanos(7)
    }
}

#[derive(Debug, Clone, Default)]
struct Keep(Arc<Mutex<Vec<u8>>>);

impl Sink for Keep {
    fn consume(&mut self, packet: Packet) -> Result<()> {
        if let parallax_pipeline::Payload::Bytes(bytes) = packet.payload {
            self.0.lock().unwrap().extend_from_slice(&bytes);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Both;

impl Aggregator for Both {
    fn process(&mut self, _: usize, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        out.push(packet)
    }
}

fn link(pipeline: &mut Pipeline, elements: Vec<(&str, Built)>) {
    let mut last = None;
    for (name, built) in elements {
        let element = pipeline.add(name, built).unwrap();
        if let Some(last) = last.replace(element) {
            pipeline.link(last, element).unwrap();
        }
    }
}

fn seen(keep: &Keep, wanted: usize) -> Vec<u8> {
    for _ in 0..2000 {
        if keep.0.lock().unwrap().len() >= wanted {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    keep.0.lock().unwrap().clone()
}

#[test]
fn a_seek_flushes_what_is_behind_and_the_stream_goes_on_from_there() {
    for paused in [false, true] {
        let (keep, flushes) = (Keep::default(), Arc::default());
        let mut pipeline = Pipeline::new();
        let hoard = Hoard {
            held: Vec::new(),
            flushes: Arc::clone(&flushes),
        };
        let elements = vec![
            ("numbers", Built::source(Numbers::default())),
            ("queue", Built::Queue(QueueConfig::default())),
            ("hoard", Built::element(hoard)),
            ("keep", Built::sink(keep.clone())),
        ];
        link(&mut pipeline, elements);
        assert_eq!(
            pipeline.seek("numbers", Position::Byte(3)).unwrap_err().kind(),
            ErrorKind::Closed
        );
        pipeline.set_state(State::Playing).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        if paused {
            pipeline.set_state(State::Paused).unwrap();
        }
        pipeline.seek("numbers", Position::Byte(990)).unwrap();
        let refused = pipeline.seek("numbers", Position::Time(Nanos(1))).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert_eq!(
            pipeline.seek("keep", Position::Byte(1)).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        pipeline.set_state(State::Playing).unwrap();
        while pipeline.progress() != [("numbers", 1000, 1000)] {
            std::thread::yield_now();
        }
        pipeline.controller().unwrap().end();
        assert!(pipeline.wait_eos_timeout(Duration::from_secs(20)).unwrap());
        let wanted: Vec<u8> = (990..1000_u64).map(|number| number as u8).collect();
        assert_eq!(
            (keep.0.lock().unwrap().clone(), *flushes.lock().unwrap()),
            (wanted, 1),
            "paused: {paused}"
        );
        pipeline.stop().unwrap();
    }
}

#[test]
fn a_stream_that_is_joined_with_others_is_not_sought_in() {
    let mut pipeline = Pipeline::new();
    link(
        &mut pipeline,
        vec![
            ("numbers", Built::source(Numbers::default())),
            ("both", Built::aggregator(Both)),
            ("keep", Built::sink(Keep::default())),
        ],
    );
    pipeline.set_state(State::Playing).unwrap();
    let error = pipeline.seek("numbers", Position::Byte(0)).unwrap_err();
    assert!(error.to_string().contains("both"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn latency_is_the_longest_way_and_a_queue_is_bounded_by_time_or_not_at_all() {
    for (time, most) in [(Some(Nanos(100)), Some(Nanos(112))), (None, None)] {
        let mut pipeline = Pipeline::new();
        let queue = QueueConfig {
            time,
            ..QueueConfig::default()
        };
        link(
            &mut pipeline,
            vec![
                ("numbers", Built::source(Numbers::default())),
                ("queue", Built::Queue(queue)),
                ("hoard", Built::element(Hoard::default())),
                ("keep", Built::sink(Keep::default())),
            ],
        );
        for state in [State::Null, State::Playing] {
            pipeline.set_state(state).unwrap();
            let latency = pipeline.latency();
            assert_eq!((latency.least, latency.most), (Nanos(12), most), "{state}");
        }
        let told = std::iter::from_fn(|| pipeline.bus().poll());
        let told: Vec<_> = told
            .filter_map(|message| match message {
                Message::Latency(latency) => Some(latency.least),
                _ => None,
            })
            .collect();
        assert_eq!(told, [Nanos(12)]);
    }
}

#[test]
fn progress_is_told_at_each_tenth() {
    let keep = Keep::default();
    let mut pipeline = Pipeline::new();
    link(
        &mut pipeline,
        vec![
            ("numbers", Built::source(Numbers::default())),
            ("keep", Built::sink(keep.clone())),
        ],
    );
    pipeline.set_state(State::Playing).unwrap();
    assert_eq!(seen(&keep, 1000).len(), 1000);
    pipeline.stop().unwrap();
    let told: Vec<u64> = std::iter::from_fn(|| pipeline.bus().poll())
        .filter_map(|message| match message {
            Message::Progress {
                done, total: 1000, ..
            } => Some(done),
            _ => None,
        })
        .collect();
    assert_eq!(told, (1..=10).map(|tenth| tenth * 100).collect::<Vec<_>>());
}

#[test]
fn the_plan_says_what_is_fused_and_the_figures_are_json() {
    let keep = Keep::default();
    let mut pipeline = Pipeline::new();
    link(
        &mut pipeline,
        vec![
            ("numbers", Built::source(Numbers::default())),
            ("hoard", Built::element(Hoard::default())),
            ("queue", Built::Queue(QueueConfig::default())),
            ("keep", Built::sink(keep)),
        ],
    );
    let before = pipeline.explain();
    assert_eq!(
        before,
        "thread numbers: numbers -> hoard -> [queue]\nthread queue: queue -> keep\n\
         latency: 12 ns, and as long as queues hold\ncopies: nowhere; packets are handed on by reference\n"
    );
    pipeline.set_state(State::Playing).unwrap();
    while pipeline.stats().elements[0].packets < 1000 {
        std::thread::yield_now();
    }
    assert_eq!(pipeline.explain(), before, "it is the same while it plays");
    let json: serde_json::Value = serde_json::from_str(&pipeline.to_json()).unwrap();
    assert_eq!(json["state"], "Playing");
    assert_eq!(json["links"][1]["from"], "hoard.src");
    assert_eq!(json["links"][1]["to"], "queue.sink");
    assert_eq!(json["links"][1]["caps"], "any");
    assert_eq!(json["elements"][2]["queue"]["waiting"], 0);
    assert!(
        json["seconds"].as_f64().unwrap() > 0.0
            && json["elements"][0]["packets_per_second"].as_f64().unwrap() > 0.0
    );
}

static SOURCE: ElementRow = ElementRow::plain(&SOURCE_DECLARATION, Ports::SOURCE, |params| {
    assert!(params.text("of").is_ok());
    Ok(Built::source(Numbers::default()))
});
static SOURCE_DECLARATION: Declaration = Declaration::new(
    "numbers",
    "Gives numbers",
    &[ParamSpec::text("of").default("none").doc("A word")],
);
static SINK: ElementRow = ElementRow {
    copies: "into a vector",
    ..ElementRow::plain(&SINK_DECLARATION, Ports::SINK, |_| {
        Ok(Built::sink(Keep::default()))
    })
};
static SINK_DECLARATION: Declaration = Declaration::new("keep", "Keeps", &[]);
static QUEUE: ElementRow = ElementRow::plain(&QUEUE_DECLARATION, Ports::FILTER, |_| {
    Ok(Built::Queue(QueueConfig::default()))
});
static QUEUE_DECLARATION: Declaration = Declaration::new("queue", "A border", &[]);

#[test]
fn variables_are_put_into_values_and_threads_are_placed() {
    let registry = Registry::new([&SOURCE, &SINK, &QUEUE]);
    let variables = |name: &str| (name == "WORD").then(|| "a ${b} ! c".to_owned());
    let parse =
        |text: &str| Pipeline::parse_with_variables(text, &registry, PipelineConfig::default(), &variables);
    let pipeline = parse("numbers of='x ${WORD} $${WORD}' core=0 ! queue core=0 priority=7 ! keep").unwrap();
    let printed = pipeline.to_text();
    assert_eq!(
        printed,
        r#"numbers of="x a $${b} ! c $${WORD}" core=0 ! queue core=0 priority=7 ! keep"#
    );
    // What was filled in is text now: it needs no variables to be read again.
    let again = Pipeline::parse(&printed, &registry).unwrap();
    assert_eq!(again.to_text(), printed);
    let plan = again.explain();
    assert!(
        plan.contains("on core 0")
            && plan.contains("real-time priority 7")
            && plan.contains("keep0: into a vector"),
        "{plan}"
    );
    for (text, wanted) in [
        ("numbers of=${NONE} ! keep", "there is no variable `NONE`"),
        ("numbers of=${WORD ! keep", "without `}`"),
        ("numbers ! keep core=1", "begins no thread"),
        ("numbers core=x ! keep", "whole number"),
        ("numbers priority=0 ! keep", "1 to 99"),
        ("numbers core=1 core=2 ! keep", "given twice"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
    assert!(
        Pipeline::parse("numbers of=${WORD} ! keep", &registry).is_err(),
        "nobody gave variables"
    );
    let mut pipeline = again;
    pipeline.set_state(State::Playing).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    // Where a real-time priority is not permitted, that is a warning and no error.
    for message in std::iter::from_fn(|| pipeline.bus().poll()) {
        assert!(!matches!(message, Message::Error { .. }), "{message:?}");
    }
    pipeline.stop().unwrap();
}
