//! deflate: in the frame of zlib, as HTTP has it, or without, as some servers send it.

use flate2::{Decompress, FlushDecompress, Status};

use super::undecodable::{Next, PIECE, Undecodable};

const DAMAGED: Undecodable = Undecodable::Damaged("deflate");

/// Decodes deflate.
#[derive(Debug, Default)]
pub(super) struct Deflate {
    /// The first byte, while it is not known what it begins.
    first: Option<u8>,
    stream: Option<Decompress>,
    /// Bytes after the end are left.
    is_over: bool,
}

impl Deflate {
    pub(super) fn push(&mut self, bytes: &[u8], next: Next<'_>) -> Result<(), Undecodable> {
        if self.stream.is_some() {
            return self.inflate(bytes, next);
        }
        match (self.first, bytes) {
            (Some(first), [second, ..]) => {
                self.begin(first, *second);
                self.inflate(&[first], next)?;
            }
            (None, [first, second, ..]) => self.begin(*first, *second),
            (None, [first]) => {
                self.first = Some(*first);
                return Ok(());
            }
            (_, []) => return Ok(()),
        }
        self.inflate(bytes, next)
    }

    pub(super) fn end(&mut self) -> Result<(), Undecodable> {
        self.is_over.then_some(()).ok_or(DAMAGED)
    }

    /// A zlib header is a multiple of 31. No raw stream begins like one: its first bits would be those of
    /// a stored block, with padding that nobody writes.
    fn begin(&mut self, first: u8, second: u8) {
        let is_zlib = first & 0x0f == 8
            && first >> 4 <= 7
            && u16::from_be_bytes([first, second]).is_multiple_of(31);
        self.stream = Some(Decompress::new(is_zlib));
    }

    fn inflate(&mut self, mut bytes: &[u8], next: Next<'_>) -> Result<(), Undecodable> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let mut piece = [0; PIECE];
        while !self.is_over {
            let (before_in, before_out) = (stream.total_in(), stream.total_out());
            let status = stream
                .decompress(bytes, &mut piece, FlushDecompress::None)
                .map_err(|_| DAMAGED)?;
            bytes = &bytes[(stream.total_in() - before_in) as usize..];
            let decoded = (stream.total_out() - before_out) as usize;
            next(&piece[..decoded])?;
            self.is_over = status == Status::StreamEnd;
            if decoded < PIECE && bytes.is_empty() {
                break;
            }
            if status == Status::BufError && decoded == 0 {
                return Err(DAMAGED);
            }
        }
        Ok(())
    }
}
