//! [`Inbounds`]: whoever posts to us what came by mail or SMS: each believed by its own key.

use super::{CarriersConfig, NotSetUp, of};
use skypicket_link::webhook::Inbound;
use skypicket_model::Channel;

/// Whom we believe; none where no key is set.
#[derive(Default)]
pub struct Inbounds {
    mail: Option<Inbound>,
    sms: Option<Inbound>,
}

impl Inbounds {
    /// Reads the keys.
    pub fn of(config: &CarriersConfig) -> Result<Self, NotSetUp> {
        let mail = config.mail.as_ref().and_then(|c| c.inbound_keys.as_ref());
        let sms = config.sms.as_ref().and_then(|c| c.inbound_keys.as_ref());
        Ok(Self {
            mail: mail.map(|file| of("mail", Inbound::read(file))).transpose()?,
            sms: sms.map(|file| of("sms", Inbound::read(file))).transpose()?,
        })
    }

    /// Whom we believe over this channel.
    pub fn get(&self, channel: Channel) -> Option<&Inbound> {
        match channel {
            Channel::Mail => self.mail.as_ref(),
            Channel::Sms => self.sms.as_ref(),
            _ => None,
        }
    }
}
