//! How a sensor's pixels lie on a picture of another size.
//!
//! Events are counted in cells. Where the picture is smaller than the sensor, a cell is a pixel of the picture and
//! takes the events of several sensor pixels; where it is larger, a cell is a sensor pixel and is drawn several
//! times. Only whole numbers decide which belongs to which, so it is the same everywhere.

use std::str::FromStr;

use parallax_events::{Error, Geometry, Result};

/// The most cells or pixels that a picture may have: a file can claim any size.
pub const MOST_PIXELS: usize = 1 << 24;

/// How large a picture is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    width: u16,
    /// In proportion to the sensor's if absent.
    height: Option<u16>,
}

impl Size {
    fn of(self, sensor: Geometry) -> Result<Geometry> {
        let in_proportion = || {
            let height = u64::from(sensor.height) * u64::from(self.width);
            let height = (height + u64::from(sensor.width) / 2) / u64::from(sensor.width.max(1));
            u16::try_from(height.max(1)).unwrap_or(u16::MAX)
        };
        Geometry::new(self.width, self.height.unwrap_or_else(in_proportion))
    }
}

impl FromStr for Size {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::param(format!("\"{text}\" is no size of a picture"))
                .with_hint("write it as WxH in pixels, such as 640x360, or as the width alone")
        };
        let number = |part: &str| {
            part.trim()
                .parse::<u16>()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(wrong)
        };
        match text.split_once(['x', 'X']) {
            Some((width, height)) => Ok(Self {
                width: number(width)?,
                height: Some(number(height)?),
            }),
            None => Ok(Self {
                width: number(text)?,
                height: None,
            }),
        }
    }
}

/// Sensor, cells and picture.
#[derive(Debug)]
pub struct Raster {
    /// How many cells there are.
    pub(super) cells: Geometry,
    /// How large the picture is.
    picture: Geometry,
    /// The cell column of each sensor column; as many as the sensor has.
    columns: Vec<u16>,
    rows: Vec<u16>,
}

impl Raster {
    /// A picture of so many pixels of such a sensor; as large as the sensor if nobody says.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](parallax_events::ErrorKind) if it would have more than [`MOST_PIXELS`].
    pub fn new(sensor: Geometry, size: Option<Size>) -> Result<Self> {
        let picture = size.map_or(Ok(sensor), |size| size.of(sensor))?;
        let cells = Geometry {
            width: sensor.width.min(picture.width),
            height: sensor.height.min(picture.height),
        };
        for geometry in [cells, picture] {
            if geometry.pixels() > MOST_PIXELS {
                return Err(Error::limit(format!(
                    "a picture of {geometry} pixels, the limit is {MOST_PIXELS}"
                ))
                .with_hint(
                    "ask for a smaller picture, or state the sensor's size (`--geometry` of the command) if it is smaller than that",
                ));
            }
        }
        Ok(Self {
            cells,
            picture,
            columns: spread(sensor.width, cells.width),
            rows: spread(sensor.height, cells.height),
        })
    }

    /// How large the picture is.
    pub fn size(&self) -> Geometry {
        self.picture
    }

    /// The cell of a sensor pixel; `None` outside the sensor.
    pub(super) fn cell(&self, x: u16, y: u16) -> Option<usize> {
        let column = *self.columns.get(usize::from(x))?;
        let row = *self.rows.get(usize::from(y))?;
        Some(usize::from(row) * usize::from(self.cells.width) + usize::from(column))
    }

    /// How many sensor pixels each cell stands for, row after row.
    pub(super) fn areas(&self) -> Vec<f32> {
        let count = |places: &[u16], cells: u16| {
            let mut counts = vec![0_u32; usize::from(cells)];
            for place in places {
                if let Some(count) = counts.get_mut(usize::from(*place)) {
                    *count += 1;
                }
            }
            counts
        };
        let columns = count(&self.columns, self.cells.width);
        let rows = count(&self.rows, self.cells.height);
        rows.iter()
            .flat_map(|row| columns.iter().map(move |column| (row * column) as f32))
            .collect()
    }

    /// One value for each pixel of the picture, row after row from the top, out of one for each cell; `is_upwards` if
    /// row 0 of the cells is the lowest.
    pub fn enlarge<T: Copy>(&self, cells: &[T], is_upwards: bool) -> Vec<T> {
        let columns = spread(self.picture.width, self.cells.width);
        let mut rows = spread(self.picture.height, self.cells.height);
        if is_upwards {
            rows.reverse();
        }
        let width = usize::from(self.cells.width);
        let mut pixels = Vec::with_capacity(self.picture.pixels());
        for row in rows {
            let start = usize::from(row) * width;
            let row = cells.get(start..start + width).unwrap_or_default();
            pixels.extend(columns.iter().filter_map(|&column| row.get(usize::from(column))));
        }
        pixels
    }
}

/// For each of `from` places which of `to` it belongs to.
fn spread(from: u16, to: u16) -> Vec<u16> {
    (0..u32::from(from))
        .map(|place| (place * u32::from(to) / u32::from(from.max(1))) as u16)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_pixels_meet() {
        let sensor = Geometry::new(4, 2).unwrap();
        let same = Raster::new(sensor, None).unwrap();
        assert_eq!(
            (same.cell(3, 1), same.cell(4, 0), same.cell(0, 2)),
            (Some(7), None, None)
        );
        let smaller = Raster::new(sensor, Some("2".parse().unwrap())).unwrap();
        assert_eq!(smaller.picture, Geometry::new(2, 1).unwrap());
        assert_eq!((smaller.cell(1, 1), smaller.cell(2, 0)), (Some(0), Some(1)));
        assert_eq!(smaller.areas(), [4.0, 4.0]);
        let uneven = Raster::new(Geometry::new(5, 1).unwrap(), Some("3x1".parse().unwrap())).unwrap();
        assert_eq!(uneven.areas(), [2.0, 2.0, 1.0]);
        let larger = Raster::new(Geometry::new(2, 2).unwrap(), Some("4x3".parse().unwrap())).unwrap();
        assert_eq!(
            larger.enlarge(&[1, 2, 3, 4], false),
            [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4]
        );
        assert_eq!(larger.enlarge(&[1, 2, 3, 4], true)[..4], [3, 3, 4, 4]);
        for wrong in ["", "0", "3x", "x3", "70000", "1x2x3"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_claimed_size_is_not_allocated() {
        let huge = Geometry::new(u16::MAX, u16::MAX).unwrap();
        assert!(Raster::new(huge, None).is_err());
        assert!(Raster::new(huge, Some("65535".parse().unwrap())).is_err());
        assert!(Raster::new(huge, Some("640".parse().unwrap())).is_ok());
    }
}
