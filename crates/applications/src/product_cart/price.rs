use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::{Error as _, Unexpected};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;
use serde_json::value::RawValue;

/// The number of digits that a [`Decimal`] can always hold.
const MAX_DIGITS: usize = 28;

/// An exact amount of money: it is written with the digits that were read.
///
/// In JSON it is a number. It is read from the number's text, not through a binary float, and from JSON text only: a
/// [`serde_json::Value`] rounds. A number that would have to be rounded is rejected, while `rust_decimal`'s own parser
/// rounds silently. Two prices are equal if their texts are equal: 42 is not 42.00.
///
/// ```
/// # use statefun_applications::product_cart::Price;
/// let price: Price = serde_json::from_str("9.98999999999999999999")?;
/// assert_eq!(serde_json::to_string(&price)?, "9.98999999999999999999");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Price(Decimal);

impl PartialEq for Price {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 && self.0.scale() == other.0.scale()
    }
}

impl Eq for Price {}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Parses the text of a JSON value that should be a number. An exponent is expanded: `1.5e3` becomes `1500`.
fn read(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |mantissa| (true, mantissa));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));

    // Checked before any computation, so that a long text or a large exponent costs no more than its parsing.
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let zeros_to_append = usize::try_from(scale.checked_neg()?).unwrap_or(0);
    let scale = u32::try_from(scale).unwrap_or(0);
    let leading_zeros = whole.bytes().chain(fraction.bytes()).take_while(|digit| *digit == b'0').count();
    let significant = whole.len() + fraction.len() - leading_zeros;
    if significant.saturating_add(zeros_to_append) > MAX_DIGITS || scale > Decimal::MAX_SCALE {
        return None;
    }

    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        value = value * 10 + i128::from(char::from(digit).to_digit(10)?);
    }
    for _ in 0..zeros_to_append {
        value *= 10;
    }
    Decimal::try_from_i128_with_scale(if negative { -value } else { value }, scale).ok()
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not a `Number`, which can also be deserialized from a `Value` and is rounded then.
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let expected = "a decimal number of at most 28 significant digits";
        read(text).map(Self).ok_or_else(|| D::Error::invalid_value(Unexpected::Other("JSON value"), &expected))
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Number::from_str(&self.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}
