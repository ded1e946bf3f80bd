//! Gives packets of bytes without any meaning, each in a slot of a pool.
//!
//! `fill=none` leaves in a slot what its last user left: the fastest, and different from run to run. `pattern` counts
//! upwards from the packet's number, so that every packet is another. `interval` gives the packets times, the first 0,
//! and a duration; it does not make the source slow: `throttle` does.

use std::time::Duration;

use parallax_events::{Declaration, Error, Nanos, ParamSpec, Params, Result};
use parallax_memory::{LoanError, MemoryPool};
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Ports, Produced, Source};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SOURCE, build);

static DECLARATION: Declaration = Declaration::new(
    "fakesrc",
    "Gives packets of bytes without any meaning",
    &[
        ParamSpec::int("num_buffers").min(0).optional().doc("How many packets; without it there is no end"),
        ParamSpec::size("size").max(1 << 32).default(64).doc("Bytes in each packet"),
        ParamSpec::choice("fill", &["none", "zero", "pattern"]).default("none").doc("What is in them"),
        ParamSpec::time("interval").min(Nanos(1)).optional().doc("Time from each packet to the next; without it they have none"),
        ParamSpec::int("slots").range(1, 1 << 20).default(64).doc("Slots of its pool: how many packets may be under way"),
    ],
);

fn build(params: Params) -> Result<Built> {
    let whole = |number: i64| u64::try_from(number).map_err(|_| Error::internal("out of range"));
    let fill = match params.choice("fill")? {
        "zero" => Fill::Zero,
        "pattern" => Fill::Pattern,
        _ => Fill::None,
    };
    let mut source = FakeSource::new(params.size("size")? as usize).with_fill(fill);
    source.limit = params.optional_int("num_buffers")?.map(whole).transpose()?;
    source.interval = params.optional_time("interval")?;
    source.slots = whole(params.int("slots")?)? as usize;
    Ok(source.into())
}

/// What is in the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fill {
    /// What the slot's last user left there.
    #[default]
    None,
    /// Zeros.
    Zero,
    /// Bytes that count upwards from the packet's number.
    Pattern,
}

/// Gives packets of bytes without any meaning.
#[derive(Debug)]
pub struct FakeSource {
    size: usize,
    slots: usize,
    fill: Fill,
    limit: Option<u64>,
    interval: Option<Nanos>,
    given: u64,
    pool: Option<MemoryPool>,
}

impl FakeSource {
    /// Packets of `size` bytes without end.
    pub fn new(size: usize) -> Self {
        Self { size, slots: 64, fill: Fill::None, limit: None, interval: None, given: 0, pool: None }
    }

    /// So many of them.
    #[must_use]
    pub fn with_limit(mut self, packets: u64) -> Self {
        self.limit = Some(packets);
        self
    }

    /// What is in them.
    #[must_use]
    pub fn with_fill(mut self, fill: Fill) -> Self {
        self.fill = fill;
        self
    }
}

impl Source for FakeSource {
    fn offers(&self) -> Caps {
        Caps::of(Media::Bytes)
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.given = 0;
        self.pool = Some(context.pool(self.slots, self.size)?);
        Ok(())
    }

    fn produce(&mut self) -> Result<Produced> {
        if self.limit.is_some_and(|limit| self.given >= limit) {
            return Ok(Produced::End);
        }
        let Some(pool) = &self.pool else { return Err(Error::internal("the source has not started")) };
        let mut loan = match pool.loan() {
            Ok(loan) => loan,
            // All packets are under way: the stream is held back until one returns.
            Err(LoanError::Exhausted { .. }) => match pool.loan_timeout(Duration::from_millis(100)) {
                Ok(loan) => loan,
                Err(_) => return Ok(Produced::Nothing),
            },
            Err(error) => return Err(error.into()),
        };
        match self.fill {
            Fill::None => {}
            Fill::Zero => loan.as_mut_slice().fill(0),
            Fill::Pattern => {
                for (index, byte) in loan.as_mut_slice().iter_mut().enumerate() {
                    *byte = self.given.wrapping_add(index as u64) as u8;
                }
            }
        }
        loan.set_len(self.size)?;
        let mut packet = Packet::from(loan.seal());
        if let Some(Nanos(interval)) = self.interval {
            packet.metadata.set_time(i64::try_from(self.given).ok().and_then(|given| given.checked_mul(interval)));
            packet.metadata.set_duration(Some(interval));
        }
        self.given += 1;
        Ok(Produced::Packet(packet))
    }

    fn stop(&mut self) {
        self.pool = None;
    }
}

impl From<FakeSource> for Built {
    fn from(source: FakeSource) -> Self {
        Self::source(source)
    }
}
