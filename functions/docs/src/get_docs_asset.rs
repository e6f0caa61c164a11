use crate::document::Document;
use axum::{http::HeaderMap, response::Response};
use domain::Code;
use std::str::FromStr;
use web::{Path, PathId};

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

web::problems!(AssetProblems: RouteNotFound);

/// What a page loads, by its name; `assets/README.md` says where each comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset(Document);

impl PathId for Asset {
    const NOT_FOUND: Code = Code::RouteNotFound;
}

impl FromStr for Asset {
    type Err = Code;

    fn from_str(name: &str) -> Result<Self, Code> {
        Ok(Self(match name {
            "page.css" => Document::new(CSS, include_bytes!("../assets/page.css")),
            "docs.js" => Document::new(JAVASCRIPT, include_bytes!("../assets/docs.js")),
            "redoc.js" => Document::new(JAVASCRIPT, include_bytes!("../assets/redoc.js")),
            "swagger-ui.css" => Document::gzip(CSS, include_bytes!("../assets/swagger-ui.css.gz")),
            "swagger-ui-bundle.js" => Document::gzip(JAVASCRIPT, include_bytes!("../assets/swagger-ui-bundle.js.gz")),
            "swagger-ui-bundle.js.LICENSE.txt" => {
                Document::new(TEXT, include_bytes!("../assets/swagger-ui-bundle.js.LICENSE.txt"))
            }
            "redoc.standalone.js" => Document::gzip(JAVASCRIPT, include_bytes!("../assets/redoc.standalone.js.gz")),
            "redoc.standalone.js.LICENSE.txt" => {
                Document::new(TEXT, include_bytes!("../assets/redoc.standalone.js.LICENSE.txt"))
            }
            _ => return Err(Self::NOT_FOUND),
        }))
    }
}

/// Serves a file of the pages `/docs` and `/redoc`.
#[utoipa::path(get, path = "/docs/assets/{name}", tag = "docs", security(()),
    params(("name" = String, Path, description = "The file's name.", example = "docs.js")),
    responses((status = 200, description = "The file.",
            content((String = "text/javascript"), (String = "text/css"), (String = "text/plain"))),
        (status = 304, description = "The client has the current file, as `If-None-Match` says."), AssetProblems))]
pub(crate) async fn get_docs_asset(Path(Asset(document)): Path<Asset>, headers: HeaderMap) -> Response {
    document.answer(&headers)
}
