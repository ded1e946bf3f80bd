//! What the features `tracing` and `metrics` show of a run: one span for each call into an element, with its name, and
//! the figures that a recorder gets. `cargo xtask test features` builds it with both.
#![cfg(all(feature = "tracing", feature = "metrics"))]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Recorder, SharedString, Unit,
};
use parallax_events::Result;
use parallax_memory::Bytes;
use parallax_pipeline::{Built, Element, Out, Packet, Pipeline, Produced, QueueConfig, Sink, Source};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Three packets of ten bytes.
#[derive(Debug)]
struct Three(usize);

impl Source for Three {
    fn produce(&mut self) -> Result<Produced> {
        if self.0 == 3 {
            return Ok(Produced::End);
        }
        self.0 += 1;
        Ok(Produced::Packet(Bytes::from(vec![0; 10]).into()))
    }
}

#[derive(Debug)]
struct Same;

impl Element for Same {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        out.push(packet)
    }
}

#[derive(Debug)]
struct Gone;

impl Sink for Gone {
    fn consume(&mut self, _: Packet) -> Result<()> {
        Ok(())
    }
}

/// `NAME-source ! NAME-same ! NAME-queue ! NAME-sink`.
fn pipeline(name: &str) -> Pipeline {
    let mut pipeline = Pipeline::new();
    let elements = [
        ("source", Built::source(Three(0))),
        ("same", Built::element(Same)),
        ("queue", Built::Queue(QueueConfig::default())),
        ("sink", Built::sink(Gone)),
    ];
    let elements = elements.map(|(role, built)| pipeline.add(&format!("{name}-{role}"), built).unwrap());
    for pair in elements.windows(2) {
        pipeline.link(pair[0], pair[1]).unwrap();
    }
    pipeline
}

/// Every span that there was: its element, how often it was entered, how often left.
#[derive(Debug, Default, Clone)]
struct Spans(Arc<Mutex<Vec<(String, usize, usize)>>>);

impl Spans {
    fn with(&self, id: &Id, change: impl FnOnce(&mut (String, usize, usize))) {
        let mut spans = self.0.lock().unwrap();
        change(&mut spans[id.into_u64() as usize - 1]);
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut name = Name::default();
        span.record(&mut name);
        let mut spans = self.0.lock().unwrap();
        spans.push((name.0, 0, 0));
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        self.with(span, |(_, entered, _)| *entered += 1);
    }

    fn exit(&self, span: &Id) {
        self.with(span, |(_, _, left)| *left += 1);
    }
}

/// What the field `name` of a span says.
#[derive(Default)]
struct Name(String);

impl Visit for Name {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "name" {
            self.0 = value.to_owned();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

#[test]
fn each_call_into_an_element_is_one_span_with_its_name() {
    let spans = Spans::default();
    // Elements run on threads of their own: a subscriber of this one would hear of nothing.
    tracing::subscriber::set_global_default(spans.clone()).unwrap();
    pipeline("spans").run().unwrap();
    let spans = spans.0.lock().unwrap();
    // Three packets and the end for each; a queue is not called.
    for (role, calls) in [("source", 4), ("same", 4), ("queue", 0), ("sink", 4)] {
        let name = format!("spans-{role}");
        let of_it: Vec<_> = spans.iter().filter(|(element, ..)| *element == name).collect();
        assert_eq!(of_it.len(), calls, "{name}");
        for (_, entered, left) in of_it {
            assert_eq!((*entered, *left), (1, 1), "{name}");
        }
    }
}

type Values = Arc<Mutex<BTreeMap<String, Vec<f64>>>>;

/// Keeps every value that it gets, under `name{label=value,..}`.
#[derive(Debug, Default)]
struct Figures(Values);

impl Figures {
    fn figure(&self, key: &Key) -> Arc<Figure> {
        let labels: Vec<_> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        Arc::new(Figure(
            format!("{}{{{}}}", key.name(), labels.join(",")),
            Arc::clone(&self.0),
        ))
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &metrics::Metadata<'_>) -> Counter {
        Counter::from_arc(self.figure(key))
    }

    fn register_gauge(&self, key: &Key, _: &metrics::Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.figure(key))
    }

    fn register_histogram(&self, key: &Key, _: &metrics::Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.figure(key))
    }
}

struct Figure(String, Values);

impl Figure {
    fn keep(&self, value: f64) {
        let mut values = self.1.lock().unwrap();
        values.entry(self.0.clone()).or_default().push(value);
    }
}

impl CounterFn for Figure {
    fn increment(&self, value: u64) {
        self.keep(value as f64);
    }

    fn absolute(&self, value: u64) {
        self.keep(value as f64);
    }
}

impl GaugeFn for Figure {
    fn increment(&self, value: f64) {
        self.keep(value);
    }

    fn decrement(&self, value: f64) {
        self.keep(-value);
    }

    fn set(&self, value: f64) {
        self.keep(value);
    }
}

impl HistogramFn for Figure {
    fn record(&self, value: f64) {
        self.keep(value);
    }
}

#[test]
fn a_recorder_gets_what_passed() {
    let recorder = Figures::default();
    // The engine asks for its figures on the thread that starts the pipeline and on the one that publishes.
    metrics::with_local_recorder(&recorder, || {
        let mut pipeline = pipeline("figures").meter_packets();
        pipeline.run().unwrap();
        pipeline.publish_metrics();
    });
    let values = recorder.0.lock().unwrap();
    for role in ["source", "same", "queue", "sink"] {
        let of = |figure: &str| values.get(&format!("{figure}{{element=figures-{role}}}"));
        assert_eq!(of("parallax_element_packets"), Some(&vec![3.0]), "{role}");
        assert_eq!(of("parallax_element_bytes"), Some(&vec![30.0]), "{role}");
        let is_queue = role == "queue";
        assert_eq!(of("parallax_queue_packets"), is_queue.then_some(&vec![0.0]));
        assert_eq!(of("parallax_queue_dropped"), is_queue.then_some(&vec![0.0]));
    }
    for role in ["same", "sink"] {
        let of = |figure: &str| values.get(&format!("{figure}{{element=figures-{role},pad=sink}}"));
        assert_eq!(of("parallax_packet_bytes"), Some(&vec![10.0; 3]), "{role}");
        assert!(of("parallax_packet_seconds").is_some_and(|seconds| seconds.len() == 3));
    }
}
