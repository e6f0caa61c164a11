//! What the characters of a text show, by their Unicode properties.

use crate::Invalid;
use caseless::Caseless as _;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        BinaryProperty, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic, GeneralCategory,
        GeneralCategoryGroup, Ideographic, JoiningType,
    },
};
use unicode_normalization::{UnicodeNormalization as _, char::canonical_combining_class};
use unicode_script::{Script, UnicodeScript as _};

/// The form in which texts are compared whatever their case, width and composition: NFKC and case folding. It is Unicode's
/// `toNFKC_Casefold` (3.13, D145) except that default-ignorable characters stay.
pub(crate) fn fold(text: &str) -> String {
    fold_chars(text.chars()).collect()
}

/// [`fold`] of characters as they come.
pub(crate) fn fold_chars(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    chars.nfkc().default_case_fold().nfkc()
}

/// Accepts a trimmed text of 1 to `max` code points on one line without invisible characters, and keeps it in NFC.
/// The columns count code points; a text never has fewer of them than characters that people see.
pub(crate) fn one_line(input: &str, max: usize) -> Result<String, Invalid> {
    let text: String = input.trim().nfc().collect();
    if text.chars().any(|c| c.is_control() || is_line_separator(c)) {
        return Err(Invalid::ControlCharacter);
    }
    if is_blank(&text) {
        return Err(Invalid::Blank);
    }
    if text.chars().count() > max {
        return Err(Invalid::TooLong);
    }
    if has_stray_invisible(&text) { Err(Invalid::InvisibleCharacter) } else { Ok(text) }
}

/// The text with every line end as LF: CR LF, CR, U+2028 and U+2029 become one.
pub(crate) fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n")
}

/// Whether no character of the text is visible.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// Whether a character that is no white space shows nothing: controls, default-ignorable characters (joiners, bidirectional
/// controls, variation selectors, Hangul fillers) and the blanks that Unicode counts as letters, marks or symbols.
pub(crate) fn is_invisible(c: char) -> bool {
    let is_blank_looking =
        matches!(c, '\u{2800}' | '\u{fff9}'..='\u{fffb}' | '\u{13441}' | '\u{13442}' | '\u{16fe4}' | '\u{1d159}');
    c.is_control() || is_blank_looking || has::<DefaultIgnorableCodePoint>(c)
}

/// Whether it is a letter of any script.
pub(crate) fn is_letter(c: char) -> bool {
    GeneralCategoryGroup::Letter.contains(category(c))
}

/// The general category.
pub(crate) fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn is_line_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// The text without line separators and invisible characters that neither an emoji nor a script's spelling needs.
pub(crate) fn without_stray_invisible(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().filter(|c| !c.is_control() && !is_line_separator(*c)).collect();
    // Without a character its neighbours may need each other no more; each round takes one at least.
    loop {
        let is_kept = |at: usize| !is_invisible(chars[at]) || is_needed(&chars[..at], chars[at], &chars[at + 1..]);
        let kept: Vec<char> = (0..chars.len()).filter(|at| is_kept(*at)).map(|at| chars[at]).collect();
        if kept.len() == chars.len() {
            return kept.into_iter().collect();
        }
        chars = kept;
    }
}

/// Whether the text has an invisible character that neither an emoji nor a script's spelling needs.
fn has_stray_invisible(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let chars: Vec<char> = text.chars().collect();
    (0..chars.len()).any(|at| is_invisible(chars[at]) && !is_needed(&chars[..at], chars[at], &chars[at + 1..]))
}

/// Whether an invisible character has an effect between its neighbours.
fn is_needed(before: &[char], c: char, after: &[char]) -> bool {
    let (Some(&last), next) = (before.last(), after.first().copied()) else { return false };
    match c {
        // RFC 5892, A.1.
        '\u{200c}' => is_virama(last) || parts_cursive_letters(before, after),
        // UAX #29, GB11; RFC 5892, A.2; and Bengali's ya-phalaa after ra, which is spelled with a joiner before the virama.
        '\u{200d}' => {
            is_virama(last)
                || next.is_some_and(|next| ends_emoji(before) && has::<ExtendedPictographic>(next))
                || next.is_some_and(is_virama) && is_letter(last)
        }
        // Digits are emoji only as a keycap.
        '\u{fe0e}' | '\u{fe0f}' => has::<Emoji>(last) && (!last.is_ascii() || next == Some('\u{20e3}')),
        '\u{e0100}'..='\u{e01ef}' => has::<Ideographic>(last),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => last.script() == Script::Mongolian,
        '\u{e0020}'..='\u{e007f}' => is_in_flag(before, c, next),
        _ => false,
    }
}

/// Whether the text so far ends with a picture that a joiner can join to another one.
fn ends_emoji(before: &[char]) -> bool {
    let picture = before.iter().rev().find(|c| !(**c == '\u{fe0f}' || has::<EmojiModifier>(**c)));
    picture.is_some_and(|c| has::<ExtendedPictographic>(*c))
}

