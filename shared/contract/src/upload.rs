use crate::AttachmentView;
use domain::{
    Attachment, ClientId, Fault, FieldFault, FileName, Invalid, MOST_AT_ONCE, MOST_PART_LINKS, MediaType, PART_SIZE,
    Purpose, Rejection, Sha256, Timestamp, Upload, UploadDraft, UploadId, UploadKind, UploadLimits, UploadState,
    fields, part_size, parts_of,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use utoipa::ToSchema;

/// A file to upload.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUpload {
    /// What it is meant to be. A `file` and most voice notes are stored as they are; of the others place and camera are taken out.
    pub kind: UploadKind,
    /// What it is for; `message` unless given. Pictures of profiles and groups are of the kind `image`.
    pub purpose: Option<Purpose>,
    /// The file's name, of which the last segment is kept: 1 to 255 characters. What shows nothing is dropped.
    #[schema(example = "사진.jpg", min_length = 1)]
    pub name: String,
    /// The file's size in bytes.
    #[schema(example = 3_481_220, minimum = 1)]
    pub size: u64,
    /// The file's media type as the device knows it, `application/octet-stream` if it does not. The server finds the true one.
    #[serde(rename = "type")]
    #[schema(example = "image/jpeg", min_length = 3)]
    pub media_type: String,
    /// The SHA-256 of the file in base64. Required up to 16 MiB; a larger file has one for each part instead.
    #[schema(example = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", min_length = 44, max_length = 44)]
    pub sha256: Option<String>,
    /// The client's own id of the upload: 1 to 64 visible ASCII characters. A retry with the same id is the same upload.
    #[schema(example = "01J9ZQ4Z80", min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    pub client_id: String,
}

/// Parts of a file that are about to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewParts {
    /// The parts, each once.
    #[schema(min_items = 1, max_items = 20)]
    pub parts: Vec<NewPart>,
}

/// A part of a file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPart {
    /// The part's number, from 1.
    #[schema(example = 1, minimum = 1)]
    pub number: u16,
    /// The SHA-256 of the part in base64.
    #[schema(example = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", min_length = 44, max_length = 44)]
    pub sha256: String,
}

/// A part as a request describes it.
#[derive(Debug, PartialEq, Eq)]
pub struct ParsedPart {
    /// Its number, from 1.
    pub number: u16,
    /// Its size in bytes.
    pub size: u64,
    /// Its hash.
    pub sha256: Sha256,
}

/// An upload of the caller's. Fields without a value are left out.
#[derive(Clone, Serialize, ToSchema)]
pub struct UploadView {
    /// The upload's id.
    pub id: UploadId,
    /// How far it is.
    pub state: UploadState,
    /// Why it was refused, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<Rejection>,
    /// What the file is meant to be.
    pub kind: UploadKind,
    /// What it is for.
    pub purpose: Purpose,
    /// The file's name.
    #[schema(example = "사진.jpg")]
    pub name: String,
    /// The size that was declared, in bytes.
    #[schema(example = 3_481_220)]
    pub size: u64,
    /// When it is deleted unless something takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<Timestamp>,
    /// How to send the file, while that is awaited and it has at most 16 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub put: Option<SignedRequest>,
    /// The parts in which to send the file, while that is awaited and it has more than 16 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parts: Option<PartsView>,
    /// The parts that have arrived, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!([1, 2]))]
    pub received: Option<Vec<u16>>,
    /// The file as messages show it, once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub attachment: Option<AttachmentView>,
}

/// A request that sends bytes to the store of files. It needs no access token and sends none.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignedRequest {
    /// The request's method.
    #[schema(example = "PUT")]
    pub method: &'static str,
    /// The request's URL. It is a secret.
    #[schema(
        example = "https://bucket.s3.ap-northeast-2.amazonaws.com/9f2c4d1e8a7b4c3d9e0f112233445566?X-Amz-Signature=…"
    )]
    pub url: String,
    /// All headers that must be sent, as they are. Browsers add `content-length` by themselves.
    #[schema(example = json!({ "content-type": "application/octet-stream", "if-none-match": "*" }))]
    pub headers: BTreeMap<String, String>,
    /// When the request is refused: ask for another one.
    pub expires_at: Timestamp,
}

/// How a file is divided.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartsView {
    /// The size of each part but the last one, in bytes.
    #[schema(example = 8_388_608)]
    pub size: u64,
    /// How many parts there are.
    #[schema(example = 13)]
    pub count: u64,
}

