//! Elements with several inputs: what arrives, in what order, and that branches which meet again never hang.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use parallax_events::{Declaration, ErrorKind, ParamSpec, Params, Result};
use parallax_memory::Bytes;
use parallax_pipeline::{
    Aggregator, Built, Caps, Element, ElementId, ElementRow, Media, Out, Packet, Pipeline, Ports, Produced,
    QueueConfig, Registry, Sink, Source, State,
};
use proptest::prelude::*;

/// Times `0..until` with a step; how far it has come.
#[derive(Debug, Clone)]
struct Times {
    next: i64,
    until: i64,
    step: i64,
    given: Arc<AtomicU64>,
}

fn times(until: i64, step: i64) -> Times {
    Times {
        next: 0,
        until,
        step,
        given: Arc::default(),
    }
}

fn packet(time: i64) -> Packet {
    let mut packet = Packet::from(Bytes::from(vec![0; 8]));
    packet.metadata.set_time(Some(time));
    packet
}

impl Source for Times {
    fn produce(&mut self) -> Result<Produced> {
        if self.next >= self.until {
            return Ok(Produced::End);
        }
        self.given.fetch_add(1, Ordering::SeqCst);
        self.next += self.step;
        Ok(Produced::Packet(packet(self.next - self.step)))
    }
}

/// Never gives anything, and never ends.
#[derive(Debug)]
struct Silent;

impl Source for Silent {
    fn produce(&mut self) -> Result<Produced> {
        std::thread::sleep(Duration::from_millis(5));
        Ok(Produced::Nothing)
    }
}

#[derive(Debug)]
struct Tee;

impl Element for Tee {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        (0..out.pads()).try_for_each(|pad| out.push_to(pad, packet.clone()))
    }
}

/// Lets times pass that are multiples.
#[derive(Debug)]
struct Multiples(i64);

impl Element for Multiples {
    fn process(&mut self, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        match packet.metadata.time() {
            Some(time) if time % self.0 == 0 => out.push(packet),
            _ => Ok(()),
        }
    }
}

/// Merges in time order, the lower pad first.
#[derive(Debug, Default)]
struct Merge {
    heads: Vec<VecDeque<Packet>>,
    ended: Vec<bool>,
    told: Arc<Mutex<Vec<usize>>>,
}

impl Merge {
    fn give(&mut self, out: &mut Out<'_>) -> Result<()> {
        while (0..self.heads.len()).all(|pad| self.ended[pad] || !self.heads[pad].is_empty()) {
            let first = |heads: &VecDeque<Packet>| heads.front().map(|packet| packet.metadata.time());
            let times = self.heads.iter().enumerate();
            let Some((_, pad)) = times
                .filter_map(|(pad, heads)| first(heads).map(|time| (time, pad)))
                .min()
            else {
                break;
            };
            let packet = self.heads[pad].pop_front().unwrap();
            out.push(packet)?;
        }
        Ok(())
    }
}

impl Aggregator for Merge {
    fn start(&mut self, _: &parallax_pipeline::Context, pads: usize) -> Result<()> {
        self.heads = vec![VecDeque::new(); pads];
        self.ended = vec![false; pads];
        Ok(())
    }

    fn accepts(&self, _: usize, wanted: &Caps) -> Caps {
        wanted.meet(&Caps::of(Media::Bytes))
    }

    fn wants(&self, pad: usize) -> bool {
        self.heads[pad].is_empty()
    }

    fn process(&mut self, pad: usize, packet: Packet, out: &mut Out<'_>) -> Result<()> {
        assert!(
            self.heads[pad].is_empty() && !self.ended[pad],
            "what is not wanted does not come"
        );
        self.heads[pad].push_back(packet);
        self.give(out)
    }

    fn end(&mut self, pad: usize, out: &mut Out<'_>) -> Result<()> {
        self.ended[pad] = true;
        self.told.lock().unwrap().push(pad);
        self.give(out)
    }

    fn drain(&mut self, _: &mut Out<'_>) -> Result<()> {
        assert!(self.heads.iter().all(VecDeque::is_empty));
        Ok(())
    }

    fn flush(&mut self) {
        self.heads.iter_mut().for_each(VecDeque::clear);
    }
}

