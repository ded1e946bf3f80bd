//! How packets are compressed: each for itself, as an LZ4 frame or a Zstandard frame, or not at all.

use std::io::{BufRead, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use parallax_events::{Error, Limits, Result};
use parallax_simd::lz4::LANES;

use super::lz4::{Content, append_frames};

/// The levels that the DV software means by the plain names.
const ZSTD_LEVEL: i32 = 3;

/// The base-2 logarithm of 8 MiB, which the Zstandard specification recommends that decoders support.
const WINDOW: u32 = 23;

/// One of the five that the format names; two differ in how hard the writer tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lz4,
    Zstd,
}

/// What became of a packet.
pub(super) enum Unpacked {
    Whole,
    /// It is damaged; why.
    Damaged(String),
}

impl Compression {
    /// From its number in the header.
    pub(super) fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 | 2 => Some(Self::Lz4),
            3 | 4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// From the words of the parameter.
    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "none" => Self::None,
            "zstd" => Self::Zstd,
            _ => Self::Lz4,
        }
    }

    /// Its number in the header.
    pub(super) fn number(self) -> i32 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
            Self::Zstd => 3,
        }
    }

    /// Its name in the header.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Lz4 => "LZ4",
            Self::Zstd => "ZSTD",
        }
    }

    /// Whether `bytes`, at least four, begin as something compressed like this. Says nothing where nothing is.
    pub(super) fn begins(self, bytes: &[u8]) -> bool {
        match self {
            Self::None => true,
            Self::Lz4 => bytes.starts_with(&[0x04, 0x22, 0x4D, 0x18]),
            Self::Zstd => bytes.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]),
        }
    }

    /// Packs `bytes` behind what is in `packed`.
    ///
    /// # Errors
    /// If the compressor fails.
    pub(super) fn pack(self, bytes: &[u8], packed: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::None => packed.extend_from_slice(bytes),
            Self::Lz4 => {
                let info = FrameInfo::new()
                    .block_size(BlockSize::Max256KB)
                    .block_mode(BlockMode::Independent);
                let mut encoder = FrameEncoder::with_frame_info(info, packed);
                encoder.write_all(bytes)?;
                encoder
                    .finish()
                    .map_err(|error| Error::internal("LZ4 failed").with_source(error))?;
            }
            // At once, so that the frame states its size: the DV software wants that.
            Self::Zstd => packed.extend_from_slice(&zstd::bulk::compress(bytes, ZSTD_LEVEL)?),
        }
        Ok(())
    }
}

/// Unpacks one packet after the other, with the same memory.
pub(super) struct Unpacker<'a> {
    compression: Compression,
    lz4: Option<FrameDecoder<&'a [u8]>>,
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(compression: Compression) -> Self {
        Self {
            compression,
            lz4: None,
        }
    }

    /// Unpacks several as usual packets are, in turns; what was there is gone. Returns for each whether it is whole; if not,
    /// [`unpack`](Self::unpack) says what it is.
    pub(super) fn unpack_usual(&self, mut packets: [Option<(&[u8], &mut Content)>; LANES]) -> [bool; LANES] {
        for (_, unpacked) in packets.iter_mut().flatten() {
            unpacked.clear();
        }
        match self.compression {
            // Memory that they have was within the limits.
            Compression::Lz4 => append_frames(packets),
            Compression::None | Compression::Zstd => [false; LANES],
        }
    }

    /// Unpacks `packed`, which lies at the byte `offset`, into `unpacked`, whose old content is gone.
    ///
    /// # Errors
    /// If it is larger than a block may be. What is merely damaged is no error.
    pub(super) fn unpack(
        &mut self,
        packed: &'a [u8],
        unpacked: &mut Content,
        limits: &Limits,
        offset: u64,
    ) -> Result<Unpacked> {
        unpacked.clear();
        match self.compression {
            Compression::None => {
                unpacked.append(packed);
                Ok(Unpacked::Whole)
            }
            Compression::Lz4 => {
                // Behind the end of a frame the decoder takes the next one.
                let mut decoder = match self.lz4.take() {
                    Some(mut decoder) => {
                        *decoder.get_mut() = packed;
                        decoder
                    }
                    None => FrameDecoder::new(packed),
                };
                let done = drain(&mut decoder, unpacked, limits, offset)?;
                if matches!(done, Unpacked::Whole) {
                    self.lz4 = Some(decoder);
                }
                Ok(done)
            }
            Compression::Zstd => {
                let opened = zstd::stream::read::Decoder::with_buffer(packed).and_then(|mut decoder| {
                    // The frame's window is memory that it claims: no more of it than a block may have, or than
                    // every decoder should grant.
                    let most = limits.block_bytes.max(1).ilog2().clamp(WINDOW, 27);
                    decoder.window_log_max(most)?;
                    Ok(decoder.single_frame())
                });
                match opened {
                    Ok(decoder) => drain(std::io::BufReader::new(decoder), unpacked, limits, offset),
                    Err(error) => Ok(Unpacked::Damaged(error.to_string())),
                }
            }
        }
    }
}

/// Everything that `from` gives, as far as the limits allow.
fn drain(mut from: impl BufRead, into: &mut Content, limits: &Limits, offset: u64) -> Result<Unpacked> {
    loop {
        let block = match from.fill_buf() {
            Ok([]) => return Ok(Unpacked::Whole),
            Ok(block) => block,
            Err(error) => {
                let why = error.to_string();
                // How Zstandard says that the window is beyond what was set.
                if why.contains("too much memory") {
                    return Err(Error::limit("a packet claims more memory than a block may take")
                        .at_byte(offset)
                        .with_hint("raise the limit `block_bytes` if you trust the file"));
                }
                return Ok(Unpacked::Damaged(why));
            }
        };
        limits.check_block((into.len() + block.len()) as u64, offset)?;
        into.append(block);
        let length = block.len();
        from.consume(length);
    }
}
