//! A payload's bytes as they are read: numbers, strings and tables, and nothing that a payload cannot hold.

use super::layout::WireError;

/// The bytes that are left.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn byte(&mut self, field: &'static str) -> Result<u8, WireError> {
        let (&first, rest) = self.0.split_first().ok_or(WireError::Truncated(field))?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], WireError> {
        let (&first, rest) = (self.0)
            .split_first_chunk()
            .ok_or(WireError::Truncated(field))?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn varint(&mut self, field: &'static str) -> Result<u64, WireError> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte(field)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        // nine bytes have 63 bits
        match self.byte(field)? {
            last @ 0..=1 => Ok(value | u64::from(last) << 63),
            _ => Err(WireError::Invalid(field)),
        }
    }

    pub(super) fn narrow(&mut self, field: &'static str) -> Result<u32, WireError> {
        u32::try_from(self.varint(field)?).map_err(|_| WireError::Invalid(field))
    }

    pub(super) fn length(&mut self, field: &'static str) -> Result<usize, WireError> {
        usize::try_from(self.varint(field)?).map_err(|_| WireError::Invalid(field))
    }

    /// All strings of the tables, checked in one go.
    pub(super) fn texts<'l>(
        &mut self,
        mut lengths: impl Iterator<Item = &'l usize>,
    ) -> Result<Texts<'a>, WireError> {
        const FIELD: &str = "texts";
        let total = lengths.try_fold(0_usize, |sum, &length| sum.checked_add(length));
        let (texts, rest) = total
            .and_then(|total| self.0.split_at_checked(total))
            .ok_or(WireError::Truncated(FIELD))?;
        self.0 = rest;
        let texts = std::str::from_utf8(texts).map_err(|_| WireError::Invalid(FIELD))?;
        Ok(Texts(texts))
    }

    pub(super) fn table<T>(
        &mut self,
        field: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let count = self.varint(field)?;
        // every entry has at least a byte: a count that cannot be true allocates nothing
        if count > self.0.len() as u64 {
            return Err(WireError::Truncated(field));
        }
        let mut entries = Vec::with_capacity(count as usize);
        for _ in 0..count {
            entries.push(read(self)?);
        }
        Ok(entries)
    }
}

/// The strings that are left of the tables'.
pub(super) struct Texts<'a>(&'a str);

impl<'a> Texts<'a> {
    pub(super) fn next(&mut self, length: usize) -> Result<&'a str, WireError> {
        let (text, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(WireError::Invalid("texts"))?;
        self.0 = rest;
        Ok(text)
    }

    pub(super) fn each<L, T>(
        &mut self,
        lengths: Vec<L>,
        read: impl Fn(&mut Self, L) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let mut entries = Vec::with_capacity(lengths.len());
        for lengths in lengths {
            entries.push(read(self, lengths)?);
        }
        Ok(entries)
    }
}
