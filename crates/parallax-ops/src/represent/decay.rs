//! An accumulator that fades: each event adds to its pixel, and every pixel decays.

use parallax_events::{Declaration, Geometry, Nanos, ParamSpec, Params, Represent, Result};
use parallax_simd::math::exp_f64;

use super::accumulator::Windowed;
use super::kernel::{Bounds, Events, Kernel, Layout, Memory, Stage};
use super::polarity::{POLARITY, Polarity};
use super::windows::params;
use crate::saved::{Loaded, Saved};
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "decay",
    "Adds up events that fade: f32 (polarity, y, x)",
    params![
        ParamSpec::time("tau").min(Nanos(1)).default(Nanos(50_000_000)).doc("Time constant: after it 1/e of an event is left"),
        ParamSpec::choice("memory", &["stream", "window"])
            .default("stream")
            .doc("Whether events of earlier windows still count"),
        POLARITY,
    ],
)
.with_doc(
    "A cell is the sum of `exp(-(end - t) / tau)` over its events, `end` that of the window or the last event: a leaky \
     integrator, as the accumulators of viewers for event cameras have it.",
);

fn build(params: Params) -> Result<Box<dyn Represent>> {
    let kernel = Decay {
        tau: params.time("tau")?,
        forgets: params.choice("memory")? == "window",
        polarity: Polarity::of(params.choice("polarity")?),
    };
    Windowed::boxed(params, kernel)
}

#[derive(Debug)]
struct Decay {
    tau: Nanos,
    forgets: bool,
    polarity: Polarity,
}

impl Kernel for Decay {
    type Cell = f32;
    type Memory = Charges;

    fn layout(&self, geometry: Geometry) -> Layout {
        Layout::frames(&[("polarity", self.polarity.channels())], geometry)
    }

    fn memory(&self, geometry: Geometry) -> Result<Charges> {
        let cells = self.polarity.channels() * geometry.pixels();
        Ok(Charges { cells: vec![(0.0, 0); cells], forgets: self.forgets, is_used: false })
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn counts_on(&self) -> bool {
        !self.forgets
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let rate = 1.0 / at.ticks(self.tau);
        let on_offset = (self.polarity.channels() - 1) * at.geometry.pixels();
        let width = usize::from(at.geometry.width);
        at.memory.is_used = true;
        for event in events.columns.iter() {
            let place = usize::from(event.y) * width + usize::from(event.x) + usize::from(event.p) * on_offset;
            let Some((charge, last)) = at.memory.cells.get_mut(place) else { continue };
            let sign = if self.polarity == Polarity::Signed && event.p == 0 { -1.0 } else { 1.0 };
            if *charge == 0.0 {
                (*charge, *last) = (sign, event.t);
                continue;
            }
            let fade = exp_f64(-(event.t.abs_diff(*last) as f64) * rate);
            if event.t >= *last {
                (*charge, *last) = (*charge * fade + sign, event.t);
            } else {
                *charge += sign * fade;
            }
        }
        Ok(())
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        let Some(Bounds { end, .. }) = at.bounds else {
            at.cells.fill(0.0);
            return;
        };
        let rate = 1.0 / at.ticks(self.tau);
        for (cell, (charge, last)) in at.cells.iter_mut().zip(&at.memory.cells) {
            // Nothing has come after the end; what has, in windows that overlap, counts in full.
            let age = if end > *last { end.abs_diff(*last) } else { 0 };
            *cell = if *charge == 0.0 { 0.0 } else { (charge * exp_f64(-(age as f64) * rate)) as f32 };
        }
    }
}

/// What each cell had at the time of its latest event.
#[derive(Debug)]
struct Charges {
    cells: Vec<(f64, i64)>,
    forgets: bool,
    is_used: bool,
}

impl Memory for Charges {
    fn reset(&mut self) {
        if std::mem::replace(&mut self.is_used, false) {
            self.cells.fill((0.0, 0));
        }
    }

    fn restart(&mut self) {
        if self.forgets {
            self.reset();
        }
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        let cells = self.cells.iter();
        let saved = cells.fold(Saved::default(), |saved, &(charge, last)| saved.f64(charge).i64(last));
        bytes.extend(saved.bytes());
    }

    fn restore(&mut self, bytes: &[u8]) -> bool {
        let mut loaded = Loaded::new(bytes);
        if bytes.len() != 16 * self.cells.len() {
            return false;
        }
        for (charge, last) in &mut self.cells {
            let (Ok(a), Ok(b)) = (loaded.f64(), loaded.i64()) else {
                return false;
            };
            (*charge, *last) = (a, b);
        }
        self.is_used = true;
        true
    }
}
