//! What the text formats share: one line, one event.
//!
//! In: lines of fields in a declared or recognised order. [`plan`] turns parameters, header and first record into a
//! [`Plan`]; [`record`] reads any line by it, exactly and slowly; the kernel `parallax_simd::lines` reads the usual lines
//! many times faster and stops at others; [`decoder`] is the stream around them, [`writer`] the way back. Numbers are
//! exact ([`number`]): a time such as `0.003820001` never goes through a float.

mod decoder;
mod number;
mod plan;
mod record;
mod sniff;
mod writer;

pub(crate) use decoder::TextDecoder;
pub(crate) use plan::{Column, Header, Layout, Separator, Style, Unit, named};
pub(crate) use sniff::look;
pub(crate) use writer::TextWriter;
