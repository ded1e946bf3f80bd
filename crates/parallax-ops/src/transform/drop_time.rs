//! Drops the events of random stretches of time.

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, Nanos, OpState, ParamSpec, Params, Philox, Pool, Result,
    state_as,
};

use super::profile;
use crate::held::{Held, MEMORY};
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "drop_time",
    "Drops the events of random stretches of time",
    &[
        ParamSpec::time("every")
            .min(Nanos(0))
            .default(Nanos(100_000_000))
            .doc("One stretch is dropped in each such period; with 0s, one of the whole stream"),
        ParamSpec::float("ratio").range(0.0, 1.0).default(0.2).doc("How much of a period is dropped"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed drops other stretches"),
        MEMORY,
    ],
)
.with_doc(
    "Periods begin at the first event. In each, one stretch of `ratio` of its length goes, at a place drawn evenly. With \
     `every=0s` there is one period, from the earliest event to the latest, as in Tonic's `DropEventByTime` (which lets it \
     begin at 0); the stream is held until it ends.",
)
.with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let places = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id());
    let (every, ratio) = (params.time("every")?, params.float("ratio")?);
    Ok(Box::new(DropTime { params, every, ratio, places }))
}

#[derive(Debug)]
struct DropTime {
    params: Params,
    every: Nanos,
    ratio: f64,
    places: Philox,
}

#[derive(Debug)]
struct Periods {
    every: i64,
    dropped: i64,
    /// The first event's time.
    origin: Option<i64>,
}

impl EventOp for DropTime {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        if self.every.0 == 0 {
            return Ok(Box::new(Held::new(meta, &self.params)?));
        }
        let every = self.every.to_unit(meta.time_unit)?;
        let dropped = (self.ratio * every as f64).round() as i64;
        Ok(Box::new(Periods { every, dropped: dropped.clamp(0, every), origin: None }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if self.every.0 == 0 {
            return state_as::<Held>(state)?.take(block);
        }
        let Periods { every, dropped, origin } = state_as::<Periods>(state)?;
        let (every, dropped) = (i128::from(*every), i128::from(*dropped));
        // The period of the event before, and where its stretch begins.
        let mut known = None;
        block.retain(|event| {
            let since = i128::from(event.t) - i128::from(*origin.get_or_insert(event.t));
            let (period, inside) = (since.div_euclid(every), since.rem_euclid(every));
            let start = match known {
                Some((known, start)) if known == period => start,
                _ => {
                    let free = (every - dropped + 1) as f64;
                    // Periods before the first event have indices of their own, from the other end.
                    let start = (self.places.unit_f64(period as u64, 0) * free) as i128;
                    known = Some((period, start));
                    start
                }
            };
            !(start..start + dropped).contains(&inside)
        });
        Ok(())
    }

    fn finish(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if self.every.0 != 0 {
            return Ok(());
        }
        let held = state_as::<Held>(state)?;
        let Some((first, last)) = held.span() else { return Ok(()) };
        // Both ends are inside, so that `ratio=1` drops everything.
        let length = i128::from(last) - i128::from(first) + 1;
        let dropped = ((self.ratio * length as f64).round() as i128).clamp(0, length);
        let start = i128::from(first) + (self.places.unit_f64(0, 0) * (length - dropped + 1) as f64) as i128;
        while block.is_empty()
            && let Some(batch) = held.next()
        {
            block.load(&batch);
            block.retain(|event| !(start..start + dropped).contains(&event.t.into()));
        }
        Ok(())
    }
}

impl OpState for Periods {
    fn reset(&mut self) {
        self.origin = None;
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().optional_i64(self.origin).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let origin = loaded.optional_i64()?;
        loaded.end()?;
        self.origin = origin;
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
