//! The codings of a response's body by its Content-Encoding: gzip, deflate, br and zstd, also one upon the
//! other, decoded chunk by chunk and counted as Locust counts it.
//!
//! Memory is bounded whatever a target sends: each coding holds its own window, and what comes out of any
//! of them ends at [`MAX_BODY`]. A body that is passed on without a coding may be of any length.

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

mod brotli;
mod deflate;
mod gzip;
mod undecodable;
mod zstd;

use brotli::Brotli;
use deflate::Deflate;
use gzip::Gzip;
pub use undecodable::{MAX_BODY, Undecodable};
use undecodable::{MAX_CODINGS, Next};
use zstd::Zstd;

/// The codings that requests asks for where the packages brotli and zstandard are installed.
pub const ACCEPT_ENCODING: &str = "gzip, deflate, br, zstd";

/// The codings that a stream asks for: of zstd nothing is decoded before it fills the window or ends.
pub const ACCEPT_ENCODING_OF_STREAMS: &str = "gzip, deflate, br";

/// So many bytes of an encoded body are decoded in one go.
const INPUT: usize = 16 * 1024;

/// The names of codings that nobody knows are cut at this many characters.
const MAX_NAME: usize = 40;

/// Takes a body's chunks, decodes them, and counts or keeps what comes out.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The coding that was applied last comes first.
    links: Vec<Link>,
    /// The error at the first byte of a body that cannot be decoded.
    refusal: Option<Undecodable>,
    has_begun: bool,
    sink: Sink,
}

/// One coding, and how much has come out of it.
#[derive(Debug)]
struct Link {
    coding: Coding,
    decoded: u64,
}

#[derive(Debug)]
enum Coding {
    Gzip(Box<Gzip>),
    Deflate(Box<Deflate>),
    Brotli(Box<Brotli>),
    Zstd(Box<Zstd>),
}

#[derive(Debug, Default)]
struct Sink {
    keeps_body: bool,
    /// The first piece of what is kept: most bodies are one, which need not be copied.
    first: Bytes,
    body: BytesMut,
    length: u64,
    /// What was decoded since it was taken last, if somebody takes it.
    passing: Option<BytesMut>,
}

impl Decoder {
    /// A decoder for a response with these headers. A body that nobody keeps is decoded as well: its
    /// decoded length is what counts, and a broken one is a failure whoever reads it.
    pub fn new(headers: &HeaderMap, keep_body: bool) -> Self {
        let (links, refusal) = match links(headers) {
            Ok(links) => (links, None),
            Err(refusal) => (Vec::new(), Some(refusal)),
        };
        Self {
            links,
            refusal,
            has_begun: false,
            sink: Sink {
                keeps_body: keep_body,
                ..Sink::default()
            },
        }
    }

    /// The same, and what is decoded can be taken as it comes.
    #[must_use]
    pub fn passing_on(mut self) -> Self {
        self.sink.passing = Some(BytesMut::new());
        self
    }

    /// What was decoded since this was asked last, of a decoder that passes it on.
    pub fn passed(&mut self) -> BytesMut {
        self.sink
            .passing
            .as_mut()
            .map(BytesMut::split)
            .unwrap_or_default()
    }

    /// As much of a chunk as should be pushed at once, if anything is left of it.
    pub fn piece_of(&self, chunk: &mut Bytes) -> Option<Bytes> {
        let most = if self.links.is_empty() {
            usize::MAX
        } else {
            INPUT
        };
        let piece = chunk.split_to(chunk.len().min(most));
        (!piece.is_empty()).then_some(piece)
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    /// When the body cannot be decoded, or is too long. Nothing may be pushed after that.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), Undecodable> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.has_begun = true;
        match self.refusal.take() {
            Some(refusal) => Err(refusal),
            None if self.links.is_empty() => self.sink.push_whole(chunk),
            None => feed(&mut self.links, &mut self.sink, &chunk),
        }
    }

    /// True if what is decoded is kept.
    pub fn keeps_body(&self) -> bool {
        self.sink.keeps_body
    }

    /// The length of what was decoded so far, in bytes.
    pub fn length(&self) -> u64 {
        self.sink.length
    }

