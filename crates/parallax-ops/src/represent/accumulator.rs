//! From a [`Kernel`] to a `Represent`: the state of a window, its memory, and how it is saved.
//!
//! Cells lie in one region of memory that window after window uses again. Between windows only the cells that were
//! touched are set back, as long as those are few: a window of 10 ms touches a thousand of half a million cells.
//!
//! A kernel that must know the window's bounds, in a window whose bounds are those of its events, gets its events when
//! the tensor is asked for; until then the state holds on to them (13 bytes an event; batches are shared, not copied).

use std::any::Any;
use std::sync::Arc;

use parallax_events::{
    DvsColumns, Element, Error, EventBatch, Geometry, Meta, OpState, Order, Params, Pool, Represent, Result,
    Span, Tensor, TensorView, WindowSpec, state_as,
};
use parallax_memory::Column;
use parallax_simd::bounds::min_max_i64;
use parallax_simd::order;

use super::kernel::{Events, Kernel, Layout, Memory, Needs, Stage};
use super::one_window::OneWindow;
use super::windows;
use crate::cells;
use crate::saved::{Loaded, wrong};

/// The most bytes that a tensor may have: a file can claim any sensor size.
const MOST_BYTES: usize = 1 << 31;

/// An operator made of a kernel.
#[derive(Debug)]
pub(super) struct Windowed<K> {
    params: Params,
    kernel: K,
}

impl<K: Kernel> Windowed<K> {
    pub(super) fn boxed(params: Params, kernel: K) -> Result<Box<dyn Represent>> {
        windows::check(&params, kernel.counts_on())?;
        Ok(Box::new(Self { params, kernel }))
    }
}

impl<K: Kernel> Represent for Windowed<K> {
    fn params(&self) -> &Params {
        &self.params
    }

    fn windows(&self, meta: &Meta) -> Result<Option<WindowSpec>> {
        windows::of(&self.params, meta.time_unit, self.kernel.has_closed_windows())
    }

    fn counts_on(&self) -> bool {
        self.kernel.counts_on()
    }

    fn waits(&self, span: Span) -> bool {
        defers(self.kernel.needs(), span)
    }

    fn state(&self, meta: &Meta, span: Span) -> Result<Box<dyn OpState>> {
        let geometry = meta.require_geometry()?;
        let layout = self.kernel.layout(geometry);
        let count = layout
            .shape
            .iter()
            .try_fold(1_usize, |cells, &length| cells.checked_mul(length));
        let count = count
            .filter(|count| *count <= MOST_BYTES / size_of::<K::Cell>())
            .ok_or_else(|| {
                Error::limit(format!(
                    "a tensor of {} of shape {:?} is larger than {MOST_BYTES} bytes",
                    K::Cell::DTYPE,
                    layout.shape
                ))
                .with_context("operator", self.params.id())
                .with_hint("keep a region of the sensor, or use fewer bins")
            })?;
        Ok(Box::new(Accumulator::<K> {
            meta: Arc::new(meta.clone()),
            geometry,
            layout,
            count,
            cells: Column::with_capacity(0)?,
            is_stale: false,
            memory: self.kernel.memory(geometry)?,
            window: OneWindow::new(span),
            needs: self.kernel.needs(),
            writes_all: self.kernel.writes_all(),
            clears: self.kernel.clears(),
        }))
    }

    fn accumulate(&self, state: &mut dyn OpState, events: DvsColumns<'_>, pool: Pool<'_>) -> Result<()> {
        let state = state_as::<Accumulator<K>>(state)?;
        // Only whoever looks at times pays for the look.
        let looks = state.needs != Needs::Nothing || matches!(state.window.span, Span::Time { .. });
        let is_ordered = looks && order::scan(events.t, None).steps_back == 0;
        state.take_in(
            &self.kernel,
            Events {
                columns: events,
                is_ordered,
            },
            None,
            pool,
        )
    }

    fn accumulate_batch(&self, state: &mut dyn OpState, batch: &EventBatch, pool: Pool<'_>) -> Result<()> {
        let state = state_as::<Accumulator<K>>(state)?;
        if batch.meta().geometry != state.meta.geometry {
            return Err(Error::param("a batch of another sensor size than the stream's")
                .with_context("operator", self.params.id()));
        }
        let events = Events {
            columns: batch.columns(),
            is_ordered: batch.order() >= Order::Time,
        };
        state.take_in(&self.kernel, events, Some(batch), pool)
    }

