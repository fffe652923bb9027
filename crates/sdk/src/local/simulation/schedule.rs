use std::fmt;
use std::str::FromStr;

use super::Fault;
use super::choices::Choices;

/// Which schedule a run follows. Its text is one line, such as `seed=93c1f2 messages=0,3 failover=1` or `in-order`, and reads back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// `None` for the plain schedule: one message after the other, and no fault.
    pub(super) seed: Option<u64>,
    /// The messages that are sent, as positions; all, where it is `None`.
    pub(super) messages: Option<Vec<usize>>,
    /// The most faults of a kind; what the seed draws, where it is `None`.
    pub(super) most: [Option<u64>; Fault::ALL.len()],
}

impl Schedule {
    fn new(seed: Option<u64>) -> Self {
        Self { seed, messages: None, most: [None; Fault::ALL.len()] }
    }

    pub(super) fn in_order() -> Self {
        Self::new(None)
    }

    /// The `number`th schedule of all that follow from `seed`.
    pub(super) fn numbered(seed: u64, number: u64) -> Self {
        let offset = Choices::new(seed).next();
        Self::new(Some(Choices::new(offset.wrapping_add(number)).next()))
    }

    pub(super) fn with_seed(&self, seed: Option<u64>) -> Self {
        Self { seed, ..self.clone() }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seed {
            Some(seed) => write!(f, "seed={seed:x}")?,
            None => f.write_str("in-order")?,
        }
        if let Some(messages) = &self.messages {
            let messages: Vec<_> = messages.iter().map(ToString::to_string).collect();
            write!(f, " messages={}", messages.join(","))?;
        }
        for (fault, most) in Fault::ALL.iter().zip(self.most) {
            if let Some(most) = most {
                write!(f, " {fault}={most}")?;
            }
        }
        Ok(())
    }
}

/// A line that describes no schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseScheduleError(String);

impl fmt::Display for ParseScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no part of a schedule: expected seed=HEX or in-order, then messages=N,… and FAULT=N", self.0)
    }
}

impl std::error::Error for ParseScheduleError {}

impl FromStr for Schedule {
    type Err = ParseScheduleError;

    fn from_str(line: &str) -> Result<Self, ParseScheduleError> {
        let mut schedule = Self::in_order();
        let mut parts = line.split_whitespace();
        let first = parts.next().unwrap_or_default();
        if first != "in-order" {
            let seed = first.strip_prefix("seed=").and_then(|seed| u64::from_str_radix(seed, 16).ok());
            schedule.seed = Some(seed.ok_or_else(|| ParseScheduleError(line.to_owned()))?);
        }
        for part in parts {
            let wrong = || ParseScheduleError(part.to_owned());
            let (name, value) = part.split_once('=').ok_or_else(wrong)?;
            if name == "messages" {
                let positions = value.split(',').filter(|position| !position.is_empty()).map(str::parse);
                schedule.messages = Some(positions.collect::<Result<_, _>>().map_err(|_| wrong())?);
            } else {
                let fault = Fault::ALL.into_iter().find(|fault| fault.as_str() == name).ok_or_else(wrong)?;
                schedule.most[fault as usize] = Some(value.parse().map_err(|_| wrong())?);
            }
        }
        Ok(schedule)
    }
}
