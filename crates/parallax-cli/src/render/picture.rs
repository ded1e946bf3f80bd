//! Accumulates events into ON and OFF values per pixel, with or without exponential decay.
//!
//! Each pixel adds up in event order, and the only transcendental is the library's own polynomial, so the same events
//! give the same picture on every machine.

use parallax::simd::math::exp_f64;
use parallax::{DvsColumns, Error, Geometry, Result};

use super::colormap::{Background, Colormap};
use super::search::Window;

/// The most pixels that a picture may have: a file can claim any size.
const MOST_PIXELS: usize = 1 << 24;
/// So many of a hundred lit pixels are not saturated.
const UNSATURATED_PERCENT: usize = 99;

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Picture {
    geometry: Geometry,
    /// The time constant in ticks; `None` counts every event alike.
    decay: Option<f64>,
    pixels: Vec<Pixel>,
    events: u64,
    span: Option<(i64, i64)>,
}

/// What a pixel had. With decay the values are as seen at the time `last`.
#[derive(Debug, Clone, Copy, Default)]
struct Pixel {
    on: f32,
    off: f32,
    last: i64,
}

impl Picture {
    pub(super) fn new(geometry: Geometry, decay: Option<f64>) -> Result<Self> {
        if geometry.pixels() > MOST_PIXELS {
            return Err(Error::limit(format!(
                "a picture of {geometry} pixels, the limit is {MOST_PIXELS}"
            ))
            .with_hint("set the sensor's size with --geometry if the file does not state it"));
        }
        Ok(Self {
            geometry,
            decay,
            pixels: vec![Pixel::default(); geometry.pixels()],
            events: 0,
            span: None,
        })
    }

    pub(super) fn geometry(&self) -> Geometry {
        self.geometry
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
        let width = usize::from(self.geometry.width);
        for event in events.iter().filter(|event| window.contains(event.t)) {
            let (x, y) = (usize::from(event.x), usize::from(event.y));
            let Some(pixel) = self.pixels.get_mut(y * width + x).filter(|_| x < width) else {
                continue;
            };
            let weight = match self.decay {
                Some(decay) => pixel.age_to(event.t, decay),
                None => 1.0,
            };
            *if event.p == 1 {
                &mut pixel.on
            } else {
                &mut pixel.off
            } += weight;
            self.events += 1;
            let (first, last) = self.span.unwrap_or((event.t, event.t));
            self.span = Some((first.min(event.t), last.max(event.t)));
        }
    }

    /// The picture as RGB, row after row from the top; `is_upwards` if row 0 of the events is the lowest.
    pub(super) fn pixels(&self, colormap: Colormap, background: Background, is_upwards: bool) -> Vec<u8> {
        let end = self.span.map_or(0, |(_, last)| last);
        let values: Vec<(f32, f32)> = self
            .pixels
            .iter()
            .map(|pixel| pixel.seen_at(end, self.decay))
            .collect();
        let scale = saturation(values.iter().map(|(on, off)| on + off));
        let width = usize::from(self.geometry.width);
        let mut rgb = Vec::with_capacity(values.len() * 3);
        let mut row_out = |row: &[(f32, f32)]| {
            for &(on, off) in row {
                rgb.extend_from_slice(&colormap.color(on / scale, off / scale, background));
            }
        };
        if is_upwards {
            values.chunks(width).rev().for_each(&mut row_out);
        } else {
            values.chunks(width).for_each(&mut row_out);
        }
        rgb
    }
}

impl Pixel {
    /// Brings the pixel to the time `t` if that is later, and returns what an event at `t` weighs in it.
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

/// The value from which on a pixel is fully lit: the brightest hundredth of the lit ones are.
fn saturation(values: impl Iterator<Item = f32>) -> f32 {
    let mut lit: Vec<f32> = values.filter(|value| *value > 0.0).collect();
    let rank = lit.len().saturating_sub(1) * UNSATURATED_PERCENT / 100;
    if lit.is_empty() {
        1.0
    } else {
        *lit.select_nth_unstable_by(rank, f32::total_cmp).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events<'a>(t: &'a [i64], x: &'a [u16], y: &'a [u16], p: &'a [u8]) -> DvsColumns<'a> {
        DvsColumns { t, x, y, p }
    }

    #[test]
    fn decay_is_the_sum_over_the_events_in_any_order() {
        let (t, x, y, p) = ([0_i64, 40, 10, 25, 60], [0; 5], [0; 5], [1; 5]);
        let mut picture = Picture::new(Geometry::new(1, 1).unwrap(), Some(20.0)).unwrap();
        picture.add(events(&t, &x, &y, &p), Window::ALL);
        let (on, off) = picture.pixels[0].seen_at(60, Some(20.0));
        #[allow(
            clippy::disallowed_methods,
            reason = "the platform's exp is the independent answer"
        )]
        let expected: f64 = t.iter().map(|&t| (-((60 - t) as f64) / 20.0).exp()).sum();
        assert!((f64::from(on) - expected).abs() < 1e-6, "{on} {expected}");
        assert_eq!(off, 0.0);
    }

    #[test]
    fn a_pixel_is_where_its_event_was() {
        let mut picture = Picture::new(Geometry::new(3, 2).unwrap(), None).unwrap();
        picture.add(
            events(&[1, 2, 3], &[2, 0, 3], &[0, 1, 0], &[1, 0, 1]),
            Window::ALL,
        );
        assert_eq!(picture.events(), 2, "x = 3 is outside");
        let color = |row: usize, column: usize, is_upwards| {
            let rgb = picture.pixels(Colormap::Gray, Background::Dark, is_upwards);
            rgb[(row * 3 + column) * 3]
        };
        assert!(color(0, 2, false) > color(0, 0, false) && color(1, 0, false) < color(1, 1, false));
        assert_eq!(
            (color(0, 2, false), color(1, 0, false)),
            (color(1, 2, true), color(0, 0, true))
        );
    }

    #[test]
    fn a_claimed_size_is_not_allocated() {
        assert!(Picture::new(Geometry::new(u16::MAX, u16::MAX).unwrap(), None).is_err());
    }
}
