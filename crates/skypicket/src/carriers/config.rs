//! [`WatchdogConfig`] and [`ExerciseConfig`]: how channels are watched, and which of them an exercise may use.

use serde::Deserialize;
use skypicket_model::Channel;

/// How channels are watched: `[watchdog]`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchdogConfig {
    /// Minutes between test messages round each channel, 0.01 to 1,440; 0 is never. Default 10.
    pub every_min: f64,
    /// Seconds in which a test message must have come round, 0.5 to 3,600. Default 120.
    pub wait_s: f64,
    /// So many messages accepted by push in an hour without one receipt of any phone: push does not work. 1 to 10,000,
    /// default 20.
    pub push_accepted: u32,
}

impl Default for WatchdogConfig {
    fn default() -> Self {
        Self { every_min: 10.0, wait_s: 120.0, push_accepted: 20 }
    }
}

impl WatchdogConfig {
    /// Checks each value.
    pub fn check(&self) -> Result<(), String> {
        if self.every_min != 0.0 && !(0.01..=1_440.0).contains(&self.every_min) {
            return Err(format!("every_min is {}: give 0.01 to 1440 minutes, or 0 for never", self.every_min));
        }
        if !(0.5..=3_600.0).contains(&self.wait_s) {
            return Err(format!("wait_s is {}: give 0.5 to 3600 seconds", self.wait_s));
        }
        if !(1..=10_000).contains(&self.push_accepted) {
            return Err(format!("push_accepted is {}: give 1 to 10000", self.push_accepted));
        }
        Ok(())
    }
}

/// What of the world outside an exercise may use: `[exercise]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExerciseConfig {
    /// Of mail, sms, webhook and relay, those over which an exercise really sends. Default none: then nobody outside hears
    /// of one.
    pub channels: Vec<Channel>,
}

impl ExerciseConfig {
    /// Checks each value.
    pub fn check(&self) -> Result<(), String> {
        match self.channels.iter().find(|c| c.is_personal() || **c == Channel::Voice) {
            Some(c) => Err(format!("channels: '{}' is none of mail, sms, webhook, relay", c.word())),
            None => Ok(()),
        }
    }

    /// Whether real messages may go over a channel in an exercise.
    pub fn may_use(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exercise_uses_no_channel_unless_it_is_said_and_only_those_that_it_could_keep_away_from() {
        assert!(!ExerciseConfig::default().may_use(Channel::Mail));
        let said: ExerciseConfig = toml::from_str("channels = [\"mail\"]").unwrap();
        assert!(said.may_use(Channel::Mail) && !said.may_use(Channel::Sms) && said.check().is_ok());
        let page: ExerciseConfig = toml::from_str("channels = [\"web\"]").unwrap();
        assert!(page.check().unwrap_err().contains("'web'"));
    }

    #[test]
    fn a_watchdog_may_be_off_but_not_out_of_its_ranges() {
        let with = |every_min, wait_s| WatchdogConfig { every_min, wait_s, ..WatchdogConfig::default() }.check();
        assert!(with(0.0, 120.0).is_ok() && with(0.05, 0.5).is_ok());
        for (every_min, wait_s) in [(-1.0, 1.0), (0.001, 1.0), (f64::NAN, 1.0), (1.0, 0.0), (1.0, f64::NAN)] {
            assert!(with(every_min, wait_s).is_err(), "{every_min} {wait_s}");
        }
    }
}
