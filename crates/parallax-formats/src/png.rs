//! Pixels to a PNG, for people. The same bytes for the same pixels.

use std::io::Write;

use parallax_events::{Error, Geometry, Result};
use png::{BitDepth, ColorType, DeflateCompression, Encoder, EncodingError, Filter};

/// Writes a PNG of `pixels`: RGB, 8 bits each, row after row from the top. Filter and level are fixed, so the bytes are too.
///
/// # Errors
/// If the output fails.
pub fn write_png(mut output: &mut dyn Write, geometry: Geometry, pixels: &[u8]) -> Result<()> {
    let mut encode = || -> std::result::Result<(), EncodingError> {
        let mut encoder = Encoder::new(&mut output, geometry.width.into(), geometry.height.into());
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_filter(Filter::Sub);
        encoder.set_deflate_compression(DeflateCompression::Level(6));
        let mut writer = encoder.write_header()?;
        writer.write_image_data(pixels)?;
        writer.finish()
    };
    encode().map_err(|error| match error {
        EncodingError::IoError(error) => error.into(),
        other => Error::internal(format!("the picture could not be encoded: {other}")),
    })?;
    Ok(output.flush()?)
}
