//! What `convert` changes about events on their way: region, polarity, unit of time, where row 0 is.
//!
//! In: a stream's facts and its batches. Out: the facts and the batches of the output. The region counts in the
//! input's coordinates; rows are turned last. Without a change batches pass as they are.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use parallax::events::{Origin, Trigger, Triggers};
use parallax::{Error, EventBatch, Geometry, Meta, Result, TimeUnit};

use super::region::Region;

/// What to change.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Changing")]
pub(super) struct EditArguments {
    /// Only events in this region, in pixels: x from X to before X+W, y from Y to before Y+H
    #[arg(long, value_name = "X,Y,W,H")]
    roi: Option<Region>,
    /// Make the region the sensor: its corner becomes (0, 0), its size the sensor's
    #[arg(long, requires = "roi")]
    crop: bool,
    /// Only events of this polarity
    #[arg(long, value_name = "POLARITY")]
    polarity: Option<Polarity>,
    /// Count time in this unit: ms, us or ns. A time that is no whole number of it is an error
    #[arg(long, value_name = "UNIT", value_parser = TimeUnit::from_name)]
    unit: Option<TimeUnit>,
    /// Where row 0 is in the output; `raw` takes rows as the file has them
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<OriginChoice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Polarity {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OriginChoice {
    /// y counts downwards.
    TopLeft,
    /// y counts upwards.
    BottomLeft,
    /// As the file has it.
    Raw,
}

impl EditArguments {
    /// Whether the output's rows were asked for.
    pub(super) fn changes_rows(&self) -> bool {
        self.origin.is_some()
    }

    /// Whether rows are wanted as the file has them.
    pub(super) fn wants_raw_rows(&self) -> bool {
        self.origin == Some(OriginChoice::Raw)
    }
}

/// The changes for one stream.
#[derive(Debug)]
pub(super) struct Edit {
    meta: Arc<Meta>,
    region: Option<Region>,
    polarity: Option<u8>,
    /// What is taken off x and y.
    shift: (u16, u16),
    /// What y is then subtracted from.
    turn: Option<u16>,
    units: (TimeUnit, TimeUnit),
    /// Events that came in.
    pub(super) seen: u64,
}

impl Edit {
    /// The changes for a stream of such facts.
    ///
    /// # Errors
    /// If the region reaches beyond the sensor, or rows are to be turned and the sensor's height is not known.
    pub(super) fn new(arguments: &EditArguments, input: &Meta) -> Result<Self> {
        let mut meta = input.clone();
        let mut shift = (0, 0);
        if let Some(region) = arguments.roi {
            region.check_inside(input.geometry)?;
            if arguments.crop {
                shift = (region.x, region.y);
                meta.geometry = Some(Geometry::new(region.width, region.height)?);
            }
        }
        meta.time_unit = arguments.unit.unwrap_or(input.time_unit);
        meta.origin = match arguments.origin {
            Some(OriginChoice::TopLeft) => Origin::TopLeft,
            Some(OriginChoice::BottomLeft) => Origin::BottomLeft,
            Some(OriginChoice::Raw) | None => input.origin,
        };
        let turn = if meta.origin == input.origin {
            None
        } else {
            let geometry = meta.geometry.ok_or_else(|| {
                Error::param("rows cannot be turned: the input does not state the sensor's size")
                    .with_hint("give it with --geometry")
            })?;
            Some(geometry.height - 1)
        };
        Ok(Self {
            units: (input.time_unit, meta.time_unit),
            meta: Arc::new(meta),
            region: arguments.roi,
            polarity: arguments
                .polarity
                .map(|polarity| u8::from(polarity == Polarity::On)),
            shift,
            turn,
            seen: 0,
        })
    }

    /// The facts of the output.
    pub(super) fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    /// Whether events may be left out.
    pub(super) fn is_filter(&self) -> bool {
        self.region.is_some() || self.polarity.is_some()
    }

    /// The next batch of the output.
    ///
    /// # Errors
    /// If a time is no whole number of the wanted unit or does not fit into 64 bits of it.
    pub(super) fn apply(&mut self, batch: EventBatch) -> Result<EventBatch> {
        let first = self.seen;
        self.seen += batch.len() as u64;
        let (from, to) = self.units;
        if !self.is_filter() && self.turn.is_none() && from == to {
            return Ok(batch);
        }
        let room = batch.len();
        let mut t = Vec::with_capacity(room);
        let (mut x, mut y, mut p) = (
            Vec::with_capacity(room),
            Vec::with_capacity(room),
            Vec::with_capacity(room),
        );
        for (index, event) in batch.columns().iter().enumerate() {
            let is_wanted = self.region.is_none_or(|region| region.contains(event.x, event.y))
                && self.polarity.is_none_or(|polarity| polarity == event.p);
            if !is_wanted {
                continue;
            }
            t.push(if from == to {
                event.t
            } else {
                let place = first + index as u64;
                from.rescale(event.t, to)
                    .map_err(|error| error.with_context("event", place))?
            });
            let row = event.y.wrapping_sub(self.shift.1);
            x.push(event.x.wrapping_sub(self.shift.0));
            y.push(self.turn.map_or(row, |last| last.wrapping_sub(row)));
            p.push(event.p);
        }
        EventBatch::try_new(t, x, y, p, Arc::clone(&self.meta))
    }

    /// External triggers of the output: all of them, in its unit.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub(super) fn triggers(&self, triggers: Triggers) -> Result<Triggers> {
        let (from, to) = self.units;
        if from == to {
            return Ok(triggers);
        }
        let rescaled = |trigger: Trigger| {
            Ok(Trigger::new(
                from.rescale(trigger.t, to)?,
                trigger.id,
                trigger.value,
            ))
        };
        triggers.iter().map(rescaled).collect()
    }
}
