use crate::{
    Invalid,
    text::{category, fold, is_blank, is_invisible, is_letter},
};
use icu_properties::props::GeneralCategory;
use std::iter::once;
use unicode_normalization::{UnicodeNormalization as _, char::canonical_combining_class};
use unicode_script::{Script, ScriptExtension, UnicodeScript as _};
use unicode_security::mixed_script::AugmentedScriptSet;

/// A name that finds a person. No two people have names that look alike.
///
/// It has letters of one script with the marks that the script needs, decimal digits and `_ . -`. Scripts mix as UTS 39
/// calls "highly restrictive": Latin with Han and kana, with Han and bopomofo, or with Han and Hangul. Characters that show
/// nothing are refused, joiners included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    const MIN: usize = 2;
    const MAX: usize = 50;
    /// Compatibility characters fold to as many as 18; the unique key has room for this many.
    const MAX_FOLD: usize = 100;
    /// The column's length. A character stands for up to five others in a skeleton.
    const MAX_SKELETON: usize = 255;

    /// Accepts 2 to 50 characters and keeps them in NFC.
    pub fn parse(input: &str) -> Result<Self, Invalid> {
        let name: String = input.nfc().collect();
        if is_blank(&name) {
            return Err(Invalid::Blank);
        }
        match name.chars().count() {
            n if n < Self::MIN => return Err(Invalid::TooShort),
            n if n > Self::MAX => return Err(Invalid::TooLong),
            _ => {}
        }
        if name.is_ascii() && name.bytes().all(|b| b.is_ascii_alphanumeric() || is_separator(b.into())) {
            return Ok(Self(name));
        }
        check_characters(&name)?;
        if !is_highly_restrictive(&name) {
            return Err(Invalid::MixedScripts);
        }
        if fold(&name).chars().count() > Self::MAX_FOLD || skeleton(&name).chars().count() > Self::MAX_SKELETON {
            return Err(Invalid::TooLong);
        }
        Ok(Self(name))
    }

    /// The name as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is unique whatever the case and width.
    pub fn fold(&self) -> String {
        fold(&self.0)
    }

    /// The form that is unique among names that look alike.
    pub fn skeleton(&self) -> String {
        skeleton(&self.0)
    }

    /// The skeleton of a name from before there were skeletons, which may break today's rules; `None` if the column has no
    /// room for it.
    pub fn skeleton_of_old(name: &str) -> Option<String> {
        Some(skeleton(name)).filter(|skeleton| skeleton.chars().count() <= Self::MAX_SKELETON)
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '_' | '.' | '-')
}

/// Refuses what is no letter, mark, decimal digit or separator, and marks that pile up.
fn check_characters(name: &str) -> Result<(), Invalid> {
    let mut marks = Marks::default();
    for c in name.chars() {
        if is_invisible(c) {
            return Err(Invalid::InvisibleCharacter);
        }
        match category(c) {
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark => marks.add(c)?,
            _ if is_letter(c) => marks = Marks { letter: Some(c), last: once(c).nfd().last(), ..Marks::default() },
            GeneralCategory::DecimalNumber => marks = Marks::default(),
            _ if is_separator(c) => marks = Marks::default(),
            _ => return Err(Invalid::ForbiddenCharacter),
        }
    }
    Ok(())
}

/// The marks behind a letter so far.
#[derive(Default)]
struct Marks {
    letter: Option<char>,
    /// The last mark, which may be one that is composed with the letter.
    last: Option<char>,
    /// Accents that many scripts share.
    accents: usize,
    /// Those that take no room of their own, accents included.
    stacked: usize,
}

impl Marks {
    /// A letter of any script may have two shared accents besides those composed with it, as Yoruba needs. A script's own
    /// vowel signs, tone marks and stacked consonants go up to four, the bound of UTS 39 (5.4): everyday words of Burmese have
    /// three.
    const MAX_ACCENTS: usize = 2;
    const MAX_STACKED: usize = 4;

