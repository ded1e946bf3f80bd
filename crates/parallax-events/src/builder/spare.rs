//! [`SpareColumns`]: the room that a decoder writes to.

/// Where the next events go: four writable columns of one length.
#[derive(Debug, Default)]
pub struct SpareColumns<'a> {
    /// Time stamps.
    pub t: &'a mut [i64],
    /// Columns.
    pub x: &'a mut [u16],
    /// Rows.
    pub y: &'a mut [u16],
    /// Polarities.
    pub p: &'a mut [u8],
}

impl<'a> SpareColumns<'a> {
    /// The first `count` of the room, or all of it if there is less.
    #[must_use]
    pub fn first(self, count: usize) -> Self {
        self.split(count).0
    }

    /// The first `count` of the room, or all of it if there is less, and the rest.
    #[must_use]
    pub fn split(self, count: usize) -> (Self, Self) {
        let count = count.min(self.t.len());
        let (t, t_rest) = self.t.split_at_mut(count);
        let (x, x_rest) = self.x.split_at_mut(count);
        let (y, y_rest) = self.y.split_at_mut(count);
        let (p, p_rest) = self.p.split_at_mut(count);
        let rest = SpareColumns {
            t: t_rest,
            x: x_rest,
            y: y_rest,
            p: p_rest,
        };
        (SpareColumns { t, x, y, p }, rest)
    }

    /// The `count` places from `from` on, or as many as there are.
    pub(super) fn stretch(&mut self, from: usize, count: usize) -> SpareColumns<'_> {
        let end = self.t.len().min(from.saturating_add(count));
        let places = from.min(end)..end;
        SpareColumns {
            t: &mut self.t[places.clone()],
            x: &mut self.x[places.clone()],
            y: &mut self.y[places.clone()],
            p: &mut self.p[places],
        }
    }
}
