//! Moves each event in time at random.

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, Nanos, OpState, ParamSpec, Params, Philox, Pool, Result, TimeUnit,
};

use super::profile;
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "time_jitter",
    "Moves each event in time at random",
    &[
        ParamSpec::time("std").min(Nanos(0)).default(Nanos(1_000_000)).doc("Standard deviation of how far"),
        ParamSpec::choice("negative", &["keep", "drop"]).default("keep").doc("Events that come to lie before 0"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed moves otherwise"),
    ],
)
.with_doc(
    "By a normal distribution, to the nearest unit; no event moves by more than 8.21 standard deviations. Events stay in \
     the order in which they came, so times go back; read with `order=strict`, or sort afterwards, where that matters. \
     Tonic's `TimeJitter` cuts towards zero and drops negative times by default.",
)
.with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let draws = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id());
    let (std, drop_negative) = (params.time("std")?, params.choice("negative")? == "drop");
    Ok(Box::new(TimeJitter { params, std, drop_negative, draws }))
}

#[derive(Debug)]
struct TimeJitter {
    params: Params,
    std: Nanos,
    drop_negative: bool,
    draws: Philox,
}

/// Events whose numbers are drawn at once.
const DRAWN: usize = 512;

#[derive(Debug)]
struct Jitter {
    std_units: f64,
    /// Events so far.
    seen: u64,
}

impl EventOp for TimeJitter {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let nanos = |unit: TimeUnit| unit.nanos() as f64;
        Ok(Box::new(Jitter { std_units: self.std.0 as f64 / nanos(meta.time_unit), seen: 0 }))
    }

    fn fork(&self, state: &mut dyn OpState, block: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let &mut Jitter { std_units, ref mut seen } = parallax_events::state_as::<Jitter>(state)?;
        let first = *seen;
        *seen = first.wrapping_add(block.kept() as u64);
        Ok(Some(Box::new(Jitter { std_units, seen: first })))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let &mut Jitter { std_units, ref mut seen } = parallax_events::state_as::<Jitter>(state)?;
        let first = *seen;
        *seen = seen.wrapping_add(block.kept() as u64);
        block.change_times(pool, |before, times| {
            let mut index = first.wrapping_add(before as u64);
            let mut draws = [0.0; DRAWN];
            for times in times.chunks_mut(DRAWN) {
                let draws = &mut draws[..times.len()];
                self.draws.fill_normal(index, draws);
                for (t, &draw) in times.iter_mut().zip(&*draws) {
                    // A cast stops at the ends of 64 bits.
                    *t = t.saturating_add((draw * std_units).round() as i64);
                }
                index = index.wrapping_add(times.len() as u64);
            }
        });
        if self.drop_negative {
            block.retain(|event| event.t >= 0);
        }
        Ok(())
    }
}

impl OpState for Jitter {
    fn reset(&mut self) {
        self.seen = 0;
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().u64(self.seen).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let seen = loaded.u64()?;
        loaded.end()?;
        self.seen = seen;
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
