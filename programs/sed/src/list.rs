//! `l`: a line with everything that is not plain made visible.

pub fn shown(line: &[u8], width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for byte in line {
        let piece = match byte {
            b'\\' => "\\\\".to_owned(),
            b'\n' => "\\n".to_owned(),
            b'\t' => "\\t".to_owned(),
            b'\r' => "\\r".to_owned(),
            7 => "\\a".to_owned(),
            8 => "\\b".to_owned(),
            11 => "\\v".to_owned(),
            12 => "\\f".to_owned(),
            b' '..=b'~' => char::from(*byte).to_string(),
            other => format!("\\{other:03o}"),
        };
        // The last column is that of the `\` by which a line goes on.
        if width > 1 && used + piece.len() > width - 1 {
            out.push_str("\\\n");
            used = 0;
        }
        used += piece.len();
        out.push_str(&piece);
    }
    out.push_str("$\n");
    out
}
