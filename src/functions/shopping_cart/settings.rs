/// What is configuration of the shopping cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many there are of an item that was never stocked.
    pub initial_stock: i32,
}

/// Unlimited stock.
impl Default for Settings {
    fn default() -> Self {
        Self { initial_stock: i32::MAX }
    }
}
