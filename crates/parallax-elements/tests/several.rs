//! merge, split and the selectors against naive models, on random streams cut at random.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

use std::collections::VecDeque;
use std::sync::Arc;

use parallax_elements::{InputSelector, OutputSelector, registry};
use parallax_events::{Event, EventBatch, Meta};
use parallax_memory::Bytes;
use parallax_pipeline::{Aggregator, Built, Collector, Context, Element, Packet, Payload};
use proptest::prelude::*;

fn aggregator(built: Built, pads: usize) -> Box<dyn Aggregator> {
    let Built::Aggregator(mut aggregator) = built else {
        panic!("no aggregator")
    };
    aggregator.start(&Context::alone(), pads).unwrap();
    aggregator
}

fn element(built: Built) -> Box<dyn Element> {
    let Built::Element(mut element) = built else {
        panic!("no element")
    };
    element.start(&Context::alone()).unwrap();
    element
}

fn made(text: &str) -> Built {
    registry().build(text).unwrap()
}

fn meta() -> Arc<Meta> {
    Arc::new(Meta::with_geometry(16, 16).unwrap())
}

fn batches(events: &[Event], cuts: &[usize]) -> VecDeque<EventBatch> {
    let mut rest = events;
    let mut batches = VecDeque::new();
    for cut in cuts.iter().cycle().take(events.len() + 1) {
        let (part, behind) = rest.split_at((*cut).min(rest.len()));
        batches.push_back(EventBatch::from_events(part, meta()).unwrap());
        rest = behind;
    }
    batches.push_back(EventBatch::from_events(rest, meta()).unwrap());
    batches
}

fn events_in(packets: Vec<Packet>) -> Vec<Event> {
    let events = |packet: Packet| match packet.payload {
        Payload::Events(batch) => batch.to_events(),
        other => panic!("{other:?}"),
    };
    packets.into_iter().flat_map(events).collect()
}

/// Feeds the streams as an engine may: whichever pad `choose` names, if it is wanted and has something, else the next.
fn drive(
    aggregator: &mut dyn Aggregator,
    mut streams: Vec<VecDeque<Packet>>,
    choose: &[usize],
) -> parallax_events::Result<Vec<Packet>> {
    let mut collector = Collector::new(1);
    let mut ended = vec![false; streams.len()];
    let mut choices = choose.iter().cycle();
    while ended.contains(&false) {
        let from = choices.next().unwrap() % streams.len();
        let order = (0..streams.len()).map(|step| (from + step) % streams.len());
        let pad = order
            .clone()
            .find(|&pad| !ended[pad] && (streams[pad].is_empty() || aggregator.wants(pad)));
        let pad = pad.unwrap();
        match streams[pad].pop_front() {
            Some(packet) => aggregator.process(pad, packet, &mut collector.out())?,
            None => {
                ended[pad] = true;
                aggregator.end(pad, &mut collector.out())?;
            }
        }
    }
    aggregator.drain(&mut collector.out())?;
    Ok(collector.take(0))
}

/// What the documentation says: by the newest time of its own stream so far, then by pad.
fn naive_merge(streams: &[Vec<Event>], drops: bool) -> Vec<Event> {
    let mut all = Vec::new();
    for (pad, stream) in streams.iter().enumerate() {
        let mut newest = i64::MIN;
        for event in stream {
            if drops && event.t < newest {
                continue;
            }
            newest = newest.max(event.t);
            all.push(((newest, pad), *event));
        }
    }
    all.sort_by_key(|(turn, _)| *turn);
    all.into_iter().map(|(_, event)| event).collect()
}

