use domain::{
    Attach, Attachment, FieldFault, Invalid, Media, MessageType, Poster, QuotedAttachment, UploadId, UploadKind,
    Variant,
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use utoipa::ToSchema;

/// A file of a message. What is not known of it, or does not exist for its kind, is left out.
#[derive(Clone, Serialize, ToSchema)]
pub struct AttachmentView {
    /// The file's id.
    pub id: UploadId,
    /// What the file is.
    pub kind: UploadKind,
    /// The file's name.
    #[schema(example = "사진.jpg")]
    pub name: String,
    /// The number of bytes that the file has.
    #[schema(example = 3_481_220)]
    pub size: u64,
    /// The media type of the content.
    #[serde(rename = "type")]
    #[schema(example = "image/jpeg")]
    pub media_type: String,
    /// The width in pixels, as displayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 4000)]
    pub width: Option<u32>,
    /// The height in pixels, as displayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 3000)]
    pub height: Option<u32>,
    /// Whether the picture moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub animated: Option<bool>,
    /// What to show until the picture is there: a `ThumbHash` (evanw.github.io/thumbhash) in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "3OcRJYB4d3h/iIeHeEh3eIhw+j2w")]
    pub thumbhash: Option<String>,
    /// Smaller copies of a picture; left out if there are none. Show the original where one is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub variants: Vec<Variant>,
    /// How long it plays, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 7_340)]
    pub duration_ms: Option<u64>,
    /// How loud a voice note is over time: 100 bytes in base64, each from 0 to 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg=")]
    pub waveform: Option<String>,
    /// The codecs of a video as in RFC 6381, by which a client knows whether it can play it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "avc1.640028,mp4a.40.2")]
    pub codecs: Option<String>,
    /// The picture that stands for a video until it plays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub poster: Option<PosterView>,
}

/// The picture that stands for a video. It has links as every file of the message.
#[derive(Clone, Serialize, ToSchema)]
pub struct PosterView {
    /// The picture's id.
    pub id: UploadId,
    /// The width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1280)]
    pub width: Option<u32>,
    /// The height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 720)]
    pub height: Option<u32>,
    /// What to show until the picture is there: a `ThumbHash` in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "3OcRJYB4d3h/iIeHeEh3eIhw+j2w")]
    pub thumbhash: Option<String>,
}

/// The first file of a message that another one replies to.
#[derive(Clone, Serialize, ToSchema)]
pub struct QuotedAttachmentView {
    /// The file's id.
    pub id: UploadId,
    /// What the file is.
    pub kind: UploadKind,
    /// The file's name.
    #[schema(example = "사진.jpg")]
    pub name: String,
    /// What the picture, or that of a video, looks like: a `ThumbHash` in base64; left out if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "3OcRJYB4d3h/iIeHeEh3eIhw+j2w")]
    pub thumbhash: Option<String>,
}

/// A file to send with a message.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttachment {
    /// An upload of the caller's that is `ready` and that no message has.
    pub upload_id: UploadId,
    /// Another one, of the kind `image`, to stand for a video until it plays.
    pub poster_id: Option<UploadId>,
}

impl From<Attachment> for AttachmentView {
    fn from(Attachment { id, kind, name, media, poster }: Attachment) -> Self {
        let Media { media_type, size, width, height, animated, thumbhash, variants, duration_ms, waveform, codecs } =
            media;
        let poster = poster.map(PosterView::from);
        Self {
            id,
            kind,
            name,
            size,
            media_type,
            width,
            height,
            animated,
            thumbhash,
            variants,
            duration_ms,
            waveform,
            codecs,
            poster,
        }
    }
}

impl From<Poster> for PosterView {
    fn from(Poster { id, media }: Poster) -> Self {
        Self { id, width: media.width, height: media.height, thumbhash: media.thumbhash }
    }
}

impl From<&QuotedAttachment> for QuotedAttachmentView {
    fn from(QuotedAttachment { id, kind, name, thumbhash }: &QuotedAttachment) -> Self {
        Self { id: *id, kind: *kind, name: name.clone(), thumbhash: thumbhash.clone() }
    }
}

impl From<NewAttachment> for Attach {
    fn from(NewAttachment { upload_id: upload, poster_id: poster }: NewAttachment) -> Self {
        Self { upload, poster }
    }
}

/// What is wrong with single files of a message: one that stands there twice, a poster of what is no video.
pub(crate) fn refused_attachments(message_type: MessageType, attachments: &[Attach]) -> Vec<FieldFault> {
    let mut seen = HashSet::new();
    let uploads = attachments.iter().enumerate().flat_map(|(position, attach)| attach.fields(position));
    let refused = uploads.filter(|(field, upload)| {
        !seen.insert(*upload) || (field.ends_with(".poster_id") && message_type != MessageType::Video)
    });
    refused.map(|(field, _)| FieldFault { field: field.into(), reason: Invalid::Contradiction }).collect()
}

#[cfg(test)]
mod properties {
    use super::*;
    use crate::{Ack, Acknowledged, CreatedMessage, Frame, FramePayload, MessageView, misfit_of_frame};
    use domain::{
        Content, MOST_EMOJIS, MOST_MENTIONS, Mentions, Message, MessageId, MessageType, Quote, Reaction, Rev, RoomId,
        RoomKey, Seq, Timestamp, UserId, VariantName,
    };
    use proptest::{collection::vec, prelude::*};
    use std::collections::HashMap;

    /// A file's name: characters of four bytes, or such as JSON escapes, among others.
    fn name() -> impl Strategy<Value = String> {
        prop_oneof![Just("😀".repeat(255)), "[\"\\\\]{255}", "\\PC{1,255}", Just("가".repeat(255))]
    }

