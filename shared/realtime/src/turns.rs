use domain::UserId;
use std::collections::HashMap;

/// Everybody's first, then everybody's second: nobody's many connections delay others.
pub fn round_robin<T>(items: impl IntoIterator<Item = T>, whose: impl Fn(&T) -> UserId) -> Vec<T> {
    let mut seen: HashMap<UserId, usize> = HashMap::new();
    let mut turns: Vec<_> = items
        .into_iter()
        .map(|item| {
            let turn = seen.entry(whose(&item)).or_default();
            *turn += 1;
            (*turn, item)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_reached_before_anybody_twice() {
        let connections = [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1")];

        let turns = round_robin(connections, |(user, _)| UserId(*user));

        assert_eq!(turns.iter().map(|(_, name)| *name).collect::<Vec<_>>(), ["a1", "b1", "a2", "a3"]);
    }
}
