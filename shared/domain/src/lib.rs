//! What the product means: ids, values, entities, rules, codes.
