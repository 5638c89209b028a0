//! In which order files are shown.

use super::list::Entry;
use super::options::{Options, Order};
use std::cmp::Ordering;

pub fn sort(options: &Options, entries: &mut [Entry]) {
    if options.order == Order::None {
        if options.reverse {
            entries.reverse();
        }
    } else {
        entries.sort_by(|a, b| {
            let order = compare(options, a, b).then_with(|| a.name.cmp(&b.name));
            if options.reverse {
                order.reverse()
            } else {
                order
            }
        });
    }
    if options.folders_first {
        entries.sort_by_key(|entry| !entry.leads_to_folder());
    }
}

fn compare(options: &Options, a: &Entry, b: &Entry) -> Ordering {
    match options.order {
        Order::Time => b.time(options).cmp(&a.time(options)),
        Order::Size => b.size().cmp(&a.size()),
        Order::Extension => extension(&a.name).cmp(extension(&b.name)),
        Order::Version => version(&a.name, &b.name),
        Order::Name | Order::None => Ordering::Equal,
    }
}

fn extension(name: &str) -> &str {
    name.rfind('.')
        .and_then(|dot| name.get(dot..))
        .unwrap_or_default()
}

/// Runs of digits count as numbers.
fn version(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() && !b.is_empty() {
        let (text_a, text_b) = (split(&mut a, false), split(&mut b, false));
        let (number_a, number_b) = (split(&mut a, true), split(&mut b, true));
        let (number_a, number_b) = (
            number_a.trim_start_matches('0'),
            number_b.trim_start_matches('0'),
        );
        let order = text_a
            .cmp(text_b)
            .then(number_a.len().cmp(&number_b.len()))
            .then(number_a.cmp(number_b));
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

fn split<'a>(text: &mut &'a str, digits: bool) -> &'a str {
    let end = text.find(|letter: char| letter.is_ascii_digit() != digits);
    let (first, rest) = text.split_at(end.unwrap_or(text.len()));
    *text = rest;
    first
}
