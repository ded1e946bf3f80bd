//! From ON and OFF values to colours. Only additions, products and square roots: the same on every machine.

use std::str::FromStr;

use parallax_events::{Error, Result};

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colormap {
    /// ON red, OFF blue, on the background.
    Redblue,
    /// ON towards white, OFF towards black, on grey.
    Gray,
    /// All events, dark blue to yellow.
    Viridis,
    /// All events, black to pale yellow.
    Inferno,
}

/// What lies behind the map of two colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// Almost black.
    Dark,
    /// White.
    Light,
}

/// Red, green and blue.
type Rgb = [u8; 3];

/// Nine colours of matplotlib's viridis (CC0), at equal distances.
const VIRIDIS: [Rgb; 9] = [
    [68, 1, 84],
    [71, 45, 123],
    [59, 82, 139],
    [44, 114, 142],
    [33, 144, 140],
    [39, 173, 129],
    [93, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

/// Nine colours of matplotlib's inferno (CC0), at equal distances.
const INFERNO: [Rgb; 9] = [
    [0, 0, 4],
    [33, 12, 74],
    [86, 16, 110],
    [137, 34, 106],
    [187, 55, 84],
    [227, 89, 50],
    [249, 140, 10],
    [249, 201, 50],
    [252, 255, 164],
];

impl Colormap {
    /// The words that name the maps.
    pub const NAMES: &[&str] = &["redblue", "gray", "viridis", "inferno"];

    /// The colour of a pixel with these values, of which 1 is fully lit.
    pub fn color(self, on: f32, off: f32, background: Background) -> Rgb {
        match self {
            Self::Redblue => {
                let (back, red, blue) = match background {
                    Background::Dark => ([14, 14, 20], [255, 92, 66], [74, 144, 255]),
                    Background::Light => ([255, 255, 255], [205, 33, 38], [28, 92, 190]),
                };
                let share = if on + off > 0.0 { on / (on + off) } else { 0.0 };
                mix(back, mix(blue, red, share), brightness(on + off))
            }
            Self::Gray => {
                let (end, value) = if on >= off {
                    ([255; 3], on - off)
                } else {
                    ([0; 3], off - on)
                };
                mix([128; 3], end, brightness(value))
            }
            Self::Viridis => along(&VIRIDIS, brightness(on + off)),
            Self::Inferno => along(&INFERNO, brightness(on + off)),
        }
    }
}

impl Background {
    /// The words that name the backgrounds.
    pub const NAMES: &[&str] = &["dark", "light"];
}

fn unknown(what: &str, text: &str, known: &[&str]) -> Error {
    Error::param(format!("no {what} is called \"{text}\"")).with_hint(format!("known: {}", known.join(", ")))
}

impl FromStr for Colormap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "redblue" => Self::Redblue,
            "gray" => Self::Gray,
            "viridis" => Self::Viridis,
            "inferno" => Self::Inferno,
            _ => return Err(unknown("colour map", text, Self::NAMES)),
        })
    }
}

impl FromStr for Background {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "dark" => Self::Dark,
            "light" => Self::Light,
            _ => return Err(unknown("background", text, Self::NAMES)),
        })
    }
}

/// So many brightnesses of red and blue, and so many mixtures of both, make one colour each of a palette.
const LEVELS: u8 = 15;
const MIXTURES: u8 = 17;

/// At most 256 colours that stand for all of a map.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    map: Colormap,
    background: Background,
}

impl Palette {
    /// The colours that stand for this map.
    pub fn new(map: Colormap, background: Background) -> Self {
        Self { map, background }
    }

    /// The colours as RGB, 256 of them.
    pub fn colors(self) -> Vec<u8> {
        (0..=u8::MAX).flat_map(|index| self.color(index)).collect()
    }

