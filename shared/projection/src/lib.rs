//! Where both stores meet: a MySQL change and its projection in MongoDB.
