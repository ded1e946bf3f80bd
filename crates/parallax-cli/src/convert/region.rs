//! A part of the sensor: `X,Y,W,H`, half-open.

use std::str::FromStr;

use parallax::{Error, Geometry, Result};

/// The pixels with x in `x..x + width` and y in `y..y + height`; neither size is 0, and the ends fit into 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(super) x: u16,
    pub(super) y: u16,
    pub(super) width: u16,
    pub(super) height: u16,
}

impl Region {
    /// An error unless it lies inside the sensor, whose size may not be known.
    pub(super) fn check_inside(self, sensor: Option<Geometry>) -> Result<()> {
        let Some(sensor) = sensor else { return Ok(()) };
        let is_inside = u32::from(self.x) + u32::from(self.width) <= u32::from(sensor.width)
            && u32::from(self.y) + u32::from(self.height) <= u32::from(sensor.height);
        if is_inside {
            return Ok(());
        }
        Err(Error::param(format!(
            "the region {},{},{},{} reaches beyond the sensor of {sensor}",
            self.x, self.y, self.width, self.height
        ))
        .with_hint("X + W may be the sensor's width at most, Y + H its height"))
    }

    pub(super) fn contains(self, x: u16, y: u16) -> bool {
        x.wrapping_sub(self.x) < self.width && y.wrapping_sub(self.y) < self.height
    }
}

impl FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::param(format!("\"{text}\" is no region: {why}"))
                .with_hint("write it as X,Y,W,H in pixels, such as 320,180,640,360")
        };
        let numbers: Vec<u16> = text
            .split(',')
            .map(|part| part.trim().parse::<u16>())
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| wrong("each part is a whole number from 0 to 65535"))?;
        let [x, y, width, height] = numbers[..] else {
            return Err(wrong("it has four parts"));
        };
        if width == 0 || height == 0 {
            return Err(wrong("it has no pixels"));
        }
        if x.checked_add(width).is_none() || y.checked_add(height).is_none() {
            return Err(wrong("it ends beyond 65535"));
        }
        Ok(Self { x, y, width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_half_open_and_lies_inside() {
        let region: Region = "10,20,5,1".parse().unwrap();
        assert!(region.contains(10, 20) && region.contains(14, 20));
        assert!(!region.contains(9, 20) && !region.contains(15, 20) && !region.contains(10, 21));
        assert!(region.check_inside(Geometry::new(15, 21).ok()).is_ok());
        assert!(region.check_inside(Geometry::new(14, 21).ok()).is_err());
        assert!(region.check_inside(None).is_ok());
        for wrong in [
            "",
            "1,2,3",
            "1,2,3,4,5",
            "1,2,0,4",
            "-1,2,3,4",
            "65535,0,1,1",
            "a,b,c,d",
        ] {
            assert!(wrong.parse::<Region>().is_err(), "{wrong}");
        }
    }
}
