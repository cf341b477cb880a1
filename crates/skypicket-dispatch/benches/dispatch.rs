//! Measured by `cargo bench -p skypicket-dispatch`.

fn main() {
    divan::main();
}
