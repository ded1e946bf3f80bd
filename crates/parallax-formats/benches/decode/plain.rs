//! Plain loops: what one writes first, one word after the other and a `match`, without a check. They cannot stop and go
//! on. Text is `str::split` and `str::parse`.

use super::Columns;

/// What follows the header lines of a RAW or DAT file.
pub(crate) fn payload(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while rest.first() == Some(&b'%') {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        rest = &rest[end + 1..];
    }
    rest
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub(crate) fn evt3(data: &[u8], out: &mut Columns) -> usize {
    let (mut wraps, mut high, mut low, mut y, mut base, mut p) =
        (0_i64, None::<u16>, 0_u16, 0_u16, 0_u16, 0_u8);
    let mut t = 0_i64;
    let mut n = 0;
    for word in payload(data).chunks_exact(2) {
        let word = u16::from_le_bytes([word[0], word[1]]);
        let content = word & 0xFFF;
        match word >> 12 {
            0x0 => y = content & 0x7FF,
            0x2 if high.is_some() => {
                out.t[n] = t;
                out.x[n] = content & 0x7FF;
                out.y[n] = y;
                out.p[n] = (content >> 11) as u8;
                n += 1;
            }
            0x3 => (base, p) = (content & 0x7FF, (content >> 11) as u8),
            kind @ (0x4 | 0x5) if high.is_some() => {
                let width = if kind == 0x4 { 12 } else { 8 };
                for bit in 0..width {
                    if content >> bit & 1 == 1 {
                        out.t[n] = t;
                        out.x[n] = base + bit;
                        out.y[n] = y;
                        out.p[n] = p;
                        n += 1;
                    }
                }
                base += width;
            }
            0x6 => {
                low = content;
                t = t >> 12 << 12 | i64::from(low);
            }
            0x8 => {
                if high.is_some_and(|high| high >= 0x800 + content) {
                    wraps += 1;
                }
                if high != Some(content) {
                    low = 0;
                }
                high = Some(content);
                t = wraps << 24 | i64::from(content) << 12 | i64::from(low);
            }
            _ => {}
        }
    }
    n
}

pub(crate) fn evt2(data: &[u8], out: &mut Columns) -> usize {
    let mut base = None;
    let mut n = 0;
    for word in payload(data).chunks_exact(4) {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        match (word >> 28, base) {
            (0x0 | 0x1, Some(base)) => {
                out.t[n] = base | i64::from(word >> 22 & 0x3F);
                out.x[n] = (word >> 11 & 0x7FF) as u16;
                out.y[n] = (word & 0x7FF) as u16;
                out.p[n] = (word >> 28) as u8;
                n += 1;
            }
            (0x8, _) => base = Some(i64::from(word & 0xFFF_FFFF) << 6),
            _ => {}
        }
    }
    n
}

pub(crate) fn csv(data: &[u8], out: &mut Columns) -> usize {
    let text = std::str::from_utf8(data).unwrap();
    let mut n = 0;
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        out.t[n] = fields.next().unwrap().parse().unwrap();
        out.x[n] = fields.next().unwrap().parse().unwrap();
        out.y[n] = fields.next().unwrap().parse().unwrap();
        out.p[n] = fields.next().unwrap().parse().unwrap();
        n += 1;
    }
    n
}

pub(crate) fn rpg(data: &[u8], out: &mut Columns) -> usize {
    let text = std::str::from_utf8(data).unwrap();
    let mut n = 0;
    for line in text.lines() {
        let mut fields = line.split(' ');
        let seconds: f64 = fields.next().unwrap().parse().unwrap();
        out.t[n] = (seconds * 1e6).round() as i64;
        out.x[n] = fields.next().unwrap().parse().unwrap();
        out.y[n] = fields.next().unwrap().parse().unwrap();
        out.p[n] = fields.next().unwrap().parse().unwrap();
        n += 1;
    }
    n
}

pub(crate) fn dat(bytes: &[u8], out: &mut Columns) -> usize {
    out.n = 0;
    for record in payload(bytes)[2..].chunks_exact(8) {
        let (t, address) = (u32_at(record, 0), u32_at(record, 4));
        let (x, y) = (address & 0x3FFF, address >> 14 & 0x3FFF);
        out.put((t.into(), x as u16, y as u16, (address >> 28 & 1) as u8));
    }
    out.n
}

/// Of the order `legacy`.
pub(crate) fn evt21(bytes: &[u8], out: &mut Columns) -> usize {
    out.n = 0;
    let mut high = 0;
    for word in payload(bytes).chunks_exact(8) {
        let (half, mask) = (u32_at(word, 0), u32_at(word, 4));
        match half >> 28 {
            0x8 => high = i64::from(half & 0xFFF_FFFF) << 6,
            p @ (0 | 1) => {
                for bit in (0..32).filter(|bit| mask >> bit & 1 == 1) {
                    let (x, y) = ((half >> 11 & 0x7FF) + bit, half & 0x7FF);
                    out.put((high + i64::from(half >> 22 & 0x3F), x as u16, y as u16, p as u8));
                }
            }
            _ => {}
        }
    }
    out.n
}

pub(crate) fn es(bytes: &[u8], out: &mut Columns) -> usize {
    out.n = 0;
    let height = u16::from_le_bytes([bytes[18], bytes[19]]);
    let (mut at, mut t) = (20, 0);
    while at < bytes.len() {
        match bytes[at] {
            0xFF => t += 127,
            0xFE => {}
            byte => {
                t += i64::from(byte >> 1);
                let (x, y) = (u32_at(bytes, at + 1) & 0xFFFF, u32_at(bytes, at + 1) >> 16);
                out.put((t, x as u16, height - 1 - y as u16, byte & 1));
                at += 4;
            }
        }
        at += 1;
    }
    out.n
}

pub(crate) fn atis(bytes: &[u8], out: &mut Columns) -> usize {
    out.n = 0;
    let height = u16::from_le_bytes([bytes[18], bytes[19]]);
    let (mut at, mut t) = (20, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        if byte >= 0xFC {
            t += 63 * i64::from(byte & 3);
        } else {
            t += i64::from(byte >> 2);
            let (x, y) = (u32_at(bytes, at + 1) & 0xFFFF, u32_at(bytes, at + 1) >> 16);
            if byte & 1 == 0 {
                out.put((t, x as u16, height - 1 - y as u16, byte >> 1 & 1));
            }
            at += 4;
        }
        at += 1;
    }
    out.n
}

pub(crate) fn atis_bin(bytes: &[u8], out: &mut Columns) -> usize {
    out.n = 0;
    let mut base = 0;
    for record in bytes.chunks_exact(5) {
        if record[1] == 240 {
            base += 8192;
            continue;
        }
        let t = i64::from(record[2] & 0x7F) << 16 | i64::from(record[3]) << 8 | i64::from(record[4]);
        out.put((base + t, record[0].into(), record[1].into(), record[2] >> 7));
    }
    out.n
}
