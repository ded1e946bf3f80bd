//! A chain is what its operators are one after another, however the stream is cut, on any number of threads.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use parallax_events::{BatchBuilder, Event, EventBatch, Meta, Nanos, Order, Pool, SharedPool, Span};
use parallax_ops::{Compose, Mode, event_op, represent, tensor_of};
use parallax_testkit::Scene;

const CHAINS: &[&str] = &[
    "region x=4 y=4 w=40 h=30",
    "time range=+10ms..+60ms ! polarity keep=on",
    "polarity keep=off ! region x=0 y=0 w=50 h=50 ! refractory period=2ms",
    "refractory period=500us since=seen ! time range=20ms..50ms ! refractory period=5ms",
    "region w=1 h=1 ! refractory",
];

fn scene() -> EventBatch {
    Scene::builder()
        .seed(21)
        .noise_rate(200.0)
        .hot_pixels(2, 900.0)
        .build()
        .unwrap()
        .batch()
        .clone()
}

/// Operator by operator, each over the whole stream.
fn one_after_another(text: &str, batch: &EventBatch) -> Vec<Event> {
    let mut batch = batch.clone();
    for part in text.split(" ! ") {
        let op = event_op(part).unwrap();
        let mut state = op.state(batch.meta()).unwrap();
        let out = op.apply(state.as_mut(), &batch).unwrap();
        let end = op.end(state.as_mut(), batch.meta()).unwrap();
        batch = EventBatch::concat(&[out, end]).unwrap();
    }
    batch.to_events()
}

fn fused(text: &str, batches: &[EventBatch], pool: Pool<'_>) -> Vec<Event> {
    let mut run = Compose::parse(text).unwrap().start(batches[0].meta()).unwrap();
    let mut out = BatchBuilder::growing().unwrap();
    for batch in batches {
        run.push(batch, pool, &mut out).unwrap();
    }
    run.end(pool, &mut out).unwrap();
    let (taken, left) = run.passed();
    assert_eq!(
        (taken, left),
        (batches.iter().map(|b| b.len() as u64).sum(), out.len() as u64)
    );
    let batch = out.finish(run.output_meta()).unwrap();
    batch.to_events()
}

#[test]
fn a_chain_is_its_operators_one_after_another() {
    let whole = scene();
    let pieces: Vec<EventBatch> = (0..whole.len())
        .step_by(777)
        .map(|start| whole.slice(start..start + 777))
        .collect();
    let threads = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    for text in CHAINS {
        let wanted = one_after_another(text, &whole);
        let batches = std::slice::from_ref(&whole);
        assert_eq!(fused(text, batches, Pool::serial()), wanted, "{text}");
        assert_eq!(fused(text, &pieces, Pool::serial()), wanted, "{text} in pieces");
        assert_eq!(
            fused(text, batches, Pool::from(&threads)),
            wanted,
            "{text} on three threads"
        );
        let again = Compose::parse(text).unwrap().to_string();
        assert_eq!(
            fused(&again, batches, Pool::serial()),
            wanted,
            "{text} printed as {again}"
        );
    }
}

/// A scene again and again, until it has so many events.
fn long_scene(len: usize) -> EventBatch {
    let once = scene();
    let span = once.span().unwrap();
    let again = (0..).map(|turn: i64| {
        let later = |mut event: Event| {
            event.t += turn * (span.1 - span.0 + 1);
            event
        };
        once.to_events().into_iter().map(later).collect::<Vec<_>>()
    });
    let events: Vec<Event> = again.take(len / once.len() + 1).flatten().collect();
    let whole = EventBatch::from_events(&events, Arc::clone(once.meta())).unwrap();
    assert!(whole.len() > len && whole.order() >= Order::Time);
    whole
}