#[derive(Debug, Clone, Default)]
struct Keep(Arc<Mutex<Vec<i64>>>);

impl Sink for Keep {
    fn consume(&mut self, packet: Packet) -> Result<()> {
        self.0.lock().unwrap().push(packet.metadata.time().unwrap());
        Ok(())
    }
}

impl Keep {
    fn times(&self) -> Vec<i64> {
        self.0.lock().unwrap().clone()
    }
}

/// A pipeline under construction.
#[derive(Default)]
struct Bench(Pipeline, usize);

impl Bench {
    fn add(&mut self, built: Built) -> ElementId {
        self.1 += 1;
        self.0.add(&format!("e{}", self.1), built).unwrap()
    }

    fn tee(&mut self) -> ElementId {
        self.1 += 1;
        let name = format!("e{}", self.1);
        self.0
            .add_with_ports(&name, Built::element(Tee), Ports::BRANCHES)
            .unwrap()
    }

    fn chain(&mut self, elements: &[ElementId]) {
        elements
            .windows(2)
            .for_each(|pair| self.0.link(pair[0], pair[1]).unwrap());
    }

    /// To the end; a hang is a failure.
    fn run(&mut self) {
        self.0.set_state(State::Playing).unwrap();
        assert!(
            self.0.wait_eos_timeout(Duration::from_secs(60)).unwrap(),
            "it hangs: {:?}",
            self.0.stats()
        );
        self.0.stop().unwrap();
    }
}

fn merged(sequences: &[(i64, i64)]) -> Vec<i64> {
    let mut times: Vec<i64> = sequences
        .iter()
        .flat_map(|&(until, step)| (0..until).step_by(step as usize))
        .collect();
    times.sort_unstable();
    times
}

#[test]
fn streams_are_merged_in_time_order_and_each_ends_once() {
    let mut bench = Bench::default();
    let told = Arc::default();
    let keep = Keep::default();
    let merge = bench.add(Built::aggregator(Merge {
        told: Arc::clone(&told),
        ..Merge::default()
    }));
    let sink = bench.add(Built::sink(keep.clone()));
    bench.chain(&[merge, sink]);
    for (until, step) in [(3000, 3), (2000, 7), (0, 1)] {
        let source = bench.add(Built::source(times(until, step)));
        bench.chain(&[source, merge]);
    }
    let late = bench.add(Built::source(times(100, 5)));
    // A gap: `sink_3` is not linked, and ends at once.
    bench.0.link_to(late, merge, "sink_4").unwrap();
    bench.run();
    assert_eq!(keep.times(), merged(&[(3000, 3), (2000, 7), (100, 5)]));
    let mut told: Vec<usize> = told.lock().unwrap().clone();
    told.sort_unstable();
    assert_eq!(told, [0, 1, 2, 3, 4]);
}

/// A tee's branches meet again, and one lets almost nothing pass: the other has to wait for it with far more packets
/// than a pad should hold, since one thread feeds both.
#[test]
fn branches_that_meet_again_do_not_hang() {
    for queues in 0..4 {
        let mut bench = Bench::default();
        let keep = Keep::default();
        let source = bench.add(Built::source(times(20_000, 1)));
        let tee = bench.tee();
        let rare = bench.add(Built::element(Multiples(7000)));
        let merge = bench.add(Built::aggregator(Merge::default()));
        let sink = bench.add(Built::sink(keep.clone()));
        bench.chain(&[source, tee]);
        let branch = |bench: &mut Bench, queued: bool, from: ElementId, to: ElementId| {
            if queued {
                let queue = bench.add(Built::Queue(QueueConfig::default()));
                bench.chain(&[from, queue, to]);
            } else {
                bench.chain(&[from, to]);
            }
        };
        branch(&mut bench, queues & 1 > 0, tee, merge);
        branch(&mut bench, queues & 2 > 0, tee, rare);
        bench.chain(&[rare, merge, sink]);
        bench.run();
        assert_eq!(keep.times(), merged(&[(20_000, 1), (20_000, 7000)]));
    }
}

