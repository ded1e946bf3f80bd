//! External triggers: the second table of a recording, beside its events.
//!
//! A camera notes the edges of signals at its input pins in the same stream and by the same clock as its events. They
//! are few, so they are a table of their own: `t` in the stream's unit, `id` of the input, `value` after the edge (0
//! or 1 where the input is one wire). They keep the recorded order.

use arrow_array::RecordBatch;
use arrow_array::types::{UInt8Type, UInt16Type};

use crate::arrow::{integers, primitive, required_column, time_array, time_column};
use crate::{Meta, Result, TimeUnit, trigger_schema};

/// One edge of an external signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trigger {
    /// The time stamp, in the stream's unit.
    pub t: i64,
    /// Which input.
    pub id: u16,
    /// The input's value from then on.
    pub value: u8,
}

impl Trigger {
    /// A trigger.
    pub const fn new(t: i64, id: u16, value: u8) -> Self {
        Self { t, id, value }
    }
}

/// Triggers as columns of one length, in the recorded order.
///
/// ```
/// use parallax_events::{Meta, Trigger, Triggers};
///
/// let mut triggers = Triggers::default();
/// triggers.push(Trigger::new(1_000, 0, 1));
/// triggers.push(Trigger::new(3_000, 0, 0));
/// assert_eq!(triggers.t(), [1_000, 3_000]);
/// let table = triggers.to_record_batch(&Meta::default())?;
/// assert_eq!(Triggers::from_record_batch(&table)?.0, triggers);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Triggers {
    t: Vec<i64>,
    id: Vec<u16>,
    value: Vec<u8>,
}

impl Triggers {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// Time stamps, in the stream's unit.
    pub fn t(&self) -> &[i64] {
        &self.t
    }

    /// Which input.
    pub fn id(&self) -> &[u16] {
        &self.id
    }

    /// The input's value from then on.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The triggers, one after another.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Trigger> + '_ {
        (0..self.len()).map(|i| Trigger::new(self.t[i], self.id[i], self.value[i]))
    }

    /// Appends one.
    pub fn push(&mut self, trigger: Trigger) {
        self.t.push(trigger.t);
        self.id.push(trigger.id);
        self.value.push(trigger.value);
    }

    /// Forgets all of them and keeps the memory.
    pub fn clear(&mut self) {
        self.t.clear();
        self.id.clear();
        self.value.clear();
    }

    /// Sorts by time; those of one time keep their order.
    pub fn sort(&mut self) {
        if self.t.is_sorted() {
            return;
        }
        let mut all: Vec<Trigger> = self.iter().collect();
        all.sort_by_key(|trigger| trigger.t);
        *self = all.into_iter().collect();
    }

    /// As Arrow, with the facts of the stream in the schema's metadata; see [`trigger_schema`].
    ///
    /// # Errors
    /// Never, as the columns have one length; the type is Arrow's.
    pub fn to_record_batch(&self, meta: &Meta) -> Result<RecordBatch> {
        let columns = vec![
            time_array(self.t.clone().into(), meta.time_unit),
            primitive::<UInt16Type>(self.id.clone().into()),
            primitive::<UInt8Type>(self.value.clone().into()),
        ];
        Ok(RecordBatch::try_new(trigger_schema(meta), columns)?)
    }

    /// From the Arrow columns `t`, `id` and `value`, and the unit of their times. `t` may be a Duration of any unit,
    /// or a 64-bit integer in the unit that the schema's metadata state (else microseconds); the others any integers.
    ///
    /// # Errors
    /// Names the column that is missing, has nulls, has another type, or holds a value that does not fit.
    pub fn from_record_batch(table: &RecordBatch) -> Result<(Self, TimeUnit)> {
        let mut meta = Meta::from_schema_metadata(table.schema().metadata())?;
        let t = time_column(table, &mut meta)?;
        let id = integers::<UInt16Type>(required_column(table, "id")?, "id")?;
        let value = integers::<UInt8Type>(required_column(table, "value")?, "value")?;
        let triggers = Self {
            t: t.to_vec(),
            id: id.to_vec(),
            value: value.to_vec(),
        };
        Ok((triggers, meta.time_unit))
    }
}

impl Extend<Trigger> for Triggers {
    fn extend<I: IntoIterator<Item = Trigger>>(&mut self, triggers: I) {
        triggers.into_iter().for_each(|trigger| self.push(trigger));
    }
}

impl FromIterator<Trigger> for Triggers {
    fn from_iter<I: IntoIterator<Item = Trigger>>(triggers: I) -> Self {
        let mut all = Self::default();
        all.extend(triggers);
        all
    }
}
