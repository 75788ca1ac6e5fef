//! A software authenticator: makes and shows passkeys as a browser and a device together would, from the JSON
//! the server sends to the JSON the server is sent. Every byte can be changed before it is signed
//! ([`Draft`]) and after, which real ones do not let you do.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Present, verified.
pub const FLAGS: u8 = 0b0000_0101;
/// A new key follows.
pub const ATTESTED: u8 = 0b0100_0000;
/// Can be copied, and is.
pub const SYNCED: u8 = 0b0001_1000;

/// Bytes as the JSON forms have them.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of such a text.
pub fn from_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// One passkey on one device.
#[derive(Clone)]
pub struct Authenticator {
    key: SigningKey,
    /// Where its browser is.
    pub origin: String,
    /// The credential's id.
    pub credential: Vec<u8>,
    /// The account's handle, known since the key was made.
    pub handle: Vec<u8>,
    /// Signatures so far; stays zero when `counts` is false.
    pub counter: u32,
    /// Whether it has a counter.
    pub counts: bool,
    /// Flags besides those of a ceremony.
    pub flags: u8,
    /// The device's model.
    pub aaguid: [u8; 16],
}

/// What is about to be signed or sent.
#[derive(Clone, Debug)]
pub struct Draft {
    /// `clientDataJSON`.
    pub client_data: String,
    /// The authenticator's data.
    pub data: Vec<u8>,
    /// The user handle.
    pub handle: Option<Vec<u8>>,
    /// The credential's id.
    pub credential: Vec<u8>,
}

impl Draft {
    /// Puts one text for another in the client's data.
    #[must_use]
    pub fn with(mut self, from: &str, to: &str) -> Self {
        assert!(self.client_data.contains(from), "{from} is not there");
        self.client_data = self.client_data.replacen(from, to, 1);
        self
    }

    /// Changes the authenticator's data.
    #[must_use]
    pub fn data(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.data);
        self
    }
}

impl Authenticator {
    /// A device with a key of its own, the same for the same seed.
    pub fn new(origin: &str, seed: u8) -> Self {
        let secret: [u8; 32] = Sha256::digest([b'k', seed]).into();
        Self {
            key: SigningKey::from_slice(&secret).expect("a hash is a key"),
            origin: origin.to_owned(),
            credential: Sha256::digest([b'c', seed]).to_vec(),
            handle: Vec::new(),
            counter: 0,
            counts: true,
            flags: 0,
            aaguid: [0; 16],
        }
    }

    /// The public key as an uncompressed point: for keys of browsers, which are no passkeys.
    pub fn point(&self) -> Vec<u8> {
        self.key
            .verifying_key()
            .to_sec1_point(false)
            .as_bytes()
            .to_vec()
    }

    /// A bare signature of a text as `WebCrypto` gives it: r and s, 64 bytes.
    pub fn raw(&self, text: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(text);
        signature.to_bytes().to_vec()
    }

    /// The public key in COSE: ES256 on P-256.
    pub fn cose(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_sec1_point(false);
        let point = point.as_bytes();
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend(&point[1..33]);
        cose.extend([0x22, 0x58, 0x20]);
        cose.extend(&point[33..65]);
        cose
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let challenge = options["challenge"].as_str().expect("a challenge");
        format!(
            r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{}","crossOrigin":false}}"#,
            self.origin
        )
    }

    fn header(&self, relying_party: &str, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(relying_party.as_bytes()).to_vec();
        data.push(flags | self.flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn count(&mut self) {
        if self.counts {
            self.counter = self.counter.wrapping_add(1);
        }
    }

    /// What it would say to the options of a new key.
    pub fn draft_new(&mut self, options: &Value) -> Draft {
        self.handle = from_base64url(options["user"]["id"].as_str().expect("a handle"));
        self.count();
        let mut data = self.header(
            options["rp"]["id"].as_str().expect("a site"),
            FLAGS | ATTESTED,
        );
        data.extend(self.aaguid);
        let length = u16::try_from(self.credential.len()).expect("a short id");
        data.extend(length.to_be_bytes());
        data.extend(&self.credential);
        data.extend(self.cose());
        Draft {
            client_data: self.client_data("webauthn.create", options),
            data,
            handle: None,
            credential: self.credential.clone(),
        }
    }

    /// The attestation object of a draft: no attestation.
    pub fn object(data: &[u8]) -> Vec<u8> {
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xa0, 0x68]);
        object.extend(b"authData");
        object.push(0x59);
        object.extend(u16::try_from(data.len()).expect("short data").to_be_bytes());
        object.extend(data);
        object
    }

    /// The answer of a draft for a new key.
    pub fn send_new(&self, draft: &Draft) -> Value {
        json!({
            "id": base64url(&draft.credential),
            "rawId": base64url(&draft.credential),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "clientDataJSON": base64url(draft.client_data.as_bytes()),
                "attestationObject": base64url(&Self::object(&draft.data)),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    /// Makes the key.
    pub fn create(&mut self, options: &Value) -> Value {
        let draft = self.draft_new(options);
        self.send_new(&draft)
    }

    /// What it would sign to the options of a sign-in or a proof.
    pub fn draft(&mut self, options: &Value) -> Draft {
        self.count();
        Draft {
            client_data: self.client_data("webauthn.get", options),
            data: self.header(options["rpId"].as_str().expect("a site"), FLAGS),
            handle: Some(self.handle.clone()),
            credential: self.credential.clone(),
        }
    }

    /// The answer of a draft, genuinely signed.
    pub fn sign(&self, draft: &Draft) -> Value {
        let mut signed = draft.data.clone();
        signed.extend(Sha256::digest(draft.client_data.as_bytes()));
        let signature: Signature = self.key.sign(&signed);
        json!({
            "id": base64url(&draft.credential),
            "rawId": base64url(&draft.credential),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(draft.client_data.as_bytes()),
                "authenticatorData": base64url(&draft.data),
                "signature": base64url(signature.to_der().as_bytes()),
                "userHandle": draft.handle.as_deref().map(base64url),
            },
        })
    }

    /// Shows the key.
    pub fn get(&mut self, options: &Value) -> Value {
        let draft = self.draft(options);
        self.sign(&draft)
    }
}
