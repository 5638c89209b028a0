//! Time and chance as an embedder tells them, so that a guest which is run again with the same answers does the same.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// What a guest gets instead of the machine's clocks and randomness.
#[derive(Clone)]
pub struct Determined {
    /// All random bytes follow from it.
    pub seed: [u8; 32],
    pub clock: Arc<dyn Clock>,
}

/// Tells the time. It is asked at each of the guest's questions, in their order.
pub trait Clock: Send + Sync {
    /// Since 1970.
    fn wall(&self) -> Duration;
    /// Since some point in time; never less than before.
    fn monotonic(&self) -> Duration;
}

/// What the clocks of such a guest can tell apart.
const RESOLUTION: Duration = Duration::from_millis(1);

impl Determined {
    pub(crate) fn give(self, builder: &mut WasiCtxBuilder) {
        let [mut insecure, mut hash] = [self.seed; 2];
        // Three uses, three different streams.
        insecure[0] ^= 1;
        hash[0] ^= 2;
        let mut number = [0; 16];
        number.copy_from_slice(&hash[..16]);
        builder
            .secure_random(ChaCha20Rng::from_seed(self.seed))
            .insecure_random(ChaCha20Rng::from_seed(insecure))
            .insecure_random_seed(u128::from_le_bytes(number))
            .wall_clock(Told(self.clock.clone()))
            .monotonic_clock(Told(self.clock));
    }
}

struct Told(Arc<dyn Clock>);

impl HostWallClock for Told {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    fn now(&self) -> Duration {
        self.0.wall()
    }
}

impl HostMonotonicClock for Told {
    fn resolution(&self) -> u64 {
        u64::try_from(RESOLUTION.as_nanos()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.monotonic().as_nanos()).unwrap_or(u64::MAX)
    }
}
