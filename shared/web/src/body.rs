use crate::{ApiError, query};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use domain::{Code, Fault, parse_json};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

/// The longest body, in bytes.
const LIMIT: usize = 64 * 1024;

/// A JSON body; give its type `#[serde(deny_unknown_fields)]`. As an answer, 200.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A body that may come as JSON or as an HTML form.
#[derive(Debug)]
pub enum JsonOrForm<J, F> {
    /// `application/json` or `application/*+json`.
    Json(J),
    /// `application/x-www-form-urlencoded`.
    Form(F),
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        match media_type(request.headers()) {
            Some(MediaType::Json) => Ok(Self(parse(&read(request).await?)?)),
            Some(MediaType::Form) | None => Err(Code::UnsupportedMediaType.into()),
        }
    }
}

impl<J: DeserializeOwned, F: DeserializeOwned, S: Sync> FromRequest<S> for JsonOrForm<J, F> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        match media_type(request.headers()) {
            Some(MediaType::Json) => Ok(Self::Json(parse(&read(request).await?)?)),
            Some(MediaType::Form) => Ok(Self::Form(query::parse(&read(request).await?)?)),
            None => Err(Code::UnsupportedMediaType.into()),
        }
    }
}

#[derive(Clone, Copy)]
enum MediaType {
    Json,
    Form,
}

fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    let declared = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = declared.split(';').next()?.trim().to_ascii_lowercase();
    match essence.strip_prefix("application/")? {
        "json" => Some(MediaType::Json),
        "x-www-form-urlencoded" => Some(MediaType::Form),
        other => other.ends_with("+json").then_some(MediaType::Json),
    }
}

async fn read(request: Request) -> Result<Bytes, Code> {
    match Limited::new(request.into_body(), LIMIT).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Code::BodyTooLarge),
        Err(_) => Err(Code::MalformedBody),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    parse_json(body, Code::MalformedBody)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Invalid, UserId};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "what is parsed is not what is tested")]
    pub(super) struct Person {
        name: String,
        friend: Option<UserId>,
        #[serde(default)]
        pets: Vec<Pet>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "what is parsed is not what is tested")]
    struct Pet {
        name: String,
    }

    fn refused(body: &str) -> (Code, String, Option<Invalid>) {
        let fault = parse::<Person>(body.as_bytes()).unwrap_err();
        let field = fault.fields.first();
        (fault.code, field.map(|f| f.field.to_string()).unwrap_or_default(), field.map(|f| f.reason))
    }

    #[test]
    fn refused_field_is_named_by_its_path() {
        for (body, field, reason) in [
            (r"{}", "name", Invalid::Required),
            (r#"{"name":1}"#, "name", Invalid::WrongType),
            (r#"{"name":null}"#, "name", Invalid::WrongType),
            (r#"{"name":"a","age":1}"#, "$", Invalid::UnknownField),
            (r#"{"name":"a","a`, b":1}"#, "$", Invalid::UnknownField),
            (r#"{"name":"a","name":"b"}"#, "name", Invalid::Contradiction),
            (r#"{"name":"a","friend":"1"}"#, "friend", Invalid::WrongType),
            (r#"{"name":"a","friend":1.5}"#, "friend", Invalid::WrongType),
            (r#"{"name":"a","friend":99999999999}"#, "friend", Invalid::OutOfRange),
            (r#"{"name":"a","pets":[{"name":"x"},{}]}"#, "pets.1.name", Invalid::Required),
            (r#"{"name":"a","pets":[{"name":"x","tail":1}]}"#, "pets.0", Invalid::UnknownField),
            (r"[]", "$", Invalid::WrongType),
            (r#"["a",1,[]]"#, "$", Invalid::WrongType),
            (r"null", "$", Invalid::WrongType),
        ] {
            assert_eq!(refused(body), (Code::InvalidFields, field.to_owned(), Some(reason)), "{body}");
        }
    }

    #[test]
    fn non_json_is_malformed() {
        for body in
            ["", "{", r#"{"name":1"#, r#"{"name":"\ud800"}"#, r#"{"x":"\udc00\ud800"}"#, "{}x", "\u{feff}{}", "{'a':1}"]
        {
            assert_eq!(refused(body).0, Code::MalformedBody, "{body}");
        }
        assert_eq!(parse::<Person>(b"{\"name\":\"\xff\"}").unwrap_err().code, Code::MalformedBody);
        assert_eq!(refused(&"[".repeat(60_000)).0, Code::MalformedBody);
    }

    #[test]
    fn a_refusal_repeats_nothing_of_the_input() {
        for body in [
            r#"{"hunter2":1}"#,
            r#"{"name":"a","hunter2`, expected `name":1}"#,
            r#"{"name":"a","pets":[{"name":"x","hunter2":{"hunter2":1}}]}"#,
            r#"{"name":{"hunter2":1}}"#,
            r#"{"name":"a","friend":"hunter2"}"#,
        ] {
            assert!(!refused(body).1.contains("hunter2"), "{body}");
        }
        for form in ["hunter2", "name=a&hunter2=1", r#"{"email":"a@example.com","password":"hunter2"}"#] {
            let fault = query::parse::<Person>(form.as_bytes()).unwrap_err();
            assert!(fault.fields.iter().all(|field| !field.field.contains("hunter2")), "{form}: {fault:?}");
        }
    }
}

#[cfg(test)]
mod properties {
    use super::{tests::Person, *};
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use lambda_http::request::from_str;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_cause_a_server_error(body: Vec<u8>, json in "\\{(\"(name|friend|pets|x)\":(\"\\PC{0,5}\"|[0-9.e-]{1,12}|\\[\\]|null|\\{\\}),?){0,4}\\}?") {
            for body in [body, json.into_bytes()] {
                if let Err(fault) = parse::<Person>(&body) {
                    prop_assert!(fault.code.status() < 500 && fault.source.is_none());
                }
            }
        }

        #[test]
        fn body_in_base64_is_the_body(body: Vec<u8>) {
            let event = serde_json::json!({
                "version": "2.0", "rawPath": "/", "rawQueryString": "", "headers": {}, "isBase64Encoded": true, "body": STANDARD.encode(&body),
                "requestContext": {"http": {"method": "POST", "path": "/"}, "timeEpoch": 0},
            });
            let request = from_str(&event.to_string()).unwrap();
            prop_assert_eq!(&**request.body(), &*body);
        }
    }
}
