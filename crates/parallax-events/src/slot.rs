//! One piece of memory laid out as a batch: a region of its own, or a slot that a pool has loaned.

use std::ops::Range;

use arrow_buffer::Buffer;
use parallax_memory::{LoanedSlot, Region};

use crate::{BatchLayout, DvsColumns, Result, SpareColumns};

/// Memory with the columns of one batch in it; it cannot grow.
#[derive(Debug)]
pub(crate) struct Slot {
    memory: Memory,
    layout: BatchLayout,
}

#[derive(Debug)]
enum Memory {
    Region(Region),
    Loan(LoanedSlot),
}

impl Slot {
    /// Memory of its own for so many events.
    pub(crate) fn new(capacity: usize) -> Result<Self> {
        let layout = BatchLayout::new(capacity)?;
        Ok(Self {
            memory: Memory::Region(Region::new(layout.bytes())?),
            layout,
        })
    }

    /// As many events as the region holds.
    pub(crate) fn region(region: Region) -> Result<Self> {
        let layout = BatchLayout::fitting(region.len())?;
        Ok(Self {
            memory: Memory::Region(region),
            layout,
        })
    }

    /// So many events in a loaned slot.
    pub(crate) fn loan(mut loan: LoanedSlot, capacity: usize) -> Result<Self> {
        let layout = BatchLayout::new(capacity)?;
        // All of the layout counts as written: which events do is known at the end.
        loan.set_len(layout.bytes())?;
        Ok(Self {
            memory: Memory::Loan(loan),
            layout,
        })
    }

    pub(crate) fn capacity(&self) -> usize {
        self.layout.capacity()
    }

    fn bytes(&self) -> &[u8] {
        match &self.memory {
            Memory::Region(region) => region.as_slice(),
            Memory::Loan(loan) => loan.as_slice(),
        }
    }

    /// The first `len` events.
    pub(crate) fn columns(&self, len: usize) -> DvsColumns<'_> {
        let (bytes, layout) = (self.bytes(), &self.layout);
        DvsColumns {
            t: bytemuck::cast_slice(&bytes[layout.t(len)]),
            x: bytemuck::cast_slice(&bytes[layout.x(len)]),
            y: bytemuck::cast_slice(&bytes[layout.y(len)]),
            p: &bytes[layout.p(len)],
        }
    }

    /// The events `range`, to write.
    pub(crate) fn spare(&mut self, range: Range<usize>) -> SpareColumns<'_> {
        let layout = self.layout;
        let bytes = match &mut self.memory {
            Memory::Region(region) => region.as_mut_slice(),
            Memory::Loan(loan) => loan.as_mut_slice(),
        };
        let capacity = layout.capacity();
        let (t, rest) = bytes.split_at_mut(layout.x(0).start);
        let (x, rest) = rest.split_at_mut(layout.y(0).start - layout.x(0).start);
        let (y, p) = rest.split_at_mut(layout.p(0).start - layout.y(0).start);
        SpareColumns {
            t: &mut bytemuck::cast_slice_mut(&mut t[..capacity * 8])[range.clone()],
            x: &mut bytemuck::cast_slice_mut(&mut x[..capacity * 2])[range.clone()],
            y: &mut bytemuck::cast_slice_mut(&mut y[..capacity * 2])[range.clone()],
            p: &mut p[range],
        }
    }

    /// The first `len` events as Arrow buffers: t, x, y, p. The memory goes when the last of them does.
    pub(crate) fn into_arrow(self, len: usize) -> [Buffer; 4] {
        let whole = match self.memory {
            Memory::Region(region) => region.seal().into_arrow(..),
            Memory::Loan(loan) => loan.seal().into_arrow(..),
        };
        let layout = self.layout;
        [layout.t(len), layout.x(len), layout.y(len), layout.p(len)]
            .map(|range| whole.slice_with_length(range.start, range.len()))
    }
}
