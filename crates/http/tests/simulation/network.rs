//! Hosts on a simulated network, whose packets are delayed, lost and held as the seed says.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use turmoil_net::shim::tokio::net::{TcpListener, TcpStream};
use turmoil_net::{EnterGuard, HostId, KernelConfig, Net, Packet, Transport};

/// A segment is sent again when its host's packets have been taken so many times and it was not acknowledged. Where no segment is
/// lost, none is.
const RETRANSMIT: u32 = 60;

/// How often packets are taken at least, as long as one may have to be sent again.
const TICK: Duration = Duration::from_millis(2);

/// What a host receives before its program reads it. A window that closed is opened again by a read of half of it at least.
pub(crate) const RECEIVE_BUFFER: usize = 16 * 1024;

/// Some packets for a large body, rather than a hundred.
const MTU: u32 = 4096;

const PORT: u16 = 8000;

/// What the network does to packets.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    /// Up to so long a packet is on its way.
    pub(crate) latency: Duration,
    /// Which part of the segments with data is lost.
    pub(crate) loss: f64,
    /// What a server's program may write before its peer receives it, in bytes.
    pub(crate) send_buffer: usize,
    /// The links of clients, by the number of the client's host: when all their packets wait for the end of the time.
    pub(crate) holds: Vec<(usize, Range<Duration>)>,
    /// From when on nothing arrives any more.
    pub(crate) cuts: Vec<(usize, Duration)>,
}

/// One server and its clients' hosts. There is one network a thread.
pub(crate) struct Network {
    guard: EnterGuard,
    conditions: Conditions,
    rng: Rng,
    server: HostId,
    clients: Vec<HostId>,
    /// Told when a program used a socket: there may be packets to take.
    used: Arc<Notify>,
    began: Option<Instant>,
    sent: u64,
    on_their_way: BTreeMap<(Duration, u64), Packet>,
    /// When the last packet from one host to another arrives: a link keeps their order.
    last: HashMap<(IpAddr, IpAddr), Duration>,
    /// How many times packets have been taken since there was one.
    quiet: u32,
    trace: DefaultHasher,
}

impl Network {
    /// A network of so many clients' hosts, for a Tokio runtime whose clock is paused. It has to outlive that, which drops sockets.
    pub(crate) fn start(clients: usize, conditions: Conditions, rng: Rng) -> Self {
        let retransmit = if conditions.loss > 0.0 { RETRANSMIT } else { u32::MAX };
        let config = KernelConfig::default().mtu(MTU).retx_threshold(retransmit).retx_max(u32::MAX);
        let mut net = Net::with_config(config.send_buf_cap(conditions.send_buffer).recv_buf_cap(RECEIVE_BUFFER));
        let server = net.add_host(server_ip());
        let clients = (0..clients).map(|client| net.add_host(client_ip(client))).collect();
        Self {
            guard: net.enter(),
            conditions,
            rng,
            server,
            clients,
            used: Arc::default(),
            began: None,
            sent: 0,
            on_their_way: BTreeMap::new(),
            last: HashMap::new(),
            quiet: 0,
            trace: DefaultHasher::new(),
        }
    }

    /// Listens on the server's host.
    pub(crate) async fn listen(&self) -> OnHost<TcpListener> {
        let host = Host { id: self.server, used: self.used.clone() };
        host.run(TcpListener::bind(SocketAddr::new(IpAddr::from([0; 4]), PORT))).await.unwrap()
    }

    /// The host of a client.
    pub(crate) fn client(&self, client: usize) -> Host {
        Host { id: self.clients[client], used: self.used.clone() }
    }

    /// Lets all programs run until one uses a socket or a packet arrives. Dropping the future loses nothing.
    pub(crate) async fn tick(&mut self) {
        let began = *self.began.get_or_insert_with(Instant::now);
        let is_sent_again = self.conditions.loss > 0.0 && self.quiet <= RETRANSMIT;
        let tick = began.elapsed() + if is_sent_again { TICK } else { Duration::from_secs(1) };
        let arrival = self.on_their_way.keys().next().map_or(tick, |(arrives, _)| *arrives);
        tokio::select! {
            biased;
            () = self.used.notified() => {}
            () = sleep_until(began + tick.min(arrival)) => {}
        }
        let now = began.elapsed();
        self.quiet = self.quiet.saturating_add(1);
        let mut packets = Vec::new();
        self.guard.egress_all(&mut packets);
        for packet in packets {
            self.send(packet, now);
        }
        while let Some(due) = self.on_their_way.first_entry().filter(|due| due.key().0 <= now) {
            self.guard.deliver(due.remove());
            // It may have opened a window, or wants to be acknowledged.
            self.used.notify_one();
            // Or else its receiver sees more than one at once.
            if self.rng.bool() {
                yield_now().await;
            }
        }
    }

