use sqlx::{Encode, MySql, QueryBuilder, Type};

/// The lengths of lists in statements.
const LENGTHS: [usize; 4] = [1, 10, 30, 101];

/// Adds `(?, ?, ...)` of some ids. The last one is repeated up to one of a few lengths, so that a statement has few texts to be
/// prepared; only a list longer than every page stays as it is.
pub(crate) fn push_list<'t, T>(query: &mut QueryBuilder<MySql>, ids: impl IntoIterator<Item = T>)
where
    T: Copy + Encode<'t, MySql> + Type<MySql>,
{
    let mut ids: Vec<T> = ids.into_iter().collect();
    let length = LENGTHS.into_iter().find(|length| *length >= ids.len());
    if let (Some(last), Some(length)) = (ids.last().copied(), length) {
        ids.resize(length, last);
    }
    query.push("(");
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(id);
    }
    query.push(")");
}
