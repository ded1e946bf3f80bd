//! Fewer pixels: each event moves to its pixel on a smaller sensor, and a few of them may become one.

use parallax_events::{
    Declaration, Error, EventBlock, EventOp, Geometry, Meta, Nanos, OpState, ParamSpec, Params, Pool, Result,
    state_as,
};

use super::profile;
use crate::coarse::{Pooled, Rule};
use crate::fixed::Fixed;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "downsample",
    "Makes the sensor smaller, keeping all events or pooling them",
    &[
        ParamSpec::choice("method", &["scale", "sum", "integrator", "differentiator"])
            .default("scale")
            .doc("What becomes of the events that share a pixel afterwards"),
        ParamSpec::float("factor").range(1e-5, 1.0).default(0.5).doc("What x and y are multiplied by, cut to whole pixels"),
        ParamSpec::int("w").unit("px").range(1, 65_535).optional().doc("Columns afterwards, instead of by `factor`"),
        ParamSpec::int("h").unit("px").range(1, 65_535).optional().doc("Rows afterwards, instead of by `factor`"),
        ParamSpec::int("threshold")
            .unit("events")
            .range(1, 1_000_000_000)
            .default(2)
            .doc("Not with scale: how far ON and OFF must be apart for an event"),
        ParamSpec::time("window").min(Nanos(1)).default(Nanos(1_000_000)).doc("integrator, differentiator: time step"),
        ParamSpec::int("bins").range(1, 1_000).default(2).doc("differentiator: parts of a window that are integrated"),
    ],
)
.with_doc(
    "Pixel x becomes `x * w / W`, rounded down (or `x * factor`, as Tonic has it), and the sensor's size follows.\n\
     - `scale` keeps every event: Tonic's `Downsample(spatial_factor=..)`.\n\
     - `sum` adds +1 for ON and -1 for OFF in each new pixel; where the sum comes `threshold` away from 0, an event of that \
     polarity comes out at that time and the sum starts again. The event count of Gruel et al., \"Event data downscaling \
     for embedded computer vision\" (2022).\n\
     - `integrator` looks at these sums at the end of each window only: Tonic's `EventDownsampling`, after Ghosh et al., \
     \"Insect-inspired spatio-temporal downsampling of event-based input\" (2023). The event's time is that of the window's \
     beginning.\n\
     - `differentiator` integrates over each of the `bins` of a window, and where a pixel has more such events of a polarity \
     than in the window before, one event comes out at the beginning of that one, as in Tonic.\n\
     Windows begin at the first event (in Tonic their times do not count from there, but from 0), and one that is not over \
     when the stream ends gives nothing. An event that is earlier than the window that is being filled counts into it.",
)
.with_aliases(&[
    ("spatial_downsample", "downsample w=.. h=.."),
    ("scale", "downsample factor=.. (space), time_skew scale=.. (time)"),
    ("event_downsampling", "downsample method=integrator w=.. h=.."),
])
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let side = |name: &str| -> Result<Option<u16>> {
        let value = params.optional_int(name)?.map(u16::try_from).transpose();
        value.map_err(|error| Error::internal(error.to_string()))
    };
    let size = (side("w")?, side("h")?);
    let rule = match params.choice("method")? {
        "scale" => None,
        "sum" => Some(Rule::EveryEvent),
        "integrator" => Some(Rule::Integrator),
        _ => Some(Rule::Differentiator { bins: params.int("bins")? }),
    };
    Ok(Box::new(Downsample { factor: params.float("factor")?, size, rule, params }))
}

#[derive(Debug)]
struct Downsample {
    params: Params,
    factor: f64,
    size: (Option<u16>, Option<u16>),
    /// How events are pooled; `None` if every one is kept.
    rule: Option<Rule>,
}

/// Where each column and each row goes.
#[derive(Debug)]
struct Places {
    columns: Vec<u16>,
    rows: Vec<u16>,
}

impl Downsample {
    /// Where each of `all` columns or rows goes.
    fn places(&self, name: &str, all: u16, wanted: Option<u16>) -> Result<Vec<u16>> {
        match wanted {
            Some(wanted) if wanted > all => Err(Error::param(format!(
                "`downsample` to {name} = {wanted} px, which is more than the {all} that the sensor has"
            ))
            .with_context("allowed", format!("1 to {all} px"))),
            Some(wanted) => {
                let (all, wanted) = (u32::from(all), u32::from(wanted));
                Ok((0..all).map(|place| (place * wanted / all) as u16).collect())
            }
            None => Ok((0..all).map(|place| (f64::from(place) * self.factor) as u16).collect()),
        }
    }

    fn on(&self, meta: &Meta) -> Result<(Places, Geometry)> {
        let Geometry { width, height } = meta.require_geometry()?;
        let columns = self.places("w", width, self.size.0)?;
        let rows = self.places("h", height, self.size.1)?;
        let length = |places: &[u16]| places.last().map_or(1, |last| last + 1);
        let size = Geometry::new(length(&columns), length(&rows))?;
        Ok((Places { columns, rows }, size))
    }
}

impl Places {
    fn move_all(&self, block: &mut EventBlock) {
        let to = |places: &[u16], all: &mut [u16]| {
            for place in all {
                *place = places.get(usize::from(*place)).copied().unwrap_or(0);
            }
        };
        let pixels = block.pixels_mut();
        to(&self.columns, pixels.x);
        to(&self.rows, pixels.y);
    }
}

#[derive(Debug)]
struct Pooling {
    places: Places,
    pooled: Pooled,
}

impl EventOp for Downsample {
    fn params(&self) -> &Params {
        &self.params
    }

    fn output_meta(&self, input: &Meta) -> Result<Meta> {
        Ok(Meta { geometry: Some(self.on(input)?.1), ..input.clone() })
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let (places, size) = self.on(meta)?;
        let Some(rule) = self.rule else {
            return Ok(Box::new(Fixed(places)));
        };
        let window = self.params.time("window")?.to_unit(meta.time_unit)?;
        let threshold = i32::try_from(self.params.int("threshold")?).unwrap_or(i32::MAX);
        let pooled = Pooled::new(size, DECLARATION.id(), rule, window, threshold)?;
        Ok(Box::new(Pooling { places, pooled }))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if self.rule.is_none() {
            state_as::<Fixed<Places>>(state)?.0.move_all(block);
            return Ok(());
        }
        let Pooling { places, pooled } = state_as::<Pooling>(state)?;
        places.move_all(block);
        block.rewrite(|events, out| {
            events.iter().for_each(|event| pooled.take(event, out));
            Ok(())
        })
    }
}

impl OpState for Pooling {
    fn reset(&mut self) {
        self.pooled.reset();
    }

    fn save(&self) -> Vec<u8> {
        self.pooled.save()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        self.pooled.restore(bytes)
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
