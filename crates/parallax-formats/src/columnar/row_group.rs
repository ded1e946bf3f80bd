//! A row group of events in Parquet's form: encoded, compressed, with its statistics.
//!
//! A column is cut into pages of 128 Ki events, and each page of each column is work of its own, for as many threads as
//! the caller's Rayon pool has. The pages are the same on any number of them. Levels of definition and repetition do
//! not exist: no column is optional or repeated.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use parallax_events::{DvsColumns, Result};
use parallax_simd::bounds;
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use super::encodings;
use super::parquet_write::write_error;

/// How many events a page has: larger ones compress no better.
const PAGE_EVENTS: usize = 128 << 10;

/// The columns, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    T,
    X,
    Y,
    P,
}

/// A page, and the least and the greatest value in it.
struct Encoded {
    body: Body,
    values: u32,
    least: i64,
    greatest: i64,
}

/// Compressed bytes.
struct Body {
    bytes: Bytes,
    plain: usize,
}

/// A column's pages one after another, and what the footer says of them.
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

/// Encodes row groups; keeps the memory for it between them.
pub(super) struct GroupEncoder {
    level: ZstdLevel,
    /// What no thread uses at the moment.
    idle: Mutex<Vec<Coder>>,
}

/// What encoding a page takes.
struct Coder {
    zstd: zstd::bulk::Compressor<'static>,
    plain: Vec<u8>,
    packed: Vec<u8>,
}

impl GroupEncoder {
    pub(super) fn new(level: ZstdLevel) -> Self {
        Self {
            level,
            idle: Mutex::default(),
        }
    }

    /// The four columns of a row group.
    ///
    /// # Errors
    /// Only if the libraries fail, for want of memory.
    pub(super) fn encode(&self, events: DvsColumns<'_>, schema: &SchemaDescriptor) -> Result<[Chunk; 4]> {
        let ranges: Vec<Range<usize>> = (0..events.len())
            .step_by(PAGE_EVENTS)
            .map(|start| start..(start + PAGE_EVENTS).min(events.len()))
            .collect();
        let work = Column::ALL
            .iter()
            .flat_map(|&column| {
                ranges
                    .iter()
                    .map(move |range| (column, events.slice(range.clone())))
            })
            .collect();
        let mut pages = self.encode_pages(work)?.into_iter();
        let mut chunk = |column: Column| {
            let pages = pages.by_ref().take(ranges.len()).collect();
            self.chunk(column, pages, schema.column(column as usize))
        };
        Ok([
            chunk(Column::T)?,
            chunk(Column::X)?,
            chunk(Column::Y)?,
            chunk(Column::P)?,
        ])
    }

