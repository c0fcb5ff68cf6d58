//! zstd: Zstandard by RFC 8878, any number of frames, with the window that RFC 9659 allows in HTTP.
//!
//! The decoder wants whole blocks, so bytes wait here until a header or a block is there: at most some
//! 128 KiB. It decodes one block at a time, since a block of four bytes can stand for 128 KiB.

use std::fmt;

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::undecodable::{MAX_WINDOW, Next, Undecodable};

const DAMAGED: Undecodable = Undecodable::Damaged("zstd");

/// The largest block in bytes, without its header.
const MAX_BLOCK: usize = 128 * 1024;

/// The first bytes of every frame.
const MAGIC: u32 = 0xfd2f_b528;

/// The first bytes of a frame that is there to be skipped; the last four bits are free.
const SKIPPABLE: u32 = 0x184d_2a50;

/// Decodes Zstandard.
pub(super) struct Zstd {
    decoder: FrameDecoder,
    /// Bytes that are not yet a whole header or block.
    waiting: Vec<u8>,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between frames: here it may end.
    Between,
    /// Before a block of a frame; whether the frame ends with a checksum.
    Block { is_summed: bool },
    /// Within a frame to be skipped, with so many bytes left of it.
    Skipping(u32),
}

impl Default for Zstd {
    fn default() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self {
            decoder,
            waiting: Vec::new(),
            place: Place::Between,
        }
    }
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").finish_non_exhaustive()
    }
}

impl Zstd {
    pub(super) fn push(&mut self, bytes: &[u8], next: Next<'_>) -> Result<(), Undecodable> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.extend_from_slice(bytes);
        let mut rest = &waiting[..];
        while let Some(taken) = self.step(rest, next)? {
            rest = &rest[taken..];
        }
        let taken = waiting.len() - rest.len();
        waiting.drain(..taken);
        self.waiting = waiting;
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<(), Undecodable> {
        let is_complete = self.place == Place::Between && self.waiting.is_empty();
        is_complete.then_some(()).ok_or(DAMAGED)
    }

    /// Takes a header, a block or what is to be skipped; says how many bytes that were, or nothing if
    /// not all of it is there.
    fn step(&mut self, bytes: &[u8], next: Next<'_>) -> Result<Option<usize>, Undecodable> {
        match self.place {
            Place::Between => self.header(bytes),
            Place::Block { is_summed } => self.block(bytes, is_summed, next),
            Place::Skipping(0) => {
                self.place = Place::Between;
                Ok(Some(0))
            }
            Place::Skipping(_) if bytes.is_empty() => Ok(None),
            Place::Skipping(left) => {
                let taken = bytes.len().min(left as usize);
                self.place = Place::Skipping(left - taken as u32);
                Ok(Some(taken))
            }
        }
    }

    fn header(&mut self, bytes: &[u8]) -> Result<Option<usize>, Undecodable> {
        let Some((magic, rest)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        let magic = u32::from_le_bytes(*magic);
        if magic & !0xf == SKIPPABLE {
            let Some(length) = rest.first_chunk() else {
                return Ok(None);
            };
            self.place = Place::Skipping(u32::from_le_bytes(*length));
            return Ok(Some(8));
        }
        if magic != MAGIC {
            return Err(DAMAGED);
        }
        let Some(descriptor) = rest.first() else {
            return Ok(None);
        };
        let length = header_length(*descriptor);
        let Some(mut header) = bytes.get(..length) else {
            return Ok(None);
        };
        self.decoder
            .reset(&mut header)
            .map_err(|error| match error {
                FrameDecoderError::WindowSizeTooBig { .. } => Undecodable::Window,
                _ => DAMAGED,
            })?;
        let is_summed = descriptor & 0b100 != 0;
        self.place = Place::Block { is_summed };
        Ok(Some(length))
    }

    fn block(
        &mut self,
        bytes: &[u8],
        is_summed: bool,
        next: Next<'_>,
    ) -> Result<Option<usize>, Undecodable> {
        let Some([first, second, third]) = bytes.first_chunk() else {
            return Ok(None);
        };
        let header = u32::from_le_bytes([*first, *second, *third, 0]);
        let (is_last, is_repeated) = (header & 1 == 1, header >> 1 & 3 == 1);
        let size = (header >> 3) as usize;
        if size > MAX_BLOCK {
            return Err(DAMAGED);
        }
        let sum = if is_last && is_summed { 4 } else { 0 };
        let length = 3 + if is_repeated { 1 } else { size } + sum;
        let Some(mut block) = bytes.get(..length) else {
            return Ok(None);
        };
        self.decoder
            .decode_blocks(&mut block, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(|_| DAMAGED)?;
        if let Some(decoded) = self.decoder.collect() {
            next(&decoded)?;
        }
        if is_last {
            let said = self.decoder.get_checksum_from_data();
            if is_summed && said != self.decoder.get_calculated_checksum() {
                return Err(DAMAGED);
            }
            self.place = Place::Between;
        }
        Ok(Some(length))
    }
}

/// The length of a frame's header, by RFC 8878, 3.1.1.1: the magic number, the descriptor, the window
/// unless the frame is one segment, the dictionary's id, and the content's size.
fn header_length(descriptor: u8) -> usize {
    let is_one_segment = descriptor & 0b10_0000 != 0;
    let window = usize::from(!is_one_segment);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 0b11)];
    let size = match descriptor >> 6 {
        0 => usize::from(is_one_segment),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    4 + 1 + window + dictionary + size
}
