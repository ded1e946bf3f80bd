//! External triggers: what AEDAT 4.0 calls the source of a trigger, as an input and its value.
//!
//! | source | id | value |
//! | --- | --- | --- |
//! | 1, 2: rising and falling edge of the external signal | 0 | 1, 0 |
//! | 4, 5: rising and falling edge of the signal generator | 1 | 1, 0 |
//! | 6, 7: start and end of a frame | 2 | 1, 0 |
//! | 8, 9: start and end of a frame's exposure | 3 | 1, 0 |
//! | 3: pulse of the external signal | 4 | 1 |
//! | 0: time stamps were reset | 5 | 1 |
//! | others | the source, modulo 256 | 1 |

use parallax_events::{Error, Result, Trigger};

use super::flat::{Flat, Vector};

/// The trigger number `index` of a packet's list.
pub(super) fn read(flat: Flat<'_>, list: Vector, index: usize) -> Option<Trigger> {
    let table = flat.table(flat.follow(list.start + index * 4)?)?;
    let t = i64::from_le_bytes(table.number(0, [0; 8])?);
    let [source] = table.number(1, [0; 1])?;
    let (id, value) = match source {
        0 => (5, 1),
        1 => (0, 1),
        2 => (0, 0),
        3 => (4, 1),
        4 | 6 | 8 => (source / 2 - 1, 1),
        5 | 7 | 9 => (source / 2 - 1, 0),
        other => (other, 1),
    };
    Some(Trigger::new(t, id.into(), value))
}

/// The source that stands for an input and its value.
///
/// # Errors
/// If there is none.
pub(super) fn source(trigger: Trigger) -> Result<u8> {
    match (u8::try_from(trigger.id), trigger.value) {
        (Ok(0), 1) => Ok(1),
        (Ok(0), 0) => Ok(2),
        (Ok(id @ 1..=3), 1) => Ok(id * 2 + 2),
        (Ok(id @ 1..=3), 0) => Ok(id * 2 + 3),
        (Ok(4), 1) => Ok(3),
        (Ok(5), 1) => Ok(0),
        (Ok(id @ 10..), 1) => Ok(id),
        _ => Err(Error::param(format!(
            "AEDAT 4.0 has no trigger input {} of the value {}: inputs are 0 to 3, values 0 and 1",
            trigger.id, trigger.value
        ))
        .with_hint("leave the triggers out, or choose another format")),
    }
}
