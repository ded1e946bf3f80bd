//! Which TIME_HIGH words bring a reader of EVT 2.0 or EVT 2.1 to a time.

use parallax_events::Result;

use super::clock::{Clock, LARGEST, LOOP};
use crate::stored::Storing;

/// The latest time: the words that it takes to get there are 4 MB, or 8 MB.
const LATEST: i64 = 1 << 52;

/// What a reader makes of the TIME_HIGH words so far.
#[derive(Debug, Default)]
pub(super) struct WrittenClock(Option<Clock>);

impl WrittenClock {
    /// Calls `time_high` with the contents of the words that bring a reader to `t`, but for its low 6 bits.
    ///
    /// # Errors
    /// If no words do: `t` is out of range, or so far back that a reader would take it for a new start of the counter.
    #[inline]
    pub(super) fn reach(
        &mut self,
        t: i64,
        storing: &Storing,
        time_high: impl FnMut(u32) -> Result<()>,
    ) -> Result<()> {
        if self.0.is_some_and(|clock| clock.base() == t & !63) {
            return Ok(());
        }
        self.move_to(t, storing, time_high)
    }

    fn move_to(
        &mut self,
        t: i64,
        storing: &Storing,
        mut time_high: impl FnMut(u32) -> Result<()>,
    ) -> Result<()> {
        if !(0..=LATEST).contains(&t) {
            return Err(storing.no_time(t, "times are from 0 to 2^52 us"));
        }
        let base = t & !63;
        let mut put = |clock: &mut Option<Clock>, base: i64| {
            let content = (base >> 6) as u32;
            *clock = Some(match clock {
                Some(clock) => clock.after(content),
                None => Clock::new(content, false),
            });
            time_high(content)
        };
        loop {
            let Some(clock) = self.0 else {
                put(&mut self.0, if base < LOOP { base } else { 0 })?;
                continue;
            };
            if clock.base() == base {
                return Ok(());
            }
            let next = clock.after(((base % LOOP) >> 6) as u32);
            if next.base() == base {
                put(&mut self.0, base % LOOP)?;
            } else if base > clock.base() {
                // By way of the end of the range, so that a reader sees that it starts again.
                put(&mut self.0, LARGEST)?;
                put(&mut self.0, 0)?;
            } else {
                let why = format!("it would be read as {} us", next.base() + (t & 63));
                return Err(storing.no_time(t, &why));
            }
        }
    }
}
