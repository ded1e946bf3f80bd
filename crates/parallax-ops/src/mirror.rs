//! A sensor turned over: the operators that mirror left and right or top and bottom.

use std::any::Any;

use parallax_events::{
    EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Philox, PixelsMut, Pool, Result, Stateless,
    state_as,
};

/// Their parameters.
pub(crate) const PARAMS: &[ParamSpec] = &[
    ParamSpec::float("chance")
        .range(0.0, 1.0)
        .default(1.0)
        .doc("How likely the stream is turned at all"),
    ParamSpec::int("seed")
        .min(0)
        .default(0)
        .doc("Another seed decides anew"),
];

/// What is turned over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Columns.
    X,
    /// Rows.
    Y,
}

/// Turns all events of a stream over, or none.
#[derive(Debug)]
pub(crate) struct Mirror {
    params: Params,
    axis: Axis,
    turned: bool,
}

impl Mirror {
    pub(crate) fn boxed(params: Params, axis: Axis) -> Result<Box<dyn EventOp>> {
        let draw = Philox::new(params.int("seed")?.unsigned_abs(), params.id()).unit_f64(0, 0);
        let turned = draw < params.float("chance")?;
        Ok(Box::new(Self { params, axis, turned }))
    }
}

impl EventOp for Mirror {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let geometry = meta.require_geometry()?;
        let side = if self.axis == Axis::X {
            geometry.width
        } else {
            geometry.height
        };
        Ok(Box::new(Last(side - 1)))
    }

    fn fork(&self, state: &mut dyn OpState, _: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        let &mut Last(last) = state_as(state)?;
        Ok(Some(Box::new(Last(last))))
    }

    fn run(&self, state: &mut dyn OpState, block: &mut EventBlock, pool: Pool<'_>) -> Result<()> {
        let &mut Last(last) = state_as(state)?;
        if self.turned {
            block.change_pixels(pool, |_, PixelsMut { x, y, .. }| {
                for place in if self.axis == Axis::X { x } else { y } {
                    *place = last.saturating_sub(*place);
                }
            });
        }
        Ok(())
    }
}

/// The last column or row.
#[derive(Debug)]
struct Last(u16);

impl OpState for Last {
    fn reset(&mut self) {}

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        Stateless.restore(bytes)
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
