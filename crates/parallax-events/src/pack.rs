//! Packed events, the "event tensor": time, pixel number and signed polarity. Lossless both ways.
//!
//! In goes a batch whose geometry is known, out come three columns `t: i64`, `index: u32 = y * width + x` and
//! `value: i8 = -1` (OFF) or `+1` (ON), with the same `Meta`; [`unpack`] is the inverse. The times are shared,
//! not copied.
//!
//! A pixel number always fits: sizes are 16-bit, and 65,535 x 65,535 is below 2³².

use std::sync::Arc;

use arrow_buffer::ScalarBuffer;

use crate::{Error, EventBatch, Geometry, Meta, Result};

/// Events as three columns of one length. The fields are open: anyone may fill them in, and [`unpack`] checks.
#[derive(Debug, Clone, PartialEq)]
pub struct PackedEvents {
    /// Time stamps, in the stream's unit.
    pub t: ScalarBuffer<i64>,
    /// Pixel numbers: `y * width + x`.
    pub index: ScalarBuffer<u32>,
    /// -1 is OFF, +1 is ON.
    pub value: ScalarBuffer<i8>,
    /// The facts of the stream; they state the geometry.
    pub meta: Arc<Meta>,
}

/// The batch as packed events.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{EventBatch, Meta, pack, unpack};
///
/// let batch = EventBatch::try_new(vec![5], vec![3], vec![1], vec![0], Arc::new(Meta::with_geometry(4, 2)?))?;
/// let packed = pack(&batch)?;
/// assert_eq!((packed.index[0], packed.value[0]), (7, -1));
/// assert_eq!(unpack(&packed)?, batch);
/// # Ok::<(), parallax_events::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Param`](crate::ErrorKind) if the geometry is not known.
pub fn pack(batch: &EventBatch) -> Result<PackedEvents> {
    let width = u32::from(batch.meta().require_geometry()?.width);
    let columns = batch.columns();
    let index: Vec<u32> = columns
        .x
        .iter()
        .zip(columns.y)
        .map(|(&x, &y)| u32::from(y) * width + u32::from(x))
        .collect();
    let value: Vec<i8> = columns.p.iter().map(|&p| if p == 0 { -1 } else { 1 }).collect();
    let [t, ..] = batch.buffers();
    Ok(PackedEvents {
        t: t.into(),
        index: index.into(),
        value: value.into(),
        meta: Arc::clone(batch.meta()),
    })
}

/// The batch that [`pack`] made these of.
///
/// # Errors
/// [`ErrorKind::Malformed`](crate::ErrorKind) names the first event whose pixel is outside the sensor or whose
/// value is neither -1 nor +1, and columns of different lengths; [`ErrorKind::Param`](crate::ErrorKind) if the
/// geometry is not known.
pub fn unpack(packed: &PackedEvents) -> Result<EventBatch> {
    let PackedEvents {
        t,
        index,
        value,
        meta,
    } = packed;
    let geometry = meta.require_geometry()?;
    if index.len() != t.len() || value.len() != t.len() {
        return Err(Error::malformed(format!(
            "the columns have different lengths: t {}, index {}, value {}",
            t.len(),
            index.len(),
            value.len()
        )));
    }
    check_values(index, value, geometry)?;
    let width = u32::from(geometry.width);
    // Inside the sensor, so both are below 2^16.
    let x: Vec<u16> = index.iter().map(|&index| (index % width) as u16).collect();
    let y: Vec<u16> = index.iter().map(|&index| (index / width) as u16).collect();
    let p: Vec<u8> = value.iter().map(|&value| u8::from(value > 0)).collect();
    EventBatch::try_new(t.clone(), x, y, p, Arc::clone(meta))
}

fn check_values(index: &[u32], value: &[i8], geometry: Geometry) -> Result<()> {
    let pixels = geometry.pixels();
    if let Some((event, pixel)) = index
        .iter()
        .enumerate()
        .find(|(_, pixel)| **pixel as usize >= pixels)
    {
        return Err(Error::malformed(format!(
            "pixel {pixel} of event {event} is outside the sensor of {geometry}: {pixels} pixels"
        ))
        .with_context("column", "index"));
    }
    if let Some((event, value)) = value
        .iter()
        .enumerate()
        .find(|(_, value)| !matches!(value, -1 | 1))
    {
        return Err(
            Error::malformed(format!("value {value} of event {event} is neither -1 nor +1"))
                .with_context("column", "value"),
        );
    }
    Ok(())
}
