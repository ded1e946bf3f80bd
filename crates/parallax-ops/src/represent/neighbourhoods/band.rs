//! Some rows of cells: what their events look at, and add to. What a band remembers stays in the second-level cache of the
//! thread that it belongs to.

use parallax_events::DvsColumns;
use parallax_simd::math::{exp_f64, exp_slice_f64};
use parallax_simd::prefetch::soon;
use parallax_simd::select::within_u16;

use super::group::{Fade, Group, Live, since};

/// Exponents stay below this.
const MOST_EXPONENT: f64 = 300.0;
/// Events that are looked through at once for those of a band.
const ASKED: usize = 512;
/// An event is announced so many before it.
const AHEAD: usize = 4;

/// Some rows of cells.
pub(super) struct Band<'a> {
    pub(super) cell: usize,
    pub(super) size: usize,
    pub(super) columns: usize,
    pub(super) rows: std::ops::Range<usize>,
    pub(super) groups: &'a mut [Group],
    pub(super) weights: &'a mut [f64],
    pub(super) moments: &'a mut [f64],
    pub(super) sums: &'a mut [f64],
}

impl Band<'_> {
    /// Times do not go back.
    pub(super) fn add(&mut self, events: DvsColumns<'_>, fade: Fade) {
        match self.size {
            3 => self.add_sized(events, fade, see::<3>),
            5 => self.add_sized(events, fade, see::<5>),
            7 => self.add_sized(events, fade, see::<7>),
            9 => self.add_sized(events, fade, see::<9>),
            11 => self.add_sized(events, fade, see::<11>),
            size => self.add_sized(events, fade, move |pixels, side, factor, sums| {
                see_any(size, pixels, side, factor, sums);
            }),
        }
    }

    /// `see` adds the pixels of a surface, times a factor, to sums.
    #[inline(always)]
    fn add_sized(
        &mut self,
        events: DvsColumns<'_>,
        fade: Fade,
        see: impl Fn(&[f64], usize, f64, &mut [f64]),
    ) {
        let last_row = self.rows.end * self.cell - 1;
        let rows = (self.rows.start * self.cell) as u16..=last_row.min(u16::MAX.into()) as u16;
        let mut room = [Look::default(); ASKED];
        let (mut exponents, mut grown) = ([0.0; ASKED], [0.0; ASKED]);
        for start in (0..events.len()).step_by(ASKED) {
            let part = events.slice(start..events.len().min(start + ASKED));
            let mut words = [u64::MAX; ASKED / 64];
            within_u16(part.y, rows.clone(), &mut words);
            let mut count = 0;
            for (mut word, first) in words.into_iter().zip((0..part.len()).step_by(64)) {
                if let Some(beyond) = (first + 64).checked_sub(part.len()) {
                    word &= u64::MAX >> beyond;
                }
                while word != 0 {
                    let index = first + word.trailing_zeros() as usize;
                    room[count] = self.look((part.x[index], part.y[index], part.p[index]), part.t[index]);
                    count += 1;
                    word &= word - 1;
                }
            }
            let looks = &room[..count];
            if !fade.is_linear {
                // Of many at once; a group's reference seldom moves on.
                for (exponent, look) in exponents.iter_mut().zip(looks) {
                    let reference = self.groups.get(look.group).map_or(0, |group| group.reference);
                    *exponent = since(reference, look.clock) * fade.rate;
                }
                exp_slice_f64(&exponents[..looks.len()], &mut grown);
            }
            for (index, look) in looks.iter().enumerate() {
                if let Some(coming) = looks.get(index + AHEAD) {
                    self.fetch(coming);
                }
                self.add_one(look, fade, exponents[index], grown[index], &see);
            }
        }
    }

    #[inline(always)]
    fn look(&self, (x, y, p): (u16, u16, u8), clock: i64) -> Look {
        let side = self.cell + self.size - 1;
        let (x, y) = (usize::from(x), usize::from(y));
        let (column, left) = (x / self.cell, x % self.cell);
        let (row, above) = (y / self.cell - self.rows.start, y % self.cell);
        let group = 2 * (row * self.columns + column) + usize::from(p);
        Look {
            clock,
            group,
            corner: above * side + left,
        }
    }

    /// What an event looks at will be asked for soon.
    #[inline(always)]
    fn fetch(&self, look: &Look) {
        let (side, surface) = (self.cell + self.size - 1, self.size * self.size);
        soon(self.groups, look.group);
        for row in 0..self.size {
            let first = look.group * side * side + look.corner + row * side;
            soon(self.weights, first);
            soon(self.weights, first + self.size - 1);
        }
        for first in (0..surface).step_by(8) {
            soon(self.sums, look.group * surface + first);
        }
    }

    /// `exponent` and `grown` are the event's if the group's reference has not changed since they were calculated.
    #[inline(always)]
    fn add_one(
        &mut self,
        look: &Look,
        fade: Fade,
        mut exponent: f64,
        mut grown: f64,
        see: &impl Fn(&[f64], usize, f64, &mut [f64]),
    ) {
        let &Look {
            clock,
            group: index,
            corner,
        } = look;
        let (side, surface) = (self.cell + self.size - 1, self.size * self.size);
        let pixels = index * side * side..(index + 1) * side * side;
        let (Some(group), Some(weights), Some(sums)) = (
            self.groups.get_mut(index),
            self.weights.get_mut(pixels.clone()),
            self.sums.get_mut(index * surface..(index + 1) * surface),
        ) else {
            return;
        };
        // There are some only where weights are linear.
        let moments = self.moments.get_mut(pixels).unwrap_or_default();
        let own = corner + self.size / 2 * (side + 1);
        if group.count == 0 {
            group.reference = clock;
            weights.fill(0.0);
            moments.fill(0.0);
            sums.fill(0.0);
        }
        group.count = group.count.saturating_add(1);
        let age = since(group.reference, clock);
        if fade.expires {
            group.expire(clock, fade, weights, moments);
        }
        if fade.is_linear {
            grown = 1.0;
        } else if age * fade.rate != exponent || exponent > MOST_EXPONENT {
            exponent = age * fade.rate;
            if exponent > MOST_EXPONENT {
                group.move_on(clock, fade, exponent, weights);
                exponent = 0.0;
            }
            grown = exp_f64(exponent);
        }
        if fade.expires {
            group.live.push_back(Live {
                t: clock,
                pixel: own as u32,
                grown,
            });
        }
        if let Some(weight) = weights.get_mut(own) {
            *weight += grown;
        }
        let weights = weights.get(corner..).unwrap_or_default();
        if !fade.is_linear {
            return see(weights, side, 1.0 / grown, sums);
        }
        if let Some(moment) = moments.get_mut(own) {
            *moment += age;
        }
        see(weights, side, 1.0 - age * fade.rate, sums);
        see(moments.get(corner..).unwrap_or_default(), side, fade.rate, sums);
    }
}

/// Where an event looks.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    /// The latest time so far.
    clock: i64,
    group: usize,
    /// The first pixel of the surface around it.
    corner: usize,
}

#[inline(always)]
fn see<const SIZE: usize>(pixels: &[f64], side: usize, factor: f64, sums: &mut [f64]) {
    let rows = sums.as_chunks_mut::<SIZE>().0.iter_mut().zip(pixels.chunks(side));
    for (sums, row) in rows {
        let Some(row) = row.first_chunk::<SIZE>() else {
            continue;
        };
        for (sum, pixel) in sums.iter_mut().zip(row) {
            *sum += pixel * factor;
        }
    }
}

fn see_any(size: usize, pixels: &[f64], side: usize, factor: f64, sums: &mut [f64]) {
    for (sums, row) in sums.chunks_mut(size).zip(pixels.chunks(side)) {
        for (sum, pixel) in sums.iter_mut().zip(row) {
            *sum += pixel * factor;
        }
    }
}
