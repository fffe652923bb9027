//! The messages of a batch on their way: which is next, and when others may run.

use std::time::{Duration, Instant};

use bytestring::ByteString;
use tokio::task::yield_now;

use crate::RequestError;
use crate::request::{Invocation, Invocations};

/// The messages of a batch on their way, and what bounds it.
pub(crate) struct Course {
    pub(crate) messages: Invocations,
    /// How many messages are taken at most.
    pub(crate) until: usize,
    pub(crate) invocation_timeout: Option<Duration>,
    pub(crate) turn: Turn,
}

impl Course {
    /// The next message, if there is one and it is of this type.
    #[inline]
    pub(crate) fn next(&mut self, message_type: Option<&ByteString>) -> Result<Option<Invocation>, RequestError> {
        if self.messages.taken() == self.until {
            return Ok(None);
        }
        self.messages.take(message_type)
    }

    /// The type of the next message.
    pub(crate) fn peek(&mut self) -> Result<Option<ByteString>, RequestError> {
        if self.messages.taken() == self.until {
            return Ok(None);
        }
        Ok(self.messages.peek()?.map(|next| next.message.type_text().clone()))
    }
}

/// How long a batch runs before it lets other tasks of its thread run.
const TURN: Duration = Duration::from_millis(10);

/// The most messages between two looks at the clock.
const LONGEST_STRIDE: u32 = 16;

/// When a batch last let others run. The clock is read now and then, as it costs as much as a small message.
#[derive(Default)]
pub(crate) struct Turn {
    began: Option<Instant>,
    looked: Option<Instant>,
    /// How many messages there are between two looks, and how many of them are left.
    stride: u32,
    left: u32,
}

impl Turn {
    /// After a message: lets others run if it is time.
    pub(crate) async fn over(&mut self) {
        if self.left > 1 {
            self.left -= 1;
            return;
        }
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        let lap = now - self.looked.replace(now).unwrap_or(now);
        self.stride = if lap < TURN / 16 { (2 * self.stride).clamp(1, LONGEST_STRIDE) } else { 1 };
        self.left = self.stride;
        if now - began > TURN {
            #[cfg(feature = "local")]
            if crate::simulated::is_on() {
                return;
            }
            yield_now().await;
            *self = Self::default();
        }
    }
}