    fn view<'s>(&self, state: &'s mut dyn OpState, pool: Pool<'_>) -> Result<TensorView<'s>> {
        let state = state_as::<Accumulator<K>>(state)?;
        state.complete(&self.kernel, pool)?;
        let view = TensorView::new(state.cells.as_slice(), &state.layout.shape, &state.layout.axes)?;
        Ok(view.with_time_span(state.window.time_span()))
    }

    fn restart(&self, state: &mut dyn OpState, span: Span) -> Result<()> {
        let state = state_as::<Accumulator<K>>(state)?;
        state.clear(Some(&self.kernel));
        state.memory.restart();
        state.window.restart(span);
        Ok(())
    }

    fn tensor(&self, state: &mut dyn OpState, meta: &Meta, pool: Pool<'_>) -> Result<Tensor> {
        let state = state_as::<Accumulator<K>>(state)?;
        state.complete(&self.kernel, pool)?;
        // The next ones are had when there is a next one.
        let cells = std::mem::replace(&mut state.cells, Column::with_capacity(0)?).into_region();
        let (Layout { shape, axes }, dtype) = (&state.layout, K::Cell::DTYPE);
        let axes = axes.iter().cloned();
        let tensor = Tensor::from_region(cells, dtype, shape.as_slice(), axes, Arc::new(meta.clone()))?;
        state.window.is_dirty = false;
        state.window.touched.clear();
        Ok(tensor.with_time_span(state.window.time_span()))
    }
}

/// Whether the events of such a window wait until all of it is known.
fn defers(needs: Needs, span: Span) -> bool {
    match needs {
        Needs::Nothing => false,
        Needs::Bounds => span == Span::Events,
        Needs::Whole => true,
    }
}

#[derive(Debug)]
struct Accumulator<K: Kernel> {
    meta: Arc<Meta>,
    geometry: Geometry,
    layout: Layout,
    /// How many cells there are.
    count: usize,
    /// None before the first events, nor behind a tensor that took them away.
    cells: Column<K::Cell>,
    /// Whether they stand for zeros that are not written.
    is_stale: bool,
    memory: K::Memory,
    window: OneWindow,
    needs: Needs,
    writes_all: bool,
    clears: bool,
}

impl<K: Kernel> Accumulator<K> {
    /// Whether the events wait until the window's bounds are known.
    fn defers(&self) -> bool {
        defers(self.needs, self.window.span)
    }

    /// Takes in the events that lie in the window, or holds on to them; `batch` if they are all of one.
    fn take_in(
        &mut self,
        kernel: &K,
        events: Events<'_>,
        batch: Option<&EventBatch>,
        pool: Pool<'_>,
    ) -> Result<()> {
        let columns = events.columns;
        let extent = match (columns.t.first(), columns.t.last()) {
            (Some(&first), Some(&last)) if events.is_ordered => Some((first, last)),
            _ => min_max_i64(columns.t),
        };
        let Some((least, most)) = extent else {
            return Ok(());
        };
        let Span::Time { start, end } = self.window.span else {
            self.window.extend(least, most);
            return self.keep(kernel, events, batch, pool);
        };
        if start <= least && most < end {
            self.window.extend(least, most);
            return self.keep(kernel, events, batch, pool);
        }
        if events.is_ordered {
            let inside = columns.t.partition_point(|&t| t < start)..columns.t.partition_point(|&t| t < end);
            let batch = batch.map(|batch| batch.slice(inside.clone()));
            let events = Events {
                columns: columns.slice(inside),
                ..events
            };
            self.window.extend_by(events.columns);
            return self.keep(kernel, events, batch.as_ref(), pool);
        }
        let inside: Vec<_> = columns
            .iter()
            .filter(|event| (start..end).contains(&event.t))
            .collect();
        let inside = EventBatch::from_events(&inside, Arc::clone(&self.meta))?;
        self.window.extend_by(inside.columns());
        let events = Events {
            columns: inside.columns(),
            is_ordered: inside.order() >= Order::Time,
        };
        self.keep(kernel, events, Some(&inside), pool)
    }

    fn keep(
        &mut self,
        kernel: &K,
        events: Events<'_>,
        batch: Option<&EventBatch>,
        pool: Pool<'_>,
    ) -> Result<()> {
        if !self.defers() {
            return self.add(kernel, events, pool);
        }
        match batch {
            Some(batch) => self.window.hold(batch.clone()),
            None => {
                let DvsColumns { t, x, y, p } = events.columns;
                let meta = Arc::clone(&self.meta);
                self.window.hold(EventBatch::try_new(
                    t.to_vec(),
                    x.to_vec(),
                    y.to_vec(),
                    p.to_vec(),
                    meta,
                )?)
            }
        }
    }

