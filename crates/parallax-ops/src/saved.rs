//! How a state becomes bytes and comes back: numbers in little-endian order, columns with their length in front.
//!
//! A reader never allocates by a number that the bytes claim, and an end that comes early or late is an error.

use std::sync::Arc;

use parallax_events::{DvsColumns, Error, Event, EventBatch, EventColumns, Meta, Result};

/// Collects the bytes of a state.
#[derive(Debug, Default)]
pub(crate) struct Saved(Vec<u8>);

impl Saved {
    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn i64(self, value: i64) -> Self {
        self.u64(value.cast_unsigned())
    }

    pub(crate) fn optional_i64(self, value: Option<i64>) -> Self {
        self.u64(value.is_some().into()).i64(value.unwrap_or_default())
    }

    pub(crate) fn optional_pair(self, pair: Option<(i64, i64)>) -> Self {
        let (a, b) = pair.unwrap_or_default();
        self.u64(pair.is_some().into()).i64(a).i64(b)
    }

    pub(crate) fn f64(self, value: f64) -> Self {
        self.u64(value.to_bits())
    }

    /// The state of a part, and how long it is.
    pub(crate) fn part(self, part: &[u8]) -> Self {
        self.u64(part.len() as u64).u8s(part)
    }

    pub(crate) fn i64s(mut self, values: &[i64]) -> Self {
        self.0.reserve(8 * values.len());
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    pub(crate) fn u32s(mut self, values: &[u32]) -> Self {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    pub(crate) fn u8s(mut self, values: &[u8]) -> Self {
        self.0.extend_from_slice(values);
        self
    }

    /// All events of these batches, and how many they are.
    pub(crate) fn events<'a>(self, batches: impl Iterator<Item = &'a EventBatch> + Clone) -> Self {
        let count = batches.clone().map(EventBatch::len).sum();
        self.event_list(count, batches.flat_map(|batch| batch.columns().iter()))
    }

    /// These events, of which there are `count`, and how many they are.
    pub(crate) fn event_list(mut self, count: usize, events: impl Iterator<Item = Event>) -> Self {
        self = self.u64(count as u64);
        for event in events {
            self.0.extend(event.t.to_le_bytes());
            self.0.extend(event.x.to_le_bytes());
            self.0.extend(event.y.to_le_bytes());
            self.0.push(event.p);
        }
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads the bytes of a state back.
#[derive(Debug)]
pub(crate) struct Loaded<'a> {
    rest: &'a [u8],
}

impl<'a> Loaded<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(wrong)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.take(8)?
            .try_into()
            .map(u64::from_le_bytes)
            .map_err(|_| wrong())
    }

    pub(crate) fn i64(&mut self) -> Result<i64> {
        Ok(self.u64()?.cast_signed())
    }

    pub(crate) fn optional_i64(&mut self) -> Result<Option<i64>> {
        let (some, value) = (self.u64()?, self.i64()?);
        match some {
            0 => Ok(None),
            1 => Ok(Some(value)),
            _ => Err(wrong()),
        }
    }

    pub(crate) fn optional_pair(&mut self) -> Result<Option<(i64, i64)>> {
        let (some, a, b) = (self.u64()?, self.i64()?, self.i64()?);
        match some {
            0 => Ok(None),
            1 => Ok(Some((a, b))),
            _ => Err(wrong()),
        }
    }

    pub(crate) fn f64(&mut self) -> Result<f64> {
        self.u64().map(f64::from_bits)
    }

    /// How many things of so many bytes follow, if they do.
    pub(crate) fn count(&mut self, bytes: usize) -> Result<usize> {
        let count = usize::try_from(self.u64()?).map_err(|_| wrong())?;
        let are_there = count
            .checked_mul(bytes)
            .is_some_and(|bytes| bytes <= self.rest.len());
        are_there.then_some(count).ok_or_else(wrong)
    }

    pub(crate) fn part(&mut self) -> Result<&'a [u8]> {
        let len = self.count(1)?;
        self.take(len)
    }

    /// As many numbers as `count`, which is not from the bytes.
    pub(crate) fn i64s(&mut self, count: usize) -> Result<Vec<i64>> {
        let bytes = self.take(count.checked_mul(8).ok_or_else(wrong)?)?;
        Ok(bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|bytes| i64::from_le_bytes(*bytes))
            .collect())
    }

    /// As many numbers as `count`, which is not from the bytes.
    pub(crate) fn u32s(&mut self, count: usize) -> Result<Vec<u32>> {
        let bytes = self.take(count.checked_mul(4).ok_or_else(wrong)?)?;
        Ok(bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| u32::from_le_bytes(*bytes))
            .collect())
    }

    /// As many bytes as `count`, which is not from the bytes.
    pub(crate) fn u8s(&mut self, count: usize) -> Result<Vec<u8>> {
        Ok(self.take(count)?.to_vec())
    }

    pub(crate) fn events(&mut self) -> Result<EventColumns> {
        let count = self.count(13)?;
        let bytes = self.take(13 * count)?;
        let mut events = EventColumns::default();
        for &[a, b, c, d, e, f, g, h, x, x_high, y, y_high, p] in bytes.as_chunks::<13>().0 {
            let t = i64::from_le_bytes([a, b, c, d, e, f, g, h]);
            let (x, y) = (u16::from_le_bytes([x, x_high]), u16::from_le_bytes([y, y_high]));
            events.push(Event::new(t, x, y, p));
        }
        Ok(events)
    }

    pub(crate) fn batch(&mut self, meta: &Arc<Meta>) -> Result<EventBatch> {
        let events = self.events()?;
        let DvsColumns { t, x, y, p } = events.as_columns();
        EventBatch::try_new(t.to_vec(), x.to_vec(), y.to_vec(), p.to_vec(), Arc::clone(meta))
    }

    /// All that has not been read, for the state of a part.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn end(self) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(wrong())
        }
    }
}

/// The bytes are not such a state.
pub(crate) fn wrong() -> Error {
    Error::malformed("the saved state is not one of this operator for this stream")
}