prop_compose! {
    fn streams(max_step_back: i64)(
        streams in prop::collection::vec(
            prop::collection::vec((-max_step_back..6_i64, 0..16_u16, 0..16_u16, 0..2_u8), 0..40), 1..5)
    ) -> Vec<Vec<Event>> {
        let stream = |steps: Vec<(i64, u16, u16, u8)>| {
            let mut t = 100;
            let event = |(step, x, y, p)| { t += step; Event::new(t, x, y, p) };
            steps.into_iter().map(event).collect()
        };
        streams.into_iter().map(stream).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 128 }))]

    #[test]
    fn merging_is_the_naive_merge_however_it_is_cut(
        streams in prop_oneof![streams(0), streams(3)],
        cuts in prop::collection::vec(0..9_usize, 1..5),
        choose in prop::collection::vec(0..4_usize, 1..20),
        drops in any::<bool>(),
    ) {
        let packets = |events: &Vec<Event>| batches(events, &cuts).into_iter().map(Packet::from).collect();
        let text = if drops { "merge late=drop" } else { "merge" };
        let mut merge = aggregator(made(text), streams.len());
        let merged = drive(merge.as_mut(), streams.iter().map(packets).collect(), &choose).unwrap();
        prop_assert_eq!(events_in(merged), naive_merge(&streams, drops));
        let steps_back = streams.iter().any(|stream| !stream.is_sorted_by_key(|event| event.t));
        let mut strict = aggregator(made("merge late=error"), streams.len());
        let outcome = drive(strict.as_mut(), streams.iter().map(packets).collect(), &choose);
        prop_assert_eq!(outcome.is_err(), steps_back);
    }

    #[test]
    fn a_split_is_a_partition(
        streams in streams(2),
        cuts in prop::collection::vec(0..9_usize, 1..5),
        width in 1..16_u16,
    ) {
        let events = streams.concat();
        let mut split = element(made(&format!("split where=\"region x=0 y=0 w={width} h=16 ! polarity keep=on\"")));
        let mut collector = Collector::new(2);
        for batch in batches(&events, &cuts) {
            split.process(batch.into(), &mut collector.out()).unwrap();
        }
        split.drain(&mut collector.out()).unwrap();
        let (inside, outside): (Vec<Event>, Vec<Event>) =
            events.iter().partition(|event| event.x < width && event.p == 1);
        prop_assert_eq!(events_in(collector.take(0)), inside);
        prop_assert_eq!(events_in(collector.take(1)), outside);
    }

    #[test]
    fn selectors_hand_on_what_is_chosen(
        // What happens: a packet comes on a pad, or another pad is chosen.
        steps in prop::collection::vec(prop_oneof![(0..3_usize).prop_map(Ok::<usize, usize>), (0..3_usize).prop_map(Err::<usize, usize>)], 0..60),
    ) {
        let (selector, handle) = InputSelector::new(0);
        let mut input = aggregator(selector.into(), 3);
        let (selector, other) = OutputSelector::new(0);
        let mut output = element(selector.into());
        let (mut one, mut three) = (Collector::new(1), Collector::new(3));
        let (mut active, mut passed, mut given) = (0, Vec::new(), vec![Vec::new(); 3]);
        for (number, step) in steps.into_iter().enumerate() {
            let number = number as u8;
            match step {
                Ok(pad) => {
                    input.process(pad, Bytes::from(vec![number]).into(), &mut one.out()).unwrap();
                    output.process(Bytes::from(vec![number]).into(), &mut three.out()).unwrap();
                    if pad == active { passed.push(number); }
                    given[active].push(number);
                }
                Err(pad) => {
                    active = pad;
                    handle.select(pad);
                    other.select(pad);
                    prop_assert_eq!(handle.active(), pad);
                }
            }
        }
        let numbers = |packets: Vec<Packet>| -> Vec<u8> {
            let bytes = |packet: Packet| match packet.payload {
                Payload::Bytes(bytes) => bytes.to_vec(),
                other => panic!("{other:?}"),
            };
            packets.into_iter().flat_map(bytes).collect()
        };
        prop_assert_eq!(numbers(one.take(0)), passed);
        for (pad, given) in given.into_iter().enumerate() {
            prop_assert_eq!(numbers(three.take(pad)), given);
        }
    }
}

