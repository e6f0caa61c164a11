use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;

/// What a value in `filename*` has as it is: what RFC 8187 and every URL agree on.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How long an encoded name may be: all headers of an object have 2 KB together.
const MOST_ENCODED: usize = 1_200;

/// How long a name in ASCII may be.
const MOST_PLAIN: usize = 255;

/// The longest ending that is kept when a name is cut.
const MOST_ENDING: usize = 16;

/// What a file is served with.
#[derive(Clone, PartialEq, Eq)]
pub struct Headers {
    /// Its media type.
    pub media_type: String,
    /// The name under which it is downloaded; none of what pages show.
    pub file_name: Option<String>,
}

impl fmt::Debug for Headers {
    // A file's name is as private as a message's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers").field("media_type", &self.media_type).finish_non_exhaustive()
    }
}

impl Headers {
    /// `Content-Disposition`: the name for every client (RFC 6266), and in ASCII for those that know no other.
    pub(crate) fn disposition(&self) -> String {
        let Some(name) = &self.file_name else { return "inline".to_owned() };
        let name = cut(name);
        format!("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain(&name), encoded(&name))
    }
}

/// The name, without characters before its ending where it is too long.
fn cut(name: &str) -> String {
    if encoded(name).len() <= MOST_ENCODED {
        return name.to_owned();
    }
    let (stem, ending) = split(name);
    let room = MOST_ENCODED - encoded(ending).len();
    let mut length = 0;
    let fits = |letter: &char| {
        length += encoded(letter.encode_utf8(&mut [0; 4])).len();
        length <= room
    };
    let stem: String = stem.chars().take_while(fits).collect();
    format!("{stem}{ending}")
}

/// The name in ASCII: itself, or `file` with the same ending.
fn plain(name: &str) -> String {
    let is_plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\%".contains(&byte));
    let ending = split(name).1;
    if is_plain(name) && name.len() <= MOST_PLAIN {
        name.to_owned()
    } else if is_plain(ending) {
        format!("file{ending}")
    } else {
        "file".to_owned()
    }
}

/// What stands before the last dot, and the rest if it is short.
fn split(name: &str) -> (&str, &str) {
    let dot = name.rfind('.').filter(|dot| *dot > 0 && name.len() - dot <= MOST_ENDING);
    name.split_at(dot.unwrap_or(name.len()))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    fn disposition(name: &str) -> String {
        Headers { media_type: "image/jpeg".to_owned(), file_name: Some(name.to_owned()) }.disposition()
    }

    #[test]
    fn name_is_given_in_utf_8_and_in_ascii() {
        for (name, shown) in [
            ("사진.jpg", "filename=\"file.jpg\"; filename*=UTF-8''%EC%82%AC%EC%A7%84.jpg"),
            ("a photo.jpg", "filename=\"a photo.jpg\"; filename*=UTF-8''a%20photo.jpg"),
            ("1+1=2.txt", "filename=\"1+1=2.txt\"; filename*=UTF-8''1%2B1%3D2.txt"),
            ("50%.txt", "filename=\"file.txt\"; filename*=UTF-8''50%25.txt"),
            ("a\"b\\c.txt", "filename=\"file.txt\"; filename*=UTF-8''a%22b%5Cc.txt"),
            ("사진", "filename=\"file\"; filename*=UTF-8''%EC%82%AC%EC%A7%84"),
            (".사진", "filename=\"file\"; filename*=UTF-8''.%EC%82%AC%EC%A7%84"),
        ] {
            assert_eq!(disposition(name), format!("attachment; {shown}"));
        }
    }

    #[test]
    fn inline_file_has_no_name() {
        assert_eq!(Headers { media_type: "image/webp".to_owned(), file_name: None }.disposition(), "inline");
    }

    #[test]
    fn long_name_keeps_its_ending() {
        let cut = cut(&format!("{}.jpg", "사".repeat(251)));
        assert_eq!(cut, format!("{}.jpg", "사".repeat(132)));
    }

    proptest! {
        #[test]
        fn every_name_is_one_short_line_in_ascii(name in "\\PC{1,255}") {
            let shown = disposition(&name);
            prop_assert!(shown.len() <= 1_600, "{}", shown.len());
            prop_assert!(shown.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{shown}");
            prop_assert_eq!(shown.matches('"').count(), 2);
            let value = shown.rsplit_once("''").unwrap().1;
            let back = percent_decode_str(value).decode_utf8().unwrap();
            prop_assert_eq!(back, cut(&name));
        }
    }
}