/// Requests that send parts.
#[derive(Serialize, ToSchema)]
pub struct PartRequests {
    /// One for each part that was asked for, in that order.
    pub items: Vec<PartRequest>,
}

/// A request that sends a part.
#[derive(Serialize, ToSchema)]
pub struct PartRequest {
    /// The part's number.
    #[schema(example = 1)]
    pub number: u16,
    /// How to send it.
    #[serde(flatten)]
    pub request: SignedRequest,
}

impl NewUpload {
    /// The upload, or every bad field.
    pub fn parse(self, limits: &UploadLimits) -> Result<UploadDraft, Fault> {
        let Self { kind, purpose, name, size, media_type, sha256, client_id } = self;
        let purpose = purpose.unwrap_or_default();
        let is_misplaced = purpose != Purpose::Message && kind != UploadKind::Image;
        let is_fit = 1 <= size && size <= limits.largest(kind, purpose);
        let (name, (), (), media_type, sha256, client_id) = fields((
            ("name", FileName::parse(&name)),
            ("purpose", if is_misplaced { Err(Invalid::Contradiction) } else { Ok(()) }),
            ("size", if is_fit { Ok(()) } else { Err(Invalid::OutOfRange) }),
            ("type", MediaType::parse(&media_type).and_then(|declared| possible(declared, kind))),
            ("sha256", hash_of(size, sha256.as_deref())),
            ("client_id", ClientId::parse(&client_id)),
        ))?;
        Ok(UploadDraft { kind, purpose, name, size, media_type, sha256, client_id })
    }
}

fn possible(declared: MediaType, kind: UploadKind) -> Result<MediaType, Invalid> {
    if declared.can_be(kind) { Ok(declared) } else { Err(Invalid::Unsupported) }
}

/// A hash of the whole that nothing would compare is refused.
fn hash_of(size: u64, sha256: Option<&str>) -> Result<Option<Sha256>, Invalid> {
    match sha256 {
        None if size <= MOST_AT_ONCE => Err(Invalid::Required),
        Some(_) if size > MOST_AT_ONCE => Err(Invalid::Contradiction),
        sha256 => sha256.map(Sha256::parse).transpose(),
    }
}

impl NewParts {
    /// The parts of a file of a size, or every bad field.
    pub fn parse(self, size: u64) -> Result<Vec<ParsedPart>, Fault> {
        match self.parts.len() {
            0 => return Err(Fault::field("parts", Invalid::TooShort)),
            1..=MOST_PART_LINKS => {}
            _ => return Err(Fault::field("parts", Invalid::TooLong)),
        }
        let (mut parsed, mut bad, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (at, NewPart { number, sha256 }) in self.parts.into_iter().enumerate() {
            let mut refuse =
                |field: &str, reason| bad.push(FieldFault { field: format!("parts.{at}.{field}").into(), reason });
            let (size, sha256) = (part_size(size, number), Sha256::parse(&sha256));
            if size.is_none() {
                refuse("number", Invalid::OutOfRange);
            } else if !seen.insert(number) {
                refuse("number", Invalid::Contradiction);
            }
            match (size, sha256) {
                (Some(size), Ok(sha256)) => parsed.push(ParsedPart { number, size, sha256 }),
                (_, Err(reason)) => refuse("sha256", reason),
                (None, Ok(_)) => {}
            }
        }
        if bad.is_empty() { Ok(parsed) } else { Err(Fault { fields: bad, ..domain::Code::InvalidFields.into() }) }
    }
}

impl UploadView {
    /// An upload as its owner sees it.
    pub fn of(upload: Upload) -> Self {
        let expires_at = upload.expires_at();
        let attachment = upload.attachment().map(|attachment: Attachment| attachment.into());
        let awaited = upload.state == UploadState::Pending;
        let parts = parts_of(upload.size).filter(|_| awaited).map(|count| PartsView { size: PART_SIZE, count });
        let Upload { id, state, reason, kind, purpose, name, size, .. } = upload;
        Self { id, state, reason, kind, purpose, name, size, expires_at, put: None, parts, received: None, attachment }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Code, parse_json};
    use serde_json::{Value, json};

    const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    fn body() -> Value {
        json!({ "kind": "image", "name": "a.jpg", "size": 7, "type": "image/jpeg", "sha256": HASH, "client_id": "c" })
    }

    type Refused = Vec<(String, Invalid)>;

