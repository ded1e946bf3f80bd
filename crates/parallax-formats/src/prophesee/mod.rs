//! What the Prophesee formats share: the text header as a typed value, and a stream decoder around the words.
//!
//! A RAW file is a text header and then words of one size. [`RawHeader`] is the header, parsed once;
//! [`RawDecoder`] reads it, checks that it belongs to the format, and drives a [`Words`] implementation, which is
//! all that a format adds. What the words hold besides events goes through a [`Tally`].

mod bisect;
mod clock;
mod header;
mod raw;
mod systems;
mod tally;
mod write_clock;
mod write_evt2;
mod write_evt21;
mod write_evt3;
mod write_header;

pub(crate) use bisect::{places, seek_by_high};
pub(crate) use clock::{Clock, LOOP};
pub(crate) use header::{Encoding, RawHeader};
pub(crate) use raw::{RawDecoder, SHIFT, Step, Words, sniff};
pub(crate) use tally::{Oddity, Tally};
pub(crate) use write_evt2::write_evt2;
pub(crate) use write_evt3::write_evt3;
pub(crate) use write_evt21::{ENDIANNESS, write_evt21};
