use crate::{Fault, Invalid};

/// The largest number of items of a page: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(i64);

impl PageSize {
    const DEFAULT: i64 = 30;
    const MAX: i64 = 100;

    /// The largest page size.
    pub const LARGEST: Self = Self(Self::MAX);

    /// Accepts 1 to 100; 30 if there is none. Otherwise refuses the field `limit`.
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

    /// One more than the size: the extra item shows that there is another page.
    pub const fn and_one(self) -> i64 {
        self.0 + 1
    }
}

/// A part of a list, and the key where the next part begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The items.
    pub items: Vec<T>,
    /// The key of the last item, if there are more after it.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Makes a page of `size + 1` items by cutting off the extra one.
    pub fn cut(mut items: Vec<T>, size: PageSize, key: impl Fn(&T) -> K) -> Self {
        let size = usize::try_from(size.0).unwrap_or(0);
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }

    /// Maps the items and keeps the key.
    pub fn map<U>(self, item: impl FnMut(T) -> U) -> Page<U, K> {
        Page { items: self.items.into_iter().map(item).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_ends_where_the_next_begins() {
        let two = PageSize::parse(Some(2)).unwrap();

        assert_eq!(Page::cut(vec![5, 6, 7], two, |item| *item), Page { items: vec![5, 6], next: Some(6) });
        assert_eq!(Page::cut(vec![5, 6], two, |item| *item), Page { items: vec![5, 6], next: None });
        assert_eq!(Page::cut(Vec::<i32>::new(), two, |item| *item), Page { items: vec![], next: None });
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn page_size_is_1_to_100_or_refused(limit in prop_oneof![any::<i64>(), -5..=105i64]) {
            match PageSize::parse(Some(limit)) {
                Ok(size) => prop_assert!((1..=100).contains(&limit) && size.get() == limit && size.and_one() == limit + 1),
                Err(fault) => prop_assert!(!(1..=100).contains(&limit) && fault.code.status() == 422),
            }
        }

        #[test]
        fn page_never_has_more_items_than_its_size(items: Vec<u8>, limit in 1..=100i64) {
            let page = Page::cut(items.clone(), PageSize::parse(Some(limit)).unwrap(), |item| *item);
            prop_assert_eq!(page.next.is_some(), items.len() > page.items.len());
            prop_assert!(page.items.len() <= usize::try_from(limit).unwrap() && items.starts_with(&page.items));
        }
    }
}
