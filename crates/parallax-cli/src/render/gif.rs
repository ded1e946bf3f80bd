//! Frames of palette indices to an animated GIF.
//!
//! GIF counts how long a frame stands in hundredths of a second. A rate that is no whole number of them comes out right
//! on average: each frame ends at the hundredth next to where it should.

use std::io::Write;

use gif::{Encoder, EncodingError, Frame, Repeat};
use parallax::{Error, Geometry, Result};

/// Viewers show frames that stand for less than this, in hundredths, far too long instead.
pub(super) const SHORTEST_CENTIS: f64 = 2.0;

/// A GIF in the making.
pub(super) struct GifWriter {
    encoder: Encoder<Box<dyn Write + Send>>,
    size: Geometry,
    centis_per_frame: f64,
    frames: u64,
}

impl GifWriter {
    /// Writes the head of a GIF that plays for ever; `colors` are 256 in RGB.
    ///
    /// # Errors
    /// If the output fails.
    pub(super) fn new(
        output: Box<dyn Write + Send>,
        size: Geometry,
        colors: &[u8],
        centis_per_frame: f64,
    ) -> Result<Self> {
        let mut encoder = Encoder::new(output, size.width, size.height, colors).map_err(explain)?;
        encoder.set_repeat(Repeat::Infinite).map_err(explain)?;
        Ok(Self {
            encoder,
            size,
            centis_per_frame: centis_per_frame.max(SHORTEST_CENTIS),
            frames: 0,
        })
    }

    /// Appends a frame: an index for each pixel, row after row from the top.
    ///
    /// # Errors
    /// If the output fails.
    pub(super) fn write(&mut self, indices: Vec<u8>) -> Result<()> {
        let end = |frames: u64| (frames as f64 * self.centis_per_frame).round();
        let delay = end(self.frames + 1) - end(self.frames);
        self.frames += 1;
        let frame = Frame {
            delay: delay.min(f64::from(u16::MAX)) as u16,
            width: self.size.width,
            height: self.size.height,
            buffer: indices.into(),
            ..Frame::default()
        };
        self.encoder.write_frame(&frame).map_err(explain)
    }

    /// How many frames were written.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Ends the GIF.
    ///
    /// # Errors
    /// If the output fails.
    pub(super) fn finish(self) -> Result<()> {
        let mut output = self.encoder.into_inner().map_err(explain)?;
        Ok(output.flush()?)
    }
}

fn explain(error: EncodingError) -> Error {
    match error {
        EncodingError::Io(error) => error.into(),
        other => Error::internal(format!("the film could not be encoded: {other}")),
    }
}