/// Operators that remember what happened shortly before are told of it at the start of each stretch.
#[test]
fn stretches_know_what_happened_shortly_before_them() {
    let whole = long_scene(300_000);
    // Of at least two stretches, of one that is shared in another way, of some events, and back to stretches.
    let unequal = [
        whole.slice(..140_000),
        whole.slice(140_000..190_000),
        whole.slice(190_000..190_003),
        whole.slice(190_003..),
    ];
    for text in [
        "background_activity",
        "background_activity neighbours=8 radius=2 own=true",
        "knoise",
        "refractory since=seen",
        "refractory since=seen period=1us ! background_activity time=2ms",
        "drop_event chance=0.3 ! background_activity ! spatial_jitter ! refractory since=seen period=3ms",
        // Too much to tell; nothing is left; in no order.
        "background_activity time=10s",
        "region w=1 h=1 ! background_activity",
        "time_jitter std=1ms ! background_activity ! refractory since=seen",
    ] {
        let wanted = fused(text, std::slice::from_ref(&whole), Pool::serial());
        for count in [2, 3] {
            let threads = SharedPool::new(count).unwrap();
            for batches in [std::slice::from_ref(&whole), &unequal] {
                assert!(
                    fused(text, batches, threads.pool()) == wanted,
                    "{text} on {count} threads"
                );
            }
        }
    }
}

/// Chains of operators that share a stream between threads: stretches of 16 Ki events go through all of them at once.
#[test]
fn stretches_on_threads_are_the_whole_stream() {
    let whole = long_scene(100_000);
    let unequal = [
        whole.slice(..17_000),
        whole.slice(17_000..17_003),
        whole.slice(17_003..),
    ];
    for text in [
        "region x=4 y=4 w=40 h=30",
        "crop x=4 y=4 w=40 h=30",
        "flip_x",
        "spatial_jitter",
        "spatial_jitter std_x=9 std_y=9",
        "drop_event chance=0.3",
        "time_jitter std=1ms",
        "region w=1 h=1",
        "drop_event chance=1 ! flip_y",
        "polarity keep=on ! drop_event chance=0.5 ! spatial_jitter seed=3 ! crop x=1 y=2 w=30 h=30 ! transpose ! drop_event seed=4",
        "time range=+5ms..+80ms ! rotate ! mask pixels=\"3,4 20,21\" ! spatial_jitter outside=clamp",
    ] {
        let wanted = fused(text, std::slice::from_ref(&whole), Pool::serial());
        for count in [2, 3, 5] {
            let threads = SharedPool::new(count).unwrap();
            for batches in [std::slice::from_ref(&whole), &unequal] {
                assert!(
                    fused(text, batches, threads.pool()) == wanted,
                    "{text} on {count} threads"
                );
            }
            // What is kept fits, and not everything would: nothing is lost, and the rest is refused as on one thread.
            let mut run = Compose::parse(text).unwrap().start(whole.meta()).unwrap();
            let mut out = BatchBuilder::with_capacity(wanted.len().max(1)).unwrap();
            run.push(&whole, threads.pool(), &mut out).unwrap();
            assert!(
                out.finish(run.output_meta()).unwrap().to_events() == wanted,
                "{text}"
            );
        }
    }
}

#[test]
fn a_slice_of_time_shares_the_memory() {
    let whole = scene();
    assert!(whole.order() >= Order::Time);
    let mut run = Compose::parse("time range=+10ms..+20ms ! time range=+0ms..")
        .unwrap()
        .start(whole.meta())
        .unwrap();
    let slice = run.apply(&whole, Pool::serial()).unwrap();
    let first = whole.columns().t[0];
    assert!(
        !slice.is_empty()
            && slice
                .columns()
                .t
                .iter()
                .all(|t| (10_000..20_000).contains(&(t - first)))
    );
    let inside = whole.columns().t.as_ptr_range();
    assert!(inside.contains(&slice.columns().t.as_ptr()));
}

