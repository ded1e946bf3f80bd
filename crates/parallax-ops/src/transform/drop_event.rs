//! Drops events at random, each on its own.

use parallax_events::{
    Declaration, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Philox, Pool, Result, state_as,
};

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

impl EventOp for DropEvent {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, _: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Counted::default()))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let counted = state_as::<Counted>(state)?;
        let mut drawn = self.words.at(counted.0 / 4);
        block.retain(|_| {
            let index = counted.next();
            if index.is_multiple_of(4) {
                drawn = self.words.at(index / 4);
            }
            u64::from(drawn[(index % 4) as usize]) >= self.dropping
        });
        Ok(())
    }
}