    fn add(&mut self, mark: char) -> Result<(), Invalid> {
        let letter = self.letter.ok_or(Invalid::ForbiddenCharacter)?;
        let mut scripts: ScriptExtension = mark.script_extension();
        scripts.intersect_with(letter.script_extension());
        if scripts.is_empty() {
            return Err(Invalid::MixedScripts);
        }
        self.accents += usize::from(mark.script() == Script::Inherited);
        self.stacked += usize::from(category(mark) == GeneralCategory::NonspacingMark);
        if self.last == Some(mark) || self.accents > Self::MAX_ACCENTS || self.stacked > Self::MAX_STACKED {
            return Err(Invalid::TooManyMarks);
        }
        self.last = Some(mark);
        Ok(())
    }
}

/// Whether all characters have a script in common, or have one with Chinese, Japanese or Korean once Latin is left out
/// (UTS 39, 5.2). The scripts need not be recommended ones.
fn is_highly_restrictive(name: &str) -> bool {
    let (mut all, mut but_latin) = (AugmentedScriptSet::default(), AugmentedScriptSet::default());
    for scripts in name.chars().map(AugmentedScriptSet::for_char) {
        all.intersect_with(scripts);
        if !scripts.base.contains_script(Script::Latin) {
            but_latin.intersect_with(scripts);
        }
    }
    !all.is_empty() || but_latin.hanb || but_latin.jpan || but_latin.kore
}

/// What a name looks like: two names are confusable if their skeletons are equal. It is UTS 39's skeleton of the folded
/// name, case-folded again, with four differences.
///
/// - ASCII characters stand for themselves, so that `corner` and `comer`, `user1` and `userl` are two names. A character
///   outside ASCII that resembles `m` gives `m`, not UTS 39's `rn`.
/// - Hangul syllables stand for themselves. As jamo, `악기` and `아끼` would be one name.
/// - A dot above `i` or `j`, which it replaces in most fonts, is left out: folding makes one of `İ`.
/// - Arabic's tatweel, which only lengthens a word, is left out.
fn skeleton(name: &str) -> String {
    // Case folding can bring up a character that resembles another one again; no character takes more rounds.
    (0..ROUNDS).fold(fold(name), |folded, _| fold(&shapes(&folded)))
}

const ROUNDS: usize = 3;

/// Each character's prototype, without dots that can't be seen.
fn shapes(folded: &str) -> String {
    let mut shapes = String::with_capacity(folded.len());
    for c in folded.chars() {
        match c {
            'ـ' => {}
            c if c.is_ascii() || matches!(c, '가'..='힣') => shapes.push(c),
            c => shapes.push_str(&prototype(c)),
        }
    }
    let mut base = None;
    let is_visible = |c: &char| {
        if canonical_combining_class(*c) == 0 {
            base = Some(*c);
        }
        !(*c == '\u{307}' && matches!(base, Some('i' | 'j')))
    };
    shapes.nfd().filter(is_visible).collect()
}

