//! HTTP manners: problems, extractors, locale, serve.
