//! The program's own manual: pages for `man`, and completions for shells, both from the command line's definition.

use crate::cli::{Cli, End};
use clap::CommandFactory;
use clap_complete::Shell;
use std::{
    io::{self, Write},
    path::Path,
};

/// `skypicket completions SHELL`.
pub fn completions(shell: Shell) -> End {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "skypicket", &mut script);
    match io::stdout().write_all(&script) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => End::could_not(e),
        _ => End::OK,
    }
}

/// `skypicket man DIR`: `skypicket.1`, and a page for each command.
pub fn man(folder: &Path) -> End {
    let named = |e: io::Error| End::could_not(format!("{}: {e}", folder.display()));
    if let Err(e) = std::fs::create_dir_all(folder) {
        return named(e);
    }
    match clap_mangen::generate_to(Cli::command(), folder) {
        Ok(()) => End::OK,
        Err(e) => named(e),
    }
}
