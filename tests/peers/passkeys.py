"""A second opinion on passkeys: python-fido2 (Yubico) judges the bytes that our server judged.

Reads JSON from standard input:
  {"rp_id", "registration": {"challenge", "answer"}, "assertions": [{"challenge", "answer"}, …]}
with answers as `PublicKeyCredential.toJSON` gives them. Writes JSON: the credential that was made and, for
each assertion, "right" or why not.
"""

import json
import sys

from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialRpEntity

asked = json.load(sys.stdin)
party = PublicKeyCredentialRpEntity(id=asked["rp_id"], name=asked["rp_id"])
# Its own rule of origins knows HTTPS only; the demo is at http://localhost.
server = Fido2Server(party, verify_origin=lambda origin: origin == asked["origin"])


def state(challenge):
    return {"challenge": challenge, "user_verification": "required"}


made = asked["registration"]
data = server.register_complete(state(made["challenge"]), made["answer"])
credential = data.credential_data


def judge(shown):
    try:
        server.authenticate_complete(state(shown["challenge"]), [credential], shown["answer"])
        return "right"
    except ValueError as why:
        return str(why)


json.dump(
    {
        "credential": credential.credential_id.hex(),
        "algorithm": credential.public_key[3],
        "aaguid": bytes(credential.aaguid).hex(),
        "verified": data.is_user_verified(),
        "assertions": [judge(shown) for shown in asked["assertions"]],
    },
    sys.stdout,
)
