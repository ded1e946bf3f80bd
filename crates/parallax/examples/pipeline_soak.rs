//! A pipeline with branches, queues, faults and a merge runs for long, and its memory stays as it is:
//! `cargo run --release --example pipeline_soak -- 600` for ten minutes; three seconds without a number.

use std::time::{Duration, Instant};

use parallax::elements::{app_source, registry};
use parallax::pipeline::{Pipeline, State};
use parallax::{Error, Event, EventBatch, Meta, Result};

const TEXT: &str = "in. ! tee name=t
    t. ! queue ! split name=s where=\"region x=0 y=0 w=320 h=480\" ! merge name=m
    s.src_1 ! queue ! refractory period=1ms ! m.
    t. ! queue leaky=downstream ! fault drop=0.1 corrupt=0.1 ! window length=5ms ! frame ! nullsink
    m. ! evt3enc ! queue max_bytes=1MiB ! evt3dec ! nullsink";

/// Bytes of memory that the process holds, where the system says so.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim()
        .strip_suffix(" kB")?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

fn main() -> Result<()> {
    let seconds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(3);
    let (source, sender) = app_source(4);
    let mut pipeline = Pipeline::new();
    pipeline.add("in", source)?;
    let mut pipeline = pipeline.with_text(TEXT, registry())?;
    pipeline.set_state(State::Playing)?;

    let meta = std::sync::Arc::new(Meta::with_geometry(640, 480)?);
    let (begun, mut start, mut settled, mut shown) = (Instant::now(), 0_i64, None, 0);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let event = |index: i64| {
            let place = (start + index).wrapping_mul(2_654_435_761);
            Event::new(
                start + index,
                (place >> 7).rem_euclid(640) as u16,
                (place >> 17).rem_euclid(480) as u16,
                (place & 1) as u8,
            )
        };
        let events: Vec<Event> = (0..1000).map(event).collect();
        start += 1000;
        if sender
            .send(EventBatch::from_events(&events, meta.clone())?)
            .is_err()
        {
            // The pipeline has failed; waiting for its end says why.
            break;
        }
        let elapsed = begun.elapsed().as_secs();
        if elapsed > shown {
            shown = elapsed;
            let now = resident().unwrap_or(0);
            println!("{elapsed} s, {start} events, {} KiB", now / 1024);
            // Pools and queues have been filled by then.
            if elapsed >= seconds / 3 {
                let most = *settled.get_or_insert(now + now / 10 + (8 << 20));
                if now > most {
                    return Err(Error::internal(format!("memory grows: {now} bytes")));
                }
            }
        }
    }
    drop(sender);
    pipeline.wait_eos_timeout(Duration::from_secs(60))?;
    print!("{}", pipeline.stats());
    pipeline.stop()
}

#[test]
fn it_runs() -> Result<()> {
    main()
}
