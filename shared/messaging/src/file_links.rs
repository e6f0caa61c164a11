use contract::{FilePlace, LinkedFile};
use domain::{Attachment, Fault, Media, MessageId, UploadId, UploadKind, UserId, VariantName};
use mongo::{Mongo, PictureOf};
use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

/// How long a link lives.
const LINK_LIVES: Duration = Duration::from_mins(10);

/// The longest lifetime of a link to a sound or video, which otherwise outlives its duration.
const LONGEST_LINK: Duration = Duration::from_hours(1);

/// A file that somebody may download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAt {
    /// The key of its object.
    pub key: String,
    /// How long a link to it lives.
    pub lifetime: Duration,
}

/// The places of the wanted files, in the same order. `None` for a file that the reader may not see, or that does not exist or is
/// deleted.
pub async fn find_files(mongo: &Mongo, reader: UserId, wanted: &[LinkedFile]) -> Result<Vec<Option<FileAt>>, Fault> {
    let pictures: Vec<_> = wanted.iter().filter_map(|file| Some((picture_of(file.place)?, file.id))).collect();
    let (attached, visible) = tokio::try_join!(
        find_attached(mongo, reader, wanted),
        mongo.uploads().list_visible_pictures(reader, &pictures)
    )?;
    let find = |(file, attached): (&LinkedFile, Option<FileAt>)| match picture_of(file.place) {
        Some(of) if visible.contains(&(of, file.id)) => picture_at(file.id, file.variant.copy()),
        Some(_) => None,
        None => attached,
    };
    Ok(wanted.iter().zip(attached).map(find).collect())
}

/// Where those of the files are that messages have.
async fn find_attached(mongo: &Mongo, reader: UserId, wanted: &[LinkedFile]) -> Result<Vec<Option<FileAt>>, Fault> {
    let messages: Vec<_> =
        wanted.iter().filter_map(|file| message_of(file.place)).collect::<BTreeSet<_>>().into_iter().collect();
    if messages.is_empty() {
        return Ok(vec![None; wanted.len()]);
    }
    let mut causal = mongo.causal().await?;
    let found = mongo.messages().list_files(&mut causal, &messages, reader).await?;
    // Members are read after the messages, so that a removed member finds nothing.
    let rooms: HashSet<_> = found.values().map(|files| files.room).collect();
    let entered = mongo.rooms().list_entered(&mut causal, reader, &rooms).await?;
    let find = |file: &LinkedFile| {
        let files = found.get(&message_of(file.place)?).filter(|files| entered.contains(&files.room))?;
        files.attachments.iter().find_map(|attachment| file_at(attachment, file.id, file.variant.copy()))
    };
    Ok(wanted.iter().map(find).collect())
}

const fn message_of(place: FilePlace) -> Option<MessageId> {
    match place {
        FilePlace::Message(message) => Some(message),
        FilePlace::Person(_) | FilePlace::Group(_) => None,
    }
}

const fn picture_of(place: FilePlace) -> Option<PictureOf> {
    match place {
        FilePlace::Message(_) => None,
        FilePlace::Person(user) => Some(PictureOf::Person(user)),
        FilePlace::Group(room) => Some(PictureOf::Group(room)),
    }
}

/// A picture of a person or a group, whose original is not kept.
fn picture_at(id: UploadId, copy: Option<VariantName>) -> Option<FileAt> {
    Some(FileAt { key: id.variant_key(copy?), lifetime: LINK_LIVES })
}

/// An attachment, or its poster, by the id of either.
fn file_at(attachment: &Attachment, id: UploadId, copy: Option<VariantName>) -> Option<FileAt> {
    if attachment.id == id {
        return copy_at(id, attachment.kind, &attachment.media, copy);
    }
    let poster = attachment.poster.as_ref().filter(|poster| poster.id == id)?;
    copy_at(id, UploadKind::Image, &poster.media, copy)
}

fn copy_at(id: UploadId, kind: UploadKind, media: &Media, copy: Option<VariantName>) -> Option<FileAt> {
    let Some(name) = copy else { return Some(FileAt { key: id.original_key(), lifetime: lifetime(kind, media) }) };
    let is_there = media.variants.iter().any(|variant| variant.name == name);
    is_there.then(|| FileAt { key: id.variant_key(name), lifetime: LINK_LIVES })
}

/// A link to a sound or video lives long enough to play it to its end.
fn lifetime(kind: UploadKind, media: &Media) -> Duration {
    match kind {
        UploadKind::Voice | UploadKind::Video => {
            LINK_LIVES.saturating_add(Duration::from_millis(media.duration_ms.unwrap_or(0))).min(LONGEST_LINK)
        }
        UploadKind::Image | UploadKind::File => LINK_LIVES,
    }
}
