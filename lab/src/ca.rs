//! The lab's own certificate authority and the keys of its servers. Fresh at each start; never trusted outside the lab.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256,
};

use crate::LabError;

/// Every name under which a server on loopback is reached. A zone is at `<subdomain>.localhost`, but only Go's clients
/// take the wildcard: OpenSSL and rustls want two labels behind it. The zone header is the way in for everybody.
pub(crate) const LOOPBACK: [&str; 4] = ["localhost", "*.localhost", "127.0.0.1", "::1"];

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

/// An authority that signs server certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its private key, both PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// How a server certificate departs from a good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    /// For as long as the lab may live.
    Now,
    /// It ended years ago.
    Ended,
}

impl Authority {
    /// Makes a new authority of this name.
    pub(crate) fn new(name: &str) -> Result<Self, LabError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, key).map_err(failed)? })
    }

    /// The authority's certificate.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Signs a server certificate for these names and addresses.
    pub(crate) fn server(&self, names: &[&str], validity: Validity) -> Result<Identity, LabError> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, "uaapply lab");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let from = match validity {
            // A day early, for clocks that are not quite right; macOS refuses certificates for more than 825 days.
            Validity::Now => SystemTime::now() - 24 * HOUR,
            Validity::Ended => SystemTime::UNIX_EPOCH + (2018 - 1970) * 365 * 24 * HOUR,
        };
        params.not_before = from.into();
        params.not_after = (from + 365 * 24 * HOUR).into();
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Writes the authority's certificate as `ca.pem`.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf, LabError> {
        let path = folder.join("ca.pem");
        fs::write(&path, self.pem()).map_err(LabError::io(format!("cannot write {}", path.display())))?;
        Ok(path)
    }
}

/// UAA's key as a SAML service provider: RSA, and in the old PKCS#1 form, which is all that UAA 4 reads.
pub(crate) fn service_provider() -> Result<Identity, LabError> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).map_err(failed)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "uaapply lab service provider");
    let certificate = params.self_signed(&key).map_err(failed)?;
    let der = key.serialize_der();
    let inner =
        pkcs1(&der).ok_or_else(|| LabError::Unexpected("a new RSA key is not in PKCS#8 form".into()))?;
    let encoding = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let key = pem::encode_config(&pem::Pem::new("RSA PRIVATE KEY", inner), encoding);
    Ok(Identity { certificate: certificate.pem(), key })
}

/// The PKCS#1 key inside PKCS#8: `SEQUENCE { INTEGER 0, SEQUENCE algorithm, OCTET STRING key }`.
fn pkcs1(pkcs8: &[u8]) -> Option<&[u8]> {
    let (0x30, body, _) = element(pkcs8)? else { return None };
    let (0x02, _, rest) = element(body)? else { return None };
    let (0x30, _, rest) = element(rest)? else { return None };
    let (0x04, key, _) = element(rest)? else { return None };
    Some(key)
}

/// One DER element: its tag, its contents, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (
            bytes
                .iter()
                .try_fold(0_usize, |length, &byte| length.checked_mul(256)?.checked_add(usize::from(byte)))?,
            rest,
        )
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

fn failed(error: rcgen::Error) -> LabError {
    LabError::Unexpected(format!("cannot make a certificate: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{Authority, LOOPBACK, Validity, element, service_provider};

    #[test]
    fn the_service_providers_key_is_pkcs1_of_2048_bits() {
        let made = service_provider().expect("a key");
        assert!(made.key.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"), "{}", &made.key[..40]);
        let der = pem::parse(&made.key).expect("PEM").into_contents();
        let (_, body, _) = element(&der).expect("a sequence");
        let (_, version, rest) = element(body).expect("a version");
        let (tag, modulus, _) = element(rest).expect("a modulus");
        assert_eq!((version, tag, modulus.len()), (&[0][..], 2, 257));
    }

    #[test]
    fn a_length_beyond_the_end_is_no_element() {
        assert_eq!(element(&[0x30, 0x05, 0x01]), None);
        assert_eq!(element(&[0x30, 0x84, 0xff, 0xff]), None);
        assert_eq!(element(&[]), None);
    }

    #[test]
    fn an_authority_signs_servers_good_and_expired() {
        let authority = Authority::new("test").expect("an authority");
        for validity in [Validity::Now, Validity::Ended] {
            let identity = authority.server(&LOOPBACK, validity).expect("a certificate");
            assert!(
                identity.certificate.contains("BEGIN CERTIFICATE") && identity.key.contains("PRIVATE KEY")
            );
        }
    }
}