    #[cfg(feature = "parallel")]
    fn encode_pages(&self, work: Vec<(Column, DvsColumns<'_>)>) -> Result<Vec<Encoded>> {
        use rayon::prelude::*;
        let pages = work.into_par_iter().with_max_len(1);
        pages.map(|(column, events)| self.page(column, events)).collect()
    }

    #[cfg(not(feature = "parallel"))]
    fn encode_pages(&self, work: Vec<(Column, DvsColumns<'_>)>) -> Result<Vec<Encoded>> {
        let pages = work.into_iter();
        pages.map(|(column, events)| self.page(column, events)).collect()
    }

    fn page(&self, column: Column, events: DvsColumns<'_>) -> Result<Encoded> {
        self.with_coder(|coder| {
            let out = coder.start();
            let (least, greatest) = match column {
                Column::T => {
                    encodings::delta(events.t, out);
                    bounds::min_max_i64(events.t).unwrap_or_default()
                }
                Column::X => {
                    encodings::split(events.x, out);
                    span(events.x)
                }
                Column::Y => {
                    encodings::split(events.y, out);
                    span(events.y)
                }
                Column::P => {
                    encodings::bits(events.p, out);
                    span(events.p)
                }
            };
            Ok(Encoded {
                body: coder.compress()?,
                values: events.len() as u32,
                least,
                greatest,
            })
        })
    }

    fn with_coder<T>(&self, work: impl FnOnce(&mut Coder) -> Result<T>) -> Result<T> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut coder = match kept {
            Some(coder) => coder,
            None => Coder::new(self.level)?,
        };
        let done = work(&mut coder);
        idle().push(coder);
        done
    }

    /// One page behind another, as the file has them, with the dictionary in front where there is one.
    fn chunk(&self, column: Column, encoded: Vec<Encoded>, descriptor: ColumnDescPtr) -> Result<Chunk> {
        let span = encoded.iter().map(|page| page.least).min();
        let span = span.zip(encoded.iter().map(|page| page.greatest).max());
        let rows: u64 = encoded.iter().map(|page| u64::from(page.values)).sum();
        let mut encodings = vec![Encoding::RLE, column.encoding()];
        let mut kinds = vec![PageEncodingStats {
            page_type: PageType::DATA_PAGE,
            encoding: column.encoding(),
            count: i32::try_from(encoded.len()).unwrap_or(i32::MAX),
        }];
        let mut pages = Vec::with_capacity(encoded.len() + 1);
        if column == Column::P {
            encodings.push(Encoding::PLAIN);
            kinds.push(PageEncodingStats {
                page_type: PageType::DICTIONARY_PAGE,
                encoding: Encoding::PLAIN,
                count: 1,
            });
            pages.push(self.dictionary()?);
        }
        pages.extend(encoded.into_iter().map(|page| page.into_page(column.encoding())));

        let (mut stored, mut plain) = (0, 0);
        let mut offsets = [None; 2];
        let mut sink = TrackedWrite::new(Vec::new());
        for page in pages {
            let is_data = page.compressed_page().is_data_page();
            let written = SerializedPageWriter::new(&mut sink)
                .write_page(page)
                .map_err(write_error)?;
            offsets[usize::from(is_data)].get_or_insert(written.offset as i64);
            stored += written.compressed_size;
            plain += written.uncompressed_size;
        }
        let [dictionary, data] = offsets;
        let mut metadata = ColumnChunkMetaData::builder(descriptor)
            .set_compression(Compression::ZSTD(self.level))
            .set_encodings(encodings)
            .set_page_encoding_stats(kinds)
            .set_num_values(rows as i64)
            .set_total_compressed_size(stored as i64)
            .set_total_uncompressed_size(plain as i64)
            .set_dictionary_page_offset(dictionary)
            .set_data_page_offset(data.unwrap_or(0));
        if let Some(span) = span {
            metadata = metadata.set_statistics(column.statistics(span));
        }
        Ok(Chunk {
            bytes: sink.into_inner().map_err(write_error)?.into(),
            close: ColumnCloseResult {
                bytes_written: stored as u64,
                rows_written: rows,
                metadata: metadata.build().map_err(write_error)?,
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            },
        })
    }

    fn dictionary(&self) -> Result<CompressedPage> {
        let body = self.with_coder(|coder| {
            coder.start().extend_from_slice(&encodings::ZERO_AND_ONE);
            coder.compress()
        })?;
        let page = Page::DictionaryPage {
            buf: body.bytes,
            num_values: 2,
            encoding: Encoding::PLAIN,
            is_sorted: true,
        };
        Ok(CompressedPage::new(page, body.plain))
    }
}

impl Column {
    const ALL: [Self; 4] = [Self::T, Self::X, Self::Y, Self::P];

    fn encoding(self) -> Encoding {
        match self {
            Self::T => Encoding::DELTA_BINARY_PACKED,
            Self::X | Self::Y => Encoding::BYTE_STREAM_SPLIT,
            Self::P => Encoding::RLE_DICTIONARY,
        }
    }

    fn statistics(self, (least, greatest): (i64, i64)) -> Statistics {
        let nulls = Some(0);
        match self {
            Self::T => Statistics::int64(Some(least), Some(greatest), None, nulls, false),
            // Coordinates and polarities are stored as 32 bits, and fit.
            _ => Statistics::int32(Some(least as i32), Some(greatest as i32), None, nulls, false),
        }
    }
}

impl Encoded {
    fn into_page(self, encoding: Encoding) -> CompressedPage {
        let page = Page::DataPage {
            buf: self.body.bytes,
            num_values: self.values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        CompressedPage::new(page, self.body.plain)
    }
}

impl Coder {
    fn new(level: ZstdLevel) -> Result<Self> {
        Ok(Self {
            zstd: zstd::bulk::Compressor::new(level.compression_level())?,
            plain: Vec::new(),
            packed: Vec::new(),
        })
    }

    /// Where the next page is encoded to.
    fn start(&mut self) -> &mut Vec<u8> {
        self.plain.clear();
        &mut self.plain
    }

    fn compress(&mut self) -> Result<Body> {
        self.packed.clear();
        self.packed
            .reserve(zstd::zstd_safe::compress_bound(self.plain.len()));
        self.zstd.compress_to_buffer(&self.plain, &mut self.packed)?;
        Ok(Body {
            bytes: Bytes::copy_from_slice(&self.packed),
            plain: self.plain.len(),
        })
    }
}

/// The least and the greatest of the values.
fn span<T: Copy + Ord + Into<i64>>(values: &[T]) -> (i64, i64) {
    let least = values.iter().copied().min();
    let greatest = values.iter().copied().max();
    least
        .zip(greatest)
        .map_or((0, 0), |(least, greatest)| (least.into(), greatest.into()))
}
