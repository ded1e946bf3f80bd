//! Drops events at random, each on its own.

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

/// Events whose words are drawn at once.
const DRAWN: usize = 512;

/// Room for them: the first event's block may have begun before it, and the last one's end behind it.
type Words = [[u32; 4]; DRAWN / 4 + 1];

impl DropEvent {
    /// The words of the events from number `first` on.
    fn draw<'a>(&self, first: u64, words: &'a mut Words) -> &'a [u32] {
        self.words.fill(first / 4, words);
        words.as_flattened().get((first % 4) as usize..).unwrap_or_default()
    }
}

impl EventOp for DropEvent {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, _: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Counted::default()))
    }

    fn fork(&self, state: &mut dyn OpState, block: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let Counted(seen) = state_as(state)?;
        let first = *seen;
        *seen = first.wrapping_add(block.kept() as u64);
        Ok(Some(Box::new(Counted(first))))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let Counted(seen) = state_as(state)?;
        let mut next = *seen;
        *seen = next.wrapping_add(block.kept() as u64);
        let Ok(least) = u32::try_from(self.dropping) else {
            block.select(|_, mask| mask.fill(0));
            return Ok(());
        };
        let mut words = [[0; 4]; DRAWN / 4 + 1];
        if block.kept() == block.columns().len() {
            block.select(|_, mask| {
                for mask in mask.chunks_mut(DRAWN / 64) {
                    select::at_least_u32(self.draw(next, &mut words), least, mask);
                    next = next.wrapping_add(DRAWN as u64);
                }
            });
            return Ok(());
        }
        let (mut drawn, mut place) = ([0; DRAWN], DRAWN);
        block.retain(|_| {
            if place == DRAWN {
                drawn.copy_from_slice(&self.draw(next, &mut words)[..DRAWN]);
                (next, place) = (next.wrapping_add(DRAWN as u64), 0);
            }
            let word = drawn[place];
            place += 1;
            word >= least
        });
        Ok(())
    }
}
