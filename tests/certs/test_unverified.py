"""What status says of a bundle that holds a CA, but not ours."""

from __future__ import annotations

from certs.rotate import look
from tests.certs.build import ca
from tests.certs.test_rotate import RENEW, started


def test_a_bundle_with_another_ca_alone_does_not_verify_the_certificate() -> None:
    api = started()
    assert look(api, RENEW, api.clock.moment).unverified == ()
    api.register("pods.gate", "guards.gate", ca_bundle=ca(40).cert_pem)
    found = look(api, RENEW, api.clock.moment).unverified
    assert [(hook.name, why) for hook, why in found] == [
        (name, "its caBundle does not verify the certificate")
        for _ in ("mutating", "validating")
        for name in ("pods.gate", "guards.gate")
    ]
