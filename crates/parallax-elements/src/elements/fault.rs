//! Drops, delays, repeats and corrupts packets at random, and may fail: to see what stands behind it do then.
//!
//! What happens to a packet depends on the seed and on how many came before it, on nothing else. A corrupted packet
//! stays one of its kind and is marked: of bytes one bit is another, of events one has another place and polarity, of
//! tensors one bit of an element. The packet after a dropped one is marked too. At the end it says on the bus what it did.

use std::time::{Duration, Instant};

use std::sync::Arc;

use parallax_events::{
    Declaration, Error, EventBatch, EventColumns, Nanos, ParamSpec, Params, Philox, Result, Tensor,
};
use parallax_memory::{Bytes, Flags, Region};
use parallax_pipeline::{Built, Context, Element, ElementRow, Out, Packet, Payload, Ports};

use crate::pace::sleep_until;

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::FILTER, build);

static DECLARATION: Declaration = Declaration::new(
    "fault",
    "Drops, delays, repeats and corrupts packets at random, and may fail",
    &[
        ParamSpec::float("drop").range(0.0, 1.0).default(0.0).doc("Share of packets that are dropped"),
        ParamSpec::float("repeat").range(0.0, 1.0).default(0.0).doc("Share of packets that come twice"),
        ParamSpec::float("corrupt").range(0.0, 1.0).default(0.0).doc("Share of packets in which something is changed"),
        ParamSpec::time("delay").range(Nanos(0), Nanos(3_600_000_000_000)).default(Nanos(0))
            .doc("The longest time that a packet is held back; the others wait behind it"),
        ParamSpec::int("fail_after").unit("packets").min(0).optional().doc("After how many packets it fails; never if absent"),
        ParamSpec::int("seed").min(0).default(0).doc("Seed of the randomness"),
    ],
)
.with_doc(
    "What happens depends on the seed and the number of the packet alone. Corrupted packets, and those \
     behind dropped ones, are marked. At the end it says what it did.",
);

fn build(params: Params) -> Result<Built> {
    Ok(Built::element(Fault {
        drop: params.float("drop")?,
        repeat: params.float("repeat")?,
        corrupt: params.float("corrupt")?,
        delay: params.time("delay")?.0.unsigned_abs(),
        fail_after: params.optional_int("fail_after")?.map(i64::unsigned_abs),
        random: Philox::new(params.int("seed")?.unsigned_abs(), "fault"),
        done: Done::default(),
        gap: false,
        context: None,
    }))
}

#[derive(Debug)]
struct Fault {
    drop: f64,
    repeat: f64,
    corrupt: f64,
    delay: u64,
    fail_after: Option<u64>,
    random: Philox,
    done: Done,
    /// Whether the last packet was dropped.
    gap: bool,
    context: Option<Context>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Done {
    packets: u64,
    dropped: u64,
    repeated: u64,
    corrupted: u64,
}

impl Element for Fault {
    fn start(&mut self, context: &Context) -> Result<()> {
        self.context = Some(context.clone());
        Ok(())
    }

    fn process(&mut self, mut packet: Packet, out: &mut Out<'_>) -> Result<()> {
        let index = self.done.packets;
        if self.fail_after.is_some_and(|after| index >= after) {
            let text = format!("`fault` fails after {index} packets, as it was told to");
            return Err(Error::internal(text));
        }
        self.done.packets += 1;
        let [drop, repeat, corrupt, delay] = std::array::from_fn(|lane| self.random.unit_f64(index, lane as u32));
        if drop < self.drop {
            self.done.dropped += 1;
            self.gap = true;
            return Ok(());
        }
        if std::mem::take(&mut self.gap) {
            packet.metadata.mark(Flags::GAP);
        }
        if corrupt < self.corrupt && self.damage(index, &mut packet.payload)? {
            self.done.corrupted += 1;
            packet.metadata.mark(Flags::CORRUPT);
        }
        if self.delay > 0 {
            let held = Duration::from_nanos((delay * self.delay as f64) as u64);
            sleep_until(Instant::now() + held, self.context.as_ref());
        }
        if repeat < self.repeat {
            self.done.repeated += 1;
            out.push(packet.clone())?;
        }
        out.push(packet)
    }

    fn drain(&mut self, _: &mut Out<'_>) -> Result<()> {
        let Done { packets, dropped, repeated, corrupted } = self.done;
        if let Some(context) = &self.context {
            context.tell(format!("of {packets} packets {dropped} dropped, {repeated} repeated, {corrupted} corrupted"));
        }
        Ok(())
    }

    fn flush(&mut self) {
        self.done = Done::default();
        self.gap = false;
    }
}

impl Fault {
    /// Changes something in the payload; false if there is nothing in it.
    fn damage(&self, index: u64, payload: &mut Payload) -> Result<bool> {
        // Words 8 to 11 are those that nothing else is drawn from.
        let [place, bit, x, y] = self.random.block(index, 2);
        let below = |word: u32, n: usize| ((u64::from(word) * n as u64) >> 32) as usize;
        let flip = |bytes: &mut [u8]| {
            if let Some(byte) = bytes.get_mut(below(place, bytes.len())) {
                *byte ^= 1 << (bit % 8);
            }
        };
        match payload {
            Payload::Bytes(bytes) if !bytes.is_empty() => {
                let mut content = bytes.to_vec();
                flip(&mut content);
                *bytes = Bytes::from(content);
            }
            Payload::Events(batch) if !batch.is_empty() => {
                let (width, height) = batch.meta().geometry.map_or((1 << 16, 1 << 16), |g| (g.width.into(), g.height.into()));
                let chosen = below(place, batch.len());
                let mut events = EventColumns::default();
                for (number, mut event) in batch.columns().iter().enumerate() {
                    if number == chosen {
                        event.x = below(x, width) as u16;
                        event.y = below(y, height) as u16;
                        event.p ^= 1;
                    }
                    events.push(event);
                }
                let damaged: EventBatch = events.into_batch(batch.meta())?;
                *batch = Arc::new(damaged);
            }
            Payload::Tensor(tensor) if !tensor.is_empty() => {
                let mut content = Region::new(tensor.buffer().len())?;
                content.as_mut_slice().copy_from_slice(tensor.buffer());
                flip(content.as_mut_slice());
                let buffer = content.seal().into_arrow(..);
                let (shape, axes) = (tensor.shape(), tensor.axes().iter().cloned());
                let damaged = Tensor::try_new(buffer, tensor.dtype(), shape, axes, tensor.meta().clone())?;
                *tensor = Arc::new(damaged.with_time_span(tensor.time_span()));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
