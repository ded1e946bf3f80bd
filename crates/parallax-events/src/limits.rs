//! How much a reader may take, whatever its input claims.

use crate::{Error, Result};

/// Bounds that every reader obeys. No allocation is ever sized by a number that the input claims: a claim
/// is first held against these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most events that one reader hands out.
    pub events: u64,
    /// The most bytes that one block of input (a packet, a header, a decompressed page) may take in memory.
    pub block_bytes: u64,
    /// The most bytes that a text header may take.
    pub header_bytes: u64,
    /// The widest and the highest sensor.
    pub geometry: (u16, u16),
}

impl Default for Limits {
    /// 2⁴⁰ events, 256 MiB a block, 1 MiB of header, 65,535 x 65,535 pixels.
    fn default() -> Self {
        Self {
            events: 1 << 40,
            block_bytes: 256 << 20,
            header_bytes: 1 << 20,
            geometry: (u16::MAX, u16::MAX),
        }
    }
}

impl Limits {
    /// Checks a claimed block size before anything of that size is allocated.
    pub fn check_block(&self, bytes: u64, offset: u64) -> Result<()> {
        if bytes <= self.block_bytes {
            return Ok(());
        }
        Err(Error::limit(format!(
            "a block claims {bytes} bytes, the limit is {}",
            self.block_bytes
        ))
        .at_byte(offset)
        .with_hint("raise the limit `block_bytes` if you trust the file"))
    }

    /// Checks a number of events handed out in all.
    pub fn check_events(&self, events: u64) -> Result<()> {
        if events <= self.events {
            return Ok(());
        }
        Err(Error::limit(format!("more than {} events", self.events))
            .with_hint("raise the limit `events`, or read a time range"))
    }

    /// Checks a declared sensor size.
    pub fn check_geometry(&self, width: u32, height: u32) -> Result<()> {
        if width <= u32::from(self.geometry.0) && height <= u32::from(self.geometry.1) {
            return Ok(());
        }
        Err(Error::limit(format!(
            "a sensor of {width} x {height} pixels, the limit is {} x {}",
            self.geometry.0, self.geometry.1
        )))
    }
}
