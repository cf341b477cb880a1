//! What dispatch does, seen from outside.

mod behaviour;
mod properties;
mod world;
