//! Synthetic scenes: moving edges with noise and hot pixels, every event labelled with where it comes from.
//!
//! In: a sensor size, a seed, a duration and rates. Out: events in canonical order (by t, y, x, p) and one
//! [`Label`] an event. The same settings give the same events on every machine: random numbers are counted
//! ([`Philox`]), and positions along an edge's way are whole numbers, so no float decides anything.
//!
//! Edges are straight and sweep over the whole sensor, one after another from end to end: most pixels that one
//! crosses fire, ON or OFF as the edge is, some twice. Noise is uniform over pixels, time and polarity. A hot
//! pixel fires at its rate with jitter, ON.

use std::sync::Arc;

use parallax_events::{Event, EventBatch, Meta, Philox, Result};

/// Where a synthetic event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// A moving edge crossed the pixel.
    Signal,
    /// Background noise.
    Noise,
    /// One of the hot pixels.
    HotPixel,
}

/// A synthetic recording with its labels.
#[derive(Debug, Clone)]
pub struct Scene {
    batch: EventBatch,
    labels: Vec<Label>,
    hot_pixels: Vec<(u16, u16)>,
}

impl Scene {
    /// A scene of 64 x 48 pixels over 100 ms with two edges and nothing else, to be changed as needed.
    ///
    /// ```
    /// use parallax_testkit::{Label, Scene};
    ///
    /// let scene = Scene::builder().seed(7).noise_rate(5.0).hot_pixels(3, 500.0).build()?;
    /// assert_eq!(scene.labels().len(), scene.batch().len());
    /// assert_eq!(scene.hot_pixels().len(), 3);
    /// assert!(scene.labels().contains(&Label::Noise));
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    pub fn builder() -> SceneBuilder {
        SceneBuilder {
            width: 64,
            height: 48,
            seed: 0,
            start: 0,
            duration: 100_000,
            edges: 2,
            noise_rate: 0.0,
            hot_pixels: 0,
            hot_rate: 0.0,
        }
    }

    /// The events in canonical order; times in microseconds.
    pub fn batch(&self) -> &EventBatch {
        &self.batch
    }

    /// Where each event comes from.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The hot pixels as (x, y), all different.
    pub fn hot_pixels(&self) -> &[(u16, u16)] {
        &self.hot_pixels
    }
}

/// The settings of a [`Scene`].
#[derive(Debug, Clone, Copy)]
pub struct SceneBuilder {
    width: u16,
    height: u16,
    seed: u64,
    start: i64,
    duration: i64,
    edges: u32,
    noise_rate: f64,
    hot_pixels: u32,
    hot_rate: f64,
}

impl SceneBuilder {
    /// The sensor's size in pixels.
    #[must_use]
    pub fn geometry(mut self, width: u16, height: u16) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    /// Another seed gives another scene.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The time at which the scene begins, in microseconds; may be negative.
    #[must_use]
    pub fn start(mut self, start_us: i64) -> Self {
        self.start = start_us;
        self
    }

    /// How long it lasts, in microseconds.
    #[must_use]
    pub fn duration(mut self, duration_us: i64) -> Self {
        self.duration = duration_us;
        self
    }

    /// How many moving edges there are.
    #[must_use]
    pub fn edges(mut self, edges: u32) -> Self {
        self.edges = edges;
        self
    }

    /// Noise events per pixel and second.
    #[must_use]
    pub fn noise_rate(mut self, hz: f64) -> Self {
        self.noise_rate = hz;
        self
    }

    /// How many hot pixels there are, and how many events each fires per second.
    #[must_use]
    pub fn hot_pixels(mut self, count: u32, hz: f64) -> Self {
        (self.hot_pixels, self.hot_rate) = (count, hz);
        self
    }

    /// Makes the scene.
    ///
    /// # Errors
    /// If the sensor has no pixels.
    pub fn build(self) -> Result<Scene> {
        let meta = Arc::new(Meta::with_geometry(self.width, self.height)?);
        let mut events: Vec<(Event, Label)> = Vec::new();
        for edge in 0..self.edges {
            self.add_edge(edge, &mut events);
        }
        self.add_noise(&mut events);
        let hot_pixels = self.add_hot_pixels(&mut events);
        events.sort_by_key(|(e, _)| (e.t, e.y, e.x, e.p));
        let labels = events.iter().map(|(_, label)| *label).collect();
        let events: Vec<Event> = events.into_iter().map(|(event, _)| event).collect();
        Ok(Scene {
            batch: EventBatch::from_events(&events, meta)?,
            labels,
            hot_pixels,
        })
    }

