//! What the tests of several crates share.
//!
//! | module | what lives there |
//! |---|---|
//! | [`request`] | requests as a runtime makes them, and responses as it reads them |
//! | [`process`] | processes that are waited for and terminated |
//! | `interleavings` (feature `interleavings`) | orders in which threads take their steps |
//! | `smoke` (feature `smoke`) | the function of StateFun's smoke suite, random commands for it, and the model of their effects |
//! | `fraud` (feature `fraud`) | the model of fraud detection |

#[cfg(feature = "fraud")]
pub mod fraud;
#[cfg(feature = "interleavings")]
pub mod interleavings;
pub mod process;
pub mod request;
#[cfg(feature = "smoke")]
pub mod smoke;