    fn thumbhash() -> impl Strategy<Value = Option<String>> {
        prop_oneof![Just(None), "[A-Za-z0-9+/]{30,40}".prop_map(Some)]
    }

    fn variant(name: VariantName) -> Variant {
        Variant { name, width: 1_280, height: 1_280, media_type: "image/jpeg".to_owned(), size: 1_000_000 }
    }

    fn attachment() -> impl Strategy<Value = Attachment> {
        let id = any::<[u8; 16]>().prop_map(UploadId);
        (id, name(), thumbhash(), any::<bool>()).prop_map(|(id, name, thumbhash, animated)| {
            let media = Media {
                media_type: "image/jpeg".to_owned(),
                size: 100 * 1024 * 1024,
                width: Some(32_767),
                height: Some(32_767),
                animated: Some(animated),
                thumbhash,
                variants: vec![variant(VariantName::Small), variant(VariantName::Large)],
                ..Media::default()
            };
            Attachment { id, kind: UploadKind::Image, name, media, poster: None }
        })
    }

    /// A file of whatever kind, with all that may be known of one.
    fn any_attachment() -> impl Strategy<Value = Attachment> {
        let kind =
            prop::sample::select(vec![UploadKind::Image, UploadKind::File, UploadKind::Voice, UploadKind::Video]);
        let more = (any::<Option<u64>>(), any::<bool>());
        (attachment(), attachment(), kind, more).prop_map(|(attachment, other, kind, (duration_ms, has_more))| {
            let text = |text: &str| has_more.then(|| text.to_owned());
            let media = Media { duration_ms, waveform: text("AAEC"), codecs: text("avc1.640028"), ..attachment.media };
            let poster = has_more.then_some(Poster { id: other.id, media: other.media });
            Attachment { kind, media, poster, ..attachment }
        })
    }

    /// A text that a message with files may have; many are as long as possible.
    fn content() -> impl Strategy<Value = String> {
        let text = prop_oneof![Just("\"".repeat(2_047)), Just("😀".repeat(1_023)), "\\PC{0,200}", Just(String::new())];
        text.prop_filter_map("a text that such a message may not have", |text| {
            let content = Content::parse_optional(&text).ok()?;
            content.fits(MessageType::Image).ok()?;
            Some(content.as_str().to_owned())
        })
    }

    /// An answer to a message with the longest beginning.
    fn message(content: String, attachments: Vec<Attachment>) -> (Message, HashMap<MessageId, Quote>) {
        let (id, at) = (MessageId([7; 12]), Timestamp::from_millis(1_790_000_000_000));
        let reaction =
            Reaction { emoji: "👩🏽‍❤️‍💋‍👨🏽".to_owned(), count: 2_000, mine: Some(true) };
        let message = Message {
            id,
            room: RoomKey::group(RoomId(i32::MAX)),
            user: UserId(i32::MAX),
            content,
            message_type: MessageType::Image,
            attachments,
            system: None,
            reply_to: Some(id),
            mentions: Mentions { people: vec![UserId(i32::MAX); MOST_MENTIONS], all: None },
            forwarded_from: Some(UserId(i32::MAX)),
            hidden_for: Vec::new(),
            seq: Seq(i64::MAX),
            rev: Rev(i64::MAX),
            client_id: "\"".repeat(64),
            edited_at: Some(at),
            deleted_at: None,
            reactions: vec![reaction; MOST_EMOJIS],
            pin: None,
            latest_change: None,
            created_at: at,
            updated_at: at,
        };
        // A flag of ten code points of four bytes each.
        let answered = Message { content: format!("🏴{}", "\u{e0061}".repeat(9)).repeat(101), ..message.clone() };
        (message, HashMap::from([(id, Quote::from(&answered))]))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn message_with_ten_files_fits_into_a_frame(content in content(), files in vec(attachment(), 10)) {
            let (message, quotes) = message(content, files);
            let view = MessageView::of(message, &quotes);
            let created = CreatedMessage { message: view.clone(), read_seq: Some(Seq(i64::MAX)) };
            let (id, seq, rev) = (view.id, view.seq, view.rev);
            let ack = Ack::Message(Box::new(Acknowledged { id, seq, rev, dup: false, message: view }));
            for payload in [FramePayload::MessageCreated(Box::new(created)), FramePayload::Ack(ack)] {
                let re = Some("\u{10ffff}".repeat(64));
                let frame = Frame { re: re.as_deref(), room: Some(RoomKey::group(RoomId(i32::MAX))), rev: Some(rev), payload };
                // Less than a frame may have, so that a page of `sync` can hold it as well.
                prop_assert!(frame.to_text().unwrap().len() <= 29 * 1024);
            }
        }

        #[test]
        fn every_attachment_is_as_described(files in vec(any_attachment(), 1..3)) {
            let (message, quotes) = message(String::new(), files);
            let frame = serde_json::to_value(Frame::of_message(MessageView::of(message, &quotes))).unwrap();
            prop_assert_eq!(misfit_of_frame(&frame), None);
        }
    }

    #[test]
    fn unknown_facts_of_a_file_are_left_out() {
        let media = Media { media_type: "application/zip".to_owned(), size: 5, ..Media::default() };
        let id = UploadId([0x9f; 16]);
        let file = Attachment { id, kind: UploadKind::File, name: "a.zip".to_owned(), media, poster: None };
        let shown = serde_json::to_value(AttachmentView::from(file)).unwrap();
        let expected = serde_json::json!({
            "id": "9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f", "kind": "file", "name": "a.zip", "size": 5, "type": "application/zip",
        });
        assert_eq!(shown, expected);
    }
}
