//! Sources and sinks: one folder per connector. Each moves bytes, drives `wire`'s decoders and sessions, and hands what
//! they mean to the centre through one trait, [`Intake`].
//!
//! A connector never decides anything and never believes anything: what it hears becomes observations, positions and
//! acts in the name of a bound person. It tells a peer "received" only after the centre says that the thing is durable.
//! Bad input is counted with its reason and never stops a source. Every queue and table here has a bound. Time comes
//! from the centre ([`Intake::now`]), so that a test can hold the clock.
//!
//! Not for formats (that is `skypicket-wire`), nor for choosing who is told what (that is `skypicket-dispatch`).

pub mod capture;
mod clients;
pub mod courier;
pub mod feed;
pub mod health;
mod ids;
pub mod intake;
pub mod lines;
pub mod listen;
pub mod machine;
pub mod post;
pub mod relay;
mod secure;
pub mod sms;
pub mod smtp;
pub mod tak;
pub mod tls;
pub mod webhook;
pub mod webpush;

pub use capture::{CaptureConfig, CaptureTail};
pub use courier::{Carrier, Courier, Outgoing, Sent};
pub use feed::{FeedConfig, FeedConnector, FeedError};
pub use health::{ClockOffset, Health, HealthSnapshot};
pub use intake::{BoxFuture, Intake, Refused};
pub use lines::{TcpLines, TcpLinesConfig, UdpLines, UdpLinesConfig};
pub use listen::{ListenError, Shutdown, check_listen};
pub use machine::{Admitted, Area, Grant, Holder, Machines, Rate};
pub use secure::{ClientCertificates, Secure};
pub use tak::{TakConfig, TakHandle, TakServer};
pub use webpush::WebPush;
