//! Mixed-density event stacks: each channel sees half as far back as the one before it.

use parallax_events::{Declaration, Geometry, ParamSpec, Params, Represent, Result};

use super::accumulator::Windowed;
use super::kernel::{Events, Kernel, Layout, Needs, Stage};
use super::scratch::Scratch;
use super::windows::params;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Tensor(build) };

static DECLARATION: Declaration = Declaration::new(
    "mixed_density",
    "Stacks signed counts over time spans that double from channel to channel: i16 (channel, y, x)",
    params![
        ParamSpec::int("bins").range(1, 64).default(7).doc("How many channels"),
        ParamSpec::int("cutoff").range(1, 32_767).default(32_767).doc("The largest count of either sign"),
    ],
)
.with_doc(
    "As RVT has it (`MixedDensityEventStack`; Gehrig and Scaramuzza, CVPR 2023), after Nam et al., *Stereo depth from \
     events cameras: concentrate and focus on the future*, CVPR 2022. With `s` an event's place from 0 (first event) to 1 \
     (last event), bin `bins - k` takes the events with `2^-k <= s < 2^-(k - 1)`, the last event among those of `k = 1`; `k` \
     ends at 20, and bin 0 takes what is left. Channel `i` is the sum of bins 0 to `i`, ON minus OFF: the last channel has \
     all events, the one before it those of the first half. RVT's cells are 8-bit and wrap.",
);

/// RVT takes no place to be nearer to the start than a millionth, which is above `2^-20`.
const MOST_HALVINGS: u32 = 20;

fn build(params: Params) -> Result<Box<dyn Represent>> {
    let kernel = MixedDensity {
        bins: u32::try_from(params.int("bins")?).unwrap_or(1),
        cutoff: i32::try_from(params.int("cutoff")?).unwrap_or(i32::MAX),
    };
    Windowed::boxed(params, kernel)
}

#[derive(Debug)]
struct MixedDensity {
    bins: u32,
    cutoff: i32,
}

impl MixedDensity {
    fn bin(&self, offset: u64, length: u64) -> u32 {
        let (mut reach, mut halvings) = (u128::from(offset) << 1, 1);
        while reach < u128::from(length) && halvings < MOST_HALVINGS {
            reach <<= 1;
            halvings += 1;
        }
        self.bins.saturating_sub(halvings)
    }
}

impl Kernel for MixedDensity {
    type Cell = i16;
    type Memory = Scratch<i32>;

    fn layout(&self, geometry: Geometry) -> Layout {
        Layout::frames(&[("channel", self.bins as usize)], geometry)
    }

    fn memory(&self, geometry: Geometry) -> Result<Scratch<i32>> {
        Ok(Scratch::new(self.bins as usize * geometry.pixels()))
    }

    fn needs(&self) -> Needs {
        Needs::Whole
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn add(&self, at: &mut Stage<'_, Self>, events: Events<'_>) -> Result<()> {
        let Some((first, last)) = at.extent else { return Ok(()) };
        let length = last.abs_diff(first).max(1);
        let (frame, width) = (at.geometry.pixels(), usize::from(at.geometry.width));
        for event in events.columns.iter() {
            let bin = self.bin(event.t.abs_diff(first), length) as usize;
            let place = usize::from(event.y) * width + usize::from(event.x);
            if let Some(count) = at.memory.cells().get_mut(bin * frame + place) {
                *count = count.saturating_add(2 * i32::from(event.p) - 1);
            }
        }
        Ok(())
    }

    fn finish(&self, at: &mut Stage<'_, Self>) {
        let (frame, counts) = (at.geometry.pixels(), at.memory.cells());
        for (bin, cells) in at.cells.chunks_mut(frame).enumerate() {
            for (place, cell) in cells.iter_mut().enumerate() {
                let bins = counts.iter().skip(place).step_by(frame).take(bin + 1);
                let sum = bins.fold(0_i32, |sum, count| sum.saturating_add(*count));
                *cell = sum.clamp(-self.cutoff, self.cutoff) as i16;
            }
        }
    }
}