/// Two sources, two merges, in opposite order: each source's thread may wait where the other's packet is missing.
#[test]
fn merges_that_cross_do_not_hang() {
    let mut bench = Bench::default();
    let keeps = [Keep::default(), Keep::default()];
    let merges = [0, 1].map(|_| bench.add(Built::aggregator(Merge::default())));
    for (merge, keep) in merges.iter().zip(&keeps) {
        let sink = bench.add(Built::sink(keep.clone()));
        bench.chain(&[*merge, sink]);
    }
    for order in [[0, 1], [1, 0]] {
        let source = bench.add(Built::source(times(5000, 1)));
        let tee = bench.tee();
        bench.chain(&[source, tee]);
        for merge in order {
            // The second gets only what comes late.
            let some = bench.add(Built::element(Multiples(if merge == order[1] { 400 } else { 1 })));
            bench.chain(&[tee, some, merges[merge]]);
        }
    }
    bench.run();
    for keep in keeps {
        assert_eq!(keep.times(), merged(&[(5000, 1), (5000, 400)]));
    }
}

/// A source that has nothing to do with the silent one is held back strictly, and stops at once.
#[test]
fn a_stream_on_its_own_is_held_back() {
    let mut bench = Bench::default();
    let fast = times(i64::MAX, 1);
    let given = Arc::clone(&fast.given);
    let merge = bench.add(Built::aggregator(Merge::default()));
    let sink = bench.add(Built::sink(Keep::default()));
    bench.chain(&[merge, sink]);
    for source in [Built::source(fast), Built::source(Silent)] {
        let source = bench.add(source);
        bench.chain(&[source, merge]);
    }
    bench.0.set_state(State::Playing).unwrap();
    while given.load(Ordering::SeqCst) < 17 {
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_millis(50));
    // One in the element's hand, sixteen that wait, one that its sender holds.
    assert!((17..=18).contains(&given.load(Ordering::SeqCst)));
    let begun = Instant::now();
    bench.0.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
}

static MERGE: ElementRow = ElementRow::plain(&MERGE_DECLARATION, Ports::AGGREGATOR, |_| {
    Ok(Built::aggregator(Merge::default()))
});
static MERGE_DECLARATION: Declaration = Declaration::new("merge", "Merges", &[]);
static SOURCE: ElementRow = ElementRow::plain(&SOURCE_DECLARATION, Ports::SOURCE, build_source);
static SOURCE_DECLARATION: Declaration = Declaration::new(
    "times",
    "Gives times",
    &[ParamSpec::int("until")
        .default(10)
        .doc("The first time that is not given")],
);
static SINK: ElementRow = ElementRow::plain(&SINK_DECLARATION, Ports::SINK, |_| {
    Ok(Built::sink(Keep::default()))
});
static SINK_DECLARATION: Declaration = Declaration::new("keep", "Keeps", &[]);
static TEE: ElementRow = ElementRow::plain(&TEE_DECLARATION, Ports::BRANCHES, |_| Ok(Built::element(Tee)));
static TEE_DECLARATION: Declaration = Declaration::new("tee", "Branches", &[]);

fn build_source(params: Params) -> Result<Built> {
    Ok(Built::source(times(params.int("until")?, 1)))
}

fn registry() -> Registry {
    Registry::new([&MERGE, &SOURCE, &SINK, &TEE])
}

