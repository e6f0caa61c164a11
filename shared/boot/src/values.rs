use crate::SettingsError;

/// All values, or one error that names everything missing or bad.
pub fn values<V: Values>(read: V) -> Result<V::Output, SettingsError> {
    read.values()
}

/// The outcome of reading a setting, or a tuple of up to eight such outcomes.
pub trait Values {
    /// What was read.
    type Output;

    /// Everything that was read, or all that is wrong with it.
    fn values(self) -> Result<Self::Output, SettingsError>;
}

impl<T> Values for Result<T, SettingsError> {
    type Output = T;

    fn values(self) -> Self {
        self
    }
}

macro_rules! tuple_of_values {
    ($($value:ident)+) => {
        impl<$($value: Values),+> Values for ($($value,)+) {
            type Output = ($($value::Output,)+);

            #[expect(non_snake_case, reason = "each value is named as its type")]
            fn values(self) -> Result<Self::Output, SettingsError> {
                let ($($value,)+) = self;
                let mut wrong = Vec::new();
                $(let $value = $value.values().map_err(|error| wrong.extend(error.0));)+
                match ($($value,)+) {
                    ($(Ok($value),)+) => Ok(($($value,)+)),
                    _ => Err(SettingsError(wrong)),
                }
            }
        }
    };
}

tuple_of_values!(A B);
tuple_of_values!(A B C);
tuple_of_values!(A B C D);
tuple_of_values!(A B C D E);
tuple_of_values!(A B C D E F);
tuple_of_values!(A B C D E F G);
tuple_of_values!(A B C D E F G H);
