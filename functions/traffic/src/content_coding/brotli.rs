//! br: Brotli, by the decoder that its authors' own was translated to.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::undecodable::{Next, PIECE, Undecodable};

const DAMAGED: Undecodable = Undecodable::Damaged("br");

/// Decodes Brotli.
pub(super) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    /// Bytes after the end are left.
    is_over: bool,
}

impl Default for Brotli {
    fn default() -> Self {
        let allocator = StandardAlloc::default;
        Self {
            state: BrotliState::new(allocator(), allocator(), allocator()),
            is_over: false,
        }
    }
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli").finish_non_exhaustive()
    }
}

impl Brotli {
    pub(super) fn push(&mut self, bytes: &[u8], next: Next<'_>) -> Result<(), Undecodable> {
        let mut piece = [0; PIECE];
        let (mut left, mut taken, mut total) = (bytes.len(), 0, 0);
        while !self.is_over {
            let (mut room, mut decoded) = (PIECE, 0);
            let result = BrotliDecompressStream(
                &mut left,
                &mut taken,
                bytes,
                &mut room,
                &mut decoded,
                &mut piece,
                &mut total,
                &mut self.state,
            );
            next(&piece[..decoded])?;
            match result {
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput => return Ok(()),
                BrotliResult::ResultSuccess => self.is_over = true,
                BrotliResult::ResultFailure => return Err(DAMAGED),
            }
        }
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<(), Undecodable> {
        self.is_over.then_some(()).ok_or(DAMAGED)
    }
}
