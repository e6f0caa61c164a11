//! How ids and words that are texts on the wire look in the API's documents.

use crate::{Code, Invalid, MessageId, RoomKey, SessionId, Timestamp, UploadId, notification::Installation};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

macro_rules! text {
    ($name:ident: $description:literal, $example:literal $(, $build:ident($argument:expr))?) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).description(Some($description));
                text.examples([$example])$(.$build(Some($argument)))?.into()
            }
        }

        impl ToSchema for $name {}
    };
}

text!(MessageId: "Identifies a message.", "66f0c3d2a1b2c3d4e5f60718", pattern("^[0-9a-f]{24}$"));
text!(SessionId: "Identifies a session: one login on one device.", "0f8fad5bd9cb469fa16570867728950e", pattern("^[0-9a-f]{32}$"));
text!(UploadId: "Identifies an upload, and the file that comes of it.", "9f2c4d1e8a7b4c3d9e0f112233445566", pattern("^[0-9a-f]{32}$"));
text!(Installation: "Identifies an installation of an app on a device: a UUID that the app makes when it first starts.", "5f0c9d1e-7a3b-4c2d-9e8f-0123456789ab", pattern("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"));
text!(RoomKey: "Names a room by its kind and id.", "private:12", pattern("^(private|group):[0-9]+$"));
text!(Timestamp: "A moment in UTC as in RFC 3339, with milliseconds.", "2026-09-21T14:13:20.007Z", format(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
text!(Code: "Says what went wrong. Stable; codes may be added.", "room_not_found");
text!(Invalid: "Says why a field was refused. Stable; codes may be added.", "too_long");