    /// Makes sure that there are cells.
    fn provide(&mut self, pool: Pool<'_>) -> Result<()> {
        if self.cells.len() < self.count {
            self.cells = cells::stale(self.count)?;
            self.is_stale = true;
        }
        if !self.clears {
            self.stage(pool).clear();
        }
        Ok(())
    }

    fn add(&mut self, kernel: &K, events: Events<'_>, pool: Pool<'_>) -> Result<()> {
        self.provide(pool)?;
        let mut stage = self.stage(pool);
        kernel.add(&mut stage, events)?;
        self.window.added = self.window.added.saturating_add(events.columns.len() as u64);
        if self.clears {
            self.window.is_dirty = true;
        } else if !self.writes_all {
            self.window.touch(events.columns, self.count);
        }
        Ok(())
    }

    fn stage<'a>(&'a mut self, pool: Pool<'a>) -> Stage<'a, K> {
        Stage {
            geometry: self.geometry,
            bounds: self.window.bounds(),
            before: self.window.added,
            count: self.window.held_events as u64,
            extent: self.window.extent,
            cells: self.cells.as_mut_slice(),
            is_stale: &mut self.is_stale,
            memory: &mut self.memory,
            pool,
            unit: self.meta.time_unit,
        }
    }

    fn complete(&mut self, kernel: &K, pool: Pool<'_>) -> Result<()> {
        self.provide(pool)?;
        if self.defers() {
            self.clear(Some(kernel));
            self.memory.restart();
            self.window.added = 0;
            let held = std::mem::take(&mut self.window.held);
            for batch in &held {
                let is_ordered = batch.order() >= Order::Time;
                self.add(
                    kernel,
                    Events {
                        columns: batch.columns(),
                        is_ordered,
                    },
                    pool,
                )?;
            }
            self.window.held = held;
        }
        let mut stage = self.stage(pool);
        stage.clear();
        kernel.finish(&mut stage);
        Ok(())
    }

    /// Whether the cells are part of what is known, not only of what it looks like.
    fn saves_cells(&self, span: Span) -> bool {
        !self.writes_all && !defers(self.needs, span)
    }

    /// Has all cells be zero, if it matters.
    fn clear(&mut self, kernel: Option<&K>) {
        let OneWindow {
            touched, is_dirty, ..
        } = &mut self.window;
        let cells = self.cells.as_mut_slice();
        let erased = !*is_dirty
            && (touched.is_empty()
                || kernel.is_some_and(|kernel| kernel.erase(cells, self.geometry, touched.columns())));
        self.is_stale |= !erased;
        touched.clear();
        *is_dirty = false;
    }
}

impl<K: Kernel> OpState for Accumulator<K> {
    fn reset(&mut self) {
        self.clear(None);
        self.memory.reset();
        self.window.restart(self.window.first);
    }

    fn save(&self) -> Vec<u8> {
        let mut memory = Vec::new();
        self.memory.save(&mut memory);
        let cells = if self.is_stale {
            &[]
        } else {
            bytemuck::cast_slice::<K::Cell, u8>(self.cells.as_slice())
        };
        // Those that are not there, or not written.
        let zeros = vec![0; size_of::<K::Cell>() * self.count - cells.len()];
        let cells = match self.saves_cells(self.window.span) {
            true if cells.is_empty() => &zeros,
            true => cells,
            false => &[],
        };
        self.window.save().part(&memory).part(cells).bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let mut window = OneWindow::restore(&mut loaded, &self.meta, self.window.first)?;
        let (memory, cells) = (loaded.part()?, loaded.part()?);
        loaded.end()?;
        let saves_cells = self.saves_cells(window.span);
        let wanted = if saves_cells {
            self.count * size_of::<K::Cell>()
        } else {
            0
        };
        if cells.len() != wanted
            || (!defers(self.needs, window.span) && !window.held.is_empty())
            || !self.memory.restore(memory)
        {
            return Err(wrong());
        }
        if saves_cells {
            self.provide(Pool::serial())?;
            bytemuck::cast_slice_mut(self.cells.as_mut_slice()).copy_from_slice(cells);
            self.is_stale = false;
        }
        window.is_dirty = true;
        self.window = window;
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