fn prototype(c: char) -> String {
    unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).collect::<String>().replace("rn", "m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_alike(a: &str, b: &str) -> bool {
        Username::parse(a).unwrap().skeleton() == Username::parse(b).unwrap().skeleton()
    }

    #[test]
    fn names_of_every_script_are_accepted() {
        for name in [
            "홍길동",
            "김민지_92",
            "minji민지",
            "诸葛亮",
            "歐陽娜娜",
            "ㄅㄆ注音abc",
            "山田太郎",
            "やまだ_タロウ",
            "々木ー",
            "प्रियंका",
            "लक्ष्मी",
            "क्षितिज_१२",
            "প্রিয়াঙ্কা",
            "সুমাইয়া",
            "চাঁদ",
            "தமிழ்ச்செல்வி",
            "கௌதம்",
            "ลักษณ์",
            "กิตติพงษ์",
            "เปี๊ยก",
            "น้ำฝน",
            "ကျော်စွာ",
            "မျှော်လင့်",
            "မြို့",
            "သို့",
            "ខ្ញុំ",
            "សុភាព",
            "ប៉ុំ",
            "Adébáyọ̀",
            "Ọlájùmọ̀kẹ́",
            "Ṣọlá",
            "Nguyễn",
            "محمد",
            "مُحَمَّد",
            "علی",
            "דוד",
            "דָּוִד",
            "Αλέξανδρος",
            "Οδυσσεύς",
            "Дмитрий",
            "Юрій",
            "Işıl",
            "İpek",
            "Ğölçü",
            "Straße",
            "გიორგი",
            "Հայկ",
            "ሀብታሙ",
            "བསྒྱུར",
            "ລາວ",
            "ᏣᎳᎩ",
            "Ｍｉｎｊｉ",
            "a.b-c_d",
            "__",
            "かﾟ",
        ] {
            let composed: String = name.nfc().collect();
            let decomposed: String = name.nfd().collect();
            assert_eq!(Username::parse(&decomposed).as_ref().map(Username::as_str), Ok(&*composed), "{name}");
        }
    }

    #[test]
    fn refused_name_says_why() {
        for (name, reason) in [
            ("", Invalid::Blank),
            ("\u{3164}\u{3164}", Invalid::Blank),
            ("\u{115f}\u{1160}", Invalid::Blank),
            ("\u{2800}\u{2800}", Invalid::Blank),
            ("\u{200b}", Invalid::Blank),
            ("a", Invalid::TooShort),
            (&"a".repeat(51), Invalid::TooLong),
            (&"\u{fdfa}".repeat(20), Invalid::TooLong),
            ("admin\u{3164}", Invalid::InvisibleCharacter),
            ("민지\u{115f}", Invalid::InvisibleCharacter),
            ("gildong\u{ffa0}", Invalid::InvisibleCharacter),
            ("a\u{200b}b", Invalid::InvisibleCharacter),
            ("क\u{94d}\u{200d}ष", Invalid::InvisibleCharacter),
            ("می\u{200c}خواهم", Invalid::InvisibleCharacter),
            ("\u{202e}nimda", Invalid::InvisibleCharacter),
            ("a\u{2066}b", Invalid::InvisibleCharacter),
            ("a\u{2800}b", Invalid::InvisibleCharacter),
            ("a\u{0}b", Invalid::InvisibleCharacter),
            ("a\u{13441}b", Invalid::InvisibleCharacter),
            ("a b", Invalid::ForbiddenCharacter),
            ("a@b", Invalid::ForbiddenCharacter),
            ("민지!", Invalid::ForbiddenCharacter),
            ("a①", Invalid::ForbiddenCharacter),
            ("🙂🙂", Invalid::ForbiddenCharacter),
            ("\u{301}a", Invalid::ForbiddenCharacter),
            ("a_\u{301}", Invalid::ForbiddenCharacter),
            ("1\u{301}2", Invalid::ForbiddenCharacter),
            ("а\u{488}бв", Invalid::ForbiddenCharacter),
            ("аdmin", Invalid::MixedScripts),
            ("gildоng", Invalid::MixedScripts),
            ("민지ж", Invalid::MixedScripts),
            ("ひらがな민지", Invalid::MixedScripts),
            ("محمدabc", Invalid::MixedScripts),
            ("abc१२", Invalid::MixedScripts),
            ("Ωmega", Invalid::MixedScripts),
            ("민\u{301}지", Invalid::MixedScripts),
            ("a\u{94d}b", Invalid::MixedScripts),
            ("a\u{300}\u{301}\u{302}\u{303}b", Invalid::TooManyMarks),
            ("a\u{323}\u{323}b", Invalid::TooManyMarks),
            ("ก\u{e49}\u{e49}", Invalid::TooManyMarks),
            ("ก\u{e34}\u{e48}\u{e34}\u{e48}\u{e34}", Invalid::TooManyMarks),
        ] {
            assert_eq!(Username::parse(name), Err(reason), "{}", name.escape_unicode());
        }
    }

    #[test]
    fn name_is_one_whatever_its_form_case_and_width() {
        let (nfc, nfd) = ("홍길동", "홍길동".nfd().collect::<String>());
        assert_ne!(nfc, nfd);
        assert_eq!(Username::parse(&nfd), Username::parse(nfc));
        for (a, b) in [("Ｔｏｍ", "tom"), ("Straße", "STRASSE"), ("Οδυσσεύς", "ΟΔΥΣΣΕΎΣ")] {
            assert_eq!(Username::parse(a).unwrap().fold(), Username::parse(b).unwrap().fold(), "{a}");
            assert!(look_alike(a, b), "{a}");
        }
    }

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for (a, b) in [
            ("admin", "ADMIN"),
            ("admin", "admın"),
            ("admin", "ɑdmin"),
            ("bobinet", "bobi\u{307}net"),
            ("ipek", "İpek"),
            ("caesar", "Cæsar"),
            ("mama", "ｍａｍａ"),
            ("coco", "сосо"),
            ("oo", "оо"),
            ("口口", "ロロ"),
            ("محمد", "محـمد"),
            ("علی", "علي"),
        ] {
            assert!(look_alike(a, b), "{a}");
        }
    }

    #[test]
    fn old_names_that_broke_the_rules_have_skeletons_too() {
        for name in ["admin\u{3164}", "аdmin", "\u{115f}admin", "ad\u{200b}min"] {
            assert_eq!(Username::skeleton_of_old(name).as_deref(), Some("admin"), "{}", name.escape_unicode());
        }
        assert_eq!(Username::skeleton_of_old(&"\u{fdfa}".repeat(50)), None);
    }

    #[test]
    fn names_that_people_tell_apart_stay_apart() {
        for (a, b) in [
            ("corner", "comer"),
            ("user1", "userl"),
            ("g00gle", "google"),
            ("user1", "user2"),
            ("a.b", "a_b"),
            ("악기", "아끼"),
            ("각가", "가까"),
            ("의사", "이사"),
            ("대", "데"),
            ("resume", "résumé"),
            ("Muller", "Müller"),
            ("Yamada", "山田"),
            ("はは", "ばば"),
        ] {
            let names = [a, b].map(|name| Username::parse(&name.repeat(2)).unwrap().skeleton());
            assert_ne!(names[0], names[1], "{a} {b}");
        }
    }

    #[test]
    fn skeleton_of_every_letter_is_its_own_skeleton() {
        // The scripts without the large blocks of ideographs and syllables.
        let scripts = (0..0x3400).chain(0xa000..0xac00).chain(0xf900..0x1_3000).chain(0x1_4700..0x1_7000);
        let letters = scripts.filter_map(char::from_u32).filter(|c| is_letter(*c));
        let changing = letters.filter(|c| {
            let once = skeleton(&c.to_string());
            skeleton(&once) != once
        });
        assert_eq!(changing.collect::<String>(), "");
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parsed_name_parses_to_itself(
            name in "\\PC{0,60}|[\\p{L}\\p{M}\\d_.-]{0,60}|[a-zа-я가-힣]{1,12}|[\u{e01}-\u{e4e}]{2,9}|[\u{1000}-\u{1040}]{2,9}|[a-i\u{300}-\u{330}]{2,9}",
        ) {
            if let Ok(name) = Username::parse(&name) {
                prop_assert_eq!(Username::parse(name.as_str()), Ok(name.clone()));
                prop_assert_eq!(fold(&name.fold()), name.fold());
                prop_assert_eq!(skeleton(&name.skeleton()), name.skeleton());
                prop_assert_eq!(skeleton(&name.fold()), name.skeleton());
            }
        }

        #[test]
        fn ascii_name_is_its_own_skeleton(name in "[a-z0-9_.-]{2,50}") {
            prop_assert_eq!(Username::parse(&name).unwrap().skeleton(), name);
        }

        #[test]
        fn invisible_characters_do_not_make_another_name(name in "[a-z가-힣]{2,20}", at in 0usize..20, c in "[\u{3164}\u{115f}\u{200b}\u{200d}\u{202e}\u{2066}\u{fe0f}\u{e0041}]") {
            let at = name.char_indices().map(|(at, _)| at).nth(at % name.chars().count()).unwrap();
            let doubled = format!("{}{c}{}", &name[..at], &name[at..]);
            prop_assert_eq!(Username::parse(&doubled), Err(Invalid::InvisibleCharacter));
        }
    }
}
