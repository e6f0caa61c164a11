//! What the searches for people and for messages know of Korean: syllables, initial consonants, and what keyboards make of jamo
//! typed alone.

use std::iter;

/// Whether it is a composed syllable.
pub(crate) fn is_syllable(c: char) -> bool {
    matches!(c, '가'..='힣')
}

/// Whether it is a syllable that ends in a consonant, on which the form of a particle behind it depends.
pub(crate) fn is_closed_syllable(c: char) -> bool {
    /// How many syllables share an initial and a vowel: the open one first, then one for each final consonant.
    const FINALS: u32 = 28;
    is_syllable(c) && !(u32::from(c) - u32::from('가')).is_multiple_of(FINALS)
}

/// Whether it is a jamo of which syllables are composed.
pub(crate) fn is_conjoining_jamo(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}')
}

/// Whether it is a conjoining initial consonant, of which NFKD makes both those of a syllable and those typed alone.
pub(crate) fn is_initial(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{1112}')
}

/// The jamo that a keyboard types alone, from its normal or its half width.
pub(crate) fn typed_jamo(c: char) -> Option<char> {
    let from = |first: char, jamo: char| char::from_u32(u32::from(c) - u32::from(first) + u32::from(jamo));
    match c {
        'ㄱ'..='\u{318e}' => Some(c),
        '\u{ffa0}' => Some('\u{3164}'),
        '\u{ffa1}'..='\u{ffbe}' => from('\u{ffa1}', 'ㄱ'),
        '\u{ffc2}'..='\u{ffc7}' => from('\u{ffc2}', 'ㅏ'),
        '\u{ffca}'..='\u{ffcf}' => from('\u{ffca}', 'ㅕ'),
        '\u{ffd2}'..='\u{ffd7}' => from('\u{ffd2}', 'ㅛ'),
        '\u{ffda}'..='\u{ffdc}' => from('\u{ffda}', 'ㅡ'),
        _ => None,
    }
}

/// The two consonants of a cluster, into which keyboards join what is typed in a row, or the character itself.
pub(crate) fn split_cluster(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'ㄳ' => ('ㄱ', Some('ㅅ')),
        'ㄵ' => ('ㄴ', Some('ㅈ')),
        'ㄶ' => ('ㄴ', Some('ㅎ')),
        'ㄺ' => ('ㄹ', Some('ㄱ')),
        'ㄻ' => ('ㄹ', Some('ㅁ')),
        'ㄼ' => ('ㄹ', Some('ㅂ')),
        'ㄽ' => ('ㄹ', Some('ㅅ')),
        'ㄾ' => ('ㄹ', Some('ㅌ')),
        'ㄿ' => ('ㄹ', Some('ㅍ')),
        'ㅀ' => ('ㄹ', Some('ㅎ')),
        'ㅄ' => ('ㅂ', Some('ㅅ')),
        other => (other, None),
    };
    iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllable_is_open_or_closed() {
        for closed in "각힣옷값".chars() {
            assert!(is_syllable(closed) && is_closed_syllable(closed), "{closed}");
        }
        for open in "가하의ㄱaん".chars() {
            assert!(!is_closed_syllable(open), "{open}");
        }
    }

    #[test]
    fn half_width_jamo_is_what_it_looks_like() {
        let typed = |text: &str| text.chars().filter_map(typed_jamo).collect::<String>();
        assert_eq!(typed("ﾡﾢﾾￂￇￊￏￒￗￚￜ"), "ㄱㄲㅎㅏㅔㅕㅚㅛㅠㅡㅣ");
        assert_eq!(typed("ㄱㅎㅏㅣㆎ가aｱ\u{1100}\u{ffbf}"), "ㄱㅎㅏㅣㆎ");
    }

    #[test]
    fn cluster_is_two_consonants_and_a_double_consonant_one() {
        assert_eq!("ㄳㅄㄲ값a".chars().flat_map(split_cluster).collect::<String>(), "ㄱㅅㅂㅅㄲ값a");
    }
}
