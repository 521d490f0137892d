//! The one seed from which everything random in the program follows: session numbers, delays, challenges.
//!
//! It deliberately does not know what is made of it; the pure rooms draw from it and never ask the kernel.

use std::io;

/// 32 bytes from the kernel's random source, which waits at early boot until it has enough entropy.
///
/// # Errors
/// The kernel has no random source: the program must not start then, since delays and challenges that can
/// be guessed are an attack (a delay from `rand() % 10` was predicted four times out of four).
pub fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| io::Error::other(format!("no random source: {e}")))?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_seeds_differ_and_neither_is_empty() {
        let (one, other) = (super::seed().unwrap(), super::seed().unwrap());
        assert_ne!(one, other);
        assert_ne!(one, [0; 32]);
    }
}
