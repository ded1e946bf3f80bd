//! [`Packet`]: what travels between elements. Handing it on moves a reference; the memory stays where it is.
//!
//! It is moved at every element, so it is small: events and tensors stand behind one count.

use std::sync::Arc;

use parallax_events::{EventBatch, Tensor};
use parallax_memory::{Bytes, Metadata};

use crate::Media;

/// What a packet holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Payload {
    /// Bytes of any meaning, often in a slot of a pool.
    Bytes(Bytes),
    /// Events.
    Events(Arc<EventBatch>),
    /// A representation.
    Tensor(Arc<Tensor>),
}

impl Payload {
    /// What it is, for caps and messages.
    pub fn media(&self) -> Media {
        match self {
            Self::Bytes(_) => Media::Bytes,
            Self::Events(_) => Media::Events,
            Self::Tensor(_) => Media::Tensor,
        }
    }

    /// How many bytes of content it refers to.
    #[inline]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Events(batch) => batch.len() * 13,
            Self::Tensor(tensor) => tensor.len() * tensor.dtype().size(),
        }
    }
}

/// A payload and what is said about it. A clone shares the payload's memory.
#[derive(Debug, Clone)]
pub struct Packet {
    /// The content.
    pub payload: Payload,
    /// Sequence number, times, marks and properties.
    pub metadata: Metadata,
}

// More than 128 bytes are moved by a call of `memcpy`, which was a third of a chain's time.
const _: () = assert!(size_of::<Packet>() <= 80);

impl From<Payload> for Packet {
    fn from(payload: Payload) -> Self {
        Self {
            payload,
            metadata: Metadata::default(),
        }
    }
}

impl From<Bytes> for Packet {
    fn from(bytes: Bytes) -> Self {
        Payload::Bytes(bytes).into()
    }
}

impl From<EventBatch> for Packet {
    fn from(batch: EventBatch) -> Self {
        Payload::Events(Arc::new(batch)).into()
    }
}

impl From<Tensor> for Packet {
    fn from(tensor: Tensor) -> Self {
        Payload::Tensor(Arc::new(tensor)).into()
    }
}
