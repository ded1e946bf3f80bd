//! Pooling: the events of a pixel add up, ON against OFF, and only what is left of them makes an event.

use parallax_events::{Event, EventColumns, Geometry, Meta, Result};

use crate::grid::geometry_for_grid;
use crate::saved::{Loaded, Saved};

/// When a pixel's sum is held against the threshold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// At each event.
    EveryEvent,
    /// At the end of each window.
    Integrator,
    /// At the end of each part of a window; what then comes out is compared with the window before.
    Differentiator {
        /// Parts of a window.
        bins: i64,
    },
}

/// The sums of all pixels.
#[derive(Debug)]
pub(crate) struct Pooled {
    width: usize,
    rule: Rule,
    window: i64,
    threshold: i32,
    /// The first event's time.
    first: Option<i64>,
    /// The part that is being filled, counted from the first event.
    part: i64,
    /// ON less OFF since the pixel's last spike.
    sums: Vec<i32>,
    /// Pixels that reached the threshold in this part at some time; some may be named twice.
    reached: Vec<u32>,
    /// Spikes of each pixel, OFF and ON, in the window that is being filled; of the differentiator alone.
    spikes: Spikes,
    /// The same of the window before.
    before: Spikes,
}

/// How many spikes there were in each cell, and which cells have any.
#[derive(Debug, Default)]
struct Spikes {
    counts: Vec<u32>,
    cells: Vec<u32>,
}

impl Spikes {
    fn new(cells: usize) -> Self {
        Self {
            counts: vec![0; cells],
            cells: Vec::new(),
        }
    }

    fn add(&mut self, cell: u32) {
        if let Some(count) = self.counts.get_mut(cell as usize) {
            if *count == 0 {
                self.cells.push(cell);
            }
            *count = count.saturating_add(1);
        }
    }

    fn count(&self, cell: u32) -> u32 {
        self.counts.get(cell as usize).copied().unwrap_or(0)
    }

    fn clear(&mut self) {
        for cell in self.cells.drain(..) {
            if let Some(count) = self.counts.get_mut(cell as usize) {
                *count = 0;
            }
        }
    }

    fn restore(&mut self, counts: Vec<u32>) {
        self.cells = (0..)
            .zip(&counts)
            .filter(|(_, count)| **count > 0)
            .map(|(cell, _)| cell)
            .collect();
        self.counts = counts;
    }
}

impl Pooled {
    pub(crate) fn new(
        size: Geometry,
        operator: &str,
        rule: Rule,
        window: i64,
        threshold: i32,
    ) -> Result<Self> {
        let meta = Meta {
            geometry: Some(size),
            ..Meta::default()
        };
        let pixels = geometry_for_grid(&meta, operator)?.pixels();
        let cells = if matches!(rule, Rule::Differentiator { .. }) {
            2 * pixels
        } else {
            0
        };
        Ok(Self {
            width: size.width.into(),
            rule,
            window: window.max(1),
            threshold: threshold.max(1),
            first: None,
            part: 0,
            sums: vec![0; pixels],
            reached: Vec::new(),
            spikes: Spikes::new(cells),
            before: Spikes::new(cells),
        })
    }

    /// Parts of a window.
    fn bins(&self) -> i64 {
        match self.rule {
            Rule::Differentiator { bins } => bins.max(1),
            _ => 1,
        }
    }

    /// Takes in an event at its new pixel; what follows from it and from the end of windows before it goes to `out`.
    pub(crate) fn take(&mut self, event: Event, out: &mut EventColumns) {
        if !matches!(self.rule, Rule::EveryEvent) {
            let since = i128::from(event.t) - i128::from(*self.first.get_or_insert(event.t));
            // Counting stops at the end of 64 bits, so many parts after the first event.
            let part = (since * i128::from(self.bins())).div_euclid(self.window.into());
            let part = i64::try_from(part).unwrap_or(if part < 0 { i64::MIN } else { i64::MAX });
            if part > self.part {
                self.close(part, out);
            }
        }
        let cell = usize::from(event.y) * self.width + usize::from(event.x);
        let Some(sum) = self.sums.get_mut(cell) else {
            return;
        };
        let was_far = sum.unsigned_abs() >= self.threshold.unsigned_abs();
        *sum = sum.saturating_add(if event.p == 1 { 1 } else { -1 });
        if was_far || sum.unsigned_abs() < self.threshold.unsigned_abs() {
            return;
        }
        if matches!(self.rule, Rule::EveryEvent) {
            *sum = 0;
            out.push(event);
        } else {
            self.reached.push(cell as u32);
            if self.reached.len() > 2 * self.sums.len() + 64 {
                self.reached.sort_unstable();
                self.reached.dedup();
            }
        }
    }

