use crate::{Code, Fault, FieldFault, Invalid};

/// The values of all fields, or a fault that names every bad one (422).
///
/// ```
/// # use domain::{DisplayName, Email, Fault, Username};
/// # fn read(email: &str, username: &str, display_name: Option<&str>) -> Result<(), Fault> {
/// let (email, username, display_name) = domain::fields((
///     ("email", Email::parse(email)),
///     ("username", Username::parse(username)),
///     ("display_name", display_name.map(DisplayName::parse).transpose()),
/// ))?;
/// # Ok(())
/// # }
/// ```
pub fn fields<F: Fields>(fields: F) -> Result<F::Values, Fault> {
    fields.take()
}

/// Up to six fields, each with the outcome of its parser.
pub trait Fields {
    /// The parsed values, in order.
    type Values;

    /// The values, or the fault that names every bad field.
    fn take(self) -> Result<Self::Values, Fault>;
}

macro_rules! tuple_of_fields {
    ($($value:ident)+) => {
        impl<$($value),+> Fields for ($((&'static str, Result<$value, Invalid>),)+) {
            type Values = ($($value,)+);

            #[expect(non_snake_case, reason = "each value is named as its type")]
            fn take(self) -> Result<Self::Values, Fault> {
                let ($($value,)+) = self;
                let mut bad = Vec::new();
                $(if let (field, Err(reason)) = &$value {
                    bad.push(FieldFault { field: (*field).into(), reason: *reason });
                })+
                match ($($value.1,)+) {
                    ($(Ok($value),)+) => Ok(($($value,)+)),
                    _ => Err(Fault { fields: bad, ..Code::InvalidFields.into() }),
                }
            }
        }
    };
}

tuple_of_fields!(A);
tuple_of_fields!(A B);
tuple_of_fields!(A B C);
tuple_of_fields!(A B C D);
tuple_of_fields!(A B C D E);
tuple_of_fields!(A B C D E F);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_field_is_named_at_once() {
        let outcome: Result<(i32, i32, i32), Fault> =
            fields((("a", Err(Invalid::Blank)), ("b", Ok(1)), ("c", Err(Invalid::TooLong))));

        let fault = outcome.unwrap_err();
        let named: Vec<_> = fault.fields.iter().map(|bad| (&*bad.field, bad.reason)).collect();
        assert_eq!(named, [("a", Invalid::Blank), ("c", Invalid::TooLong)]);
    }

    #[test]
    fn good_fields_are_returned_in_order() {
        assert_eq!(fields((("a", Ok(1)), ("b", Ok("x")))).unwrap(), (1, "x"));
    }
}