#[test]
fn the_text_names_input_pads_and_printing_is_its_inverse() {
    for (text, links) in [
        (
            "merge name=m ! keep times ! m. times ! m.",
            "m.src ! keep0 | times0.src ! m.sink_0 | times1.src ! m.sink_1",
        ),
        (
            "times ! m.sink_1 times ! m.sink_0 merge name=m ! keep",
            "m.src ! keep0 | times0.src ! m.sink_1 | times1.src ! m.sink_0",
        ),
        (
            "times ! tee name=t ! merge name=m ! keep t. ! m.sink_3",
            "m.src ! keep0 | t.src_0 ! m.sink_0 | t.src_1 ! m.sink_3 | times0.src ! t",
        ),
        (
            "times ! tee name=t ! m.sink_2 t. ! m.sink_1 merge name=m ! keep",
            "m.src ! keep0 | t.src_0 ! m.sink_2 | t.src_1 ! m.sink_1 | times0.src ! t",
        ),
    ] {
        let pipeline = Pipeline::parse(text, &registry()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pipeline.links().join(" | "), links, "{text}");
        let printed = pipeline.to_text();
        let again =
            Pipeline::parse(&printed, &registry()).unwrap_or_else(|error| panic!("{printed}: {error}"));
        assert_eq!(again.links(), pipeline.links(), "{printed}");
        assert_eq!(again.to_text(), printed);
        let mut pipeline = pipeline;
        pipeline.run().unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn what_is_wrong_with_a_pad_is_said() {
    let said = |text: &str| {
        let error =
            Pipeline::parse(text, &registry()).and_then(|mut pipeline| pipeline.set_state(State::Ready));
        error.unwrap_err().to_string()
    };
    for (text, wanted) in [
        (
            "times ! m.sink_0 times ! m.sink_0 merge name=m ! keep",
            "`sink_0` is linked already",
        ),
        ("times ! m.sink_00 merge name=m ! keep", "sink_0 to sink_255"),
        ("times ! m.sink_256 merge name=m ! keep", "no such input pad"),
        ("times ! m.sink merge name=m ! keep", "no such input pad"),
        ("times ! k.sink_0 keep name=k", "known: sink"),
        ("merge name=m ! keep", "its input is not linked"),
        ("times ! keep name=k times ! k.", "already"),
        ("merge name=m ! tee name=t ! keep t. ! m.", "circle"),
    ] {
        let text_said = said(text);
        assert!(text_said.contains(wanted), "{text}: {text_said}");
    }
    let error = Pipeline::new()
        .add_with_ports("two", Built::element(Tee), Ports::AGGREGATOR)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Param);
}

/// A node of a random graph: what it is, and which nodes before it feed it.
type Node = (u8, usize, usize, i64);

/// What leaves each node, by a plain calculation.
fn implied(nodes: &[Node], until: i64) -> Vec<Vec<i64>> {
    let mut streams: Vec<Vec<i64>> = Vec::new();
    for (index, &(kind, a, b, number)) in nodes.iter().enumerate() {
        let before = |chosen: usize| streams[chosen % index].clone();
        streams.push(match kind {
            _ if index == 0 => (0..until).collect(),
            0 => (0..until).step_by(number as usize).collect(),
            1 => before(a).into_iter().filter(|time| time % number == 0).collect(),
            2 => before(a),
            _ => {
                let mut both = before(a);
                both.extend(before(b));
                both.sort_unstable();
                both
            }
        });
    }
    streams
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 48 }))]

    /// Sources, filters, queues and merges in any arrangement, every node with a sink: each sink receives exactly what
    /// its paths imply, and nothing hangs.
    #[test]
    fn every_sink_of_a_random_graph_receives_what_its_paths_imply(
        nodes in prop::collection::vec((0_u8..5, 0_usize..100, 0_usize..100, 1_i64..90), 1..12),
    ) {
        let until = 400;
        let mut bench = Bench::default();
        let (mut tees, mut keeps) = (Vec::new(), Vec::new());
        for (index, &(kind, a, b, number)) in nodes.iter().enumerate() {
            let node = match kind {
                _ if index == 0 => bench.add(Built::source(times(until, 1))),
                0 => bench.add(Built::source(times(until, number))),
                1 => bench.add(Built::element(Multiples(number))),
                2 => bench.add(Built::Queue(QueueConfig { buffers: 1 + number as usize % 4, ..QueueConfig::default() })),
                _ => bench.add(Built::aggregator(Merge::default())),
            };
            if index > 0 && kind > 0 {
                bench.chain(&[tees[a % index], node]);
                if kind > 2 {
                    bench.chain(&[tees[b % index], node]);
                }
            }
            let (tee, keep) = (bench.tee(), Keep::default());
            let sink = bench.add(Built::sink(keep.clone()));
            bench.chain(&[node, tee, sink]);
            tees.push(tee);
            keeps.push(keep);
        }
        bench.run();
        for (keep, wanted) in keeps.iter().zip(implied(&nodes, until)) {
            prop_assert_eq!(keep.times(), wanted);
        }
    }
}
