use crate::Locale;
use serde::Serialize;

/// Why a field's value was refused; append-only, `snake_case` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, thiserror::Error)]
#[cfg_attr(test, derive(strum::EnumIter))]
#[serde(rename_all = "snake_case")]
#[error("{}", self.text(Locale::En))]
pub enum Invalid {
    /// The field is missing.
    Required,
    /// The contract knows no such field.
    UnknownField,
    /// Another JSON type, or a text that is none of the allowed ones.
    WrongType,
    /// Nothing but white space.
    Blank,
    /// Below the least length.
    TooShort,
    /// Above the greatest length.
    TooLong,
    /// A control character other than newline and tab; on one line, a line end.
    ControlCharacter,
    /// A character that this kind of name may not have.
    ForbiddenCharacter,
    /// A character that shows nothing where no emoji or script needs it.
    InvisibleCharacter,
    /// Letters of scripts that names do not mix.
    MixedScripts,
    /// More marks on one letter than its script needs.
    TooManyMarks,
    /// Not of the form that the contract asks for.
    BadFormat,
    /// A number outside its range.
    OutOfRange,
    /// A reference to something that is not there for the caller.
    NotFound,
    /// A value that the contract reserves and the server does not take.
    Unsupported,
    /// Fields that exclude each other.
    Contradiction,
    /// An address at which nothing is sent.
    NotAllowed,
}

impl Invalid {
    /// The sentence that a person reads.
    pub const fn text(self, locale: Locale) -> &'static str {
        match self {
            Self::Required => locale.pick("This field is required.", "필수 항목입니다."),
            Self::UnknownField => locale.pick("There is no such field.", "알 수 없는 항목입니다."),
            Self::WrongType => locale.pick("The value has the wrong type.", "값의 형식이 올바르지 않습니다."),
            Self::Blank => locale.pick("It must not be blank.", "빈 값은 사용할 수 없습니다."),
            Self::TooShort => locale.pick("It is too short.", "너무 짧습니다."),
            Self::TooLong => locale.pick("It is too long.", "너무 깁니다."),
            Self::ControlCharacter => {
                locale.pick("Control characters are not allowed.", "제어 문자는 사용할 수 없습니다.")
            }
            Self::ForbiddenCharacter => {
                locale.pick("It has a character that is not allowed here.", "사용할 수 없는 문자가 있습니다.")
            }
            Self::InvisibleCharacter => {
                locale.pick("Invisible characters are not allowed.", "보이지 않는 문자는 사용할 수 없습니다.")
            }
            Self::MixedScripts => locale.pick(
                "Letters of these scripts cannot be combined.",
                "서로 다른 문자 체계의 글자를 섞어 쓸 수 없습니다.",
            ),
            Self::TooManyMarks => locale.pick("A letter has too many marks.", "한 글자에 붙은 부호가 너무 많습니다."),
            Self::BadFormat => locale.pick("It is not in the expected format.", "형식이 올바르지 않습니다."),
            Self::OutOfRange => locale.pick("The number is out of range.", "허용 범위를 벗어났습니다."),
            Self::NotFound => locale.pick("What it refers to was not found.", "참조한 대상을 찾을 수 없습니다."),
            Self::Unsupported => locale.pick("This value is not supported.", "지원하지 않는 값입니다."),
            Self::Contradiction => {
                locale.pick("It cannot be combined with another field given.", "다른 항목과 함께 사용할 수 없습니다.")
            }
            Self::NotAllowed => locale.pick("This address is not allowed.", "허용되지 않은 주소입니다."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn every_reason_has_a_text_in_both_languages() {
        for reason in Invalid::iter() {
            assert!(reason.text(Locale::Ko).chars().any(|c| ('가'..='힣').contains(&c)), "{reason:?}");
            assert!(reason.text(Locale::En).is_ascii(), "{reason:?}");
        }
    }
}
