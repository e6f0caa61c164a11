use crate::ApiError;
use axum::{extract::FromRequestParts, http::request::Parts};
use domain::{Fault, refused};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

/// The query's parameters; give their type `#[serde(deny_unknown_fields)]`.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(parse(parts.uri.query().unwrap_or_default().as_bytes())?))
    }
}

/// Reads `application/x-www-form-urlencoded`, of a query or of a form.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Fault> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text));
    serde_path_to_error::deserialize(pairs).map_err(|error| refused(error.path(), &error.inner().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Invalid, RoomKind, Seq};
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Page {
        #[serde(default = "RoomKind::default_for_test")]
        room_type: RoomKind,
        before: Option<Seq>,
        limit: u8,
    }

    trait DefaultForTest {
        fn default_for_test() -> RoomKind;
    }

    impl DefaultForTest for RoomKind {
        fn default_for_test() -> RoomKind {
            Self::Private
        }
    }

    fn refusal(query: &str) -> (String, Invalid) {
        let fault = parse::<Page>(query.as_bytes()).unwrap_err();
        (fault.fields[0].field.to_string(), fault.fields[0].reason)
    }

    #[test]
    fn parameters_are_typed() {
        let page = Page { room_type: RoomKind::Group, before: Some(Seq(7)), limit: 30 };
        assert_eq!(parse::<Page>(b"room_type=group&before=7&limit=30").unwrap(), page);
    }

    #[test]
    fn refused_parameter_is_named() {
        assert_eq!(refusal("before=7"), ("limit".to_owned(), Invalid::Required));
        assert_eq!(refusal("limit=x"), ("limit".to_owned(), Invalid::WrongType));
        assert_eq!(refusal("limit="), ("limit".to_owned(), Invalid::WrongType));
        assert_eq!(refusal("limit=300"), ("limit".to_owned(), Invalid::OutOfRange));
        assert_eq!(refusal("limit=1&limit=2"), ("limit".to_owned(), Invalid::Contradiction));
        assert_eq!(refusal("limit=1&room_type=dm"), ("room_type".to_owned(), Invalid::WrongType));
        assert_eq!(refusal("limit=1&x=2"), ("$".to_owned(), Invalid::UnknownField));
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use contract::{
        FriendRequestsQuery, GroupRoomsQuery, MembersQuery, MessageSearchQuery, MessagesQuery, PageQuery,
        PasswordGrant, SearchQuery, SyncQuery,
    };
    use proptest::prelude::*;

    fn is_answered<T: DeserializeOwned>(query: &[u8]) -> Result<(), TestCaseError> {
        if let Err(fault) = parse::<T>(query) {
            prop_assert!(fault.code.status() == 422 && fault.source.is_none() && !fault.fields.is_empty());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn no_query_causes_a_server_error(query: Vec<u8>) {
            is_answered::<MessagesQuery>(&query)?;
        }

        #[test]
        fn query_of_any_route_is_read_or_refused(
            query in "((limit|cursor|q|room_id|room_type|before|after|around|after_rev|direction|scope|username|x)(=(\\PC|%[0-9a-fA-F]{2}|%|\\+|-?[0-9]{1,20}|private|public|group|sent){0,3})?&?){0,5}",
        ) {
            is_answered::<MessagesQuery>(query.as_bytes())?;
            is_answered::<SyncQuery>(query.as_bytes())?;
            is_answered::<PageQuery>(query.as_bytes())?;
            is_answered::<SearchQuery>(query.as_bytes())?;
            is_answered::<MessageSearchQuery>(query.as_bytes())?;
            is_answered::<FriendRequestsQuery>(query.as_bytes())?;
            is_answered::<GroupRoomsQuery>(query.as_bytes())?;
            is_answered::<MembersQuery>(query.as_bytes())?;
            is_answered::<PasswordGrant>(query.as_bytes())?;
        }
    }
}
