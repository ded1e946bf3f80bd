//! One value for each pixel, and the limit on how many pixels that may be.

use parallax_events::{Error, Geometry, Meta, Result};

/// Sensors up to 8192 x 8192: a declared size alone must not take more memory than half a gigabyte.
const MOST_PIXELS: usize = 1 << 26;

/// The geometry of a stream, if an operator may keep a value for each of its pixels.
///
/// # Errors
/// If the stream states none, or one with more than 2²⁶ pixels.
pub(crate) fn geometry_for_grid(meta: &Meta, operator: &str) -> Result<Geometry> {
    let geometry = meta.require_geometry()?;
    if geometry.pixels() <= MOST_PIXELS {
        return Ok(geometry);
    }
    Err(Error::limit(format!(
        "`{operator}` keeps a value for each pixel; a sensor of {geometry} has more than {MOST_PIXELS} of them"
    ))
    .with_hint("cut the stream down with `crop` first"))
}
