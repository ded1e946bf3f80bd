//! Tensors window by window: in memory that is used again, and however the stream is cut into batches.

use std::sync::Arc;

use parallax_events::{
    Error, EventBatch, Meta, Order, Pool, Represent, Result, Span, Tensor, WindowCursor, WindowSlices,
    WindowSpec,
};
use parallax_ops::Tensors;

use super::OperatorRow;
use super::answer::Op;
use super::streams::{pieces, random_pieces, streams};
use crate::laws::{Broken, Lawful, ensure};

/// Windows of time with and without overlap, short and long ones, and windows of events: a tensor lent from reused
/// memory is the one that a window in fresh memory gives; batches of any size and borrowed columns give the same tensors.
/// Windows that overlap are refused where each goes on counting from the one before it.
pub fn window_by_window(row: &OperatorRow) -> Lawful {
    let streams = streams()?;
    row.each(|variant| {
        let Op::Tensor(op) = &variant.op else {
            return Ok(());
        };
        for (name, whole) in &streams {
            for (which, spec) in specs(whole)? {
                let who = format!("{name}, {which}");
                if row.row.is_some() && op.counts_on() && spec.overlaps() {
                    let op = parallax_ops::represent(&variant.text)?;
                    let refused = Tensors::with_windows(op, Some(spec), whole.meta());
                    ensure!(refused.is_err(), "{who}: shared events would count twice");
                    continue;
                }
                let wanted = in_fresh_memory(op.as_ref(), whole, &spec);
                let Ok(wanted) = wanted else {
                    ensure!(op.state(whole.meta(), Span::Events).is_err(), "{who}: {wanted:?}");
                    continue;
                };
                ensure!(!wanted.is_empty(), "{who}: the stream has no window");
                for batches in [vec![whole.clone()], pieces(whole, 64), random_pieces(whole, 3)] {
                    let found = lent(op.as_ref(), &batches, &spec)?;
                    same(&found, &wanted, &format!("{who}, in {} batches", batches.len()))?;
                }
                if row.row.is_some() {
                    let mut tensors = Tensors::with_windows(
                        parallax_ops::represent(&variant.text)?,
                        Some(spec),
                        whole.meta(),
                    )?;
                    let mut found = Vec::new();
                    let mut keep = |_: u64, view: parallax_events::TensorView<'_>| {
                        found.push(view.to_tensor(Arc::clone(whole.meta()))?);
                        Ok(())
                    };
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
                    let pool = pool.map_err(|error| Broken(format!("no pool of 2 threads: {error}")))?;
                    for batch in pieces(whole, 500) {
                        tensors.push(&batch, Pool::from(&pool), &mut keep)?;
                    }
                    tensors.finish(Pool::from(&pool), &mut keep)?;
                    same(&found, &wanted, &format!("{who}, by Tensors on two threads"))?;
                }
            }
        }
        Ok(())
    })
}

fn specs(stream: &EventBatch) -> Result<Vec<(&'static str, WindowSpec)>> {
    let unit = stream.meta().time_unit;
    let mut specs = vec![
        (
            "windows of 300 events",
            WindowSpec::count(300)?.include_incomplete(true),
        ),
        (
            "windows of 40 events, 15 of them shared",
            WindowSpec::count(40)?.with_overlap_events(15)?,
        ),
    ];
    if stream.order() >= Order::Time {
        specs.push((
            "windows of 10 ms",
            WindowSpec::time(10_000, unit)?.include_incomplete(true),
        ));
        specs.push((
            "windows of 3 ms, 1 ms of it shared",
            WindowSpec::time(3000, unit)?.with_overlap(1000)?,
        ));
    }
    Ok(specs)
}

fn in_fresh_memory(op: &dyn Represent, whole: &EventBatch, spec: &WindowSpec) -> Result<Vec<Tensor>> {
    driven(op, std::slice::from_ref(whole), spec, false, |state, meta| {
        op.tensor(state, meta, Pool::serial())
    })
}

fn lent(op: &dyn Represent, batches: &[EventBatch], spec: &WindowSpec) -> Result<Vec<Tensor>> {
    driven(op, batches, spec, true, |state, meta| {
        op.view(state, Pool::serial())?.to_tensor(Arc::new(meta.clone()))
    })
}

fn driven(
    op: &dyn Represent,
    batches: &[EventBatch],
    spec: &WindowSpec,
    shares: bool,
    mut ready: impl FnMut(&mut dyn parallax_events::OpState, &Meta) -> Result<Tensor>,
) -> Result<Vec<Tensor>> {
    let first = batches
        .first()
        .ok_or_else(|| Error::internal("a stream without batches"))?;
    let mut cursor = WindowCursor::new(spec.clone(), first.meta())?;
    let mut state = op.state(first.meta(), Span::Events)?;
    let mut tensors = Vec::new();
    let mut one = |window: WindowSlices| -> Result<()> {
        op.restart(state.as_mut(), Span::from(&window.window))?;
        for batch in &window.slices {
            if shares {
                op.accumulate_batch(state.as_mut(), batch, Pool::serial())?;
            } else {
                op.accumulate(state.as_mut(), batch.columns(), Pool::serial())?;
            }
        }
        tensors.push(ready(state.as_mut(), first.meta())?);
        Ok(())
    };
    for batch in batches {
        cursor.push(batch)?.try_for_each(&mut one)?;
    }
    cursor.finish().try_for_each(one)?;
    Ok(tensors)
}

fn same(found: &[Tensor], wanted: &[Tensor], who: &str) -> Lawful {
    ensure!(
        found.len() == wanted.len(),
        "{who}: {} tensors instead of {}",
        found.len(),
        wanted.len()
    );
    for (index, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        ensure!(
            (found.dtype(), found.shape(), found.axes(), found.time_span())
                == (wanted.dtype(), wanted.shape(), wanted.axes(), wanted.time_span()),
            "{who}: tensor {index} is {} {:?} over {:?}, not {} {:?} over {:?}",
            found.dtype(),
            found.shape(),
            found.time_span(),
            wanted.dtype(),
            wanted.shape(),
            wanted.time_span()
        );
        ensure!(
            found.buffer() == wanted.buffer(),
            "{who}: the cells of tensor {index} differ"
        );
    }
    Ok(())
}
