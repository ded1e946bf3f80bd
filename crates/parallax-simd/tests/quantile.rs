//! The normal distribution's inverse at every level: one by one, to the bit, and the published values.

use parallax_simd::{Level, philox, quantile};

#[test]
fn quantiles_are_the_published_ones() {
    // The check values of AS 241, and of the NIST tables.
    let known = [
        (0.25, -0.674_489_750_196_081_7),
        (0.001, -3.090_232_306_167_814),
        (1e-20, -9.262_340_089_798_408),
        (0.975, 1.959_963_984_540_054),
        (0.5, 0.0),
    ];
    for level in Level::available() {
        for (p, z) in known {
            let mut out = [0.0];
            quantile::normal_slice_at(level, &[p], &mut out);
            for found in [quantile::normal(p), out[0]] {
                assert!(
                    (found - z).abs() <= 1e-14 * f64::abs(z).max(1.0),
                    "{level:?} {p}: {found}"
                );
            }
        }
    }
}

#[test]
fn slices_are_their_values() {
    let mut words = vec![[0; 4]; 5_000];
    philox::blocks([1, 2], [3, 4], 5, &mut words);
    let drawn = words.iter().map(|&[a, b, ..]| {
        // Many near both ends.
        let unit = (f64::from(a) + 0.5) / 4_294_967_296.0;
        match b % 4 {
            0 => unit,
            1 => unit.powi(8),
            2 => 1.0 - unit.powi(5),
            _ => 1e-300 * unit,
        }
    });
    let p: Vec<f64> = drawn.filter(|&p| p > 0.0 && p < 1.0).collect();
    assert!(p.len() > 4_900);
    for level in Level::available() {
        for len in [0, 1, 255, 256, 257, p.len()] {
            let mut out = vec![7.0; len + 1];
            quantile::normal_slice_at(level, &p[..len], &mut out);
            for (p, found) in p.iter().zip(&out[..len]) {
                assert_eq!(found.to_bits(), quantile::normal(*p).to_bits(), "{level:?} {p}");
            }
            assert!(out[len] == 7.0, "a value too many");
        }
    }
}
