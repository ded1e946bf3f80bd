//! Drops events at random, each on its own.

use std::any::Any;

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Philox, Pool, Result, state_as,
};
use parallax_simd::select;

use super::profile;
use crate::counted::Counted;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "drop_event",
    "Drops events at random",
    &[
        ParamSpec::float("chance").range(0.0, 1.0).default(0.5).doc("How likely an event is dropped"),
        ParamSpec::int("seed").min(0).default(0).doc("Another seed drops others"),
    ],
)
.with_doc(
    "Each event is dropped or not on its own, so how many go is not fixed; Tonic's `DropEvent` drops an exact share, for \
     which it has to see the whole recording. Event `i` is decided by word `i % 4` of Philox block `i / 4`.",
)
.with_tags(profile::AUGMENTATION);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    // Of 2^32 words so many drop the event.
    let dropping = (params.float("chance")? * 4_294_967_296.0).round() as u64;
    let words = Philox::new(params.int("seed")?.unsigned_abs(), DECLARATION.id());
    Ok(Box::new(DropEvent { params, dropping, words }))
}

#[derive(Debug)]
struct DropEvent {
    params: Params,
    dropping: u64,
    words: Philox,
}

/// How many events came so far, and memory for what is drawn.
#[derive(Debug, Default)]
struct Draws {
    counted: Counted,
    words: Vec<[u32; 4]>,
}

impl EventOp for DropEvent {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, _: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Draws::default()))
    }

    fn fork(&self, state: &mut dyn OpState, count: usize) -> Option<Box<dyn OpState>> {
        let Draws { counted: Counted(seen), .. } = state_as(state).ok()?;
        let first = *seen;
        *seen = first.wrapping_add(count as u64);
        Some(Box::new(Draws { counted: Counted(first), words: Vec::new() }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let Draws { counted: Counted(first), words } = state_as(state)?;
        let count = block.kept();
        // The first event's block may have begun before it, and the last one's end behind it.
        words.resize(count.div_ceil(4) + 1, [0; 4]);
        self.words.fill(*first / 4, words);
        let drawn = words.as_flattened().get((*first % 4) as usize..).unwrap_or_default();
        *first = first.wrapping_add(count as u64);
        match u32::try_from(self.dropping) {
            Err(_) => block.select(|_, mask| mask.fill(0)),
            Ok(least) if count == block.columns().len() => {
                block.select(|_, mask| select::at_least_u32(drawn, least, mask));
            }
            Ok(least) => {
                let mut drawn = drawn.iter();
                block.retain(|_| drawn.next().is_some_and(|&word| word >= least));
            }
        }
        Ok(())
    }
}

impl OpState for Draws {
    fn reset(&mut self) {
        self.counted.reset();
    }

    fn save(&self) -> Vec<u8> {
        self.counted.save()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        self.counted.restore(bytes)
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
