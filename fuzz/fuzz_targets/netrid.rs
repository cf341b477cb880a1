#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| skypicket_fuzz::netrid(data));
