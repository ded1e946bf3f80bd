//! How many events each pixel had, per polarity.

use std::any::Any;
use std::sync::Arc;

use parallax_events::{
    Declaration, DvsColumns, Error, Geometry, Meta, OpState, Params, Represent, Result, Tensor, state_as,
};

use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration =
    Declaration::new("count", "Counts the events of each pixel: i32 (polarity, y, x), OFF first", &[]);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    Ok(Box::new(Count { params }))
}

#[derive(Debug)]
struct Count {
    params: Params,
}

#[derive(Debug)]
struct Counts {
    geometry: Geometry,
    /// OFF counts, then ON counts, row by row.
    cells: Vec<i32>,
    span: Option<(i64, i64)>,
}

impl Represent for Count {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, meta: &Meta) -> Result<Box<dyn OpState>> {
        let geometry = meta.require_geometry()?;
        Ok(Box::new(Counts { geometry, cells: vec![0; 2 * geometry.pixels()], span: None }))
    }

    fn accumulate(&self, state: &mut dyn OpState, events: DvsColumns<'_>) -> Result<()> {
        let counts = state_as::<Counts>(state)?;
        let (width, pixels) = (usize::from(counts.geometry.width), counts.geometry.pixels());
        for event in events.iter() {
            let cell = usize::from(event.p) * pixels + usize::from(event.y) * width + usize::from(event.x);
            if let Some(count) = counts.cells.get_mut(cell) {
                *count = count.saturating_add(1);
            }
        }
        if let (Some(&first), Some(&last)) = (events.t.first(), events.t.last()) {
            counts.span = Some((counts.span.map_or(first, |(start, _)| start), last));
        }
        Ok(())
    }

    fn tensor(&self, state: &mut dyn OpState, meta: &Meta) -> Result<Tensor> {
        let counts = state_as::<Counts>(state)?;
        let shape = [2, usize::from(counts.geometry.height), usize::from(counts.geometry.width)];
        let cells = std::mem::replace(&mut counts.cells, vec![0; 2 * counts.geometry.pixels()]);
        let tensor = Tensor::from_vec(cells, shape, ["p", "y", "x"], Arc::new(meta.clone()))?;
        Ok(tensor.with_time_span(counts.span.take()))
    }
}

impl OpState for Counts {
    fn reset(&mut self) {
        self.cells.fill(0);
        self.span = None;
    }

    fn save(&self) -> Vec<u8> {
        let (some, (first, last)) = (u8::from(self.span.is_some()), self.span.unwrap_or_default());
        let mut bytes = vec![some];
        bytes.extend(first.to_le_bytes());
        bytes.extend(last.to_le_bytes());
        bytes.extend(self.cells.iter().flat_map(|count| count.to_le_bytes()));
        bytes
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let wrong = || Error::malformed("the saved state is not one of the operator count for this geometry");
        let (head, cells) = bytes.split_at_checked(17).ok_or_else(wrong)?;
        if cells.len() != self.cells.len() * 4 {
            return Err(wrong());
        }
        let number = |at: usize| {
            head.get(at..at + 8).and_then(|part| part.try_into().ok()).map(i64::from_le_bytes).ok_or_else(wrong)
        };
        self.span = if head.first() == Some(&1) { Some((number(1)?, number(9)?)) } else { None };
        for (count, bytes) in self.cells.iter_mut().zip(cells.as_chunks::<4>().0) {
            *count = i32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
