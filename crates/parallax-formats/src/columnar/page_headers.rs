//! Checks what a Parquet file claims before the Parquet library believes it.
//!
//! The library allocates by the numbers in page headers and walks the schema by recursion; a file of a few
//! bytes could make it ask for gigabytes or overflow the stack, neither of which can be caught. So the footer's
//! schema and the headers of the pages about to be read are walked here first, against [`Limits`].
//!
//! Source: the Apache Parquet format, `parquet.thrift` (`FileMetaData`, `PageHeader`).

use parallax_events::{Error, Limits, Result};
use parquet::basic::{Compression, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use super::Content;
use super::thrift::{Kind, Thrift};

/// The most bytes that a page header may have: statistics of integers take some dozens.
const HEADER_BYTES: u64 = 64 << 10;

/// How many bytes of a page header are read at first.
const HEADER_READ: u64 = 512;

/// The most elements of a schema. The library walks it by recursion, so this bounds the nesting too. Events
/// have five elements.
const SCHEMA_ELEMENTS: u64 = 512;

/// The most bytes that the footer may have; one of 16 MiB indexes some 10^10 events. What the library makes of
/// it takes more memory, by a factor.
const FOOTER_BYTES: u64 = 16 << 20;

/// `PAR1`, at both ends of the file.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Checks the footer, and the shape of the schema in it.
///
/// # Errors
/// If the file has no footer, it does not fit the file or the limits, or its schema is nested too deeply.
pub(crate) fn check_footer(content: &Content, limits: &Limits) -> Result<()> {
    let incomplete = || {
        Error::malformed("the Parquet file has no footer")
            .at_byte(content.len())
            .with_hint("it is cut short or was never finished; is the copy complete?")
    };
    let tail_at = content.len().checked_sub(8).ok_or_else(incomplete)?;
    let tail = content.read(tail_at, 8)?;
    let (Some(len), Some(magic)) = (tail.first_chunk::<4>(), tail.get(4..)) else {
        return Err(incomplete());
    };
    if magic == b"PARE" {
        return Err(Error::unsupported("the Parquet file is encrypted").at_byte(tail_at));
    }
    if magic != MAGIC {
        return Err(incomplete());
    }
    let len = u64::from(u32::from_le_bytes(*len));
    if len > FOOTER_BYTES.min(limits.block_bytes) {
        return Err(Error::limit(format!("the Parquet footer claims {len} bytes")).at_byte(tail_at));
    }
    let at = tail_at.checked_sub(len).ok_or_else(|| {
        Error::malformed(format!(
            "the Parquet footer claims {len} bytes, the file has {}",
            content.len()
        ))
        .at_byte(tail_at)
    })?;
    check_schema(&content.read(at, len)?).map_err(|error| error.at_byte(at))
}

/// Counts the schema's elements: the first fields of `FileMetaData` are 1, the version, and 2, the schema.
fn check_schema(footer: &[u8]) -> Result<()> {
    let mut thrift = Thrift::new(footer);
    let mut last = 0;
    loop {
        match thrift.field(&mut last)? {
            Some((1, Kind::I32)) => thrift.skip(Kind::I32)?,
            Some((2, Kind::LIST)) => {
                let (element, count) = thrift.list()?;
                if element != Kind::STRUCT {
                    return Err(Error::malformed("the Parquet footer has no proper schema"));
                }
                if count > SCHEMA_ELEMENTS {
                    return Err(Error::limit(format!(
                        "a table of {count} columns, the limit is {SCHEMA_ELEMENTS}"
                    )));
                }
                return Ok(());
            }
            _ => {
                return Err(Error::malformed(
                    "the Parquet footer does not begin with a schema",
                ));
            }
        }
    }
}

/// What of a page header is checked.
#[derive(Debug, Default)]
struct PageHeader {
    page_type: i32,
    uncompressed: i32,
    compressed: i32,
    values: i32,
    encoding: i32,
}

const DATA_PAGE: i32 = 0;
const INDEX_PAGE: i32 = 1;
const DICTIONARY_PAGE: i32 = 2;
const DATA_PAGE_V2: i32 = 3;

/// `BYTE_STREAM_SPLIT`.
const SPLIT_ENCODING: i32 = 9;

/// `PLAIN_DICTIONARY` and `RLE_DICTIONARY`.
const DICTIONARY_ENCODINGS: [i32; 2] = [2, 8];

/// Walks the page headers of a column chunk of `rows` rows. Afterwards no page asks for more memory than
/// `limits` allows, each lies inside the chunk, and those that need a dictionary have one.
///
/// # Errors
/// With the byte offset of the page.
pub(crate) fn check_chunk(
    content: &Content,
    chunk: &ColumnChunkMetaData,
    rows: u64,
    limits: &Limits,
) -> Result<()> {
    let start = chunk
        .dictionary_page_offset()
        .unwrap_or_else(|| chunk.data_page_offset());
    let (Ok(start), Ok(len)) = (u64::try_from(start), u64::try_from(chunk.compressed_size())) else {
        return Err(Error::malformed(
            "a column claims to lie before the beginning of the file",
        ));
    };
    let end = start.checked_add(len).filter(|&end| end <= content.len());
    let end = end.ok_or_else(|| {
        Error::malformed(format!(
            "a column claims {len} bytes, the file has {}",
            content.len()
        ))
        .at_byte(start)
    })?;
    if u64::try_from(chunk.num_values()) != Ok(rows) {
        return Err(Error::malformed(format!(
            "a column has {} values for {rows} rows",
            chunk.num_values()
        ))
        .at_byte(start));
    }
    let nullable = chunk.column_descr().max_def_level() > 0;
    let mut at = start;
    let mut values = 0_u64;
    let mut has_dictionary = false;
    while at < end {
        let (header, header_len) = read_header(content, at, end).map_err(|error| error.at_byte(at))?;
        let page_at = at;
        let damaged = |what: &str| Err(Error::malformed(format!("a page {what}")).at_byte(page_at));
        let (Ok(uncompressed), Ok(compressed)) = (
            u64::try_from(header.uncompressed),
            u64::try_from(header.compressed),
        ) else {
            return damaged("has a negative size");
        };
        limits.check_block(uncompressed, at)?;
        if chunk.compression() == Compression::UNCOMPRESSED && compressed != uncompressed {
            return damaged("is not compressed, but claims two sizes");
        }
        let Ok(count) = u64::try_from(header.values) else {
            return damaged("has a negative number of values");
        };
        match header.page_type {
            DATA_PAGE | DATA_PAGE_V2 => {
                values = values.saturating_add(count);
                if DICTIONARY_ENCODINGS.contains(&header.encoding) && !has_dictionary {
                    return damaged("needs a dictionary that is not there");
                }
                // The library indexes by the number of values. With nulls there are fewer of them; then its
                // panic is caught.
                let width = if chunk.column_type() == Type::INT64 { 8 } else { 4 };
                if header.encoding == SPLIT_ENCODING
                    && !nullable
                    && uncompressed < count.saturating_mul(width)
                {
                    return damaged("has fewer bytes than its values need");
                }
            }
            DICTIONARY_PAGE => {
                // Entries of event columns have at least 4 bytes each.
                if has_dictionary || count > uncompressed / 4 {
                    return damaged("of dictionary entries is inconsistent");
                }
                has_dictionary = true;
            }
            INDEX_PAGE => {}
            _ => return damaged("has an unknown type"),
        }
        at += header_len;
        if compressed > end.saturating_sub(at) {
            return damaged("reaches behind its column");
        }
        at += compressed;
    }
    if values != rows {
        return Err(Error::malformed(format!(
            "the pages of a column have {values} values for {rows} rows"
        ))
        .at_byte(start));
    }
    Ok(())
}

/// The header at `at`, and how many bytes it has.
fn read_header(content: &Content, at: u64, end: u64) -> Result<(PageHeader, u64)> {
    let mut window = HEADER_READ;
    loop {
        let bytes = content.read(at, window.min(end - at))?;
        let mut thrift = Thrift::new(&bytes);
        match page_header(&mut thrift) {
            Ok(header) => return Ok((header, thrift.at() as u64)),
            Err(_) if thrift.is_at_end() && window < HEADER_BYTES && window < end - at => window *= 8,
            Err(error) => return Err(error),
        }
    }
}

fn page_header(thrift: &mut Thrift<'_>) -> Result<PageHeader> {
    let mut header = PageHeader {
        page_type: -1,
        ..PageHeader::default()
    };
    let mut last = 0;
    while let Some(field) = thrift.field(&mut last)? {
        match field {
            (1, Kind::I32) => header.page_type = thrift.int()?,
            (2, Kind::I32) => header.uncompressed = thrift.int()?,
            (3, Kind::I32) => header.compressed = thrift.int()?,
            // The checksum.
            (4, Kind::I32) => thrift.skip(Kind::I32)?,
            (5..=8, Kind::STRUCT) => kind_header(thrift, &mut header, last)?,
            _ => return Err(strange_field()),
        }
    }
    Ok(header)
}

/// The part of the header that depends on the kind of page: 5 data, 6 index, 7 dictionary, 8 data of version 2.
fn kind_header(thrift: &mut Thrift<'_>, header: &mut PageHeader, page: i16) -> Result<()> {
    let mut last = 0;
    while let Some(field) = thrift.field(&mut last)? {
        match (page, field) {
            (5 | 7 | 8, (1, Kind::I32)) => header.values = thrift.int()?,
            (5 | 7, (2, Kind::I32)) | (8, (4, Kind::I32)) => header.encoding = thrift.int()?,
            (5, (3 | 4, Kind::I32)) | (8, (2 | 3 | 5 | 6, Kind::I32)) => thrift.skip(Kind::I32)?,
            // Statistics.
            (5, (5, Kind::STRUCT)) | (8, (8, Kind::STRUCT)) => thrift.skip(Kind::STRUCT)?,
            // Whether the dictionary is sorted; whether the page is compressed.
            (7, (3, Kind::TRUE | Kind::FALSE)) | (8, (7, Kind::TRUE | Kind::FALSE)) => {}
            _ => return Err(strange_field()),
        }
    }
    Ok(())
}

fn strange_field() -> Error {
    Error::malformed("a page header has a field that it should not have")
}
