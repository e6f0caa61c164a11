use crate::{
    Invalid,
    text::{is_blank, without_stray_invisible},
};
use std::fmt;
use unicode_normalization::UnicodeNormalization as _;

/// The name of a file, as its uploader's device has it.
#[derive(Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// The longest name in code points.
    pub const MAX_CODE_POINTS: usize = 255;

    /// Takes the last segment of a path in NFC, without what shows nothing: controls, and characters that turn the direction of
    /// writing, so that a program looks like a picture. Refuses a name of which nothing or only dots are left.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let last = input.rsplit(['/', '\\']).next().unwrap_or_default();
        // Cleaning would spend time on a name that is refused anyway.
        if last.chars().nth(4 * Self::MAX_CODE_POINTS).is_some() {
            return Err(Invalid::TooLong);
        }
        let name = without_stray_invisible(&last.nfc().collect::<String>()).trim().to_owned();
        if is_blank(&name) || name.chars().all(|c| c == '.') {
            return Err(Invalid::Blank);
        }
        if name.chars().count() > Self::MAX_CODE_POINTS { Err(Invalid::TooLong) } else { Ok(Self(name)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FileName {
    // A file's name is as private as a message's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileName({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(input: &str) -> Result<String, Invalid> {
        FileName::parse(input).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn name_is_the_last_segment_without_what_shows_nothing() {
        for (input, expected) in [
            ("사진.jpg", "사진.jpg"),
            ("\u{1109}\u{1161}\u{110c}\u{1175}\u{11ab}.jpg", "사진.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\minji\\cat.png", "cat.png"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("a\u{200b}b\u{feff}.txt", "ab.txt"),
            ("line\u{2028}break.txt", "linebreak.txt"),
            ("  notes.txt ", "notes.txt"),
            (".profile", ".profile"),
            ("👩‍👩‍👧.png", "👩‍👩‍👧.png"),
        ] {
            assert_eq!(parsed(input).as_deref(), Ok(expected), "{}", input.escape_unicode());
        }
    }

    #[test]
    fn name_that_says_nothing_or_too_much_is_refused() {
        for input in ["", " ", ".", "..", "...", "a/", "\u{202e}", "\u{3164}.\u{3164}"] {
            assert_eq!(parsed(input), Err(Invalid::Blank), "{}", input.escape_unicode());
        }
        assert_eq!(parsed(&"가".repeat(255)).map(|name| name.chars().count()), Ok(255));
        for length in [256, 1_020, 10_000] {
            assert_eq!(parsed(&"a".repeat(length)), Err(Invalid::TooLong), "{length}");
        }
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn name_is_kept_as_it_is_the_second_time(input in "\\PC{0,40}|([a-c./\\\\]|[\u{200b}-\u{2069}]|👩|\u{fe0f}|\u{1f3fd}|\\s){0,40}") {
            if let Ok(name) = FileName::parse(&input) {
                prop_assert!(!name.as_str().contains(['/', '\\', '\n', '\r', '\u{202e}']), "{}", name.as_str());
                prop_assert_eq!(FileName::parse(name.as_str()), Ok(name));
            }
        }
    }
}