    fn read(body: &Value) -> Result<UploadDraft, Refused> {
        let new = parse_json::<NewUpload>(body.to_string().as_bytes(), Code::MalformedBody);
        let read = new.and_then(|new| new.parse(&UploadLimits::default()));
        read.map_err(|fault| fault.fields.into_iter().map(|field| (field.field.into_owned(), field.reason)).collect())
    }

    #[test]
    fn upload_is_for_a_message_unless_it_says_otherwise() {
        let draft = read(&body()).unwrap();
        assert_eq!((draft.purpose, draft.size, draft.media_type.as_str()), (Purpose::Message, 7, "image/jpeg"));
    }

    #[test]
    fn every_bad_field_of_an_upload_is_named() {
        for (field, value, at, reason) in [
            ("kind", json!("pdf"), "kind", Invalid::WrongType),
            ("kind", json!("voice"), "type", Invalid::Unsupported),
            ("purpose", json!("banner"), "purpose", Invalid::WrongType),
            ("name", json!("..."), "name", Invalid::Blank),
            ("name", json!("a".repeat(256)), "name", Invalid::TooLong),
            ("size", json!(0), "size", Invalid::OutOfRange),
            ("size", json!(-1), "size", Invalid::OutOfRange),
            ("size", json!(1.5), "size", Invalid::WrongType),
            ("type", json!("image/heic"), "type", Invalid::Unsupported),
            ("type", json!("jpeg"), "type", Invalid::BadFormat),
            ("sha256", json!(null), "sha256", Invalid::Required),
            ("sha256", json!("abc"), "sha256", Invalid::BadFormat),
            ("client_id", json!(""), "client_id", Invalid::Blank),
            ("content", json!(""), "$", Invalid::UnknownField),
        ] {
            let mut body = body();
            body[field] = value.clone();
            assert_eq!(read(&body).unwrap_err(), [(at.to_owned(), reason)], "{field}: {value}");
        }
    }

    #[test]
    fn picture_of_a_profile_is_a_small_image() {
        let mut body = body();
        body["purpose"] = json!("avatar");
        body["size"] = json!(8 * 1024 * 1024 + 1);
        assert_eq!(read(&body).unwrap_err(), [("size".to_owned(), Invalid::OutOfRange)]);
        body["size"] = json!(7);
        body["kind"] = json!("file");
        assert_eq!(read(&body).unwrap_err(), [("purpose".to_owned(), Invalid::Contradiction)]);
    }

    #[test]
    fn hash_of_a_large_file_is_given_by_its_parts() {
        let mut body = body();
        body["size"] = json!(17 * 1024 * 1024);
        assert_eq!(read(&body).unwrap_err(), [("sha256".to_owned(), Invalid::Contradiction)]);
        body["sha256"] = json!(null);
        assert_eq!(read(&body).unwrap().sha256, None);
    }

    fn parts(parts: &Value) -> Result<Vec<(u16, u64)>, Refused> {
        let new: NewParts = parse_json(json!({ "parts": parts }).to_string().as_bytes(), Code::MalformedBody).unwrap();
        let parsed = new.parse(17 * 1024 * 1024);
        parsed
            .map(|parts| parts.into_iter().map(|part| (part.number, part.size)).collect())
            .map_err(|fault| fault.fields.into_iter().map(|field| (field.field.into_owned(), field.reason)).collect())
    }

    #[test]
    fn parts_have_the_sizes_of_their_numbers() {
        let asked = json!([{ "number": 3, "sha256": HASH }, { "number": 1, "sha256": HASH }]);
        assert_eq!(parts(&asked).unwrap(), [(3, 1024 * 1024), (1, PART_SIZE)]);
    }

    #[test]
    fn parts_that_a_file_does_not_have_are_refused() {
        let part = |number: u16| json!({ "number": number, "sha256": HASH });
        let refused = |asked: Vec<Value>| parts(&json!(asked)).unwrap_err();
        let field = |field: &str, reason| vec![(field.to_owned(), reason)];
        assert_eq!(refused(vec![]), field("parts", Invalid::TooShort));
        assert_eq!(refused((0..21).map(part).collect()), field("parts", Invalid::TooLong));
        assert_eq!(refused(vec![part(0)]), field("parts.0.number", Invalid::OutOfRange));
        assert_eq!(refused(vec![part(1), part(4)]), field("parts.1.number", Invalid::OutOfRange));
        assert_eq!(refused(vec![part(1), part(1)]), field("parts.1.number", Invalid::Contradiction));
        assert_eq!(refused(vec![json!({ "number": 1, "sha256": "x" })]), field("parts.0.sha256", Invalid::BadFormat));
    }
}
