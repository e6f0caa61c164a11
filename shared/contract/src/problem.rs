use domain::{Code, Fault, FieldFault, Invalid, Locale};
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal or failure of a request, as in RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: use `code`.
    #[schema(example = "about:blank")]
    pub r#type: &'static str,
    /// The name of the status.
    #[schema(example = "Not Found")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What went wrong.
    pub code: Code,
    /// A sentence for people, in the language of `Accept-Language` (ko, en).
    #[schema(example = "The room was not found.")]
    pub detail: &'static str,
    /// Identifies the request; quote it to support.
    #[schema(example = "Kx1yVhFpoAMEPRQ=")]
    pub request_id: String,
    /// The refused fields, with `invalid_fields`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldProblem>,
}

/// A refused field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The path of the field: in the request, or in `d` of a frame. `$` is the whole; an unknown field is not named, only
    /// the object that holds it.
    #[schema(example = "email")]
    pub field: String,
    /// Why it was refused.
    pub code: Invalid,
    /// A sentence for people, in the same language.
    #[schema(example = "It is not in the expected format.")]
    pub detail: &'static str,
}

impl Problem {
    /// The document of a fault; `title` is the name of its status.
    pub fn new(fault: &Fault, title: &'static str, locale: Locale, request_id: &str) -> Self {
        Self {
            r#type: "about:blank",
            title,
            status: fault.code.status(),
            code: fault.code,
            detail: fault.code.text(locale),
            request_id: request_id.to_owned(),
            errors: FieldProblem::list(fault, locale),
        }
    }
}

impl FieldProblem {
    /// The fields that a fault names.
    pub(crate) fn list(fault: &Fault, locale: Locale) -> Vec<Self> {
        let view = |refused: &FieldFault| Self {
            field: refused.field.to_string(),
            code: refused.reason,
            detail: refused.reason.text(locale),
        };
        fault.fields.iter().map(view).collect()
    }
}