    /// Ends the part that is being filled, and the window if `next` is in another one.
    fn close(&mut self, next: i64, out: &mut EventColumns) {
        let bins = self.bins();
        let (window, next_window) = (self.part.div_euclid(bins), next.div_euclid(bins));
        let mut reached = std::mem::take(&mut self.reached);
        reached.sort_unstable();
        reached.dedup();
        for &cell in &reached {
            let Some(sum) = self.sums.get_mut(cell as usize) else {
                continue;
            };
            if sum.unsigned_abs() < self.threshold.unsigned_abs() {
                continue;
            }
            let on = *sum > 0;
            *sum = 0;
            if matches!(self.rule, Rule::Integrator) {
                out.push(self.event(window, cell, on));
            } else {
                self.spikes.add(2 * cell + u32::from(on));
            }
        }
        reached.clear();
        self.reached = reached;
        self.part = next;
        if matches!(self.rule, Rule::Differentiator { .. }) && next_window > window {
            self.spikes.cells.sort_unstable();
            for &cell in &self.spikes.cells {
                // The first window has none before it.
                if window > 0 && self.spikes.count(cell) > self.before.count(cell) {
                    out.push(self.event(window - 1, cell / 2, cell % 2 == 1));
                }
            }
            self.before.clear();
            // If windows without events lie between, the one before the next has no spikes.
            if next_window == window.saturating_add(1) {
                std::mem::swap(&mut self.spikes, &mut self.before);
            } else {
                self.spikes.clear();
            }
        }
    }

    /// An event of a pixel at the beginning of a window.
    fn event(&self, window: i64, cell: u32, on: bool) -> Event {
        let since = i128::from(window) * i128::from(self.window);
        let t = i128::from(self.first.unwrap_or(0)) + since;
        let t = t.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        let (x, y) = (cell as usize % self.width, cell as usize / self.width);
        Event::new(t, x as u16, y as u16, on.into())
    }

    pub(crate) fn reset(&mut self) {
        (self.first, self.part) = (None, 0);
        self.sums.fill(0);
        self.reached.clear();
        self.spikes.clear();
        self.before.clear();
    }

    pub(crate) fn save(&self) -> Vec<u8> {
        let sums: Vec<u32> = self.sums.iter().map(|sum| sum.cast_unsigned()).collect();
        Saved::default()
            .optional_i64(self.first)
            .i64(self.part)
            .u32s(&sums)
            .u32s(&self.spikes.counts)
            .u32s(&self.before.counts)
            .bytes()
    }

    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut loaded = Loaded::new(bytes);
        let (first, part) = (loaded.optional_i64()?, loaded.i64()?);
        let sums = loaded.u32s(self.sums.len())?;
        let (spikes, before) = (
            loaded.u32s(self.spikes.counts.len())?,
            loaded.u32s(self.before.counts.len())?,
        );
        loaded.end()?;
        (self.first, self.part) = (first, part);
        self.sums = sums.into_iter().map(u32::cast_signed).collect();
        let threshold = self.threshold.unsigned_abs();
        // Who is below the threshold now and comes above it again will be named then.
        self.reached = (0..)
            .zip(&self.sums)
            .filter(|(_, sum)| sum.unsigned_abs() >= threshold)
            .map(|(cell, _)| cell)
            .collect();
        self.spikes.restore(spikes);
        self.before.restore(before);
        Ok(())
    }
}
