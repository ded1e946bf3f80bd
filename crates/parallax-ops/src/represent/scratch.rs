//! Cells beside the tensor's own: what a window, or a stream, adds up before it is turned into what is shown.

use bytemuck::Pod;

use super::kernel::Memory;

/// Cells that begin at zero with every window, or with the stream.
#[derive(Debug)]
pub(super) struct Scratch<T> {
    cells: Vec<T>,
    keeps: bool,
    is_used: bool,
}

impl<T: Pod> Scratch<T> {
    /// Zero at the start of every window.
    pub(super) fn new(count: usize) -> Self {
        Self::keeping(count, false)
    }

    /// Zero at the start of the stream only, if it `keeps` them.
    pub(super) fn keeping(count: usize, keeps: bool) -> Self {
        Self {
            cells: vec![T::zeroed(); count],
            keeps,
            is_used: false,
        }
    }

    pub(super) fn cells(&mut self) -> &mut [T] {
        self.is_used = true;
        &mut self.cells
    }
}

impl<T: Pod + std::fmt::Debug + Send + Sync> Memory for Scratch<T> {
    fn reset(&mut self) {
        if std::mem::replace(&mut self.is_used, false) {
            self.cells.fill(T::zeroed());
        }
    }

    fn restart(&mut self) {
        if !self.keeps {
            self.reset();
        }
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        bytes.extend(bytemuck::cast_slice::<T, u8>(&self.cells));
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        let cells: &mut [u8] = bytemuck::cast_slice_mut(&mut self.cells);
        if cells.len() != bytes.len() {
            return false;
        }
        cells.copy_from_slice(bytes);
        self.is_used = true;
        true
    }
}
