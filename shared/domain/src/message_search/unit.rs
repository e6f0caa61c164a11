//! The units of a text: what is compared in place of its characters.

use crate::{
    korean::{is_conjoining_jamo, is_syllable, split_cluster, typed_jamo},
    text::{category, fold_chars},
};
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use std::iter;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// How many units of a text are searched, which bounds the grams of a message.
const SEARCHED: usize = 2_000;

/// A character of a text without differences of case, width and composition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) char: char,
    pub(super) class: Class,
    /// Where the grapheme that it comes from begins in the text, in UTF-16 code units.
    pub(super) start: u32,
    /// Where that grapheme ends.
    pub(super) end: u32,
}

/// How a unit is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// White space.
    Space,
    /// Hangul, Han, kana and bopomofo, which are written without reliable spaces.
    Cjk,
    /// Other letters, digits and marks.
    Word,
    /// Punctuation between two digits, which belongs to the number.
    Joint,
    /// Emoji, arrows and the like, each of which says something by itself.
    Emoji,
    /// Other punctuation and symbols.
    Other,
}

/// The units of a text, as far as they are searched.
pub(super) fn units(text: &str) -> Vec<Unit> {
    let (mut units, mut start) = (Vec::with_capacity(text.len().min(SEARCHED)), 0);
    for grapheme in text.graphemes(true) {
        let end = start + grapheme.chars().map(|c| 1 + u32::from(c > '\u{ffff}')).sum::<u32>();
        fold_grapheme(grapheme, |char| units.push(Unit { char, class: class_of(char), start, end }));
        start = end;
        if units.len() >= SEARCHED {
            break;
        }
    }
    units.truncate(SEARCHED);
    mark_joints(&mut units);
    units
}

fn mark_joints(units: &mut [Unit]) {
    let is_digit = |unit: Unit| category(unit.char) == GeneralCategory::DecimalNumber;
    for at in 1..units.len().saturating_sub(1) {
        if matches!(units[at].char, '.' | ',' | ':' | '-' | '/') && is_digit(units[at - 1]) && is_digit(units[at + 1]) {
            units[at].class = Class::Joint;
        }
    }
}

fn fold_grapheme(grapheme: &str, push: impl FnMut(char)) {
    let mut chars = grapheme.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return fold_char(c, push);
    }
    let mut folded = String::with_capacity(grapheme.len());
    grapheme.nfc().for_each(|c| fold_char(c, |c| folded.push(c)));
    folded.nfc().for_each(push);
}

/// Folds a character. Jamo stay apart, where NFKC alone would compose what was typed in a row.
fn fold_char(c: char, mut push: impl FnMut(char)) {
    if c.is_ascii() {
        push(c.to_ascii_lowercase());
    } else if is_syllable(c) || is_conjoining_jamo(c) {
        push(c);
    } else if let Some(jamo) = typed_jamo(c) {
        split_cluster(jamo).for_each(push);
    } else if !is_dropped(c) {
        fold_chars(iter::once(c)).for_each(push);
    }
}

/// Whether it shows nothing by itself, or only the colour of the emoji before it.
fn is_dropped(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}'
            | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{1f3fb}'..='\u{1f3ff}'
    )
}

/// The class of a folded character by itself.
pub(super) fn class_of(c: char) -> Class {
    if c.is_whitespace() {
        Class::Space
    } else if is_cjk(c) {
        Class::Cjk
    } else if is_of_word(category(c)) {
        Class::Word
    } else if matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}') {
        Class::Emoji
    } else {
        Class::Other
    }
}

fn is_of_word(category: GeneralCategory) -> bool {
    GeneralCategoryGroup::Letter.contains(category)
        || GeneralCategoryGroup::Number.contains(category)
        || matches!(category, GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark)
}

