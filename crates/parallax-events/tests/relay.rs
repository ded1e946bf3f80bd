//! Stretches of a batch on several threads come out in order; where one fails, those before it are there and nobody waits.
#![cfg(feature = "parallel")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parallax_events::{
    BatchBuilder, Error, ErrorKind, EventBatch, EventBlock, Meta, Order, Relay, Result, SharedPool,
};

const SIZE: usize = 100;

fn batch(count: usize) -> EventBatch {
    let column = |least: usize| {
        (0..count)
            .map(|index| (index * 7 % 60 + least) as u16)
            .collect::<Vec<_>>()
    };
    let meta = Arc::new(Meta::with_geometry(64, 64).unwrap());
    let t = (0..count as i64).collect::<Vec<_>>();
    EventBatch::try_new(t, column(0), column(3), vec![1; count], meta).unwrap()
}

fn run(
    batch: &EventBatch,
    threads: usize,
    work: impl Fn(&Relay, usize, &mut EventBlock) -> Result<()> + Sync,
) -> (Result<()>, EventBatch) {
    let pool = SharedPool::new(threads).unwrap();
    let mut out = BatchBuilder::growing().unwrap();
    out.reserve(batch.len()).unwrap();
    let relay = Relay::default();
    let meta = batch.meta();
    let done = relay.run(batch, SIZE, meta, pool.pool(), &mut out, |stretch, block| {
        work(&relay, stretch, block)
    });
    (done, out.finish(meta).unwrap())
}

#[test]
fn stretches_come_out_in_order() {
    for (count, threads) in [(0, 2), (1, 2), (SIZE, 3), (30_000, 2), (30_001, 5)] {
        let batch = batch(count);
        let (done, found) = run(&batch, threads, |_, stretch, block| {
            // Some take longer, some keep nothing.
            if stretch % 5 == 1 {
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
            block.retain(|event| event.t % 3 != 0 && stretch % 7 != 2);
            Ok(())
        });
        done.unwrap();
        let kept = |t: &i64| t % 3 != 0 && *t as usize / SIZE % 7 != 2;
        assert!(
            found
                .columns()
                .t
                .iter()
                .copied()
                .eq((0..count as i64).filter(kept))
        );
        assert!(found.order() >= Order::Time);
    }
}

#[test]
fn turns_are_taken_in_order() {
    let batch = batch(20_000);
    let pool = SharedPool::new(4).unwrap();
    let mut out = BatchBuilder::growing().unwrap();
    out.reserve(batch.len()).unwrap();
    let relay = Relay::default();
    let turns = relay.turns(Vec::new());
    let meta = batch.meta();
    let done = relay.run(&batch, SIZE, meta, pool.pool(), &mut out, |stretch, block| {
        turns.pass(stretch, |seen| seen.push((stretch, block.kept())))
    });
    done.unwrap();
    let seen = turns.pass(200, std::mem::take).unwrap();
    let again = turns.pass(7, |_| ());
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Internal);
    assert!(seen.iter().copied().eq((0..200).map(|stretch| (stretch, SIZE))));
}

#[test]
fn what_is_before_a_failure_is_delivered() {
    let batch = batch(20_000);
    for threads in [2, 4] {
        for failing in [0, 1, 57, 199] {
            let (done, found) = run(&batch, threads, |_, stretch, _| {
                if stretch == failing {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                    return Err(Error::param("this one"));
                }
                Ok(())
            });
            let error = done.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Param, "{error}");
            assert_eq!(found.columns(), batch.slice(..failing * SIZE).columns());
        }
    }
}

#[test]
fn a_failure_does_not_stop_those_before_it() {
    let batch = batch(2_000);
    for (slow, failing) in [(0, 2), (3, 5), (3, 4), (9, 12)] {
        let (done, found) = run(&batch, 4, |_, stretch, _| {
            if stretch == slow {
                // Those behind it wait for it when another one fails.
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            if stretch >= failing {
                return Err(Error::param(format!("stretch {stretch}")));
            }
            Ok(())
        });
        let error = done.unwrap_err();
        assert!(
            error.to_string().contains(&format!("stretch {failing}")),
            "{error}"
        );
        assert_eq!(found.columns(), batch.slice(..failing * SIZE).columns());
    }
}

#[test]
fn an_operator_that_adds_events_is_an_error() {
    let batch = batch(1_000);
    let (done, found) = run(&batch, 3, |_, stretch, block| {
        let twice = |events: parallax_events::DvsColumns<'_>, out: &mut parallax_events::EventColumns| {
            out.extend(events);
            out.extend(events);
            Ok(())
        };
        if stretch == 4 {
            block.rewrite(twice)
        } else {
            Ok(())
        }
    });
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(found.columns(), batch.slice(..4 * SIZE).columns());
}

#[test]
fn a_panic_is_passed_on_and_nobody_waits_for_it() {
    let batch = batch(20_000);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        run(&batch, 4, |_, stretch, _| {
            assert!(stretch != 9, "the ninth");
            Ok(())
        })
    }));
    assert!(panicked.is_err());
}
