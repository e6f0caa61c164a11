use domain::{Fault, Page, PageSize};

pub(crate) fn size(items: i64) -> PageSize {
    PageSize::parse(Some(items)).unwrap()
}

/// The items of every page of a list, from its first to its last.
pub(crate) async fn every_page<T, K>(list: impl AsyncFn(Option<K>) -> Result<Page<T, K>, Fault>) -> Vec<T> {
    let (mut items, mut next) = (Vec::new(), None);
    loop {
        let page = list(next).await.unwrap();
        assert!(page.next.is_none() || !page.items.is_empty(), "an empty page promises another one");
        items.extend(page.items);
        match page.next {
            Some(key) => next = Some(key),
            None => return items,
        }
    }
}
