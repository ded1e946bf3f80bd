//! What our operators make of the events, and what is compared of it with a peer's answer.

use parallax_events::{BatchBuilder, DvsColumns, EventBatch, Pool, TensorView};
use parallax_ops::{Build, Compose, Tensors, operator, represent};

use crate::rows::Row;

/// What can be compared: events without their order, since some peers give none, or tensors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Facts {
    Events {
        kept: usize,
        digest: u64,
    },
    /// Of each window, or of each part along the first axis: the sum of its cells, and the sum of their products with
    /// their places.
    Tensors(Vec<[f64; 2]>),
}

impl Facts {
    /// How the other answer differs; `None` if it does not by more than the tolerance, relative to the largest sum.
    pub(crate) fn difference(&self, other: &Self, tolerance: f64) -> Option<String> {
        let (ours, theirs) = match (self, other) {
            (Self::Tensors(ours), Self::Tensors(theirs)) => (ours, theirs),
            _ if self == other => return None,
            (Self::Events { kept, .. }, Self::Events { kept: theirs, .. }) => {
                return Some(format!("{kept} events, not {theirs}"));
            }
            _ => return Some("another kind of answer".to_owned()),
        };
        if ours.len() != theirs.len() {
            return Some(format!("{} tensors, not {}", ours.len(), theirs.len()));
        }
        (0..2).find_map(|which| {
            let largest = theirs.iter().map(|sums| sums[which].abs()).fold(0.0, f64::max);
            let far = |(ours, theirs): &(&[f64; 2], &[f64; 2])| {
                (ours[which] - theirs[which]).abs() > tolerance * largest
            };
            let (place, (ours, theirs)) = ours.iter().zip(theirs).enumerate().find(|(_, pair)| far(pair))?;
            Some(format!(
                "tensor {place} sums to {}, not {}",
                ours[which], theirs[which]
            ))
        })
    }
}

/// Whether the chain yields tensors.
pub(crate) fn yields_tensors(chain: &str) -> bool {
    let id = chain.split(' ').next().unwrap_or_default();
    matches!(operator(id).unwrap().build, Build::Tensor(_))
}

/// A chain from events to events over the whole batch, into memory that is used again.
pub(crate) fn run_into(chain: &str, batch: &EventBatch, pool: Pool<'_>, out: &mut BatchBuilder) {
    let mut run = Compose::parse(chain).unwrap().start(batch.meta()).unwrap();
    out.clear();
    run.push(batch, pool, out).unwrap();
    run.end(pool, out).unwrap();
}

/// A representation of the whole batch, each tensor lent to `each`.
pub(crate) fn run_tensors(
    chain: &str,
    batch: &EventBatch,
    pool: Pool<'_>,
    mut each: impl FnMut(TensorView<'_>),
) {
    let mut tensors = Tensors::new(represent(chain).unwrap(), batch.meta()).unwrap();
    let mut lend = |_: u64, view: TensorView<'_>| {
        each(view);
        Ok(())
    };
    tensors.push(batch, pool, &mut lend).unwrap();
    tensors.finish(pool, &mut lend).unwrap();
}

/// What is compared of a row's answer.
pub(crate) fn facts(
    row: &Row,
    chain: &str,
    batch: &EventBatch,
    pool: Pool<'_>,
    out: &mut BatchBuilder,
) -> Facts {
    if !yields_tensors(chain) {
        run_into(chain, batch, pool, out);
        return Facts::Events {
            kept: out.len(),
            digest: digest(out.columns()),
        };
    }
    let has_windows = represent(row.chain)
        .unwrap()
        .windows(batch.meta())
        .unwrap()
        .is_some();
    let mut all = Vec::new();
    run_tensors(chain, batch, pool, |view| {
        let parts = if has_windows { 1 } else { view.shape()[0] };
        let cells = cells(&view);
        all.extend(cells.chunks(cells.len() / parts).map(sums));
    });
    Facts::Tensors(all)
}

fn sums(cells: &[f64]) -> [f64; 2] {
    let weighted = cells
        .iter()
        .zip(1_u32..)
        .map(|(cell, place)| cell * f64::from(place));
    [cells.iter().sum(), weighted.sum()]
}

fn cells(view: &TensorView<'_>) -> Vec<f64> {
    view.as_slice::<i16>().map_or_else(
        |_| {
            view.as_slice::<f32>()
                .unwrap()
                .iter()
                .map(|&cell| cell.into())
                .collect()
        },
        |cells| cells.iter().map(|&cell| cell.into()).collect(),
    )
}

/// A sum over the events that does not depend on their order.
fn digest(events: DvsColumns<'_>) -> u64 {
    let mixed = events.iter().map(|e| {
        let pixel = u64::from(e.y) << 17 | u64::from(e.x) << 1 | u64::from(e.p);
        let word = e.t.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ pixel.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        word ^ word >> 29
    });
    mixed.fold(0, u64::wrapping_add)
}
