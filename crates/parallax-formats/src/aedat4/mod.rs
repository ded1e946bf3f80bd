//! AEDAT 4.0: the container of the DV software, a header and then packets of several streams.
//!
//! A file is a line of text, a header ([`Header`]: a FlatBuffer with the streams in XML), packets of one stream each, and
//! a table of them at the end ([`table`]), which reading does not need. A packet is a FlatBuffer, compressed for itself. The decoder
//! checks every offset of it ([`flat`]) and never unpacks more than the limits allow ([`compression`]).

mod compression;
mod decoder;
mod flat;
mod header;
mod lz4;
mod packet;
mod parts;
mod table;
mod triggers;
mod writer;

pub(crate) use decoder::Aedat4Decoder;
pub(crate) use writer::write_aedat4;

/// The line at the start of a file.
pub(crate) const MAGIC: &[u8; 14] = b"#!AER-DAT4.0\r\n";
