//! Frames of palette indices to an animated GIF, which appears when it is whole.
//!
//! GIF counts how long a frame stands in hundredths of a second; each frame ends at the hundredth next to where it should.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use gif::{Encoder, EncodingError, Frame, Repeat};
use parallax::{Error, OutputFile, Result};
use pyo3::prelude::*;

use crate::error::raised;

/// Viewers show frames that stand for less than this, in hundredths, far too long instead.
const SHORTEST_CENTIS: f64 = 2.0;

/// A GIF in the making, which plays for ever.
#[pyclass(frozen, module = "parallax._native")]
pub(crate) struct Film {
    making: Mutex<Option<Making>>,
}

struct Making {
    output: OutputFile,
    encoder: Encoder<Box<dyn Write + Send>>,
    width: u16,
    height: u16,
    centis_per_frame: f64,
    frames: u64,
}

#[pymethods]
impl Film {
    /// `palette`: 256 colours in RGB.
    #[new]
    #[pyo3(signature = (path, width, height, palette, seconds_per_frame, overwrite=false))]
    fn new(
        path: PathBuf,
        width: u16,
        height: u16,
        palette: &[u8],
        seconds_per_frame: f64,
        overwrite: bool,
    ) -> PyResult<Self> {
        let begin = || -> Result<Making> {
            let output = OutputFile::create(&path, overwrite)?;
            let writer: Box<dyn Write + Send> = Box::new(output.buffered());
            let mut encoder = Encoder::new(writer, width, height, palette).map_err(explain)?;
            encoder.set_repeat(Repeat::Infinite).map_err(explain)?;
            Ok(Making {
                output,
                encoder,
                width,
                height,
                centis_per_frame: (seconds_per_frame * 100.0).max(SHORTEST_CENTIS),
                frames: 0,
            })
        };
        let making = begin().map_err(|error| raised(error.with_context("output", path.display())))?;
        Ok(Self {
            making: Mutex::new(Some(making)),
        })
    }

    /// Appends a frame: an index for each pixel, row after row from the top.
    fn write(&self, py: Python<'_>, indices: Vec<u8>) -> PyResult<()> {
        py.detach(|| {
            let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
            making.as_mut().ok_or_else(ended)?.write(indices)
        })
        .map_err(raised)
    }

    /// Ends the GIF; the file is there afterwards.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            let making = self.making.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Making { output, encoder, .. } = making.ok_or_else(ended)?;
            let mut writer = encoder.into_inner().map_err(explain)?;
            writer.flush()?;
            drop(writer);
            output.commit()
        })
        .map_err(raised)
    }
}

impl Making {
    fn write(&mut self, indices: Vec<u8>) -> Result<()> {
        if indices.len() != usize::from(self.width) * usize::from(self.height) {
            return Err(Error::param("a frame of another size than the film"));
        }
        let end = |frames: u64| (frames as f64 * self.centis_per_frame).round();
        let delay = end(self.frames + 1) - end(self.frames);
        self.frames += 1;
        let frame = Frame {
            delay: delay.min(f64::from(u16::MAX)) as u16,
            width: self.width,
            height: self.height,
            buffer: indices.into(),
            ..Frame::default()
        };
        self.encoder.write_frame(&frame).map_err(explain)
    }
}

fn ended() -> Error {
    Error::param("the film has ended")
}

fn explain(error: EncodingError) -> Error {
    match error {
        EncodingError::Io(error) => error.into(),
        other => Error::internal(format!("the film could not be encoded: {other}")),
    }
}
