//! A host, an authority, a URL: nobody else who reads it may go elsewhere.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr};
use swarm_flow_policy::{Authority, Host, Url};

fuzz_target!(|text: &str| {
    if let Ok(host) = Host::parse(text) {
        again(&host);
        // A resolver that takes the text as it stands for an address takes it for this one.
        if let Some(address) = inet_aton(text) {
            assert_eq!(host, Host::Address(address.into()));
        }
        if !text.contains(':') {
            let other = url::Host::parse(text).expect("a browser reads it too");
            assert_eq!(host, own(&other));
        }
    }
    if let Ok(authority) = Authority::parse(text) {
        again(&authority.host);
        assert_ne!(authority.port, Some(0));
        assert!(!text.contains('@'));
    }
    if let Ok(parsed) = Url::parse(text) {
        again(&parsed.host);
        let other = url::Url::parse(text).expect("a browser reads it too");
        assert_eq!(
            parsed.host,
            own(&other.host().expect("it has a host").to_owned())
        );
        assert_eq!(Some(parsed.port), other.port_or_known_default());
        assert!(other.username().is_empty() && other.password().is_none());
    }
});

/// What is in its one form stays as it is, and is nothing that a resolver takes for an address if it is a name.
fn again(host: &Host) {
    let text = host.to_string();
    assert_eq!(Host::parse(&text).as_ref(), Ok(host));
    if let Host::Name(name) = host {
        assert!(
            name.bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
        );
        assert!(!name.is_empty() && !name.ends_with('.') && name.len() <= 253);
        assert_eq!(inet_aton(name), None);
        assert!(name.parse::<IpAddr>().is_err());
    }
}

fn own(host: &url::Host<String>) -> Host {
    match host {
        url::Host::Domain(name) => Host::Name(name.strip_suffix('.').unwrap_or(name).to_owned()),
        url::Host::Ipv4(v4) => Host::Address((*v4).into()),
        url::Host::Ipv6(v6) => IpAddr::from(*v6).into(),
    }
}

fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let text = CString::new(text).ok()?;
    let mut address = libc::in_addr { s_addr: 0 };
    // SAFETY: the text ends in a zero byte, and `address` is written before it is read.
    let read = unsafe { inet_aton_of_libc(text.as_ptr(), &mut address) };
    (read == 1).then(|| Ipv4Addr::from(u32::from_be(address.s_addr)))
}

unsafe extern "C" {
    #[link_name = "inet_aton"]
    fn inet_aton_of_libc(text: *const libc::c_char, address: *mut libc::in_addr) -> libc::c_int;
}