    /// The body, empty unless it is kept, and its length in bytes. A body without a byte is complete in
    /// any coding: so are the answers to HEAD, 204 and 304.
    pub fn finish(mut self) -> Result<(Bytes, u64), Undecodable> {
        let mut links = &mut self.links[..];
        while let Some((link, rest)) = links.split_first_mut()
            && self.has_begun
        {
            let sink = &mut self.sink;
            link.end(&mut |bytes| feed(rest, sink, bytes))?;
            links = rest;
        }
        let Sink {
            first,
            body,
            length,
            ..
        } = self.sink;
        let body = if body.is_empty() {
            first
        } else {
            body.freeze()
        };
        Ok((body, length))
    }
}

/// The decoders of a response, by its Content-Encoding.
fn links(headers: &HeaderMap) -> Result<Vec<Link>, Undecodable> {
    let mut links = Vec::new();
    for line in headers.get_all(CONTENT_ENCODING) {
        let line = String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase();
        for name in line.split(',').map(str::trim) {
            let coding = match name {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Coding::Gzip(Box::default()),
                "deflate" => Coding::Deflate(Box::default()),
                "br" => Coding::Brotli(Box::default()),
                "zstd" => Coding::Zstd(Box::default()),
                unknown => {
                    let name = unknown.chars().take(MAX_NAME).collect();
                    return Err(Undecodable::Unknown(name));
                }
            };
            if links.len() == MAX_CODINGS {
                return Err(Undecodable::TooMany);
            }
            links.push(Link { coding, decoded: 0 });
        }
    }
    links.reverse();
    Ok(links)
}

fn feed(links: &mut [Link], sink: &mut Sink, bytes: &[u8]) -> Result<(), Undecodable> {
    match links.split_first_mut() {
        None => sink.push(bytes),
        Some((link, rest)) => link.push(bytes, &mut |bytes| feed(rest, sink, bytes)),
    }
}

impl Link {
    fn push(&mut self, bytes: &[u8], next: Next<'_>) -> Result<(), Undecodable> {
        let Self { coding, decoded } = self;
        let next = &mut counted(decoded, next);
        match coding {
            Coding::Gzip(gzip) => gzip.push(bytes, next),
            Coding::Deflate(deflate) => deflate.push(bytes, next),
            Coding::Brotli(brotli) => brotli.push(bytes, next),
            Coding::Zstd(zstd) => zstd.push(bytes, next),
        }
    }

    fn end(&mut self, next: Next<'_>) -> Result<(), Undecodable> {
        let Self { coding, decoded } = self;
        match coding {
            Coding::Gzip(gzip) => gzip.end(&mut counted(decoded, next)),
            Coding::Deflate(deflate) => deflate.end(),
            Coding::Brotli(brotli) => brotli.end(),
            Coding::Zstd(zstd) => zstd.end(),
        }
    }
}

/// The output of a coding that another one lies under is bounded as well.
fn counted<'c>(
    decoded: &'c mut u64,
    next: Next<'c>,
) -> impl FnMut(&[u8]) -> Result<(), Undecodable> + 'c {
    move |bytes| {
        *decoded += bytes.len() as u64;
        match *decoded {
            0..=MAX_BODY => next(bytes),
            _ => Err(Undecodable::TooLong),
        }
    }
}

impl Sink {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Undecodable> {
        self.length += bytes.len() as u64;
        match &mut self.passing {
            Some(passing) => passing.extend_from_slice(bytes),
            None if self.length > MAX_BODY => return Err(Undecodable::TooLong),
            None => {}
        }
        if self.keeps_body {
            if self.body.is_empty() && !self.first.is_empty() {
                let first = std::mem::take(&mut self.first);
                self.body.extend_from_slice(&first);
            }
            self.body.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn push_whole(&mut self, chunk: Bytes) -> Result<(), Undecodable> {
        let is_first = self.length == 0;
        let is_passed = self.passing.is_some();
        if !is_first || is_passed || chunk.len() as u64 > MAX_BODY || !self.keeps_body {
            return self.push(&chunk);
        }
        self.length = chunk.len() as u64;
        self.first = chunk;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