    /// Every time the edge has crossed the sensor it begins anew at the other end.
    fn add_edge(&self, edge: u32, events: &mut Vec<(Event, Label)>) {
        // Directions of whole-number length, so that distances along them are exact.
        const DIRECTIONS: [(i64, i64); 6] = [(1, 0), (0, 1), (3, 4), (4, 3), (5, 12), (12, 5)];
        let (width, height) = (i64::from(self.width), i64::from(self.height));
        let whole = Philox::new(self.seed, "scene/edge");
        let single = Philox::new(self.seed, "scene/edge/pixel");
        let [direction, mirror, pace, phase] = whole.at(u64::from(edge));
        let (a, b) = DIRECTIONS[direction as usize % DIRECTIONS.len()];
        let way = a * (width - 1) + b * (height - 1) + 1;
        // A sweep takes between a quarter and the whole of the duration.
        let sweep = (self.duration / 4 + self.duration * i64::from(pace >> 16) / 4 * 3 / (1 << 16)).max(1);
        let first = -(sweep * i64::from(phase >> 16) / (1 << 16));
        let p = (mirror >> 2 & 1) as u8;
        let mut begin = first;
        let mut index = u64::from(edge) << 40;
        while begin < self.duration {
            for y in 0..height {
                for x in 0..width {
                    let from_left = if mirror & 1 == 0 { x } else { width - 1 - x };
                    let from_top = if mirror & 2 == 0 { y } else { height - 1 - y };
                    let crossing = begin + sweep * (a * from_left + b * from_top) / way;
                    let [fires, jitter, twice, gap] = single.at(index);
                    index += 1;
                    // Fifteen of sixteen pixels fire, one of four twice.
                    if fires >> 28 == 0 {
                        continue;
                    }
                    let t = crossing + i64::from(jitter % 50);
                    let times = if twice >> 30 == 0 { 2 } else { 1 };
                    for nth in 0..times {
                        let t = t + nth * i64::from(20 + gap % 200);
                        if (0..self.duration).contains(&t) {
                            events.push((Event::new(self.start + t, x as u16, y as u16, p), Label::Signal));
                        }
                    }
                }
            }
            begin += sweep;
        }
    }

    fn add_noise(&self, events: &mut Vec<(Event, Label)>) {
        let random = Philox::new(self.seed, "scene/noise");
        let pixels = f64::from(self.width) * f64::from(self.height);
        let count = (self.noise_rate * pixels * self.duration as f64 / 1e6).round() as u64;
        for index in 0..count {
            let [t_high, x, y, t_low] = random.at(index);
            let p = (t_low & 1) as u8;
            let t = scaled(u64::from(t_high) << 32 | u64::from(t_low), self.duration);
            let (x, y) = (scaled_u16(x, self.width), scaled_u16(y, self.height));
            events.push((Event::new(self.start + t, x, y, p), Label::Noise));
        }
    }

    fn add_hot_pixels(&self, events: &mut Vec<(Event, Label)>) -> Vec<(u16, u16)> {
        let place = Philox::new(self.seed, "scene/hot");
        let fire = Philox::new(self.seed, "scene/hot/event");
        let pixels = u32::from(self.width) * u32::from(self.height);
        let mut chosen: Vec<(u16, u16)> = Vec::new();
        let mut draw = 0;
        while chosen.len() < self.hot_pixels.min(pixels) as usize {
            let [x, y, ..] = place.at(draw);
            draw += 1;
            let pixel = (scaled_u16(x, self.width), scaled_u16(y, self.height));
            if !chosen.contains(&pixel) {
                chosen.push(pixel);
            }
        }
        let count = (self.hot_rate * self.duration as f64 / 1e6).round() as u64;
        for (number, &(x, y)) in chosen.iter().enumerate() {
            for nth in 0..count {
                let [high, low, ..] = fire.at((number as u64) << 40 | nth);
                // One in each of `count` equal parts of the duration.
                let begin = (i128::from(self.duration) * i128::from(nth) / i128::from(count)) as i64;
                let end = (i128::from(self.duration) * i128::from(nth + 1) / i128::from(count)) as i64;
                let t = begin + scaled(u64::from(high) << 32 | u64::from(low), end - begin);
                events.push((Event::new(self.start + t, x, y, 1), Label::HotPixel));
            }
        }
        chosen
    }
}

/// `random` scaled to 0..n.
fn scaled(random: u64, n: i64) -> i64 {
    ((u128::from(random) * n.max(0) as u128) >> 64) as i64
}

/// `random` scaled to 0..n.
fn scaled_u16(random: u32, n: u16) -> u16 {
    ((u64::from(random) * u64::from(n)) >> 32) as u16
}