/// By blocks, since kana's long vowel and voicing marks belong to no script.
fn is_cjk(c: char) -> bool {
    matches!(
        c,
        '\u{1100}'..='\u{11ff}'
            | '\u{3005}'..='\u{3007}'
            | '\u{3040}'..='\u{318e}'
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{a960}'..='\u{a97f}'
            | '\u{ac00}'..='\u{d7ff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        units(text).iter().map(|unit| unit.char).collect()
    }

    #[test]
    fn case_width_and_composition_make_no_difference() {
        for (text, expected) in [
            ("ＡＰＩ Straße", "api strasse"),
            ("\u{1112}\u{116c}\u{110b}\u{1174}", "회의"),
            ("ﾊﾞｯﾀ", "バッタ"),
            ("ﾡﾣ", "ㄱㄱㅅ"),
            ("e\u{301}É", "éé"),
            ("①㈜½", "1(주)1⁄2"),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    #[test]
    fn jamo_typed_alone_stay_apart() {
        assert_eq!(folded("네ㄳ ㅇㅏ ㅋㅋ"), "네ㄱㅅ ㅇㅏ ㅋㅋ");
        assert_eq!(folded("\u{1100}"), "\u{1100}");
    }

    #[test]
    fn invisible_characters_are_dropped() {
        assert_eq!(folded("회\u{200b}의 ❤️ 👍🏽 so\u{ad}ft"), "회의 ❤ 👍 soft");
        assert_eq!(units("\u{200b}\u{feff}"), []);
    }

    #[test]
    fn every_unit_knows_its_grapheme() {
        let places: Vec<_> = units("가👨‍👩‍👧ﬁé").iter().map(|unit| (unit.char, unit.start, unit.end)).collect();
        assert_eq!(
            places,
            [('가', 0, 1), ('👨', 1, 9), ('👩', 1, 9), ('👧', 1, 9), ('f', 9, 10), ('i', 9, 10), ('é', 10, 11)]
        );
    }

    #[test]
    fn classes_are_those_of_scripts_and_signs() {
        for (chars, class) in [
            (" \n\u{3000}", Class::Space),
            ("가ㄱ\u{1100}漢かカーㄅ々", Class::Cjk),
            ("a1éя٣\u{301}", Class::Word),
            ("👍❤→🇰", Class::Emoji),
            (".#@_-/", Class::Other),
        ] {
            for c in chars.chars() {
                assert_eq!(class_of(c), class, "{c}");
            }
        }
        let joints = units("1.2 v1. a-1 10:30 1,");
        let joints: Vec<_> = joints.iter().filter(|unit| unit.class == Class::Joint).map(|unit| unit.start).collect();
        assert_eq!(joints, [1, 14]);
    }

    #[test]
    fn only_the_beginning_of_a_long_text_is_searched() {
        assert_eq!(units(&"가나".repeat(2_000)).len(), SEARCHED);
        assert_eq!(units(&"\u{fdfa}".repeat(1_000)).len(), SEARCHED);
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn folded_unit_folds_to_itself(text in "\\PC{0,40}") {
            for unit in units(&text) {
                let again: Vec<_> = units(&unit.char.to_string()).iter().map(|unit| unit.char).collect();
                prop_assert_eq!(again, [unit.char]);
            }
        }

        #[test]
        fn folded_text_folds_to_itself(text in "[가-힣ㄱ-ㅎㅏ-ㅣa-zA-Zé\u{301}À-ÿα-ω０-９Ａ-ｚｱ-ﾟ\u{fe0f}\u{1f3fd}👍👩❤ .,!]{0,40}") {
            let fold = |text: &str| units(text).iter().map(|unit| unit.char).collect::<String>();
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }

        #[test]
        fn graphemes_of_units_cover_the_text_in_order(text in "\\PC{0,60}|[\u{0}-\u{10ffff}]{0,60}") {
            let boundaries: Vec<u32> = text.grapheme_indices(true).map(|(at, _)| u32::try_from(text[..at].encode_utf16().count()).unwrap()).collect();
            let end = u32::try_from(text.encode_utf16().count()).unwrap();
            let mut last = 0;
            for unit in units(&text) {
                prop_assert!(boundaries.contains(&unit.start) && (unit.end == end || boundaries.contains(&unit.end)));
                prop_assert!(last <= unit.start && unit.start < unit.end);
                last = unit.start;
            }
        }
    }
}
