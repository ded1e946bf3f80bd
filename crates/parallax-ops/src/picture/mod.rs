//! Pictures for people: events or a tensor to RGB pixels.
//!
//! A [`Picture`] accumulates events into ON and OFF values per cell, with or without exponential decay; a [`Raster`] says
//! which pixels of the sensor are a cell and which pixels of the picture show it; a [`Colormap`] makes colours of values.
//! [`tensor_pixels`] lays out the planes of a tensor.
//!
//! Each cell adds up in event order, and the only transcendental is the library's own polynomial, so the same events
//! give the same picture on every machine.

mod colormap;
mod plane;
mod raster;

use std::ops::RangeBounds;

pub use colormap::{Background, Colormap, Palette};
use parallax_events::DvsColumns;
use parallax_simd::math::exp_f64;
pub use plane::tensor_pixels;
pub use raster::{MOST_PIXELS, Raster, Size};

/// So many of a hundred lit pixels are not saturated.
const UNSATURATED_PERCENT: usize = 99;

/// A picture in the making.
///
/// ```
/// use parallax_events::{DvsColumns, Geometry};
/// use parallax_ops::picture::{Background, Colormap, Picture, Raster};
///
/// let mut picture = Picture::new(Raster::new(Geometry::new(2, 1)?, None)?, None);
/// picture.add(DvsColumns { t: &[5], x: &[1], y: &[0], p: &[1] }, ..);
/// let pixels = picture.pixels(5, Colormap::Gray, Background::Dark, false);
/// assert_eq!(pixels, [128, 128, 128, 255, 255, 255]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug)]
pub struct Picture {
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
    /// An empty picture. `decay` is the time constant with which events fade, in ticks of the stream's unit.
    pub fn new(raster: Raster, decay: Option<f64>) -> Self {
        Self {
            cells: vec![Cell::default(); raster.cells.pixels()],
            areas: raster.areas(),
            raster,
            decay,
            events: 0,
            span: None,
        }
    }

    /// How sensor, cells and pixels lie on each other.
    pub fn raster(&self) -> &Raster {
        &self.raster
    }

    /// How many events were drawn.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The first and the last time that was drawn.
    pub fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// Draws the events whose time lies in `window`.
    pub fn add(&mut self, events: DvsColumns<'_>, window: impl RangeBounds<i64>) {
        for event in events.iter().filter(|event| window.contains(&event.t)) {
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
    pub fn seen_at(&self, end: i64) -> Vec<(f32, f32)> {
        let seen = |(cell, area): (&Cell, &f32)| {
            let (on, off) = cell.seen_at(end, self.decay);
            (on / area, off / area)
        };
        self.cells.iter().zip(&self.areas).map(seen).collect()
    }

    /// The picture as seen at the time `end`: RGB, row after row from the top; the brightest hundredth of the lit cells
    /// is saturated. `is_upwards` if row 0 of the sensor is the lowest.
    pub fn pixels(&self, end: i64, colormap: Colormap, background: Background, is_upwards: bool) -> Vec<u8> {
        let cells = self.seen_at(end);
        let scale = saturation(&cells).unwrap_or(1.0);
        let color = |(on, off): &(f32, f32)| colormap.color(on / scale, off / scale, background);
        let colors: Vec<[u8; 3]> = cells.iter().map(color).collect();
        self.raster.enlarge(&colors, is_upwards).into_flattened()
    }

    /// Forgets what was drawn; with decay it goes on fading instead.
    pub fn next_frame(&mut self) {
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
pub fn saturation(values: &[(f32, f32)]) -> Option<f32> {
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
    use parallax_events::Geometry;

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
        picture.add(events(&t, &x, &y, &p), ..);
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
        picture.add(events(&[1, 2, 3], &[2, 0, 3], &[0, 1, 0], &[1, 0, 1]), ..);
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
