use crate::{Fault, Invalid};

/// How many items a page has at the most: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(i64);

impl PageSize {
    const DEFAULT: i64 = 30;
    const MAX: i64 = 100;

    /// Accepts 1 to 100, and 30 for none; refuses the field `limit` otherwise.
    pub fn parse(limit: Option<i64>) -> Result<Self, Fault> {
        match limit.unwrap_or(Self::DEFAULT) {
            size @ 1..=Self::MAX => Ok(Self(size)),
            _ => Err(Fault::field("limit", Invalid::OutOfRange)),
        }
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}
