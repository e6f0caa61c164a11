use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Fault, Invalid, Page, PageSize};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed<T> {
    /// The items.
    items: Vec<T>,
    /// The `cursor` of the next page; null at the end.
    #[schema(required = true, example = "Nw")]
    next_cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The number of items, 1 to 100; 30 unless given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before; the first page unless given.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl PageQuery {
    /// The size of the page and the key that it starts after.
    pub fn parse<K: DeserializeOwned>(&self) -> Result<(PageSize, Option<K>), Fault> {
        page(self.limit, self.cursor.as_deref())
    }
}

/// The same for a query with more parameters; refuses the fields `limit` and `cursor`.
pub fn page<K: DeserializeOwned>(limit: Option<i64>, cursor: Option<&str>) -> Result<(PageSize, Option<K>), Fault> {
    let size = PageSize::parse(limit)?;
    let read = |cursor: &str| {
        let text = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        serde_json::from_slice(&text).ok()
    };
    let key = cursor.map(|cursor| read(cursor).ok_or_else(|| Fault::field("cursor", Invalid::BadFormat)));
    Ok((size, key.transpose()?))
}

/// The cursor of a key, which is opaque to clients, but no secret.
pub fn cursor_of<K: Serialize>(key: K) -> Result<String, Fault> {
    let text = serde_json::to_vec(&key).map_err(Fault::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

impl<T> Listed<T> {
    /// A page for clients.
    pub fn of<U, K: Serialize>(page: Page<U, K>, item: impl FnMut(U) -> T) -> Result<Self, Fault> {
        let Page { items, next } = page.map(item);
        Ok(Self { items, next_cursor: next.map(cursor_of).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::UserId;

    pub(super) fn key_of(cursor: &str) -> Result<Option<(String, UserId)>, Fault> {
        page(None, Some(cursor)).map(|(_, key)| key)
    }

    #[test]
    fn cursor_round_trips_its_key() {
        let next = ("홍길동".to_owned(), UserId(7));
        let listed = Listed::of(Page { items: vec![1, 2], next: Some(next.clone()) }, |n| n).unwrap();

        assert_eq!(key_of(&listed.next_cursor.unwrap()).unwrap(), Some(next));
    }
}

#[cfg(test)]
mod properties {
    use super::{tests::key_of, *};
    use domain::UserId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn malformed_cursor_is_a_client_error(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,60}") {
            if let Err(fault) = key_of(&text) { prop_assert_eq!(fault.code.status(), 422); }
        }

        #[test]
        fn cursor_of_any_key_reads_back(name in "\\PC{0,40}", user: i32, limit: Option<i64>) {
            let next = Some((name, UserId(user)));
            let listed = Listed::of(Page { items: vec![1], next: next.clone() }, |n| n).unwrap();
            let read = key_of(&listed.next_cursor.unwrap()).unwrap();
            prop_assert_eq!(read, next);
            if let Err(fault) = page::<i64>(limit, None) { prop_assert_eq!(fault.code.status(), 422); }
        }
    }
}
