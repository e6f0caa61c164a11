use crate::File;

const PAGES: [&str; 2] = ["/docs", "/redoc"];

/// What the page's tags name, in order.
fn references(html: &str) -> impl Iterator<Item = &str> {
    html.split_whitespace()
        .filter_map(|word| word.strip_prefix("src=\"").or_else(|| word.strip_prefix("href=\"")))
        .filter_map(|word| Some(word.split_once('"')?.0))
}

#[tokio::test]
async fn pages_have_a_strict_content_security_policy() {
    for path in PAGES {
        let page = File::get(path).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(page.text().starts_with("<!doctype html>\n<html lang=\"en\">"));

        let policy = page.header("content-security-policy");
        let directives: Vec<_> = policy.split("; ").collect();
        for directive in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
            assert!(directives.contains(&directive), "{path}: {policy}");
        }
        assert!(!policy.contains("http") && !policy.contains('*'), "{path}: {policy}");
    }
}

#[tokio::test]
async fn pages_have_no_inline_script() {
    for path in PAGES {
        let page = File::get(path).await;
        let scripts: Vec<_> = page.text().split("<script").skip(1).collect();
        assert_eq!(scripts.len(), 2, "{path}");
        assert!(scripts.iter().all(|script| script.contains("\"></script>")), "{path}");
        assert!(!page.text().contains("<style") && !page.text().contains(" style="), "{path}");
    }
}

#[tokio::test]
async fn pages_refer_only_to_served_files() {
    for path in PAGES {
        let page = File::get(path).await;
        assert!(!page.text().contains("//"), "{path} names a host");
        let references: Vec<_> = references(page.text()).filter(|reference| *reference != "data:,").collect();
        assert!(references.len() >= 4, "{path}: {references:?}");
        for reference in references {
            assert!(File::get(reference).await.body.len() > 10, "{path}: {reference}");
        }
    }
}

#[tokio::test]
async fn pages_show_the_served_document() {
    for (name, start) in [("docs.js", r#"url: "/openapi.json""#), ("redoc.js", r#"Redoc.init("/openapi.json""#)] {
        assert!(File::get(&format!("/docs/assets/{name}")).await.text().contains(start), "{name}");
    }
}

#[tokio::test]
async fn swagger_ui_keeps_the_token_and_not_the_password() {
    let start = File::get("/docs/assets/docs.js").await;
    for option in [
        "deepLinking: true",
        "persistAuthorization: true",
        "plugins: [KeepOnlyTheToken]",
        "tryItOutEnabled: true",
        "validatorUrl: null",
    ] {
        assert!(start.text().contains(option), "{option}");
    }
}
