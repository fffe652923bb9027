/// Settings of the shopping cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The stock of an item that was never restocked.
    pub initial_stock: i32,
}

/// Unlimited stock.
impl Default for Settings {
    fn default() -> Self {
        Self { initial_stock: i32::MAX }
    }
}
