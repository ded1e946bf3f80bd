//! Counts what a decoder meets besides events, off the hot path, so that the report does not depend on how the
//! input is cut.
//!
//! The first of a kind stops the decoder, so that the events before it are committed and its place is exact. Later
//! ones are only counted and handed over at the end of each call. External triggers, where they are asked for, are not
//! counted but gathered, and handed on behind the events of the block.

use parallax_events::{FindingKind, Result, Trigger, Triggers};

use crate::EventSink;

/// What was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// Events before the first time stamp.
    BeforeTime,
    /// Words of no known type.
    Unknown,
    /// Events beyond the addresses that the format has.
    Beyond,
    /// A time word that steps back.
    ClockBack,
    Trigger,
    Imu,
    Vendor,
    Continued,
}

const KINDS: usize = 8;

impl Oddity {
    const ALL: [Self; KINDS] = [
        Self::BeforeTime,
        Self::Unknown,
        Self::Beyond,
        Self::ClockBack,
        Self::Trigger,
        Self::Imu,
        Self::Vendor,
        Self::Continued,
    ];

    const fn kind(self) -> FindingKind {
        match self {
            Self::BeforeTime => FindingKind::BeforeFirstTime,
            Self::Unknown => FindingKind::UnknownWord,
            Self::Beyond => FindingKind::OutsideGeometry,
            Self::ClockBack => FindingKind::ClockBack,
            Self::Trigger | Self::Imu | Self::Vendor | Self::Continued => FindingKind::OtherData,
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::BeforeTime => "events",
            Self::Unknown | Self::Beyond | Self::ClockBack => "",
            Self::Trigger => "external trigger words",
            Self::Imu => "IMU words",
            Self::Vendor => "vendor words",
            Self::Continued => "continuation words",
        }
    }
}

/// See the [module](self).
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    known: [bool; KINDS],
    pending: [u64; KINDS],
    first: Option<(Oddity, u64, u64)>,
    triggers: Triggers,
    /// How many triggers a block may have; `None` if they are counted.
    trigger_room: Option<usize>,
}

impl Tally {
    /// Counts `count` of a kind, the first of them in the word at the byte `offset`. Returns whether they are the
    /// first of their kind: the decoder must then stop behind this word.
    #[inline(always)]
    pub(crate) fn add(&mut self, oddity: Oddity, count: u64, offset: u64) -> bool {
        let index = oddity as usize;
        if self.known[index] {
            // Each of them took bits of the input, so the sum stays far below 64 bits.
            self.pending[index] += count;
            return false;
        }
        self.add_first(oddity, count, offset)
    }

    /// Takes in the trigger in the word at the byte `offset`. Returns whether the decoder must stop behind it.
    #[cold]
    #[inline(never)]
    pub(crate) fn trigger(&mut self, trigger: Trigger, offset: u64) -> bool {
        match self.trigger_room {
            None => self.add(Oddity::Trigger, 1, offset),
            Some(room) => {
                self.triggers.push(trigger);
                self.triggers.len() >= room
            }
        }
    }

    /// Whether triggers are counted, as other oddities are.
    pub(crate) fn counts_triggers(&self) -> bool {
        self.trigger_room.is_none()
    }

    /// Before a block: how many triggers it may have.
    pub(crate) fn begin_block(&mut self, sink: &EventSink<'_>) {
        self.trigger_room = sink.wants_triggers().then(|| sink.trigger_room());
    }

    /// Hands on the triggers of a block whose events are committed.
    pub(crate) fn hand_on_triggers(&mut self, sink: &mut EventSink<'_>) -> Result<()> {
        if self.triggers.is_empty() {
            return Ok(());
        }
        let outcome = self.triggers.iter().try_for_each(|trigger| sink.trigger(trigger));
        self.triggers.clear();
        outcome
    }

    /// Whether none of this kind was counted yet.
    pub(crate) fn is_new(&self, oddity: Oddity) -> bool {
        !self.known[oddity as usize]
    }

    #[cold]
    #[inline(never)]
    fn add_first(&mut self, oddity: Oddity, count: u64, offset: u64) -> bool {
        if count == 0 {
            return false;
        }
        self.known[oddity as usize] = true;
        self.first = Some((oddity, count, offset));
        true
    }

    /// Reports the first of a kind that [`add`](Self::add) stopped for. All events before it are committed.
    pub(crate) fn report_first(&mut self, sink: &mut EventSink<'_>) {
        if let Some((oddity, count, offset)) = self.first.take() {
            sink.note(oddity.kind(), count, offset, || oddity.detail().to_owned());
        }
    }

    /// Reports what was counted since.
    pub(crate) fn report_rest(&mut self, sink: &mut EventSink<'_>) {
        for oddity in Oddity::ALL {
            // Their kind is known, so neither offset nor place is looked at.
            let count = std::mem::take(&mut self.pending[oddity as usize]);
            sink.note(oddity.kind(), count, 0, || oddity.detail().to_owned());
        }
    }
}
