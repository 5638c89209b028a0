//! `wasi:sockets/ip-name-lookup`, which answers the names that are granted, with the addresses that are. wasmtime's own
//! knows all names or none, and stays at none: where this one is not found nothing is looked up.

use crate::dial::CONNECT_TIMEOUT;
use crate::engine::Engine;
use crate::guest::Guest;
use crate::outside::resolve;
use crate::sockets::Granted;
use std::net::IpAddr;
use std::vec;
use swarm_flow_policy::Host;
use wasmtime::component::{Accessor, HasData, Linker, LinkerInstance, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddress};
use wasmtime_wasi::p2::{DynPollable, Network, Pollable, subscribe};
use wasmtime_wasi::p3::bindings::sockets::{ip_name_lookup as p3, types};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};
use wasmtime_wasi::{WasiView as _, async_trait};

/// As wasmtime names it; the tests over real guests hold us to it.
const INTERFACE: &str = "wasi:sockets/ip-name-lookup@0.2.12";
const STREAM: &str = "resolve-address-stream";

/// Puts this lookup in the place of the plain one.
pub(crate) fn add_to_linker<T: Send + 'static>(
    engine: &Engine,
    linker: &mut Linker<Guest<T>>,
) -> Result<()> {
    linker.allow_shadowing(true);
    let mut instance = linker.instance(INTERFACE)?;
    instance.resource(
        STREAM,
        ResourceType::host::<Addresses>(),
        |mut store: StoreContextMut<'_, Guest<T>>, stream| {
            let table = store.data_mut().ctx().table;
            table.delete(Resource::<Addresses>::new_own(stream))?;
            Ok(())
        },
    )?;
    functions(&mut instance)?;
    if engine.has_preview3() {
        p3::add_to_linker::<Guest<T>, Names>(linker, |guest| NamesView(guest.sockets.as_ref()))?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

fn functions<T: Send + 'static>(instance: &mut LinkerInstance<'_, Guest<T>>) -> Result<()> {
    type Store<'a, T> = StoreContextMut<'a, Guest<T>>;
    instance.func_wrap(
        "resolve-addresses",
        |mut store: Store<'_, T>, (network, name): (Resource<Network>, String)| {
            let guest = store.data_mut();
            guest.ctx().table.get(&network)?;
            Ok((match ask(guest.sockets.as_ref(), &name) {
                Ok((granted, host)) => {
                    let found = spawn(async move { answer(&granted, &host).await });
                    Ok(guest.ctx().table.push(Addresses::Asked(found))?)
                }
                Err(code) => Err(code),
            },))
        },
    )?;
    instance.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        |mut store: Store<'_, T>, (stream,): (Resource<Addresses>,)| {
            Ok((store.data_mut().ctx().table.get_mut(&stream)?.next(),))
        },
    )?;
    instance.func_wrap(
        "[method]resolve-address-stream.subscribe",
        |mut store: Store<'_, T>,
         (stream,): (Resource<Addresses>,)|
         -> Result<(Resource<DynPollable>,)> {
            Ok((subscribe(store.data_mut().ctx().table, stream)?,))
        },
    )
}

/// What is looked up, if it may be.
fn ask(granted: Option<&Granted>, name: &str) -> Result<(Granted, Host), ErrorCode> {
    let granted = granted.ok_or(ErrorCode::AccessDenied)?;
    let host = Host::parse(name).map_err(|_| ErrorCode::InvalidArgument)?;
    if !granted.allows_lookup(&host) {
        return Err(ErrorCode::AccessDenied);
    }
    Ok((granted.clone(), host))
}

async fn answer(granted: &Granted, host: &Host) -> Result<Vec<IpAddr>, ErrorCode> {
    match resolve(granted.outside(), host, CONNECT_TIMEOUT).await {
        Ok(found) => Ok(granted.told(host, found)),
        Err(wasmtime_wasi_http::Error::DnsTimeout) => Err(ErrorCode::TemporaryResolverFailure),
        Err(_) => Err(ErrorCode::NameUnresolvable),
    }
}

type Found = Result<Vec<IpAddr>, ErrorCode>;

/// What a guest holds of a lookup.
enum Addresses {
    Asked(AbortOnDropJoinHandle<Found>),
    Found(vec::IntoIter<IpAddr>),
    Failed(ErrorCode),
}

impl Addresses {
    fn next(&mut self) -> Result<Option<IpAddress>, ErrorCode> {
        if let Self::Asked(found) = self
            && let Some(found) = wasmtime_wasi::runtime::poll_noop(std::pin::Pin::new(found))
        {
            self.put(found);
        }
        match self {
            Self::Asked(_) => Err(ErrorCode::WouldBlock),
            Self::Found(addresses) => Ok(addresses.next().map(IpAddress::from)),
            Self::Failed(code) => Err(*code),
        }
    }

    fn put(&mut self, found: Found) {
        *self = match found {
            Ok(addresses) => Self::Found(addresses.into_iter()),
            Err(code) => Self::Failed(code),
        };
    }
}

#[async_trait]
impl Pollable for Addresses {
    async fn ready(&mut self) {
        if let Self::Asked(found) = self {
            let found = found.await;
            self.put(found);
        }
    }
}

/// The same for preview 3.
struct Names;

struct NamesView<'a>(Option<&'a Granted>);

impl HasData for Names {
    type Data<'a> = NamesView<'a>;
}

impl p3::Host for NamesView<'_> {}

impl<U> p3::HostWithStore<U> for Names {
    async fn resolve_addresses(
        store: &Accessor<U, Self>,
        name: String,
    ) -> Result<Result<Vec<types::IpAddress>, p3::ErrorCode>> {
        let asked = store.with(|mut view| ask(view.get().0, &name));
        let found = match asked {
            Ok((granted, host)) => answer(&granted, &host).await,
            Err(code) => Err(code),
        };
        Ok(match found {
            Ok(addresses) => Ok(addresses.into_iter().map(types::IpAddress::from).collect()),
            Err(ErrorCode::AccessDenied) => Err(p3::ErrorCode::AccessDenied),
            Err(ErrorCode::InvalidArgument) => Err(p3::ErrorCode::InvalidArgument),
            Err(ErrorCode::TemporaryResolverFailure) => {
                Err(p3::ErrorCode::TemporaryResolverFailure)
            }
            Err(_) => Err(p3::ErrorCode::NameUnresolvable),
        })
    }
}
