use crate::{Fault, Invalid};

/// How many items a page has at the most: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(i64);

impl PageSize {
    const DEFAULT: i64 = 30;
    const MAX: i64 = 100;

    /// As many as a page may have.
    pub const LARGEST: Self = Self(Self::MAX);

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

    /// One more, which tells whether there is another page.
    pub const fn and_one(self) -> i64 {
        self.0 + 1
    }
}

/// A part of a list, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The items.
    pub items: Vec<T>,
    /// The key of the last item, if there are more after it.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Cuts off the item that was read beyond the page.
    pub fn cut(mut items: Vec<T>, size: PageSize, key: impl Fn(&T) -> K) -> Self {
        let size = usize::try_from(size.0).unwrap_or(0);
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }

    /// The same page of other items.
    pub fn map<U>(self, item: impl FnMut(T) -> U) -> Page<U, K> {
        Page { items: self.items.into_iter().map(item).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_the_next_begins() {
        let two = PageSize::parse(Some(2)).unwrap();

        assert_eq!(Page::cut(vec![5, 6, 7], two, |item| *item), Page { items: vec![5, 6], next: Some(6) });
        assert_eq!(Page::cut(vec![5, 6], two, |item| *item), Page { items: vec![5, 6], next: None });
        assert_eq!(Page::cut(Vec::<i32>::new(), two, |item| *item), Page { items: vec![], next: None });
    }
}
