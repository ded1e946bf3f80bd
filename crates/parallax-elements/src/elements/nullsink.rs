//! Drops every packet after adding it to a checksum, which it says on the bus at the end.
//!
//! The checksum is FNV-1a, 64 bits, over the content in order, however it is cut into packets. `sum` adds up the bytes,
//! as fast as the memory gives them. Only bytes have a content that is the same however it is cut; of events it takes
//! each column's bytes, of tensors the elements.

use parallax_events::{Declaration, ParamSpec, Params, Result};
use parallax_pipeline::{Built, Context, ElementRow, Packet, Payload, Ports, Sink};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "nullsink",
    "Drops every packet after adding it to a checksum",
    &[ParamSpec::choice("checksum", &["fnv", "sum"]).default("fnv").doc("FNV-1a, or the sum of the bytes")],
);

fn build(params: Params) -> Result<Built> {
    let sums = params.choice("checksum")? == "sum";
    Ok(Built::sink(NullSink { sums, value: START, bytes: 0, context: None }))
}

/// FNV-1a's offset and prime (draft-eastlake-fnv).
const START: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01B3;

#[derive(Debug)]
struct NullSink {
    sums: bool,
    value: u64,
    bytes: u64,
    context: Option<Context>,
}

impl NullSink {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.value = if self.sums {
            self.value.wrapping_add(sum(bytes))
        } else {
            bytes.iter().fold(self.value, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
        };
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
        self.value = if self.sums { 0 } else { START };
        self.bytes = 0;
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
        if let Some(context) = &self.context {
            let name = if self.sums { "sum" } else { "fnv1a" };
            context.tell(format!("{name} {:016x} over {} bytes", self.value, self.bytes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one_and_the_sum_is_the_sum() {
        // Test vectors of draft-eastlake-fnv, appendix C.
        for (text, wanted) in
            [("", START), ("a", 0xAF63_DC4C_8601_EC8C), ("foobar", 0x8594_4171_F739_67E8)]
        {
            let mut sink = NullSink { sums: false, value: START, bytes: 0, context: None };
            text.as_bytes().chunks(2).for_each(|part| sink.add(part));
            assert_eq!(sink.value, wanted, "{text}");
        }
        for len in [0, 1, 63, 64, 65, 16_384, 16_385, 100_000] {
            let bytes: Vec<u8> = (0..len).map(|index| if index % 3 == 0 { 255 } else { (index % 251) as u8 }).collect();
            assert_eq!(sum(&bytes), bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>());
            assert_eq!(sum(&vec![255; len]), 255 * len as u64);
        }
    }
}
