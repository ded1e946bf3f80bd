//! Drops the lone events of a pixel, the later ones of a burst, or both: spatio-temporal contrast.

use std::any::Any;

use parallax_events::{
    Declaration, Event, EventBlock, EventOp, Meta, Nanos, OpState, ParamSpec, Params, Pool, Result, state_as,
};

use super::profile;
use crate::grid::geometry_for_grid;
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "stc",
    "Keeps the second event of a pixel's burst: spatio-temporal contrast",
    &[
        ParamSpec::choice("filter", &["stc_cut_trail", "stc_keep_trail", "trail"])
            .default("stc_cut_trail")
            .doc("Of a burst: its second event, all from the second one on, or its first"),
        ParamSpec::time("threshold")
            .min(Nanos(0))
            .default(Nanos(10_000_000))
            .doc("How long after the pixel's last event one still belongs to the burst"),
    ],
)
.with_doc(
    "A burst is what a pixel sends of one polarity with no more than `threshold` from event to event: an edge. \
     `stc_keep_trail` drops its first event, and with it the events that stay alone: noise. `stc_cut_trail` keeps one event of \
     an edge: after it, all go until the pixel's polarity changes. `trail` keeps the first event of each burst. After \
     Prophesee's Event Trail Filter and the SDK's `SpatioTemporalContrastAlgorithm` and `TrailFilterAlgorithm`, as their \
     documentation describes them.",
)
.with_aliases(&[
    ("spatio_temporal_contrast", "stc"),
    ("stc_cut_trail", "stc filter=stc_cut_trail"),
    ("stc_keep_trail", "stc filter=stc_keep_trail"),
    ("trail", "stc filter=trail"),
])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let filter = match params.choice("filter")? {
        "stc_cut_trail" => Filter::CutTrail,
        "stc_keep_trail" => Filter::KeepTrail,
        _ => Filter::Trail,
    };
    Ok(Box::new(Stc { threshold: params.time("threshold")?, params, filter }))
}

#[derive(Debug)]
struct Stc {
    params: Params,
    filter: Filter,
    threshold: Nanos,
}

#[derive(Debug, Clone, Copy)]
enum Filter {
    CutTrail,
    KeepTrail,
    Trail,
}

/// No event yet.
const NONE: u8 = 0;
/// The last event was OFF; one more if it was ON.
const OFF: u8 = 1;
/// An event of this polarity was kept; added to the others.
const KEPT: u8 = 4;

#[derive(Debug)]
struct Bursts {
    width: usize,
    threshold: i64,
    /// Of each pixel the last event's time.
    last: Vec<i64>,
    /// And what kind of an event that was.
    kinds: Vec<u8>,
}

impl EventOp for Stc {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let geometry = geometry_for_grid(meta, DECLARATION.id())?;
        Ok(Box::new(Bursts {
            width: geometry.width.into(),
            threshold: self.threshold.to_unit(meta.time_unit)?,
            last: vec![0; geometry.pixels()],
            kinds: vec![NONE; geometry.pixels()],
        }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let bursts = state_as::<Bursts>(state)?;
        match self.filter {
            Filter::CutTrail => block.retain(|event| bursts.keeps(event, |goes_on, kept| goes_on && !kept)),
            Filter::KeepTrail => block.retain(|event| bursts.keeps(event, |goes_on, _| goes_on)),
            Filter::Trail => block.retain(|event| bursts.keeps(event, |goes_on, _| !goes_on)),
        }
        Ok(())
    }
}

impl Bursts {
    /// Asks `rule` whether to keep the event, given whether it goes on with the pixel's burst, and whether one was kept since
    /// the polarity changed.
    #[inline(always)]
    fn keeps(&mut self, event: Event, rule: impl Fn(bool, bool) -> bool) -> bool {
        let place = usize::from(event.y) * self.width + usize::from(event.x);
        let (Some(last), Some(kind)) = (self.last.get_mut(place), self.kinds.get_mut(place)) else {
            return false;
        };
        let polarity = OFF + event.p;
        let same = *kind & !KEPT == polarity;
        // Later than the last one by more than 64 bits hold is later than any threshold.
        let soon = event.t.saturating_sub(*last) <= self.threshold;
        let kept = same && *kind & KEPT != 0;
        let keep = rule(same && soon, kept);
        *kind = polarity | if keep || kept { KEPT } else { 0 };
        *last = event.t;
        keep
    }
}

impl OpState for Bursts {
    fn reset(&mut self) {
        self.last.fill(0);
        self.kinds.fill(NONE);
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().i64s(&self.last).u8s(&self.kinds).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let last = loaded.i64s(self.last.len())?;
        let kinds = loaded.u8s(self.kinds.len())?;
        loaded.end()?;
        (self.last, self.kinds) = (last, kinds);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
