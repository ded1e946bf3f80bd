//! Drops every packet after adding it to a checksum, which it says on the bus at the end; a program that makes the
//! element itself can ask for it.
//!
//! `fnv` is FNV-1a with 64 bits, `crc32` that of Ethernet and ZIP, `sha256` that of FIPS 180-4, all over the content in
//! order, however it is cut into packets. `sum` adds up the bytes, as fast as the memory gives them. Only bytes have a
//! content that is the same however it is cut; of events it takes each column's bytes, of tensors the elements.

use std::sync::{Arc, Mutex, PoisonError};

use parallax_events::{Declaration, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Context, ElementRow, Packet, Payload, Ports, Sink};
use sha2::{Digest, Sha256};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "nullsink",
    "Drops every packet after adding it to a checksum",
    &[ParamSpec::choice("checksum", &["fnv", "crc32", "sha256", "sum", "none"]).default("fnv")
        .doc("FNV-1a with 64 bits, CRC-32, SHA-256, the sum of the bytes, or only their number")],
)
.with_doc(
    "The checksum is said at the end: over the content in order, however it is cut into packets; of \
     events it takes column after column of each batch.",
);

fn build(params: Params) -> Result<Built> {
    let kind = match params.choice("checksum")? {
        "crc32" => Checksum::Crc32,
        "sha256" => Checksum::Sha256,
        "sum" => Checksum::Sum,
        "none" => Checksum::None,
        _ => Checksum::Fnv,
    };
    Ok(NullSink::new(kind).0.into())
}

/// How contents are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// FNV-1a, 64 bits.
    Fnv,
    /// CRC-32 of Ethernet and ZIP.
    Crc32,
    /// SHA-256.
    Sha256,
    /// The sum of the bytes.
    Sum,
    /// Not at all.
    None,
}

/// FNV-1a's offset and prime (draft-eastlake-fnv).
const START: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01B3;

enum Adding {
    Fnv(u64),
    Crc32(crc32fast::Hasher),
    Sha256(Box<Sha256>),
    Sum(u64),
    None,
}

impl Adding {
    fn new(kind: Checksum) -> Self {
        match kind {
            Checksum::Fnv => Self::Fnv(START),
            Checksum::Crc32 => Self::Crc32(crc32fast::Hasher::new()),
            Checksum::Sha256 => Self::Sha256(Box::default()),
            Checksum::Sum => Self::Sum(0),
            Checksum::None => Self::None,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Fnv(hash) => {
                *hash = bytes.iter().fold(*hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
            }
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sum(total) => *total = total.wrapping_add(sum(bytes)),
            Self::None => {}
        }
    }

    fn text(self) -> String {
        match self {
            Self::Fnv(hash) => format!("fnv1a {hash:016x} over "),
            Self::Crc32(hasher) => format!("crc32 {:08x} over ", hasher.finalize()),
            Self::Sha256(hasher) => {
                let hex: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                format!("sha256 {hex} over ")
            }
            Self::Sum(total) => format!("sum {total:016x} over "),
            Self::None => String::new(),
        }
    }
}

/// Drops every packet after adding it to a checksum.
pub struct NullSink {
    kind: Checksum,
    adding: Adding,
    bytes: u64,
    found: ChecksumHandle,
    context: Option<Context>,
}

/// What a [`NullSink`] that is in a pipeline found.
#[derive(Debug, Clone, Default)]
pub struct ChecksumHandle(Arc<Mutex<Option<String>>>);

impl ChecksumHandle {
    /// The kind of checksum, it in hexadecimal digits and the number of bytes, such as `crc32 cbf43926 over 9 bytes`; `None`
    /// before the end of the stream.
    pub fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, text: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

impl NullSink {
    /// A sink, and what it found.
    pub fn new(kind: Checksum) -> (Self, ChecksumHandle) {
        let found = ChecksumHandle::default();
        let sink = Self { kind, adding: Adding::new(kind), bytes: 0, found: found.clone(), context: None };
        (sink, found)
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.adding.add(bytes);
    }
}

/// The sum of the bytes, in lanes that the compiler makes vectors of: what `nullsink checksum=sum` adds up.
pub fn sum(bytes: &[u8]) -> u64 {
    // At most 256 rows in a block: 256 x 255 fits into a u16 lane.
    let mut total = 0;
    for block in bytes.chunks(64 * 256) {
        let (rows, rest) = block.as_chunks::<64>();
        let mut lanes = [0_u16; 64];
        for row in rows {
            for (lane, &byte) in lanes.iter_mut().zip(row) {
                *lane = lane.wrapping_add(u16::from(byte));
            }
        }
        total += lanes.iter().map(|&lane| u64::from(lane)).sum::<u64>();
        total += rest.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    }
    total
}

impl Sink for NullSink {
    fn start(&mut self, context: &Context) -> Result<()> {
        self.adding = Adding::new(self.kind);
        self.bytes = 0;
        self.found.set(None);
        self.context = Some(context.clone());
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        match &packet.payload {
            Payload::Bytes(bytes) => self.add(bytes),
            Payload::Events(batch) => {
                for column in batch.buffers() {
                    self.add(&column);
                }
            }
            Payload::Tensor(tensor) => self.add(tensor.buffer()),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let adding = std::mem::replace(&mut self.adding, Adding::None);
        let text = format!("{}{} bytes", adding.text(), self.bytes);
        if let Some(context) = &self.context {
            context.tell(text.clone());
        }
        self.found.set(Some(text));
        Ok(())
    }
}

impl std::fmt::Debug for NullSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NullSink").field("kind", &self.kind).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl From<NullSink> for Built {
    fn from(sink: NullSink) -> Self {
        Self::sink(sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: Checksum, text: &str) -> String {
        let (mut sink, handle) = NullSink::new(kind);
        text.as_bytes().chunks(2).for_each(|part| sink.add(part));
        sink.end().unwrap();
        handle.get().unwrap()
    }

    #[test]
    fn the_checksums_are_the_published_ones() {
        // Test vectors: draft-eastlake-fnv, appendix C; the CRC catalogue's check value; FIPS 180-4's examples.
        for (kind, text, wanted) in [
            (Checksum::Fnv, "", "fnv1a cbf29ce484222325 over 0 bytes"),
            (Checksum::Fnv, "a", "fnv1a af63dc4c8601ec8c over 1 bytes"),
            (Checksum::Fnv, "foobar", "fnv1a 85944171f73967e8 over 6 bytes"),
            (Checksum::Crc32, "123456789", "crc32 cbf43926 over 9 bytes"),
            (Checksum::Sha256, "abc", "sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad over 3 bytes"),
            (Checksum::Sum, "abc", "sum 0000000000000126 over 3 bytes"),
            (Checksum::None, "abc", "3 bytes"),
        ] {
            assert_eq!(found(kind, text), wanted);
        }
    }

    #[test]
    fn the_sum_is_the_sum() {
        for len in [0, 1, 63, 64, 65, 16_384, 16_385, 100_000] {
            let bytes: Vec<u8> = (0..len).map(|index| if index % 3 == 0 { 255 } else { (index % 251) as u8 }).collect();
            assert_eq!(sum(&bytes), bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>());
            assert_eq!(sum(&vec![255; len]), 255 * len as u64);
        }
    }
}
