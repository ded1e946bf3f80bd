//! Accumulates events into ON and OFF values per cell, with or without exponential decay.
//!
//! Each cell adds up in event order, and the only transcendental is the library's own polynomial, so the same events
//! give the same picture on every machine.

use parallax::DvsColumns;
use parallax::simd::math::exp_f64;

use super::raster::Raster;
use super::search::Window;

/// So many of a hundred lit pixels are not saturated.
const UNSATURATED_PERCENT: usize = 99;

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Picture {
    raster: Raster,
    /// The time constant in ticks; `None` counts every event alike.
    decay: Option<f64>,
    cells: Vec<Cell>,
    /// How many sensor pixels each cell stands for: cells of one picture differ by one pixel each way.
    areas: Vec<f32>,
    events: u64,
    span: Option<(i64, i64)>,
}

/// What a cell had. With decay the values are as seen at the time `last`.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    on: f32,
    off: f32,
    last: i64,
}

impl Picture {
    pub(super) fn new(raster: Raster, decay: Option<f64>) -> Self {
        Self {
            cells: vec![Cell::default(); raster.cells.pixels()],
            areas: raster.areas(),
            raster,
            decay,
            events: 0,
            span: None,
        }
    }

    pub(super) fn raster(&self) -> &Raster {
        &self.raster
    }

    /// How many events were drawn.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// The first and the last time that was drawn.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// Draws the events that lie in `window`.
    pub(super) fn add(&mut self, events: DvsColumns<'_>, window: Window) {
        for event in events.iter().filter(|event| window.contains(event.t)) {
            let cell = self.raster.cell(event.x, event.y);
            let Some(cell) = cell.and_then(|cell| self.cells.get_mut(cell)) else {
                continue;
            };
            let weight = match self.decay {
                Some(decay) => cell.age_to(event.t, decay),
                None => 1.0,
            };
            *if event.p == 1 { &mut cell.on } else { &mut cell.off } += weight;
            self.events += 1;
            let (first, last) = self.span.unwrap_or((event.t, event.t));
            self.span = Some((first.min(event.t), last.max(event.t)));
        }
    }

    /// The ON and OFF values of the cells as seen at the time `end`, for each pixel of the sensor.
    pub(super) fn seen_at(&self, end: i64) -> Vec<(f32, f32)> {
        let seen = |(cell, area): (&Cell, &f32)| {
            let (on, off) = cell.seen_at(end, self.decay);
            (on / area, off / area)
        };
        self.cells.iter().zip(&self.areas).map(seen).collect()
    }

    /// Forgets what was drawn; with decay it goes on fading instead.
    pub(super) fn next_frame(&mut self) {
        if self.decay.is_none() {
            self.cells.fill(Cell::default());
        }
    }
}

impl Cell {
    /// Brings the cell to the time `t` if that is later, and returns what an event at `t` weighs in it.
    fn age_to(&mut self, t: i64, decay: f64) -> f32 {
        if self.on == 0.0 && self.off == 0.0 {
            self.last = t;
        }
        let factor = fade(self.last.abs_diff(t), decay);
        if t < self.last {
            return factor;
        }
        self.on *= factor;
        self.off *= factor;
        self.last = t;
        1.0
    }

    fn seen_at(self, end: i64, decay: Option<f64>) -> (f32, f32) {
        let factor = decay.map_or(1.0, |decay| fade(self.last.abs_diff(end), decay));
        (self.on * factor, self.off * factor)
    }
}

fn fade(ticks: u64, decay: f64) -> f32 {
    exp_f64(-(ticks as f64) / decay) as f32
}

/// The value from which on a cell is fully lit: the brightest hundredth of the lit ones are. `None` if none is lit.
pub(crate) fn saturation(values: &[(f32, f32)]) -> Option<f32> {
    let mut lit: Vec<f32> = values
        .iter()
        .map(|(on, off)| on + off)
        .filter(|value| *value > 0.0)
        .collect();
    let rank = lit.len().saturating_sub(1) * UNSATURATED_PERCENT / 100;
    if lit.is_empty() {
        None
    } else {
        Some(*lit.select_nth_unstable_by(rank, f32::total_cmp).1)
    }
}

#[cfg(test)]
mod tests {
    use parallax::Geometry;

    use super::*;

    fn picture(width: u16, height: u16, decay: Option<f64>) -> Picture {
        let raster = Raster::new(Geometry::new(width, height).unwrap(), None).unwrap();
        Picture::new(raster, decay)
    }

    fn events<'a>(t: &'a [i64], x: &'a [u16], y: &'a [u16], p: &'a [u8]) -> DvsColumns<'a> {
        DvsColumns { t, x, y, p }
    }

    #[test]
    fn decay_is_the_sum_over_the_events_in_any_order() {
        let (t, x, y, p) = ([0_i64, 40, 10, 25, 60], [0; 5], [0; 5], [1; 5]);
        let mut picture = picture(1, 1, Some(20.0));
        picture.add(events(&t, &x, &y, &p), Window::ALL);
        let (on, off) = picture.seen_at(60)[0];
        #[allow(
            clippy::disallowed_methods,
            reason = "the platform's exp is the independent answer"
        )]
        let expected: f64 = t.iter().map(|&t| (-((60 - t) as f64) / 20.0).exp()).sum();
        assert!((f64::from(on) - expected).abs() < 1e-6, "{on} {expected}");
        assert_eq!(off, 0.0);
    }

    #[test]
    fn a_cell_is_where_its_event_was() {
        let mut picture = picture(3, 2, None);
        picture.add(
            events(&[1, 2, 3], &[2, 0, 3], &[0, 1, 0], &[1, 0, 1]),
            Window::ALL,
        );
        assert_eq!(picture.events(), 2, "x = 3 is outside");
        let nothing = (0.0, 0.0);
        let row = [nothing, nothing, (1.0, 0.0), (0.0, 1.0), nothing, nothing];
        assert_eq!(picture.seen_at(3), row);
        picture.next_frame();
        assert_eq!(picture.seen_at(3), [nothing; 6]);
    }

    #[test]
    fn the_brightest_hundredth_is_saturated() {
        assert_eq!(saturation(&[(0.0, 0.0)]), None);
        let values: Vec<(f32, f32)> = (0..=100).map(|n| (n as f32, 0.0)).collect();
        assert_eq!(saturation(&values), Some(99.0));
    }
}
