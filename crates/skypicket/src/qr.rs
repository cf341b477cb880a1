//! QR codes: as SVG for pages, and as text for a terminal.

use qrcode::{EcLevel, QrCode, render::svg, render::unicode::Dense1x2, types::QrError};

/// An SVG document with its quiet zone; black on white, whatever the palette: that is what cameras read.
pub fn svg(text: &str) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
    Ok(code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .dark_color(svg::Color("#000000"))
        .light_color(svg::Color("#ffffff"))
        .build())
}

/// Half blocks, black on white by escape sequences, so that it reads the same on a dark and on a light terminal.
pub fn terminal(text: &str) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)?;
    let blocks =
        code.render::<Dense1x2>().dark_color(Dense1x2::Dark).light_color(Dense1x2::Light).quiet_zone(true).build();
    let mut out = String::new();
    for line in blocks.lines() {
        out.push_str("\u{1b}[38;5;16;48;5;231m");
        out.push_str(line);
        out.push_str("\u{1b}[0m\n");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://192.0.2.7:8443/field/#sign-in=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0";

    #[test]
    fn a_code_is_an_svg_document_without_style_or_script() {
        let s = svg(LINK).unwrap();
        assert!(s.contains("<svg") && s.contains("#000000") && s.contains("#ffffff"), "{s}");
        assert!(!s.contains("style") && !s.contains("script"), "{s}");
    }

    #[test]
    fn on_a_terminal_every_line_is_as_wide_and_sets_its_colours() {
        let t = terminal(LINK).unwrap();
        let widths: Vec<usize> = t.lines().map(|l| l.chars().count()).collect();
        assert!(widths.len() > 15 && widths.iter().all(|w| *w == widths[0]), "{widths:?}");
        assert!(t.lines().all(|l| l.starts_with("\u{1b}[38;5;16;48;5;231m") && l.ends_with("\u{1b}[0m")));
        // The quiet zone is light: spaces on the white ground.
        let first = t.lines().next().unwrap().replace("\u{1b}[38;5;16;48;5;231m", "").replace("\u{1b}[0m", "");
        assert!(first.trim().is_empty(), "{first:?}");
    }

    #[test]
    fn a_text_that_no_code_holds_is_an_error() {
        assert!(svg(&"x".repeat(5_000)).is_err());
        assert!(terminal(&"x".repeat(5_000)).is_err());
    }
}
