//! TAK: the picture and warnings out to clients, each bound to a person by its uid in the configuration.

use crate::{
    centre::Centre,
    config::Tak,
    views::{NoticeView, Picture},
};
use skypicket_link::tak::TakHandle;