    /// What has been sent when, as a number.
    pub(crate) fn trace(&self) -> u64 {
        self.trace.finish()
    }

    fn send(&mut self, packet: Packet, now: Duration) {
        let Transport::Tcp(segment) = &packet.payload else { return };
        let length = segment.payload.len();
        (now, packet.src, packet.dst, segment.src_port, segment.dst_port, segment.seq, length).hash(&mut self.trace);
        let client = if packet.src == server_ip() { packet.dst } else { packet.src };
        let of_client = |number: usize| client_ip(number) == client;
        // An acknowledgment or a reset is not sent again, and a closed window is never probed: neither is lost.
        let is_sent_again = length > 0 || segment.flags.syn || segment.flags.fin;
        if self.conditions.cuts.iter().any(|(number, from)| of_client(*number) && *from <= now) {
            return;
        }
        self.quiet = 0;
        if is_sent_again && self.rng.f64() < self.conditions.loss {
            return;
        }
        let mut arrives = now + self.conditions.latency.mul_f64(self.rng.f64());
        for (number, hold) in &self.conditions.holds {
            if of_client(*number) && hold.contains(&now) {
                arrives = arrives.max(hold.end);
            }
        }
        let last = self.last.entry((packet.src, packet.dst)).or_default();
        arrives = arrives.max(*last);
        *last = arrives;
        self.sent += 1;
        self.on_their_way.insert((arrives, self.sent), packet);
    }
}

fn server_ip() -> IpAddr {
    [10, 0, 0, 1].into()
}

fn client_ip(client: usize) -> IpAddr {
    [10, 0, 1, client as u8].into()
}

#[derive(Clone)]
pub(crate) struct Host {
    id: HostId,
    used: Arc<Notify>,
}

impl Host {
    /// Connects to the server.
    pub(crate) async fn connect(&self) -> io::Result<OnHost<TcpStream>> {
        self.run(TcpStream::connect(SocketAddr::new(server_ip(), PORT))).await
    }

    async fn run<T>(&self, call: impl Future<Output = io::Result<T>>) -> io::Result<OnHost<T>> {
        Ok(self.owns(self.owns(Box::pin(call)).await?))
    }

    fn owns<T>(&self, inner: T) -> OnHost<T> {
        OnHost { host: self.clone(), inner }
    }
}

/// A socket, or a call that makes one, of this host. The network has to be told on behalf of which host it is called.
pub(crate) struct OnHost<T> {
    host: Host,
    inner: T,
}

impl<T> OnHost<T> {
    fn enter(&mut self) -> &mut T {
        turmoil_net::set_current(self.host.id);
        &mut self.inner
    }

    /// Notes that there may be packets to take.
    fn used<R>(&self, result: Poll<R>) -> Poll<R> {
        self.host.used.notify_one();
        result
    }
}

/// Before what is within is dropped, which closes it.
impl<T> Drop for OnHost<T> {
    fn drop(&mut self) {
        self.enter();
        self.host.used.notify_one();
    }
}

impl<F: Future + Unpin> Future for OnHost<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let result = Pin::new(self.enter()).poll(context);
        self.used(result)
    }
}

impl Listener for OnHost<TcpListener> {
    type Io = OnHost<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, peer) = poll_fn(|context| self.enter().poll_accept(context)).await.unwrap();
        (self.host.owns(stream), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::new(server_ip(), PORT))
    }
}

impl AsyncRead for OnHost<TcpStream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(self.enter()).poll_read(context, buffer) {
            Poll::Pending => Poll::Pending,
            ready => self.used(ready),
        }
    }
}

impl AsyncWrite for OnHost<TcpStream> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(self.enter()).poll_write(context, bytes);
        self.used(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.enter()).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(self.enter()).poll_shutdown(context);
        self.used(result)
    }
}
