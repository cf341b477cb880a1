//! [`Tunnel`]: TLS for clients that know none: what connects to it is carried to a TLS listener, with a certificate.

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::{io, net::SocketAddr, sync::Arc, thread};
use tokio::{io::copy_bidirectional, net::TcpListener, net::TcpStream, sync::oneshot};
use tokio_rustls::TlsConnector;

/// A way through TLS; it goes when it is dropped, with every connection in it.
pub struct Tunnel {
    /// Where plain clients connect to.
    pub address: SocketAddr,
    _end: oneshot::Sender<()>,
}

/// TLS of a client that trusts the first authority in `trust` (PEM) and shows the key and certificate in `own` (PEM).
pub fn client_config(trust: &str, own: Option<&str>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let all: Vec<_> = CertificateDer::pem_slice_iter(trust.as_bytes()).map(Result::unwrap).collect();
    // In a bundle the authority comes last.
    roots.add(all.last().unwrap().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    }
}

impl Tunnel {
    /// To a TLS listener.
    pub fn open(to: SocketAddr, config: ClientConfig) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let connector = TlsConnector::from(Arc::new(config));
                let carry = async {
                    loop {
                        let (plain, _) = listener.accept().await.unwrap();
                        tokio::spawn(carry(plain, to, connector.clone()));
                    }
                };
                tokio::select! {
                    () = carry => {}
                    _ = ended => {}
                }
            });
        });
        Self { address: told.recv().unwrap(), _end: end }
    }
}

async fn carry(mut plain: TcpStream, to: SocketAddr, connector: TlsConnector) -> io::Result<()> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut tls = connector.connect(ServerName::IpAddress(to.ip().into()), stream).await?;
    copy_bidirectional(&mut plain, &mut tls).await?;
    Ok(())
}
