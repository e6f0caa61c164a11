use crate::bytes::Bytes;

/// What a file is by its first bytes, of what is shown or played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Picture(Picture),
    /// AAC, MP3, Ogg or WAV; which one, the reader knows better.
    Sound,
    /// Has sound, video, or both.
    Container(Container),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picture {
    Gif,
    Jpeg,
    Png,
    Webp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Mp4,
    QuickTime,
    Webm,
}

impl Picture {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Gif => "image/gif",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

impl Container {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::QuickTime => "video/quicktime",
            Self::Webm => "video/webm",
        }
    }

    /// With sound alone.
    pub(crate) fn sound_type(self) -> &'static str {
        match self {
            Self::Mp4 | Self::QuickTime => "audio/mp4",
            Self::Webm => "audio/webm",
        }
    }
}

/// In how many of the first bytes of a WebM its name stands.
const WEBM_HEAD: usize = 64;

pub(crate) fn sniff(bytes: &[u8]) -> Option<Format> {
    let is_at = |at: usize, word: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(word));
    if is_at(0, b"\xff\xd8\xff") {
        return Some(Format::Picture(Picture::Jpeg));
    }
    if is_at(0, b"\x89PNG\r\n\x1a\n") {
        return Some(Format::Picture(Picture::Png));
    }
    if is_at(0, b"GIF87a") || is_at(0, b"GIF89a") {
        return Some(Format::Picture(Picture::Gif));
    }
    if is_at(0, b"RIFF") {
        return match bytes.get(8..12)? {
            b"WEBP" => Some(Format::Picture(Picture::Webp)),
            b"WAVE" => Some(Format::Sound),
            _ => None,
        };
    }
    if is_at(0, b"OggS") {
        return Some(Format::Sound);
    }
    if is_at(0, b"\x1a\x45\xdf\xa3") {
        // The document's type, an element of four letters.
        let head = bytes.get(..WEBM_HEAD).unwrap_or(bytes);
        let is_webm = head.windows(7).any(|window| window == b"\x42\x82\x84webm");
        return is_webm.then_some(Format::Container(Container::Webm));
    }
    if is_at(4, b"ftyp") {
        return match bytes.get(8..12)? {
            b"qt  " => Some(Format::Container(Container::QuickTime)),
            // Pictures in the same boxes.
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" | b"avif" | b"avis" => None,
            _ => Some(Format::Container(Container::Mp4)),
        };
    }
    if is_at(0, b"ID3") {
        return Some(Format::Sound);
    }
    let mut head = Bytes(bytes);
    match head.be16()? {
        // AAC has layer 0, MP3 has layer 1.
        sync if sync & 0xfff6 == 0xfff0 || sync & 0xffe6 == 0xffe2 => Some(Format::Sound),
        _ => None,
    }
}

/// An opinion of what any file is.
pub(crate) fn opinion(head: &[u8]) -> &'static str {
    if let Some(known) = infer::get(head) {
        return known.mime_type();
    }
    // The last character may be cut.
    let is_text = match std::str::from_utf8(head) {
        Ok(text) => is_plain(text),
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to()).unwrap_or_default()).is_ok_and(is_plain)
        }
        Err(_) => false,
    };
    if is_text { "text/plain" } else { "application/octet-stream" }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_from_content_alone() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), Some(Format::Picture(Picture::Jpeg)));
        assert_eq!(sniff(b"RIFF\0\0\0\0WAVEfmt "), Some(Format::Sound));
        assert_eq!(sniff(b"\0\0\0\x18ftypqt  "), Some(Format::Container(Container::QuickTime)));
        assert_eq!(sniff(b"\xff\xf1\x50\x80"), Some(Format::Sound));
        assert_eq!(sniff(b"\xff\xfb\x90\x64"), Some(Format::Sound));
        for other in
            [&b"\0\0\0\x18ftypheic"[..], b"<svg xmlns=", b"<html>", b"\x1a\x45\xdf\xa3\x42\x82\x88matroska", b"P", b""]
        {
            assert_eq!(sniff(other), None, "{other:?}");
        }
    }

    #[test]
    fn opinion_of_a_text_is_text() {
        assert_eq!(opinion("안녕하세요\n".as_bytes()), "text/plain");
        assert_eq!(opinion(&"안녕".as_bytes()[..4]), "text/plain");
        assert_eq!(opinion(b"PK\x03\x04"), "application/zip");
        assert_eq!(opinion(b"%PDF-1.7"), "application/pdf");
        assert_eq!(opinion(b"\0\x01\x02"), "application/octet-stream");
        assert_eq!(opinion(b""), "application/octet-stream");
    }

    mod properties {
        use super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn any_bytes_have_a_type_or_none(bytes: Vec<u8>) {
                let _ = sniff(&bytes);
                prop_assert!(opinion(&bytes).contains('/'));
            }
        }
    }
}