#[test]
fn long_runs_are_merged_without_a_copy() {
    let stream = |start: i64| -> Vec<Event> { (0..10_000).map(|t| Event::new(start + t, 1, 1, 1)).collect() };
    let streams = [stream(0), stream(10_000)];
    let whole = streams
        .each_ref()
        .map(|events| EventBatch::from_events(events, meta()).unwrap());
    let mut merge = aggregator(made("merge"), 2);
    let packets = whole
        .iter()
        .map(|batch| VecDeque::from([Packet::from(batch.clone())]))
        .collect();
    let merged = drive(merge.as_mut(), packets, &[1, 0]).unwrap();
    let addresses: Vec<_> = merged
        .iter()
        .map(|packet| match &packet.payload {
            Payload::Events(batch) => batch.columns().t.as_ptr(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        addresses,
        whole.each_ref().map(|batch| batch.columns().t.as_ptr())
    );
    assert_eq!(events_in(merged), streams.concat());
}

#[test]
fn streams_that_do_not_mean_the_same_are_not_merged() {
    let batch = |meta: Meta| {
        Packet::from(EventBatch::from_events(&[Event::new(1, 1, 1, 1)], Arc::new(meta)).unwrap())
    };
    let ours = Meta::with_geometry(16, 8).unwrap();
    let nanos = Meta {
        time_unit: parallax_events::TimeUnit::Nanos,
        ..ours.clone()
    };
    let mut merge = aggregator(made("merge"), 2);
    let error = drive(
        merge.as_mut(),
        vec![[batch(ours.clone())].into(), [batch(nanos)].into()],
        &[0],
    )
    .unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("`sink_0` is us") && error.contains("`sink_1` is ns"),
        "{error}"
    );
    let mut merge = aggregator(made("merge"), 2);
    let taller = Meta::with_geometry(4, 20).unwrap();
    let merged = drive(
        merge.as_mut(),
        vec![[batch(ours)].into(), [batch(taller)].into()],
        &[0],
    )
    .unwrap();
    let Payload::Events(batch) = &merged[0].payload else {
        panic!("no events")
    };
    assert_eq!(batch.meta().geometry.map(|g| (g.width, g.height)), Some((16, 20)));
}

#[test]
fn an_operator_that_is_no_predicate_is_refused() {
    let batch = EventBatch::from_events(&[Event::new(1, 1, 1, 1), Event::new(2, 3, 1, 0)], meta()).unwrap();
    let mut split = element(made("split where=flip_x"));
    let error = split
        .process(batch.into(), &mut Collector::new(2).out())
        .unwrap_err()
        .to_string();
    assert!(error.contains("changes events or holds them back"), "{error}");
    for (text, says) in [
        ("split where=frame", "yields tensors"),
        ("split where=\"polarty keep=on\"", "did you mean `polarity`?"),
        ("split where=\"polarity keep=sometimes\"", "where of split"),
    ] {
        let error = registry().build(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn packets_go_round_and_none_is_lost_silently() {
    let mut selector = element(made("output-selector every=2"));
    let mut collector = Collector::new(2);
    for number in 0..7_u8 {
        selector
            .process(Bytes::from(vec![number]).into(), &mut collector.out())
            .unwrap();
    }
    assert_eq!((collector.take(0).len(), collector.take(1).len()), (4, 3));
    let mut wrong = element(made("output_selector active=2"));
    let error = wrong
        .process(Bytes::from(vec![1]).into(), &mut collector.out())
        .unwrap_err()
        .to_string();
    assert!(error.contains("`src_2`") && error.contains("2 pads"), "{error}");
}

#[test]
fn a_funnel_loses_nothing() {
    let packets =
        |numbers: std::ops::Range<u8>| numbers.map(|number| Bytes::from(vec![number]).into()).collect();
    let mut funnel = aggregator(made("funnel"), 2);
    let joined = drive(funnel.as_mut(), vec![packets(0..3), packets(3..7)], &[1, 0, 1]).unwrap();
    let mut numbers: Vec<String> = joined
        .iter()
        .map(|packet| format!("{:?}", packet.payload))
        .collect();
    numbers.sort();
    let wanted: Vec<String> = (0..7_u8)
        .map(|n| format!("{:?}", Payload::Bytes(Bytes::from(vec![n]))))
        .collect();
    assert_eq!(numbers, wanted);
}
