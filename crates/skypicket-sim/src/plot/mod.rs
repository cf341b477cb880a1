//! Pictures of scenes and scores, as SVG text: where things were and where they were thought to be ([`scene_plot`]),
//! how the score goes over time ([`course_plot`]), and what a measurement costs as scenes grow ([`growth_plot`]).
//!
//! A picture has its own ground, light or dark as the reader's system asks, so that it reads the same on any page. It
//! needs no font, script or file beside it, and the same input gives the same bytes.

mod chart;
mod map;
mod svg;
#[cfg(test)]
mod tests;

pub use chart::{Growth, Level, course_plot, growth_plot};
pub use map::{Detail, scene_plot};
