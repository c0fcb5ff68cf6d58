//! gzip: any number of members, and what follows them, which nobody reads.

use std::io::Write as _;

use flate2::write::GzDecoder;

use super::undecodable::{Next, Undecodable};

const DAMAGED: Undecodable = Undecodable::Damaged("gzip");

/// Decodes gzip.
#[derive(Debug, Default)]
pub(super) struct Gzip {
    member: Option<GzDecoder<Vec<u8>>>,
    /// True if a member has ended before.
    has_ended: bool,
    /// Bytes after the last member are left, as urllib3 and gzip leave them.
    is_over: bool,
}

impl Gzip {
    pub(super) fn push(&mut self, mut bytes: &[u8], next: Next<'_>) -> Result<(), Undecodable> {
        while !bytes.is_empty() && !self.is_over {
            let member = self
                .member
                .get_or_insert_with(|| GzDecoder::new(Vec::new()));
            match member.write(bytes) {
                Ok(0) => self.end_member(next)?,
                Ok(taken) => {
                    bytes = &bytes[taken..];
                    let decoded = std::mem::take(member.get_mut());
                    next(&decoded)?;
                }
                Err(_) if self.has_ended && member.header().is_none() => self.is_over = true,
                Err(_) => return Err(DAMAGED),
            }
        }
        self.flush(next)
    }

    /// Passes on what flate2 would hold back until it is given more: the events of a stream come as they are sent.
    fn flush(&mut self, next: Next<'_>) -> Result<(), Undecodable> {
        let Some(member) = &mut self.member else {
            return Ok(());
        };
        member.flush().map_err(|_| DAMAGED)?;
        next(&std::mem::take(member.get_mut()))
    }

    pub(super) fn end(&mut self, next: Next<'_>) -> Result<(), Undecodable> {
        let Some(member) = &self.member else {
            return Ok(());
        };
        if self.has_ended && member.header().is_none() {
            return Ok(());
        }
        self.end_member(next)
    }

    /// Compares the member's length and checksum.
    fn end_member(&mut self, next: Next<'_>) -> Result<(), Undecodable> {
        if let Some(member) = self.member.take() {
            let decoded = member.finish().map_err(|_| DAMAGED)?;
            next(&decoded)?;
        }
        self.has_ended = true;
        Ok(())
    }
}