    fn color(self, index: u8) -> Rgb {
        // `brightness` takes the root, so the square undoes it.
        let lit = |brightness: f32| brightness * brightness;
        match self.map {
            Colormap::Redblue => {
                let Some(index) = index.checked_sub(1) else {
                    return self.map.color(0.0, 0.0, self.background);
                };
                let value = lit(f32::from(index % LEVELS + 1) / f32::from(LEVELS));
                let share = f32::from(index / LEVELS) / f32::from(MIXTURES - 1);
                self.map
                    .color(value * share, value * (1.0 - share), self.background)
            }
            Colormap::Gray if index >= 128 => {
                let value = lit(f32::from(index - 128) / 127.0);
                self.map.color(value, 0.0, self.background)
            }
            Colormap::Gray => self
                .map
                .color(0.0, lit(f32::from(128 - index) / 128.0), self.background),
            Colormap::Viridis | Colormap::Inferno => {
                self.map
                    .color(lit(f32::from(index) / 255.0), 0.0, self.background)
            }
        }
    }

    /// Which colour comes nearest to these values, of which 1 is fully lit.
    pub fn index(self, on: f32, off: f32) -> u8 {
        let step = |value: f32, steps: u8| (value * f32::from(steps)).round() as u8;
        match self.map {
            Colormap::Redblue if on + off <= 0.0 => 0,
            Colormap::Redblue => {
                let level = step(brightness(on + off), LEVELS).max(1);
                step(on / (on + off), MIXTURES - 1) * LEVELS + level
            }
            Colormap::Gray if on >= off => 128 + step(brightness(on - off), 127),
            Colormap::Gray => 128 - step(brightness(off - on), 128),
            Colormap::Viridis | Colormap::Inferno => step(brightness(on + off), 255),
        }
    }
}

/// The square root lifts single events out of the dark.
fn brightness(value: f32) -> f32 {
    value.clamp(0.0, 1.0).sqrt()
}

fn mix(from: Rgb, to: Rgb, share: f32) -> Rgb {
    std::array::from_fn(|channel| {
        let (from, to) = (f32::from(from[channel]), f32::from(to[channel]));
        (from + (to - from) * share).round() as u8
    })
}

fn along(colors: &[Rgb; 9], value: f32) -> Rgb {
    let place = value * 8.0;
    let step = (place as usize).min(7);
    mix(colors[step], colors[step + 1], place - step as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_each_map_are_its_colours() {
        let color = |map: Colormap, on, off| map.color(on, off, Background::Light);
        assert_eq!(color(Colormap::Redblue, 0.0, 0.0), [255, 255, 255]);
        assert_eq!(color(Colormap::Redblue, 1.0, 0.0), [205, 33, 38]);
        assert_eq!(color(Colormap::Redblue, 0.0, 5.0), [28, 92, 190]);
        assert_eq!(color(Colormap::Gray, 0.5, 0.5), [128; 3]);
        assert_eq!(color(Colormap::Gray, 2.0, 0.0), [255; 3]);
        assert_eq!(color(Colormap::Gray, 0.0, 1.0), [0; 3]);
        assert_eq!(color(Colormap::Viridis, 0.0, 0.0), VIRIDIS[0]);
        assert_eq!(color(Colormap::Viridis, 0.25, 0.0), VIRIDIS[4]);
        assert_eq!(color(Colormap::Inferno, 1.0, 1.0), INFERNO[8]);
    }

    #[test]
    fn a_palette_comes_close_to_its_map() {
        for map in [
            Colormap::Redblue,
            Colormap::Gray,
            Colormap::Viridis,
            Colormap::Inferno,
        ] {
            let palette = Palette::new(map, Background::Dark);
            let colors = palette.colors();
            assert_eq!(colors.len(), 768);
            for (on, off) in [
                (0.0, 0.0),
                (1.0, 0.0),
                (0.0, 1.0),
                (0.25, 0.0),
                (0.3, 0.6),
                (0.02, 0.01),
                (3.0, 2.0),
            ] {
                let wanted = map.color(on, off, Background::Dark);
                let index = usize::from(palette.index(on, off)) * 3;
                for (wanted, given) in wanted.iter().zip(&colors[index..index + 3]) {
                    assert!(
                        wanted.abs_diff(*given) <= 10,
                        "{map:?} {on} {off}: {wanted} {given}"
                    );
                }
            }
        }
    }
}
