//! The refusals of an operation, as the API's document lists them.

use crate::{FieldProblem, Problem};
use domain::{Code, Fault, Invalid, Locale};
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        ComponentsBuilder, ContentBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
        example::ExampleBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// The document that every function's routes are added to: the problem's schema and the security scheme `bearer`.
pub fn openapi() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = ComponentsBuilder::new()
        .schema(Problem::name(), Problem::schema())
        .schema(FieldProblem::name(), FieldProblem::schema())
        .security_scheme("bearer", SecurityScheme::Http(bearer));
    OpenApiBuilder::new().components(Some(components.build())).build()
}

/// One response for each status among the codes, which it lists and shows.
pub fn responses(codes: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(*code);
    }
    by_status.into_iter().map(|(status, codes)| (status.to_string(), response(&codes).into())).collect()
}

fn response(codes: &[Code]) -> Response {
    let description: Vec<_> =
        codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.text(Locale::En))).collect();
    let examples = codes.iter().map(|code| {
        let fault = match code {
            Code::InvalidFields => Fault::field("name", Invalid::Required),
            code => (*code).into(),
        };
        let problem = Problem::new(&fault, Locale::En, "Kx1yVhFpoAMEPRQ=".into());
        let example = ExampleBuilder::new().value(serde_json::to_value(problem).ok()).build();
        (code.as_str(), RefOr::T(example))
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).examples_from_iter(examples).build();
    ResponseBuilder::new().description(description.join("\n\n")).content("application/problem+json", content).build()
}

/// Names a set of refusals for `responses(..)` of an operation: `web::problems!(RegisterProblems: EmailTaken)`.
#[macro_export]
macro_rules! problems {
    ($(#[$doc:meta])* $visibility:vis $name:ident: $($code:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug)]
        $visibility struct $name;

        impl ::utoipa::IntoResponses for $name {
            fn responses() -> ::std::collections::BTreeMap<
                ::std::string::String,
                ::utoipa::openapi::RefOr<::utoipa::openapi::Response>,
            > {
                $crate::responses(&[$(::domain::Code::$code),+])
            }
        }
    };
}

problems!(
    /// Of every operation that reads a body: 400, 413, 415, 422.
    pub BodyProblems: MalformedBody, BodyTooLarge, UnsupportedMediaType, InvalidFields
);
problems!(
    /// Of every operation that reads query parameters: 422.
    pub QueryProblems: InvalidFields
);
problems!(
    /// Of every operation that needs a caller: 401.
    pub CallerProblems: Unauthenticated, TokenExpired
);
problems!(
    /// Of every operation that has a limit of its own: 429.
    pub LimitProblems: RateLimited
);
problems!(
    /// Of every operation that needs a store: 500, 503.
    pub StoreProblems: Internal, Unavailable
);

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::IntoResponses as _;

    #[test]
    fn codes_of_one_status_share_a_response() {
        let responses = CallerProblems::responses();
        let RefOr::T(response) = &responses["401"] else { unreachable!() };
        assert_eq!(responses.len(), 1);
        assert_eq!(
            response.description,
            "`unauthenticated`: Please sign in.\n\n`token_expired`: The access token has expired."
        );
    }
}
