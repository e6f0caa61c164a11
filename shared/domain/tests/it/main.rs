//! What the public face of `domain` promises as a whole.

mod search_corpus;
mod search_laws;
mod search_recall;