#[test]
fn a_representation_gets_what_the_chain_keeps() {
    let whole = scene();
    let kept = one_after_another("polarity keep=on ! region w=20", &whole);
    let kept = EventBatch::from_events(&kept, Arc::clone(whole.meta())).unwrap();
    let count = represent("frame").unwrap();
    let wanted = |events: &EventBatch| {
        let mut state = count.state(events.meta(), Span::Events).unwrap();
        count
            .accumulate(state.as_mut(), events.columns(), Pool::serial())
            .unwrap();
        count
            .tensor(state.as_mut(), events.meta(), Pool::serial())
            .unwrap()
    };

    let mut tensors = Vec::new();
    let mut run = Compose::parse("polarity keep=on ! region w=20 ! frame")
        .unwrap()
        .start(whole.meta())
        .unwrap();
    run.push_tensors(&whole, Pool::serial(), &mut |tensor| {
        tensors.push(tensor);
        Ok(())
    })
    .unwrap();
    assert!(tensors.is_empty());
    run.end_tensors(Pool::serial(), &mut |tensor| {
        tensors.push(tensor);
        Ok(())
    })
    .unwrap();
    assert_eq!(tensors, [wanted(&kept)]);

    // Windows start at the first event that is left of the stream.
    let chain = Compose::parse("polarity keep=on ! region w=20 ! frame window=20ms incomplete=true").unwrap();
    let mut tensors = Vec::new();
    let mut run = chain.start(whole.meta()).unwrap();
    for start in (0..whole.len()).step_by(500) {
        let piece = whole.slice(start..start + 500);
        run.push_tensors(&piece, Pool::serial(), &mut |tensor| {
            tensors.push(tensor);
            Ok(())
        })
        .unwrap();
    }
    run.end_tensors(Pool::serial(), &mut |tensor| {
        tensors.push(tensor);
        Ok(())
    })
    .unwrap();
    let first = kept.columns().t[0];
    assert!(tensors.len() >= 4);
    for (index, tensor) in (0..).zip(&tensors) {
        let time = first + index * 20_000..first + (index + 1) * 20_000;
        assert_eq!(tensor.time_span(), Some((time.start, time.end)));
        let events = kept.time_slice(time).unwrap();
        assert_eq!(tensor.buffer(), wanted(&events).buffer(), "window {index}");
    }
}

/// Batches of which all is kept, then some, then all again, then nothing: one tensor of what is kept, in its order.
#[test]
fn what_waits_for_the_end_gets_what_the_chain_keeps() {
    let events = scene();
    let inside = |event: &Event| event.x < 20;
    let pieces = events.len() / 8;
    let kept_of = |range: std::ops::Range<usize>, keeps: bool| {
        let piece = events.slice(range).to_events();
        let piece = piece.into_iter().filter(|event| !keeps || inside(event));
        EventBatch::from_events(&piece.collect::<Vec<_>>(), Arc::clone(events.meta())).unwrap()
    };
    let batches: Vec<EventBatch> = [true, true, false, true, false]
        .into_iter()
        .zip((0..).step_by(pieces))
        .map(|(all, start)| kept_of(start..start + pieces, all))
        .collect();
    let stream = EventBatch::concat(&batches).unwrap();
    let kept: Vec<Event> = stream.to_events().into_iter().filter(inside).collect();
    let kept = EventBatch::from_events(&kept, Arc::clone(events.meta())).unwrap();
    let threads = SharedPool::new(2).unwrap();
    for text in [
        "voxel bins=4 dtype=f64",
        "frame bins=3 bins_of=events",
        "mixed_density",
    ] {
        let wanted = tensor_of(represent(text).unwrap().as_ref(), &kept, Pool::serial()).unwrap();
        for pool in [Pool::serial(), threads.pool()] {
            let chain = Compose::parse(&format!("region w=20 ! {text}")).unwrap();
            let mut run = chain.start(events.meta()).unwrap();
            let mut tensors = Vec::new();
            let mut keep = |tensor| {
                tensors.push(tensor);
                Ok(())
            };
            for batch in &batches {
                run.push_tensors(batch, pool, &mut keep).unwrap();
            }
            run.end_tensors(pool, &mut keep).unwrap();
            assert_eq!(tensors.len(), 1);
            assert_eq!(tensors[0].buffer(), wanted.buffer(), "{text}");
        }
    }
}

