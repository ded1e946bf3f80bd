//! Drops the events of neighbourhoods in which too little happened of late.

use std::any::Any;

use parallax_events::{
    Declaration, Error, Event, EventBlock, EventOp, Geometry, Meta, Nanos, OpState, ParamSpec, Params, Pool,
    Result, state_as,
};

use super::profile;
use crate::grid::geometry_for_grid;
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

/// The highest threshold: so many times are kept of each pixel.
const MOST: i64 = 64;

static DECLARATION: Declaration = Declaration::new(
    "activity",
    "Drops events with too few others around them in a window of time",
    &[
        ParamSpec::time("window").min(Nanos(1)).default(Nanos(10_000_000)).doc("How far back events are counted"),
        ParamSpec::int("radius")
            .unit("px")
            .range(0, 16)
            .default(1)
            .doc("How many columns and rows away an event is counted; 0 looks at the pixel alone"),
        ParamSpec::int("least").unit("events").range(1, MOST).default(3).doc("So many events must be there"),
    ],
)
.with_doc(
    "An event is kept if at least `least` events of the square around it, those of its own pixel among them and of both \
     polarities, came before it and less than `window` ago; where time goes back, a later one counts too. Of each pixel the \
     last `least` events are looked at, which are all that matter while time does not go back. Unlike `knoise`, which counts \
     pixels, this counts events.",
)
.with_aliases(&[("filter_by_activity", "activity")])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let whole = |name: &str| {
        usize::try_from(params.int(name)?).map_err(|error| Error::internal(error.to_string()))
    };
    let (radius, least, window) = (whole("radius")?, whole("least")?, params.time("window")?);
    Ok(Box::new(Activity { params, window, radius, least }))
}

#[derive(Debug)]
struct Activity {
    params: Params,
    window: Nanos,
    radius: usize,
    least: usize,
}

/// The last few times of each pixel: a ring of `least` for each.
#[derive(Debug)]
struct Times {
    geometry: Geometry,
    window: i64,
    least: usize,
    radius: usize,
    times: Vec<i64>,
    /// Events of each pixel so far; stops where the ring is full, and goes round from there on.
    counts: Vec<u32>,
}

impl EventOp for Activity {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let geometry = geometry_for_grid(meta, DECLARATION.id())?;
        let cells = geometry.pixels() * self.least;
        if cells > 1 << 27 {
            return Err(Error::limit(format!(
                "`activity` keeps {} times for each pixel of a sensor of {geometry}: more than 1 GiB",
                self.least
            ))
            .with_hint("lower `least`, or cut the stream down with `crop` first"));
        }
        Ok(Box::new(Times {
            geometry,
            window: self.window.to_unit(meta.time_unit)?,
            least: self.least,
            radius: self.radius,
            times: vec![0; cells],
            counts: vec![0; geometry.pixels()],
        }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        let times = state_as::<Times>(state)?;
        block.retain(|event| times.keeps(event));
        Ok(())
    }
}

impl Times {
    fn keeps(&mut self, event: Event) -> bool {
        let (width, height) = (usize::from(self.geometry.width), usize::from(self.geometry.height));
        let (x, y) = (usize::from(event.x), usize::from(event.y));
        let oldest = event.t.saturating_sub(self.window);
        let (left, right) = (x.saturating_sub(self.radius), (x + self.radius).min(width - 1));
        let (top, bottom) = (y.saturating_sub(self.radius), (y + self.radius).min(height - 1));
        let mut found = 0;
        for row in top..=bottom {
            for pixel in row * width + left..=row * width + right {
                let seen = self.counts.get(pixel).map_or(0, |&count| count as usize).min(self.least);
                let ring = self.times.get(pixel * self.least..pixel * self.least + seen);
                found += ring.map_or(0, |ring| ring.iter().filter(|&&t| t > oldest).count());
            }
        }
        let pixel = y * width + x;
        if let Some(count) = self.counts.get_mut(pixel) {
            let place = pixel * self.least + *count as usize % self.least;
            if let Some(time) = self.times.get_mut(place) {
                *time = event.t;
            }
            // Twice round stands for any number of rounds.
            *count += 1;
            if *count as usize >= 2 * self.least {
                *count -= self.least as u32;
            }
        }
        found >= self.least
    }
}

impl OpState for Times {
    fn reset(&mut self) {
        self.counts.fill(0);
        self.times.fill(0);
    }

    fn save(&self) -> Vec<u8> {
        Saved::default().i64s(&self.times).u32s(&self.counts).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let times = loaded.i64s(self.times.len())?;
        let counts = loaded.u32s(self.counts.len())?;
        loaded.end()?;
        if counts.iter().any(|&count| count as usize >= 2 * self.least) {
            return Err(Error::malformed("the saved state names more events of a pixel than it can"));
        }
        (self.times, self.counts) = (times, counts);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