/// Whether a letter that joins to the left meets one that joins to the right, as in Persian's plural.
fn parts_cursive_letters(before: &[char], after: &[char]) -> bool {
    let joining = |c: &char| CodePointMapData::<JoiningType>::new().get(*c);
    let is_opaque = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let left = before.iter().rev().map(joining).find(is_opaque);
    let right = after.iter().map(joining).find(is_opaque);
    matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// Whether it is one of the tags of a flag such as Scotland's: a black flag, up to six tags, and the end of tags.
fn is_in_flag(before: &[char], c: char, next: Option<char>) -> bool {
    let is_tag = |c: char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let is_end = c == '\u{e007f}';
    let tags = before.iter().rev().take_while(|c| is_tag(**c)).count();
    let is_flag = before.len() > tags && before[before.len() - 1 - tags] == '\u{1f3f4}';
    let goes_on = next.is_some_and(|next| is_tag(next) || next == '\u{e007f}');
    is_flag && (if is_end { (1..=6).contains(&tags) } else { is_tag(c) && tags < 6 && goes_on })
}

fn is_virama(c: char) -> bool {
    canonical_combining_class(c) == 9
}

fn has<P: BinaryProperty>(c: char) -> bool {
    CodePointSetData::new::<P>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_every_script_stays_as_it_is() {
        for text in [
            "홍길동 🙂",
            "김민지(金旼志)",
            "葛󠄀城さん",
            "लक्ष्मी",
            "क्‍ष",
            "র‍্যাব",
            "ශ්‍රී ලංකා",
            "നന്‍മ",
            "தமிழ்ச்செல்வி",
            "กิตติพงษ์",
            "ကျော်စွာ",
            "សុភាព",
            "Adébáyọ̀ Ọ̀ṣun",
            "محمد الأمين",
            "می‌خواهم",
            "کتاب‌ها",
            "דָּוִד",
            "Αλέξανδρος",
            "Дмитрий",
            "Işıl İpek",
            "ᠮᠣᠩᠭᠣᠯ᠋",
            "👩‍👩‍👧‍👦",
            "👩🏽‍🚀 ❤️ ☺︎",
            "🏳️‍🌈 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "1️⃣ #️⃣",
            "© ™️",
        ] {
            assert_eq!(one_line(text, 100).as_deref(), Ok(text));
        }
    }

    #[test]
    fn invisible_characters_are_refused_on_one_line() {
        for (text, reason) in [
            ("", Invalid::Blank),
            (" \u{3000}\u{a0} ", Invalid::Blank),
            ("\u{3164}\u{3164}", Invalid::Blank),
            ("\u{115f}\u{1160}", Invalid::Blank),
            ("\u{ffa0}", Invalid::Blank),
            ("\u{2800}", Invalid::Blank),
            ("\u{200b}", Invalid::Blank),
            ("\u{200d}\u{fe0f}", Invalid::Blank),
            ("\u{13441}", Invalid::Blank),
            ("민지\u{3164}", Invalid::InvisibleCharacter),
            ("민\u{115f}지", Invalid::InvisibleCharacter),
            ("min\u{200b}ji", Invalid::InvisibleCharacter),
            ("min\u{200d}ji", Invalid::InvisibleCharacter),
            ("min\u{200c}ji", Invalid::InvisibleCharacter),
            ("민\u{200d}지", Invalid::InvisibleCharacter),
            ("\u{202e}ijnim", Invalid::InvisibleCharacter),
            ("a\u{2066}b\u{2069}", Invalid::InvisibleCharacter),
            ("\u{200f}محمد", Invalid::InvisibleCharacter),
            ("محمد\u{61c}", Invalid::InvisibleCharacter),
            ("محمد\u{200c}", Invalid::InvisibleCharacter),
            ("\u{feff}minji", Invalid::InvisibleCharacter),
            ("min\u{ad}ji", Invalid::InvisibleCharacter),
            ("min\u{2060}ji", Invalid::InvisibleCharacter),
            ("minji\u{fe0f}", Invalid::InvisibleCharacter),
            ("minji 1\u{fe0f}", Invalid::InvisibleCharacter),
            ("👩\u{200d}", Invalid::InvisibleCharacter),
            ("👩\u{200d}민지", Invalid::InvisibleCharacter),
            ("🏴\u{e0067}\u{e0062}", Invalid::InvisibleCharacter),
            ("🏴\u{e007f}", Invalid::InvisibleCharacter),
            ("🙂\u{e0067}\u{e007f}", Invalid::InvisibleCharacter),
            ("minji\u{e0068}\u{e0069}", Invalid::InvisibleCharacter),
            ("민지\u{e0100}", Invalid::InvisibleCharacter),
            ("min\u{34f}ji", Invalid::InvisibleCharacter),
            ("a\u{fffa}b", Invalid::InvisibleCharacter),
            ("a\nb", Invalid::ControlCharacter),
            ("a\u{85}b", Invalid::ControlCharacter),
            ("a\u{2028}b", Invalid::ControlCharacter),
            ("a\u{2029}b", Invalid::ControlCharacter),
            ("a\u{0}b", Invalid::ControlCharacter),
        ] {
            assert_eq!(one_line(text, 100), Err(reason), "{}", text.escape_unicode());
        }
    }

    #[test]
    fn every_line_end_becomes_a_line_feed() {
        assert_eq!(with_line_feeds("a\r\nb\rc\u{2028}d\u{2029}e\n\r\nf"), "a\nb\nc\nd\ne\n\nf");
    }
}