/// What waits may be pushed at once; what does not would do work nobody can stop meanwhile. The tensor is the same.
#[test]
fn only_what_needs_the_whole_stream_first_waits_for_it() {
    let scene = scene();
    for (text, waits) in [
        ("voxel bins=3", true),
        ("frame bins=4", true),
        ("frame", false),
        ("time_surface", false),
        ("voxel bins=3 window=10ms", false),
        ("region x=0 y=0 w=20 h=20 ! voxel bins=3", false),
        ("polarity keep=on", false),
    ] {
        let run = Compose::parse(text).unwrap().start(scene.meta()).unwrap();
        assert_eq!(run.waits(), waits, "{text}");
    }
    let whole = |batches: &[EventBatch]| {
        let mut run = Compose::parse("voxel bins=3")
            .unwrap()
            .start(scene.meta())
            .unwrap();
        let mut found = Vec::new();
        let mut each = |tensor: parallax_events::Tensor| {
            found.extend_from_slice(tensor.as_slice::<f32>()?);
            Ok(())
        };
        for batch in batches {
            run.push_tensors(batch, Pool::serial(), &mut each).unwrap();
        }
        run.end_tensors(Pool::serial(), &mut each).unwrap();
        found
    };
    let middle = scene.len() / 3;
    let cut = [scene.slice(..middle), scene.slice(middle..)];
    assert!(whole(&cut) == whole(std::slice::from_ref(&scene)));
}

#[test]
fn a_fixed_step_moves_times_and_says_how_far() {
    let meta = Arc::new(Meta::with_geometry(4, 4).unwrap());
    let times = vec![0, 149, 150, 249, 251, 300, -149, i64::MAX, i64::MIN];
    let n = times.len();
    let batch = EventBatch::try_new(times, vec![0; n], vec![0; n], vec![1; n], Arc::clone(&meta)).unwrap();
    let chain = Compose::parse("polarity keep=both").unwrap();
    assert!(chain.clone().with_mode(Mode::FixedStep(Nanos(0))).is_err());
    assert!(
        chain
            .clone()
            .with_mode(Mode::FixedStep(Nanos(1)))
            .unwrap()
            .start(&meta)
            .is_err(),
        "not in whole us"
    );
    let mut run = chain
        .with_mode(Mode::FixedStep(Nanos(100_000)))
        .unwrap()
        .start(&meta)
        .unwrap();
    let out = run.apply(&batch.slice(..7), Pool::serial()).unwrap();
    assert_eq!(out.columns().t, [0, 100, 200, 200, 300, 300, -100]);
    let error = run.quantisation_error().unwrap();
    // 0, 49, 50, 49, 49, 0, 49
    assert_eq!((error.max, error.count), (50, 7));
    assert!((error.mean - 246.0 / 7.0).abs() < 1e-12);
    // Where there is no multiple on the nearer side the other one is taken.
    let out = run.apply(&batch.slice(7..), Pool::serial()).unwrap();
    assert!(out.columns().t.iter().all(|t| t % 100 == 0));
}

#[test]
fn what_is_wrong_with_a_chain_is_said_where_it_is_wrong() {
    for (text, telling) in [
        ("frame ! polarity", "`polarity` comes behind a representation"),
        (
            "polarity keep=on ! refractory period=0ms",
            "`period` of `refractory` cannot be `0ms`",
        ),
        ("frame window=0ms", "`window` of `frame` cannot be `0ms`"),
        ("frame window=1ms window_events=3", "not both"),
        ("frame overlap=1ms", "`overlap` of `frame` needs `window=`"),
        ("frame colour=3", "no parameter `colour`"),
        ("regoin w=3", "did you mean `region`?"),
    ] {
        let error = Compose::parse(text).unwrap_err().to_string();
        assert!(error.contains(telling), "{text}: {error}");
    }
    let meta = Arc::new(Meta::default());
    let error = Compose::parse("refractory").unwrap().start(&meta).unwrap_err();
    assert!(error.to_string().contains("--geometry 1280x720"), "{error}");
    let wide = Arc::new(Meta::with_geometry(u16::MAX, u16::MAX).unwrap());
    let error = Compose::parse("refractory").unwrap().start(&wide).unwrap_err();
    assert!(error.to_string().contains("65535x65535"), "{error}");
    // A window that is no whole number of the stream's units.
    assert!(
        Compose::parse("frame window=1500ns")
            .unwrap()
            .start(&scene().meta().clone())
            .is_err()
    );
}
