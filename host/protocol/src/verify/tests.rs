use super::*;

#[derive(Clone)]
struct Record {
    id: u64,
    stream: &'static str,
    sequence: u64,
    payload: String,
    previous_hash: String,
    hash: String,
}

impl Record {
    fn link(&self) -> Link<'_> {
        Link {
            previous_hash: &self.previous_hash,
            stream: self.stream,
            sequence: self.sequence,
            kind: "sandbox.started",
            payload: &self.payload,
            actor: "user",
            at_ms: 5,
        }
    }
}

/// Four records of `a` and three of `b`, in turns.
fn export() -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for (id, stream) in (1..).zip(["a", "b", "a", "b", "a", "b", "a"]) {
        let before = records.iter().rev().find(|other| other.stream == stream);
        let mut record = Record {
            id,
            stream,
            sequence: before.map_or(1, |before| before.sequence + 1),
            payload: format!("{{\"number\":{id}}}"),
            previous_hash: before.map_or(String::new(), |before| before.hash.clone()),
            hash: String::new(),
        };
        record.hash = record.link().hash();
        records.push(record);
    }
    records
}

fn findings(extent: Extent, records: &[Record]) -> Vec<String> {
    let mut verifier = Verifier::new(extent);
    for record in records {
        verifier.take(record.id, &record.link(), &record.hash);
    }
    assert_eq!(verifier.records(), records.len() as u64);
    let words = |finding: Finding| {
        let text = finding.to_string();
        // Without the reason.
        let end = text
            .find(": it")
            .or_else(|| text.find(" is m"))
            .or_else(|| text.find(" are m"));
        text[..end.unwrap()].to_owned()
    };
    verifier.finish().into_iter().map(words).collect()
}

#[test]
fn what_nobody_touched_is_right_as_a_whole_and_in_part() {
    let records = export();
    assert!(findings(Extent::Whole, &records).is_empty());
    assert!(findings(Extent::Part, &records).is_empty());
    let some: Vec<_> = records.iter().skip(2).step_by(2).cloned().collect();
    assert!(findings(Extent::Part, &some).is_empty());
    assert!(findings(Extent::Part, &records[4..]).is_empty());
}

#[test]
fn one_byte_that_was_edited_is_found_at_its_record() {
    for index in 0..7 {
        let mut records = export();
        records[index].payload = records[index].payload.replace("number", "numbes");
        let (id, sequence) = (records[index].id, records[index].sequence);
        let expected = format!(
            "edited: record {id}, #{sequence} of {}",
            records[index].stream
        );
        for extent in [Extent::Whole, Extent::Part] {
            assert_eq!(findings(extent, &records), std::slice::from_ref(&expected));
        }
    }
}

#[test]
fn an_edit_that_took_care_of_its_own_hash_is_found_at_the_next_record() {
    let mut records = export();
    records[2].payload = "{}".to_owned();
    records[2].hash = records[2].link().hash();
    assert_eq!(
        findings(Extent::Whole, &records),
        ["replaced: record 5, #3 of a"]
    );
}

#[test]
fn an_edited_place_or_stream_does_not_hide_what_is_missing() {
    let mut records = export();
    records[2].sequence = 30;
    assert_eq!(
        findings(Extent::Whole, &records),
        ["edited: record 3, #30 of a", "removed: #2 of a"]
    );
    let mut records = export();
    records[2].stream = "b";
    let found = findings(Extent::Whole, &records);
    assert_eq!(
        (found[0].as_str(), found.last().unwrap().as_str()),
        ("edited: record 3, #2 of b", "removed: #2 of a")
    );
}

#[test]
fn removed_records_are_named() {
    for (removed, expected) in [
        (vec![0], "removed: #1 of a"),
        (vec![2], "removed: #2 of a"),
        (vec![2, 4], "removed: #2 to #3 of a"),
        (vec![3], "removed: #2 of b"),
    ] {
        let mut records = export();
        records.retain(|record| !removed.contains(&(record.id as usize - 1)));
        assert_eq!(findings(Extent::Whole, &records), [expected]);
        assert!(findings(Extent::Part, &records).is_empty());
    }
}

#[test]
fn that_the_last_record_is_missing_shows_in_how_far_its_stream_came() {
    let mut verifier = Verifier::new(Extent::Whole);
    for record in &export()[..6] {
        verifier.take(record.id, &record.link(), &record.hash);
    }
    assert_eq!((verifier.reached("a"), verifier.reached("b")), (3, 3));
    assert_eq!((verifier.reached("c"), verifier.streams()), (0, 2));
    assert!(verifier.finish().is_empty());
}

#[test]
fn records_that_changed_places_are_found_and_nothing_is_missing() {
    for (one, other) in [(0, 1), (0, 2), (2, 4), (1, 6), (5, 6)] {
        let mut records = export();
        records.swap(one, other);
        let found = findings(Extent::Whole, &records);
        assert!(!found.is_empty(), "{one} and {other}");
        assert!(
            found.iter().all(|finding| finding.starts_with("reordered")),
            "{found:?}"
        );
    }
    // Who swaps the ids as well cannot swap the places.
    let mut records = export();
    records.swap(2, 4);
    (records[2].id, records[4].id) = (3, 5);
    assert_eq!(
        findings(Extent::Whole, &records),
        ["reordered: record 5, #2 of a"]
    );
}

#[test]
fn a_record_that_stands_there_twice_is_found() {
    let mut records = export();
    records.insert(3, records[2].clone());
    assert_eq!(
        findings(Extent::Whole, &records),
        ["reordered: record 3, #2 of a"]
    );
}
