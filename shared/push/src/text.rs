use unicode_segmentation::UnicodeSegmentation as _;

/// How much of a message is shown, in characters that people see.
const MOST_OF_A_TEXT: usize = 180;

/// How much of a name is shown, in characters that people see.
const MOST_OF_A_NAME: usize = 60;

/// How much of a name is sent, in bytes.
const NAME_BYTES: usize = 400;

/// What stands where a text was cut.
const CUT: char = '…';

/// A text on one line, of which nothing reaches beyond its own place.
pub(crate) fn line(text: &str) -> String {
    let shown = text.chars().filter_map(|c| match c {
        '\n' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        // Embeddings, overrides and isolates would turn around what stands beside the text.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        c if c.is_control() => None,
        c => Some(c),
    });
    shown.collect::<String>().trim().to_owned()
}

/// The beginning of a message.
pub(crate) fn excerpt(text: &str) -> String {
    shortened(&line(text), MOST_OF_A_TEXT)
}

/// The beginning of a name that leaves place for a text.
pub(crate) fn name(text: &str) -> String {
    let name = shortened(&line(text), MOST_OF_A_NAME);
    if name.len() <= NAME_BYTES {
        return name;
    }
    let fitting =
        name.grapheme_indices(true).map(|(at, grapheme)| at + grapheme.len()).take_while(|&end| end <= NAME_BYTES);
    with_cut(&name[..fitting.last().unwrap_or(0)])
}

/// The longest beginning of a text for which `size` is at most `most`, cut between characters that people see; `None` if not one
/// of them fits.
pub(crate) fn fitted(text: &str, most: usize, size: impl Fn(&str) -> usize) -> Option<String> {
    if size(text) <= most {
        return Some(text.to_owned());
    }
    let ends: Vec<usize> = text.grapheme_indices(true).map(|(at, grapheme)| at + grapheme.len()).collect();
    // A longer beginning is never smaller.
    let fitting = ends.partition_point(|&end| size(&with_cut(&text[..end])) <= most);
    let end = ends.get(fitting.checked_sub(1)?)?;
    Some(with_cut(&text[..*end]))
}

fn shortened(text: &str, most: usize) -> String {
    match text.grapheme_indices(true).nth(most) {
        Some((end, _)) => with_cut(&text[..end]),
        None => text.to_owned(),
    }
}

fn with_cut(beginning: &str) -> String {
    format!("{}{CUT}", beginning.trim_end_matches([' ', CUT]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_without_controls_and_overrides() {
        assert_eq!(line(" a\nb\tc\u{2028}d\u{0}e\u{202e}f\u{2066}g\u{2069}h\u{7}\n"), "a b c defgh");
        assert_eq!(line("👩‍👩‍👧‍👦 می‌خواهم"), "👩‍👩‍👧‍👦 می‌خواهم");
        assert_eq!(line("\u{202e}\u{0}"), "");
    }

    #[test]
    fn long_text_ends_between_characters_that_people_see() {
        let family = "👩‍👩‍👧‍👦";
        assert_eq!(excerpt(&family.repeat(180)), family.repeat(180));
        assert_eq!(excerpt(&family.repeat(181)), format!("{}…", family.repeat(180)));
        // Hangul in its decomposed form.
        let han = "\u{1112}\u{1161}\u{11ab}";
        assert_eq!(excerpt(&han.repeat(200)), format!("{}…", han.repeat(180)));
        assert_eq!(excerpt(&format!("{} b", "a".repeat(180))), format!("{}…", "a".repeat(180)));
    }

    #[test]
    fn name_leaves_place_for_a_text() {
        assert_eq!(name("홍길동"), "홍길동");
        assert_eq!(name(&"가".repeat(61)), format!("{}…", "가".repeat(60)));
        assert!(name(&"👩‍👩‍👧‍👦".repeat(60)).len() <= NAME_BYTES + 3);
        assert_eq!(name(&format!("a{}", "\u{301}".repeat(500))), "…");
    }

    #[test]
    fn text_is_cut_until_it_fits() {
        let size = |text: &str| text.len();
        assert_eq!(fitted("abc", 3, size).as_deref(), Some("abc"));
        assert_eq!(fitted("abcdef", 5, size).as_deref(), Some("ab…"));
        assert_eq!(fitted(&format!("a{}", "\u{301}".repeat(5_000)), 4_096, size), None);
        assert_eq!(fitted("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 30, size).as_deref(), Some("👩‍👩‍👧‍👦…"));
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fitted_text_is_a_prefix_in_whole_graphemes(text in "(\\PC|👩‍👩‍👧‍👦|e\u{301}|한|\u{1112}\u{1161}\u{11ab}|\"){0,60}", most in 0_usize..200) {
            let size = |text: &str| serde_json::to_string(text).map_or(0, |json| json.len());
            match fitted(&text, most, size) {
                Some(fitted) if fitted == text => prop_assert!(size(&fitted) <= most),
                Some(fitted) => {
                    prop_assert!(size(&fitted) <= most);
                    let kept = fitted.trim_end_matches(CUT);
                    prop_assert!(text.starts_with(kept));
                    prop_assert!(kept.len() == text.len() || text.grapheme_indices(true).any(|(at, _)| at == kept.len()));
                }
                None => prop_assert!(size(&text) > most),
            }
        }
    }
}
